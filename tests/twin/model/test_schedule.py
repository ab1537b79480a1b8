"""What profiles say, against a second evaluation that goes second by second."""

from __future__ import annotations

import pytest
from fakes import naive_charging as naive
from fakes.profiles import DAY, MONDAY, instants, profile, profiles, stacks
from hypothesis import given
from hypothesis import strategies as st

from twin.model.schedule import NEVER, Layer, prevailing, said
from twin.model.terms import ProfileKind, Recurrency

BEGAN = float(MONDAY)


def limit(one, at, began=BEGAN):
    period, _ = said(Layer(one, began), at)
    return None if period is None else period.limit


def changes(one, at=BEGAN, began=BEGAN, count=4):
    """List when the profile may say something else, in seconds from `at`."""
    found, here = [], at
    for _ in range(count):
        _, until = said(Layer(one, began), here)
        if until == NEVER:
            break
        found.append(until - at)
        here = until
    return found


def test_sc_25_the_last_period_holds_until_duration_ends():
    one = profile((0, 10), (60, 20), starts_at=MONDAY, duration_s=100)
    assert [limit(one, MONDAY + s) for s in (-1, 0, 59, 60, 99, 100)] == [None, 10, 10, 20, 20, None]
    assert changes(one, BEGAN - 10) == [10, 70, 110]


def test_sc_25_periods_after_duration_are_not_executed():
    one = profile((0, 10), (60, 20), starts_at=MONDAY, duration_s=50)
    assert [limit(one, MONDAY + s) for s in (49, 50, 60, 10**6)] == [10, None, None, None]


def test_sc_25_without_duration_the_last_period_goes_on_and_on():
    assert limit(profile((0, 10), (60, 20), starts_at=MONDAY), MONDAY + 10**8) == 20


def test_sc_21_an_absolute_schedule_without_a_start_counts_from_the_start_of_charging():
    one = profile((0, 10), (60, 20), kind=ProfileKind.ABSOLUTE)
    assert [limit(one, BEGAN + 1000 + s, BEGAN + 1000) for s in (0, 59, 60)] == [10, 10, 20]


def test_sc_22_a_relative_schedule_ignores_a_start():
    one = profile((0, 10), (60, 20), kind=ProfileKind.RELATIVE, starts_at=MONDAY - 10_000)
    assert [limit(one, MONDAY + s) for s in (0, 59, 60)] == [10, 10, 20]


@pytest.mark.parametrize(("recurrency", "days"), [(Recurrency.DAILY, 1), (Recurrency.WEEKLY, 7)])
@pytest.mark.parametrize("cycles", [0, 1, 5, 700])
def test_sc_23_a_recurring_schedule_restarts_at_the_time_of_its_start(recurrency, days, cycles):
    one = profile((0, 10), (3600, 20), starts_at=MONDAY, recurrency=recurrency)
    start = MONDAY + cycles * days * DAY
    assert [limit(one, start + s) for s in (0, 3599, 3600, days * DAY - 1, days * DAY)] == [10, 10, 20, 20, 10]
    assert changes(one, float(start)) == [3600, days * DAY, days * DAY + 3600, 2 * days * DAY]


def test_sc_23_nothing_recurs_before_the_first_time():
    one = profile((0, 10), starts_at=MONDAY, recurrency=Recurrency.DAILY)
    assert limit(one, MONDAY - 1) is None
    assert changes(one, BEGAN - 5, count=1) == [5]


def test_sc_24_what_exceeds_the_recurrence_is_not_executed():
    one = profile((0, 10), (DAY + 60, 99), starts_at=MONDAY, recurrency=Recurrency.DAILY, duration_s=2 * DAY)
    assert [limit(one, MONDAY + s) for s in (DAY - 1, DAY, DAY + 60, DAY + 100)] == [10, 10, 10, 10]


def test_sc_24_between_two_recurrences_a_shorter_schedule_says_nothing():
    one = profile((0, 10), starts_at=MONDAY, recurrency=Recurrency.DAILY, duration_s=3600)
    assert [limit(one, MONDAY + s) for s in (3599, 3600, DAY - 1, DAY, DAY + 3600)] == [10, None, None, 10, None]
    assert changes(one) == [3600, DAY, DAY + 3600, 2 * DAY]


def test_sc_15_sc_20_validity_bounds_what_a_profile_says():
    one = profile(10, valid_from=BEGAN + 10, valid_to=BEGAN + 20)
    assert [limit(one, BEGAN + s) for s in (9, 10, 19, 20)] == [None, 10, 10, None]
    assert changes(one) == [10, 20]
    assert limit(profile(10), BEGAN) == 10


def test_sc_16_the_next_lower_level_rules_where_a_higher_one_says_nothing():
    high = profile((0, 10), starts_at=MONDAY + 10, duration_s=20, stack_level=2, id=2)
    low = profile(16, stack_level=1)
    stack = [Layer(high, BEGAN), Layer(low, BEGAN)]
    found = [prevailing(stack, BEGAN + s) for s in (0, 10, 30)]
    assert [(ruling.profile.id, until - BEGAN) for ruling, until in found] == [(1, 10), (2, 30), (1, NEVER)]


def test_sc_16_without_duration_the_highest_level_never_yields():
    stack = [Layer(profile(10, stack_level=2), BEGAN), Layer(profile(16, stack_level=1), BEGAN)]
    assert prevailing(stack, BEGAN + 10**9)[0].period.limit == 10


@given(profiles(), instants, st.integers(-60, 60).map(lambda seconds: float(MONDAY + seconds)))
def test_sc_15_to_sc_25_a_profile_says_what_the_naive_reading_says(one, at, began):
    period, until = said(Layer(one, began), at)
    assert period == naive.says(one, at, began)
    assert until > at
    # Until then nothing else is said.
    for second in range(int(at), int(min(until, at + 500))):
        assert naive.says(one, second, began) == period


@given(stacks(), st.integers(-60, 60).map(lambda seconds: float(MONDAY + seconds)))
def test_sc_15_sc_16_a_stack_rules_as_the_naive_reading_says(stack, began):
    layers = [Layer(one, began) for one in sorted(stack, key=lambda one: -one.stack_level)]
    until = 0.0
    for second in range(MONDAY, MONDAY + 500):
        if second >= until:
            ruling, until = prevailing(layers, second)
        assert naive.ruling(stack, second, began) == ruling
