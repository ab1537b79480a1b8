from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.link.backoff import Backoff


def test_without_jitter_it_doubles_up_to_the_cap():
    backoff = Backoff(3, 60, 0, Random(1))
    assert [backoff.next() for _ in range(7)] == [3, 6, 12, 24, 48, 60, 60]


def test_after_a_success_it_begins_again():
    backoff = Backoff(3, 60, 0, Random(1))
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 3


def test_stations_that_wait_longest_are_still_spread():
    backoff = Backoff(3, 60, 0.3, Random(1))
    delays = [backoff.next() for _ in range(100)][10:]
    assert max(delays) - min(delays) > 10


def test_two_stations_with_one_seed_wait_alike():
    one, other = (Backoff(3, 60, 0.3, Random(7)) for _ in range(2))
    assert [one.next() for _ in range(20)] == [other.next() for _ in range(20)]


@given(min_s=st.floats(0.001, 100), factor=st.floats(1, 1000), jitter=st.floats(0, 5), seed=st.integers())
def test_t_06_every_delay_is_between_the_shortest_and_the_longest(min_s, factor, jitter, seed):
    backoff = Backoff(min_s, min_s * factor, jitter, Random(seed))
    delays = [backoff.next() for _ in range(50)]
    assert all(min_s <= delay <= min_s * factor for delay in delays)
    assert delays[0] <= min_s * (1 + jitter)


def test_t_05_it_never_gives_up():
    backoff = Backoff(3, 60, 0.3, Random(1))
    for _ in range(10_000):
        delay = backoff.next()
    assert delay == pytest.approx(53, abs=7)
