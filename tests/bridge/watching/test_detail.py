from __future__ import annotations

import time

import pytest
from fakes.watching import event, evse, fleet, frame, limit, meter, node, say, session, station

from bridge.watching.overview import Overview
from bridge.watching.ports import Link
from bridge.watching.shapes import Answer
from bridge.watching.tracing import Reach


@pytest.fixture
def charging():
    known = fleet("garage", "office")
    station(known, "garage", identity="CP 1", queued_messages=2, network=False)
    evse(known, "garage", status="Charging", charging=True, plugged=True, id_tag="04A2B3C4", authorized=True, ev="zoe")
    meter(known, "garage", power_w=7360.0, energy_wh=5000.0, current_l1_a=32.0, soc_pct=45.0)
    limit(known, "garage", allowed=True, limit_a=32.0, limit_w=7360.0, phases=1, source="TxProfile", profile_id=7)
    session(known, "garage", active=True, started_at=time.time() - 60, energy_wh=900.0, transaction_id=17)
    return known


async def test_a_twin_with_all_that_is_known(watching, charging):
    event(charging, "garage", "plugged")
    async with watching(charging) as screen:
        await screen.press("enter")
        frame(charging, "garage", "sent", '[2,"1","Heartbeat",{}]')
        frame(charging, "garage", "received", '[3,"1",{"currentTime":"x"}]', at="2026-03-01T12:00:00.012Z")
        text = await screen.text()
    for words in (
        "garage  CP 1  Acme Wall 11 1.0  ● connected",
        "queue 2  mains on  network OFF",
        "Status  ▶ Charging",
        "Car     plugged, wants energy (",
        "Card    04A2B3C4",
        "0.900 kWh  no. 17",
        "Power   7.36 kW  32.0 A",
        "Meter   5.000 kWh  battery 45 %",
        "Limit   7.36 kW  32 A 1~",
        "set by  TxProfile 7",
        "cable plugged in",
        "→ Heartbeat {}",
        "← Heartbeat 12 ms",
        "-0:30",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("key", "topic", "fields"),
    [
        ("p", "garage/1/set/plugged", {"value": "OFF"}),
        ("s", "garage/1/cmd/stop", {}),
        ("v", "garage/1/set/ev_ready", {"value": "OFF"}),
        ("m", "garage/set/powered", {"value": "OFF"}),
        ("n", "garage/set/network", {"value": "ON"}),
        ("E", "garage/1/cmd/emergency_stop", {}),
        ("R", "garage/cmd/reset", {"value": "Hard"}),
    ],
)
async def test_keys_are_commands(watching, charging, key, topic, fields):
    async with watching(charging) as screen:
        await screen.press("enter", key)
        assert screen.line.asked == [(topic, fields)]


async def test_a_card_is_asked_for_and_remembered(watching, charging):
    async with watching(charging) as screen:
        await screen.press("enter", "c", "A", "B", "enter", "c")
        assert "Swipe a card" in await screen.text()
        await screen.press("enter", "c", "escape")
        swipe = ("garage/1/cmd/swipe", {"value": "AB"})
        assert screen.line.asked == [swipe, swipe]


async def test_the_card_that_charges_is_proposed_and_no_card_cannot_be_swiped(watching, charging):
    evse(charging, "garage", id_tag="CAFE0001")
    async with watching(charging) as screen:
        await screen.press("enter", "c", "enter")
        assert screen.line.asked == [("garage/1/cmd/swipe", {"value": "CAFE0001"})]
        await screen.press("c", "delete", "enter")
        assert "Swipe a card" in await screen.text()
        assert len(screen.line.asked) == 1


async def test_a_fault_is_chosen_and_cleared(watching, charging):
    async with watching(charging) as screen:
        await screen.press("enter", "f", "down", "enter")
        evse(charging, "garage", status="Faulted", error_code="GroundFailure")
        assert "✖ Faulted  GroundFailure" in await screen.text()
        await screen.press("f", "enter", "f", "escape")
        fault = "garage/1/set/fault"
        assert screen.line.asked == [(fault, {"value": "EVCommunicationError"}), (fault, {"value": "NoError"})]


async def test_what_became_of_a_command_is_told(watching, charging):
    async with watching(charging) as screen:
        await screen.press("enter", "s")
        assert "✔ stop at garage/1: ok" in await screen.text()
        screen.line.answer = Answer("", None, "error", "state_conflict", "no transaction runs at EVSE 1")
        await screen.press("s")
        assert "✖ stop at garage/1: state_conflict, no transaction runs at EVSE 1" in await screen.text()


async def test_one_of_several_evses_is_chosen(watching):
    known = fleet("office")
    evse(known, "office", 2, status="Reserved", reserved_for="CAFE0001", reservation_id=3)
    async with watching(known) as screen:
        await screen.press("enter")
        assert "EVSE 1 of 2" in await screen.text()
        await screen.press("2", "7")
        text = await screen.text()
        assert "EVSE 2 of 2" in text
        assert "reserved for CAFE0001" in text
        await screen.press("p")
        assert screen.line.asked[0][0] == "office/2/set/plugged"


async def test_frames_are_shown_whole_and_one_can_look_back(watching, charging):
    async with watching(charging, height=30) as screen:
        await screen.press("enter", "o")
        for number in range(100):
            frame(charging, "garage", "sent", f'[2,"{number}","DataTransfer",{{"data":"number {number}"}}]')
        text = await screen.text()
        assert "number 99" in text
        assert "CALL" in text
        await screen.press("pageup")
        frame(charging, "garage", "sent", '[2,"100","DataTransfer",{"data":"number 100"}]')
        text = await screen.text()
        assert "looking back, End goes on" in text
        assert "number 100" not in text
        await screen.press("end")
        assert "number 100" in await screen.text()
        await screen.press("home", "down", "up")
        assert "number 0" in await screen.text()
        await screen.press("escape")
        assert "EVSE 1" in await screen.text()
        await screen.press("escape")
        assert isinstance(screen.app.screen, Overview)
        assert screen.line.followed == ["garage", None]


async def test_why_there_are_no_frames_is_told(watching, charging):
    async with watching(charging, width=160, height=40) as screen:
        await screen.press("enter")
        assert "Asking the daemon for frames." in await screen.text()
        screen.line.reach = Reach(trouble=("node main does not trace on request",))
        assert "No frames: node main does not trace on request" in await screen.text()
        screen.line.reach, screen.line.link = Reach(), Link("lost", "gone")
        assert "No frames: there is no broker." in await screen.text()


async def test_a_twin_that_was_removed_leaves_a_sentence(watching, charging):
    async with watching(charging) as screen:
        await screen.press("enter")
        say(charging, "garage/state", "")
        assert "garage was removed. Esc goes back." in await screen.text()
        await screen.press("p", "escape")
        assert screen.line.asked == []
        assert "1 twin" in await screen.text()


async def test_a_twin_that_does_not_run_says_so(watching, charging):
    node(charging, online=False)
    async with watching(charging) as screen:
        await screen.press("enter")
        assert "· not running" in await screen.text()


async def test_large_and_small_terminals_are_filled(watching, charging):
    async with watching(charging, width=160, height=50) as screen:
        await screen.press("enter")
        large = await screen.lines()
        assert any("Volts   230 V" in line for line in large)
        assert large[-1].endswith("help")
        await screen.resize(80, 24)
        small = await screen.lines()
        assert len(small) == 24
        assert small[-1].endswith("? help")
