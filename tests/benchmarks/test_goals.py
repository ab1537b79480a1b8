import math

import pytest

from benchmarks.goals import GOALS, Goal, counted, exponent, number, of, spread, table

MEDIANS = {
    "fleet/100": {"kib": 12.0, "start": 1.0},
    "fleet/1000": {"kib": 10.0, "start": 2.0},
    "fleet/10000": {"kib": 11.0, "start": 20.0, "bare": 22.0},
    "codec": {"us": 2.0, "bare": 1.0},
}


def goal(name="kib", part="fleet", **more):
    return Goal("title", "KiB", of(part, name), of(part, "bare"), **more)


def test_the_largest_number_of_twins_counts():
    assert counted(MEDIANS, "fleet") == [100, 1000, 10_000]
    assert goal().measured(MEDIANS) == (11.0, 22.0, 0.5)
    assert goal("us", "codec").measured(MEDIANS) == (2.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("more", "met"),
    [
        ({}, None),
        ({"limit": 11.0}, True),
        ({"limit": 10.9}, False),
        ({"limit": 0.5, "of_yardstick": True}, True),
        ({"limit": 0.4, "of_yardstick": True}, False),
        ({"limit": 11.0, "least": True}, True),
        ({"limit": 11.1, "least": True}, False),
    ],
)
def test_a_goal_is_met_or_not(more, met):
    assert goal(**more).met(MEDIANS) is met


def test_what_was_not_measured_is_neither():
    assert goal("other", limit=1.0).met(MEDIANS) is None
    assert goal("kib", "tls", limit=1.0).met(MEDIANS) is None
    assert all(goal.met({}) is None for goal in GOALS)


def test_growth():
    assert spread("fleet", "kib")(MEDIANS) == 1.2
    assert math.isnan(spread("fleet", "bare")(MEDIANS))
    assert exponent("fleet", "start")(MEDIANS) == pytest.approx(1.0)
    assert math.isnan(exponent("fleet", "bare")(MEDIANS))


def test_the_table_says_what_was_not_measured():
    lines = table({"store": {"row_us": 5.0, "bare_row_us": 100.0, "rows_per_s": 49_999.0}}).splitlines()
    assert "| CPU of a durable row, µs | 5 | 100 | 0.05 | ≤ 10 | yes |" in lines
    assert "| durable rows a second | 49,999 |  |  | ≥ 50,000 | **no** |" in lines
    assert "| memory of a twin, KiB | not measured |  |  | ≤ 1.0 × |  |" in lines
    assert len(lines) == 2 + len(GOALS)


def test_numbers_are_as_short_as_they_are_meant():
    assert [number(value) for value in (0.01234, 1.0, 99.96, 12345.6, math.nan)] == ["0.0123", "1", "100", "12,346", ""]
