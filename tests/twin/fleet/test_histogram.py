from twin.fleet.histogram import Histogram


def test_a_value_counts_below_its_bound_and_in_all_above():
    found = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        found.observe(value)
    assert list(found.cumulative()) == [(0.1, 2), (1.0, 3), (float("inf"), 4)]
    assert (found.count, found.sum) == (4, 7.65)


def test_nothing_was_counted():
    assert list(Histogram((1.0,)).cumulative()) == [(1.0, 0), (float("inf"), 0)]
