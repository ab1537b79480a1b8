from benchmarks import plots

MEDIANS = {
    "fleet/100": {"kib_each": 12.0, "bare_kib_each": 11.0},
    "fleet/1000": {"kib_each": 10.0, "command_p50_ms": 5.0, "command_p99_ms": 20.0},
}


def test_what_was_measured_is_drawn_the_same_each_time(tmp_path):
    assert plots.draw(MEDIANS, tmp_path / "a", "day") == ["day-growth.svg", "day-latency.svg"]
    plots.draw(MEDIANS, tmp_path / "b", "day")
    for name in ("day-growth.svg", "day-latency.svg"):
        drawn = (tmp_path / "a" / name).read_bytes()
        assert drawn == (tmp_path / "b" / name).read_bytes()
        assert len(drawn) < 100_000


def test_nothing_is_drawn_of_nothing(tmp_path):
    assert plots.draw({}, tmp_path, "day") == []
