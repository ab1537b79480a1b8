from bridge.tracing import Tracing


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_without_settings_and_requests_nobody_is_traced():
    assert "garage" not in Tracing()


def test_settings_are_globs_of_whole_ids():
    tracing = Tracing(["lot-00*", "office"])
    assert [twin in tracing for twin in ("lot-001", "lot-011", "office", "office-2", "my-office", "OFFICE")] == [
        True,
        False,
        True,
        False,
        False,
        False,
    ]


def test_who_was_asked_for_is_traced_for_that_long():
    clock = Clock()
    tracing = Tracing(clock=clock)
    tracing.start(["garage"], 10)
    clock.now = 9.9
    assert "garage" in tracing
    assert "office" not in tracing
    clock.now = 10.0
    assert "garage" not in tracing
    assert tracing._until == {}


def test_a_shorter_request_does_not_shorten_a_longer_one():
    clock = Clock()
    tracing = Tracing(clock=clock, calendar=lambda: 1_000.0)
    assert tracing.start(["garage"], 100) == 1_100.0
    assert tracing.start(["garage", "office"], 10) == 1_010.0
    clock.now = 50.0
    assert ("garage" in tracing, "office" in tracing) == (True, False)


def test_an_end_concerns_only_what_was_asked_for():
    tracing = Tracing(["garage"])
    tracing.start(["garage", "office"], 100)
    tracing.end(["garage", "office", "nobody"])
    assert ("garage" in tracing, "office" in tracing) == (True, False)


def test_times_that_are_over_are_forgotten_also_where_no_frame_comes():
    clock = Clock()
    tracing = Tracing(clock=clock)
    tracing.start(["gone"], 10)
    clock.now = 20.0
    tracing.start(["garage"], 10)
    assert list(tracing._until) == ["garage"]
