from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fakes.watching import fleet, node, station

from bridge.watching import looks
from bridge.watching.shapes import Session
from twin.model.terms import Status


@pytest.mark.parametrize(
    ("watts", "text"),
    [(0, "0.00 kW"), (7_360, "7.36 kW"), (999_990, "999.99 kW"), (1_234_567, "1,235 kW"), (11_040_000, "11.04 MW")],
)
def test_powers_fit_nine_cells(watts, text):
    assert looks.power(watts) == text
    assert len(text) <= 9


@pytest.mark.parametrize(
    ("watt_hours", "text"), [(0, "0.000 kWh"), (99_999, "99.999 kWh"), (100_000, "100.0 kWh"), (1e9, "1,000,000.0 kWh")]
)
def test_energies(watt_hours, text):
    assert looks.energy(watt_hours) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0:00"), (42, "0:42"), (723, "12:03"), (3_723, "1:02:03"), (183_840, "2 d 03:04")]
)
def test_durations(seconds, text):
    assert looks.duration(seconds) == text


def test_times():
    now = datetime(2026, 3, 1, 12, 0, 42, tzinfo=UTC)
    assert looks.lasts(Session(started_at="2026-03-01T12:00:00.000Z", duration_s=40.0), now) == "0:42"
    assert looks.lasts(Session()) == ""
    assert looks.clock("soon").strip() == ""
    assert looks.clock("2026-03-01T12:00:00Z").endswith(":00:00")


def test_every_status_has_a_sign_of_its_own_but_the_two_suspensions():
    assert set(looks.STATUSES) == {str(status) for status in Status}
    signs = {looks.status(name).plain.split()[0] for name in looks.STATUSES}
    assert len(signs) == len(looks.STATUSES) - 1
    assert looks.status("").plain == "· unknown"
    assert looks.status("Sleeping").plain == "· Sleeping"


def test_how_it_stands_with_the_central_system():
    known = fleet("garage")
    told = []
    for fields in ({}, {"registration": "Pending"}, {"connected": False}, {"powered": False}):
        station(known, "garage", **fields)
        told.append(looks.uplink(known.twins["garage"], known)[2])
    node(known, online=False)
    told.append(looks.uplink(known.twins["garage"], known)[2])
    assert told == ["connected", "Pending", "offline", "no mains", "not running"]


def test_one_thing_and_more():
    assert (looks.plural(1, "twin"), looks.plural(1_000, "twin")) == ("1 twin", "1,000 twins")


def test_a_session_of_a_clock_that_runs_ahead_has_lasted_as_long_as_its_twin_says():
    now = datetime(2026, 3, 1, 12, 0, 42, tzinfo=UTC)
    assert looks.lasts(Session(started_at="2026-03-01T15:00:00.000Z", duration_s=3723.0), now) == "1:02:03"
