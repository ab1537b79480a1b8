"""A chart of text: an area of what is drawn, and a line of what may be drawn, over the last minutes.

Takes two samples a column and knows nothing of twins. Units: W in, kW on the axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from bridge.watching import palette

_BLOCKS = " ▁▂▃▄▅▆▇█"
_NICE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_AXIS = 7
AREA = palette.AREA
LINE = f"bold {palette.WARN}"
_DIM = palette.DIM

Samples = Sequence[float | None]


def ceiling(value: float) -> float:
    """Return a round number that is not less than a value, for the upper end of an axis."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(nice * magnitude for nice in _NICE if nice * magnitude >= value * (1 - 1e-9))


def plot_width(width: int) -> int:
    """Return how many samples a chart of that width has room for."""
    return max(width - _AXIS - 1, 1)


def chart(drawn_w: Samples, allowed_w: Samples, span_s: float, height: int) -> list[Text]:
    """Draw a chart at most `height` lines high, two of them for the axis of time, one column a sample."""
    rows = max(height - 2, 1)
    rows -= rows % 2 if rows > 2 else 0  # so that half of the axis is the edge of a cell
    top = ceiling(max((value for value in (*drawn_w, *allowed_w) if value is not None), default=0.0) / 1000)
    drawn = [None if value is None else max(value, 0.0) / 1000 / top * rows for value in drawn_w]
    allowed = [None if value is None else max(value, 0.0) / 1000 / top * rows for value in allowed_w]
    lines = []
    for row in range(rows - 1, -1, -1):
        line = Text(_label(row, rows, top), _DIM)
        line.append("┤" if _has_tick(row, rows) else "│", _DIM)
        for power, limit in zip(drawn, allowed, strict=True):
            line.append(*_cell(row, rows, power, limit))
        lines.append(line)
    return [*lines, *_time_axis(len(drawn), span_s)]


def _cell(row: int, rows: int, power: float | None, limit: float | None) -> tuple[str, str]:
    filled = 0 if power is None else round((power - row) * 8)
    is_limit = limit is not None and row == min(max(math.ceil(limit - 1e-9) - 1, 0), rows - 1)
    if filled >= 8:
        return ("╌", f"{LINE} on {AREA}") if is_limit else ("█", AREA)
    if filled > 0:
        return _BLOCKS[filled], LINE if is_limit else AREA
    return ("╌", LINE) if is_limit else (" ", "")


def _has_tick(row: int, rows: int) -> bool:
    return row == rows - 1 or (rows >= 4 and row == rows // 2 - 1)


def _label(row: int, rows: int, top: float) -> str:
    if not _has_tick(row, rows):
        return " " * _AXIS
    value = top * (row + 1) / rows
    digits = 0 if top >= 100 else 1 if top >= 10 else 2
    return f"{value:>{_AXIS - 1},.{digits}f} "


def _time_axis(width: int, span_s: float) -> tuple[Text, Text]:
    ticks = 4 if width >= 64 else 2
    line, labels = ["─"] * width, [" "] * (width + _AXIS + 1)
    for tick in range(ticks):
        column = round(tick * (width - 1) / ticks)
        line[column] = "┬"
        label = _ago(span_s * (1 - tick / ticks))
        labels[_AXIS + 1 + column : _AXIS + 1 + column + len(label)] = label
    labels[-3:] = "now"
    zero = f"{'0':>{_AXIS - 1}} "
    return Text(f"{zero}└" + "".join(line), _DIM), Text("".join(labels[: width + _AXIS + 1]), _DIM)


def _ago(seconds: float) -> str:
    whole = round(seconds)
    return f"-{whole // 60}:{whole % 60:02}"
