"""The goals, each with the figure and the yardstick that it is about, and whether it was met.

Knows figures by their names only: this also writes the README's table, where nothing is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Medians: TypeAlias = Mapping[str, Mapping[str, float]]
"""The figures of each part, by the part's name (`fleet/10000`, `codec`) and their own."""

Read: TypeAlias = Callable[[Medians], float]

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Goal:
    """Be a line of the table. `limit` is for the figure, or with `of_yardstick` for its ratio; None: there is no goal.

    With `least` the figure has to be at least the limit.
    """

    title: str
    unit: str
    figure: Read
    yardstick: Read | None = None
    limit: float | None = None
    of_yardstick: bool = False
    least: bool = False

    def measured(self, medians: Medians) -> tuple[float, float, float]:
        """Return figure, yardstick and their ratio; NaN for what was not measured."""
        ours = self.figure(medians)
        theirs = math.nan if self.yardstick is None else self.yardstick(medians)
        return ours, theirs, ours / theirs if theirs > 0 else math.nan

    def met(self, medians: Medians) -> bool | None:
        """Tell whether the goal was met; None where there is none, or nothing was measured."""
        ours, _, ratio = self.measured(medians)
        value = ratio if self.of_yardstick else ours
        if self.limit is None or math.isnan(value):
            return None
        return value >= self.limit if self.least else value <= self.limit


def of(part: str, name: str) -> Read:
    """Read a figure; of a part that was measured with several numbers of twins, with the largest."""
    return lambda medians: largest(medians, part).get(name, math.nan)


def longest(part: str, *names: str) -> Read:
    """Read the largest of several figures that were all measured; NaN if none was."""

    def read(medians: Medians) -> float:
        figures = largest(medians, part)
        return max((figures[name] for name in names if name in figures), default=math.nan)

    return read


def largest(medians: Medians, part: str) -> Mapping[str, float]:
    """Return the figures of a part with the largest number of twins that it was measured with."""
    counts = counted(medians, part)
    return medians[f"{part}/{counts[-1]}"] if counts else medians.get(part, {})


def counted(medians: Medians, part: str) -> list[int]:
    """Return the numbers of twins that a part was measured with, in order."""
    return sorted(int(name.partition("/")[2]) for name in medians if name.startswith(f"{part}/"))


def spread(part: str, name: str) -> Read:
    """Return by which factor a figure differs between numbers of twins, at most; NaN if there are not several."""

    def read(medians: Medians) -> float:
        values = [value for _, value in curve(medians, part, name)]
        return max(values) / min(values) if len(values) > 1 and min(values) > 0 else math.nan

    return read


def exponent(part: str, name: str) -> Read:
    """Return with which power of the number of twins a figure grows at the end: 1 is linear, 2 quadratic."""

    def read(medians: Medians) -> float:
        points = curve(medians, part, name)[-2:]
        if len(points) < 2 or min(value for _, value in points) <= 0:
            return math.nan
        (fewer, before), (more, after) = points
        return math.log(after / before) / math.log(more / fewer)

    return read


def curve(medians: Medians, part: str, name: str) -> list[tuple[int, float]]:
    """Return a figure for each number of twins that it was measured with."""
    found = ((count, medians[f"{part}/{count}"].get(name, math.nan)) for count in counted(medians, part))
    return [(count, value) for count, value in found if not math.isnan(value)]


_ECHO = of("fleet", "bare_echo_us")

GOALS: Sequence[Goal] = (
    Goal("memory of a twin", "KiB", of("fleet", "kib_each"), of("fleet", "bare_kib_each"), 1.0, of_yardstick=True),
    Goal("the same with TLS", "KiB", of("tls", "tls_kib_each"), of("tls", "bare_tls_kib_each"), 1.3, of_yardstick=True),
    Goal(
        "CPU of an exchange with its state on MQTT and its durable row",
        "µs",
        of("fleet", "meters_us"),
        _ECHO,
        1.0,
        of_yardstick=True,
    ),
    Goal("such exchanges that came, of those that were due", "", of("fleet", "meters_of_due"), None, 0.99, least=True),
    Goal("MQTT messages for each of them", "", of("fleet", "meters_messages_each"), None, 1.0, least=True),
    Goal("CPU of an exchange alone (heartbeats)", "µs", of("fleet", "exchange_us"), _ECHO),
    Goal("CPU of an MQTT command with all that follows", "µs", of("fleet", "command_us"), _ECHO),
    Goal("start, until all are accepted", "s", of("fleet", "boot_s"), of("fleet", "bare_connect_s"), 8.0),
    Goal("failed handshakes meanwhile", "", of("fleet", "handshakes_failed"), None, 0.0),
    Goal(
        "longest stall in steady state",
        "ms",
        longest("fleet", *(f"{phase}_stall_ms" for phase in ("idle", "exchange", "command", "meters"))),
        None,
        50.0,
    ),
    Goal("MQTT command until OCPP frame, p50", "ms", of("fleet", "command_p50_ms"), None, 15.0),
    Goal("MQTT command until OCPP frame, p99", "ms", of("fleet", "command_p99_ms"), None, 60.0),
    Goal(
        "message codec with validation",
        "µs",
        of("codec", "codec_us"),
        of("codec", "bare_codec_us"),
        3.0,
        of_yardstick=True,
    ),
    Goal(
        "MQTT state message, QoS 0",
        "µs",
        of("publish", "state_qos0_us"),
        of("publish", "bare_state_qos0_us"),
        10.0,
    ),
    Goal(
        "MQTT state message, QoS 1",
        "µs",
        of("publish", "state_qos1_us"),
        of("publish", "bare_state_qos1_us"),
        25.0,
    ),
    Goal("CPU of a durable row", "µs", of("store", "row_us"), of("store", "bare_row_us"), 10.0),
    Goal(
        "durable rows a second",
        "",
        of("store", "rows_per_s"),
        of("store", "bare_rows_per_s"),
        50_000.0,
        least=True,
    ),
    Goal("idle twin, CPU in a second", "µs", of("fleet", "idle_us_per_s"), None, 1.0),
    Goal("1,000 twins' day in virtual time, CPU", "s", of("day", "day_s"), None, 60.0),
    Goal("memory of a twin, most over least N", "", spread("fleet", "kib_each"), spread("fleet", "bare_kib_each"), 1.2),
    Goal("CPU of an exchange, the same", "", spread("fleet", "exchange_us"), spread("fleet", "bare_echo_us"), 1.2),
    Goal("CPU of the start grows with N to the power", "", exponent("fleet", "boot_cpu_s"), None, 1.2),
    Goal("reload", "s", of("fleet", "reload_s"), None, 5.0),
    Goal("after the start: discovery of all that are announced", "s", of("fleet", "discovery_s"), None, 5.0),
    Goal("end of the process", "s", of("fleet", "stop_s"), None, 5.0),
)


def table(medians: Medians) -> str:
    """Return figures, yardsticks, ratios and goals as Markdown."""
    lines = ["| | figure | yardstick | ratio | goal | met |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    for goal in GOALS:
        met = {True: "yes", False: "**no**", None: ""}[goal.met(medians)]
        lines.append(f"{_line(goal, medians)} {_goal(goal)} | {met} |")
    return "\n".join(lines) + "\n"


def figures(medians: Medians) -> str:
    """Return figures, yardsticks and ratios as Markdown, without what was not measured."""
    lines = ["| | figure | yardstick | ratio |", "| --- | ---: | ---: | ---: |"]
    lines += [_line(goal, medians) for goal in GOALS if not math.isnan(goal.measured(medians)[0])]
    return "\n".join(lines) + "\n"


def _line(goal: Goal, medians: Medians) -> str:
    ours, theirs, ratio = goal.measured(medians)
    title = f"{goal.title}, {goal.unit}" if goal.unit else goal.title
    figure = NOT_MEASURED if math.isnan(ours) else number(ours)
    shown = "" if math.isnan(ratio) else f"{ratio:.2f}"
    return f"| {title} | {figure} | {number(theirs)} | {shown} |"


def _goal(goal: Goal) -> str:
    if goal.limit is None:
        return ""
    sign = "≥" if goal.least else "≤"
    return f"{sign} {goal.limit:.1f} ×" if goal.of_yardstick else f"{sign} {number(goal.limit)}"


def number(value: float) -> str:
    """Write a figure as short as it is meant; nothing for one that was not measured."""
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def medians(found: Mapping[str, Any]) -> Medians:
    """Return the medians of a document that was written by `report`."""
    return {name: part["median"] for name, part in found["parts"].items()}
