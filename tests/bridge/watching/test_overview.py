from __future__ import annotations

import time

import pytest
from fakes.watching import FakeLine, evse, fleet, meter, node, session, station

from bridge.watching.detail import Detail
from bridge.watching.knowledge import Knowledge
from bridge.watching.ports import Link


def words(line):
    return " ".join(line.split())


async def test_twins_and_their_sums(watching):
    known = fleet("garage", "office")
    evse(known, "garage", status="Charging", charging=True)
    meter(known, "garage", power_w=7360.0, energy_wh=12_345.0)
    async with watching(known) as screen:
        lines = await screen.lines()
    assert words(lines[0]) == "ocpp-twin mqtt://broker:1883 ● connected, MQTT 5 main ● online"
    assert words(lines[1]) == "2 twins 2 connected 1 charging 7.36 kW 0 queued"
    assert words(lines[2]) == "Twin▼ CS EVSEs Power Energy Session Queue"
    assert words(lines[3]) == "garage ● ▶ Charging 7.36 kW 12.345 kWh 0"
    assert words(lines[4]) == "office ● ○ Available 0.00 kW 1.235 kWh 0"
    assert lines[-1].endswith("1–2 of 2")


async def test_a_wide_terminal_shows_more(watching):
    known = fleet("garage")
    session(known, "garage", active=True, started_at=time.time() - 60, energy_wh=900.0, id_tag="04A2B3C4")
    async with watching(known, width=160, height=50) as screen:
        text = await screen.text()
        assert "Central System" in text
        assert "0.900 kWh  04A2B3C4" in text
        assert "Acme Wall 11" in text
        await screen.resize(80, 24)
        assert "Acme" not in await screen.text()


async def test_what_is_new_is_shown(watching):
    known = fleet("garage")
    async with watching(known) as screen:
        assert "Preparing" not in await screen.text()
        evse(known, "garage", status="Preparing")
        station(known, "office")
        text = await screen.text()
        assert "◔ Preparing" in text
        assert "office" in text


async def test_the_cursor_stays_with_its_twin(watching):
    known = fleet("b", "c")
    async with watching(known) as screen:
        await screen.press("down")
        station(known, "a")
        await screen.text()
        await screen.press("enter")
        assert isinstance(screen.app.screen, Detail)
        assert screen.line.followed == ["c"]


async def test_thousands_can_be_gone_through(watching):
    known = fleet(*(f"lot-{number:04}" for number in range(1, 2001)))
    async with watching(known) as screen:
        assert (await screen.lines())[-1].endswith("1–20 of 2,000")
        await screen.press("end")
        lines = await screen.lines()
        assert "lot-2000" in lines[22]
        assert lines[-1].endswith("1,981–2,000 of 2,000")
        await screen.press("home", "pagedown", "pageup", "up")
        assert (await screen.lines())[3].strip().startswith("lot-0001")


async def test_a_filter_narrows_while_one_types_and_stays(watching):
    known = fleet("garage", "lot-1", "lot-2")
    evse(known, "lot-2", status="Faulted", error_code="GroundFailure")
    async with watching(known) as screen:
        await screen.press("slash", "l", "o", "t", "space", "f", "a")
        assert "lot-2" in await screen.text()
        assert "lot-1" not in await screen.text()
        await screen.press("enter")
        assert (await screen.lines())[-1].endswith("filter 'lot fa': 1–1 of 1")
        await screen.press("escape")
        assert (await screen.lines())[-1].endswith("1–3 of 3")


async def test_a_filter_that_nothing_fits_says_so(watching):
    async with watching(fleet("garage")) as screen:
        await screen.press("slash", "x")
        assert "Nothing of 1 twin matches 'x'. Esc clears the filter." in await screen.text()


async def test_columns_sort_by_key_and_click(watching):
    known = fleet("a", "b", "c")
    for twin, power in (("a", 1000.0), ("b", 3000.0), ("c", 2000.0)):
        meter(known, twin, power_w=power)

    def order(lines):
        return [line.split()[0] for line in lines[3:6]]

    async with watching(known) as screen:
        await screen.press("s", "s", "s")
        lines = await screen.lines()
        assert "Power▼" in lines[2]
        assert order(lines) == ["b", "c", "a"]
        await screen.press("S")
        assert order(await screen.lines()) == ["a", "c", "b"]
        await screen.click(2, 2)
        assert order(await screen.lines()) == ["a", "b", "c"]
        await screen.click(2, 2)
        assert order(await screen.lines()) == ["c", "b", "a"]


async def test_a_row_is_opened_by_a_double_click(watching):
    async with watching(fleet("a", "b")) as screen:
        await screen.click(2, 4, times=2)
        assert screen.line.followed == ["b"]


@pytest.mark.parametrize(
    ("link", "nodes", "said"),
    [
        (Link("connecting"), {}, "Connecting to mqtt://broker:1883"),
        (Link("lost", "nothing listens there"), {}, "nothing listens there"),
        (Link("connected", since=1e12), {}, "Waiting for what daemons publish below ocpp-twin/"),
        (Link("connected"), {}, "Nothing is published below ocpp-twin/"),
        (Link("connected", since=1e12), {"main": True}, "The daemon main is online. Waiting for its twins"),
        (Link("connected"), {"main": True}, "The daemon main is online and shows no twins"),
        (Link("connected"), {"main": False}, "The daemon main is offline"),
    ],
)
async def test_an_empty_screen_says_what_is_waited_for_and_what_to_check(watching, link, nodes, said):
    known, line = Knowledge("ocpp-twin"), FakeLine()
    line.link = link
    for name, online in nodes.items():
        node(known, name, online=online)
    async with watching(known, line=line) as screen:
        assert said in await screen.text()


async def test_a_lost_broker_has_a_banner_above_what_was_known(watching):
    async with watching(fleet("garage")) as screen:
        screen.line.link = Link("lost", "nothing listens at broker:1883")
        text = await screen.text()
        assert "nothing listens at broker:1883. Trying again; what is shown is what was known." in text.replace(
            "\n ", " "
        )
        assert "garage" in text
        screen.line.link = Link("connected", "", "5")
        assert "Trying again" not in await screen.text()
