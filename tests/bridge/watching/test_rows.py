from __future__ import annotations

import time

import pytest
from fakes.watching import evse, fleet, meter, session, station

from bridge.watching.rows import columns, gap, ordered, widths


def cell(known, title, width, *, table=80):
    column = next(one for one in columns(table) if one.title == title)
    return column.cell(known.twins["garage"], known, width).plain


@pytest.mark.parametrize("width", [80, 100, 139, 140, 160, 300])
def test_columns_fill_the_width(width):
    shown = columns(width)
    found = widths(shown, width)
    assert sum(found) + gap(width) * (len(found) - 1) + 2 == width
    assert all(size >= column.width for size, column in zip(found, shown, strict=True))


def test_every_evse_is_told_as_long_as_there_is_room():
    known = fleet("garage")
    evse(known, "garage", 1, status="Charging")
    assert cell(known, "EVSEs", 24) == "▶ Charging"
    evse(known, "garage", 2, status="Available")
    assert cell(known, "EVSEs", 24) == "▶ Charging   ○ Available"  # below those of a twin at rest
    assert cell(known, "EVSEs", 23) == "▶ Charging  ○ Available"
    assert cell(known, "EVSEs", 10) == "▶1 ○1"
    evse(known, "garage", 3, status="Available")
    assert cell(known, "EVSEs", 30) == "▶ 1 Charging  ○ 2 Available"


def test_sessions_are_told_short_and_long():
    known = fleet("garage")
    assert (cell(known, "Session", 8), cell(known, "Session", 28, table=160)) == ("", "")
    for number in (1, 2):
        fields = {"active": True, "started_at": time.time() - 65, "energy_wh": 900.0, "id_tag": "A"}
        session(known, "garage", number, **fields)
    assert cell(known, "Session", 8) in ("1:05 +1", "1:06 +1")
    assert cell(known, "Session", 28, table=160).endswith("0.900 kWh  A  +1")


def names(known, words=(), title="Twin", *, backwards=False, table=80):
    column = next(one for one in columns(table) if one.title == title)
    return [twin.id for twin in ordered(known, words, column, backwards=backwards)]


def test_order():
    known = fleet("a", "b", "c", "d")
    meter(known, "b", power_w=5_000.0)
    evse(known, "c", status="Faulted")
    evse(known, "d", status="Charging")
    station(known, "a", queued_messages=9)
    session(known, "b", active=True, started_at=1_700_000_000.0)
    assert names(known) == ["a", "b", "c", "d"]
    assert names(known, backwards=True) == ["d", "c", "b", "a"]
    assert names(known, title="Power") == ["b", "a", "c", "d"]
    assert names(known, title="EVSEs") == ["c", "d", "a", "b"]
    assert names(known, title="Queue") == ["a", "b", "c", "d"]
    assert names(known, title="Session") == ["b", "a", "c", "d"]
    for column in (*columns(80), *columns(160)):
        assert len(ordered(known, [], column, backwards=False)) == 4


def test_a_filter_looks_at_names_statuses_cards_and_the_connection():
    known = fleet("garage", "shed")
    station(known, "garage", identity="CP 1")
    evse(known, "garage", status="Faulted", error_code="GroundFailure", id_tag="04A2B3C4")
    station(known, "shed", connected=False)
    for words in (["gar"], ["cp 1"], ["FAULT"], ["ground"], ["04a2"], ["arag", "fault"]):
        assert names(known, words) == ["garage"], words
    assert names(known, ["offline"]) == ["shed"]
    assert names(known, ["garage", "offline"]) == []
    assert names(known, ["acme"]) == []
    assert names(known, ["wall"]) == ["garage", "shed"]
