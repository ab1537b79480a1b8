"""What each output profile publishes, with a handful of twins; `python -m benchmarks.output` counts ten thousand."""

import contextlib

import pytest

from benchmarks.output import NAMES, Lot, VirtualLoop, measured

TWINS = 30
MINUTES = 10


@pytest.fixture(scope="module")
def found():
    with contextlib.closing(VirtualLoop()) as loop:
        return loop.run_until_complete(measured(Lot(TWINS, loop), 20, MINUTES))


def test_each_profile_says_less_than_the_one_before(found):
    home, fleet, quiet = (found[name]["messages_a_second"] for name in NAMES)
    assert home > 20 * fleet > 100 * quiet > 0


def test_a_fleet_says_the_same_less_often(found):
    home, fleet = found["home"]["of"], found["fleet"]["of"]
    assert fleet["<n>/meter"] == pytest.approx(home["<n>/meter"] / 60, rel=0.2, abs=0.2)
    for kind in ("<n>/state", "<n>/limit", "event"):
        assert fleet.get(kind) == home.get(kind)
    assert found["fleet"]["retained_topics"] == found["home"]["retained_topics"] == TWINS * 11 + 3


def test_quiet_says_nothing_of_meters_and_limits(found):
    quiet = found["quiet"]
    assert set(quiet["of"]) <= {"state", "<n>/state", "<n>/session", "event"}
    assert quiet["retained_topics"] == TWINS * 6 + 3
    assert quiet["of"]["<n>/state"] == found["home"]["of"]["<n>/state"]
