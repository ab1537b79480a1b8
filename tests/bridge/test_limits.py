from __future__ import annotations

from bridge.limits import RateLimit


def test_a_burst_then_the_rate():
    limit = RateLimit(10, 5)
    assert [limit.admit("garage", 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert limit.admit("garage", 0.1)
    assert not limit.admit("garage", 0.1)


def test_twins_do_not_share():
    limit = RateLimit(1, 1)
    assert limit.admit("garage", 0.0)
    assert limit.admit("office", 0.0)


def test_it_never_holds_more_than_a_burst():
    limit = RateLimit(10, 2)
    limit.admit("garage", 0.0)
    assert [limit.admit("garage", 1_000.0) for _ in range(3)] == [True, True, False]


def test_full_buckets_are_forgotten():
    limit = RateLimit(1, 2)
    for number in range(5_000):
        limit.admit(str(number), number / 10)
    assert len(limit._buckets) < 5_000
