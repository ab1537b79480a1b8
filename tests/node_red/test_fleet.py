"""The flow for fleets: one word to many, and twins that come and go."""

import json

import pytest


@pytest.fixture
async def flow(red, read, demo, witness):
    await red.deploy(read("fleet", demo.port))
    return red


async def answer(flow, button, verb):
    """Press a button, and return the answer's data."""
    mark = flow.mark()
    await flow.press(button)
    text = await flow.debug("Done", lambda text: json.loads(text)["topic"] == f"bridge/main/request/{verb}", after=mark)
    found = json.loads(text)
    assert found["request_id"]
    return found["data"]


async def test_the_fleet_is_shown(flow):
    listed = await answer(flow, "List all twins", "list_twins")
    assert [twin["id"] for twin in listed["twins"]] == ["garage", "office", "plaza"]
    await flow.status("Done", lambda text: text == "3 twins")
    await flow.status("Statuses", lambda text: text == "Available 5")
    await flow.status("Daemon", lambda text: text == "online")
    await flow.status("Health", lambda text: text.endswith("of 3 connected"))


async def test_all_charge_and_stop_at_one_word(flow, witness):
    assert (await answer(flow, "All: plug in at EVSE 1", "set_many"))["ok"] == 3
    assert (await answer(flow, "All: swipe at EVSE 1", "cmd_many"))["ok"] == 3
    await flow.status("Done", lambda text: text == "3 of 3 ok")
    await flow.status("Statuses", lambda text: text == "Available 2, Charging 3")
    for twin in ("garage", "office", "plaza"):
        await witness.event(twin, "transaction_accepted")
    assert (await answer(flow, "All: stop button", "cmd_many"))["ok"] == 3
    assert (await answer(flow, "All: stop button", "cmd_many"))["refused"][0]["code"] == "state_conflict"
    mark = flow.mark()
    assert (await answer(flow, "All: unplug", "set_many"))["ok"] == 3
    await flow.status("Statuses", lambda text: text == "Available 5", after=mark)
    assert flow.complaints == []


async def test_some_lose_their_network(flow, witness):
    assert (await answer(flow, "Two lose the network", "set_many"))["matched"] == 2
    for twin in ("office", "plaza"):
        await witness.event(twin, "disconnected")
    mark = witness.mark()
    assert (await answer(flow, "…and have it back", "set_many"))["ok"] == 2
    for twin in ("office", "plaza"):
        await witness.event(twin, "connected", after=mark)
    assert (await answer(flow, "Reset all boxes", "cmd_many"))["ok"] == 3


async def test_ten_twins_come_and_go(flow, witness):
    await flow.press("Add ten twins")
    for number in range(1, 11):
        twin = f"nodered-{number}/state"
        await witness.until(twin, lambda state: state is not None and state["registration"] == "Accepted")
    await flow.status("Statuses", lambda text: text == "Available 15")
    assert (await answer(flow, "List nodered-*", "list_twins"))["total"] == 10
    assert (await answer(flow, "Restart the first", "restart_twin"))["id"] == "nodered-1"
    await flow.press("Remove the ten")
    await flow.status("Statuses", lambda text: text == "Available 5", after=flow.mark())
    await flow.press("Restart the first")
    assert "unknown_twin" in await flow.debug("Not done")
    assert flow.complaints == []
