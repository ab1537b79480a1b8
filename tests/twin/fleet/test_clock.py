from twin.fleet.clock import Clock


class Times:
    def __init__(self):
        self.wall, self.steady = 1_000_000.0, 50.0

    def pass_(self, seconds):
        self.wall += seconds
        self.steady += seconds

    def clock(self, **options):
        return Clock(wall=lambda: self.wall, steady=lambda: self.steady, **options)


def test_it_shows_the_walls_time_at_first():
    times = Times()
    clock = times.clock()
    times.pass_(10)
    assert clock.now() == 1_000_010.0


def test_it_never_begins_before_its_floor():
    assert Times().clock(floor=2_000_000.0).now() == 2_000_000.0
    assert Times().clock(floor=5.0).now() == 1_000_000.0


def test_it_does_not_follow_a_wall_clock_that_is_set_back():
    times = Times()
    clock = times.clock()
    times.wall -= 3600
    times.pass_(1)
    assert not clock.follow_wall()
    assert clock.now() == 1_000_001.0


def test_it_follows_a_wall_clock_that_is_set_forward():
    times = Times()
    clock = times.clock()
    times.wall += 3600
    assert clock.follow_wall()
    assert clock.now() == 1_003_600.0
    assert not clock.follow_wall()


def test_at_another_rate_the_wall_counts_no_more():
    times = Times()
    clock = times.clock(rate=60.0)
    times.pass_(1)
    times.wall += 3600
    assert not clock.follow_wall()
    assert clock.now() == 1_000_060.0


def test_a_new_rate_counts_from_now_on():
    times = Times()
    clock = times.clock()
    times.pass_(10)
    clock.set_rate(60.0)
    times.pass_(1)
    assert clock.rate == 60.0
    assert clock.now() == 1_000_070.0


def test_it_tells_when_the_loop_reaches_an_instant():
    times = Times()
    clock = times.clock(rate=2.0)
    assert clock.to_loop(1_000_010.0) == 55.0


def test_a_mark_covers_what_a_fast_clock_reaches_until_the_next():
    times = Times()
    assert times.clock().mark(10.0).floor == 1_000_000.0
    mark = times.clock(rate=60.0).mark(10.0)
    assert (mark.alive, mark.floor) == (1_000_000.0, 1_000_600.0)
