from __future__ import annotations

from bridge.watching.history import WINDOW_S, History


def test_nothing_is_known_before_the_first_value():
    history = History()
    assert history.began is None
    assert history.sampled(10.0, 10.0, 3) == [None, None, None]
    history.add(5.0, 5.0)
    assert history.began == 5.0
    assert history.sampled(10.0, 10.0, 3) == [None, 5.0, 5.0]


def test_a_value_stays_until_the_next():
    history = History()
    for at, value in ((0.0, 1.0), (10.0, 2.0), (20.0, 3.0)):
        history.add(value, at)
    assert history.sampled(20.0, 20.0, 5) == [1.0, 1.0, 2.0, 2.0, 3.0]


def test_values_that_follow_closely_are_one_but_the_newest_counts():
    history = History()
    for tenth in range(100):
        history.add(float(tenth), tenth / 10)
    assert len(history._at) <= 7
    assert history.sampled(9.9, 0.0, 1) == [99.0]


def test_what_is_too_old_goes_but_what_is_still_true_stays():
    history = History()
    for second in range(0, 10_000, 5):
        history.add(float(second), float(second))
    assert len(history._at) < WINDOW_S / 5 + 200
    assert history.sampled(9_995.0, WINDOW_S, 2) == [9_395.0, 9_995.0]
    still = History()
    still.add(7.0, 0.0)
    assert still.sampled(100_000.0, WINDOW_S, 2) == [7.0, 7.0]
