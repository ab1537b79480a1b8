"""What the tables cannot show at a glance: memory and CPU against the number of twins, and how latencies spread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.goals import Medians, counted, curve
from benchmarks.isolation import DISTURBANCES

_QUANTILES = (("p50", 0), ("p90", 1), ("p99", 2), ("max", 3))


def draw(medians: Medians, folder: Path, stem: str) -> list[str]:
    """Draw what was measured into a folder; return the files' names."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only needed here

    mpl.use("svg")
    # Without a date and with fixed names inside, so that the same figures are the same file.
    mpl.rcParams.update({"svg.hashsalt": "benchmarks", "font.size": 9, "svg.fonttype": "none"})
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of its backend

    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for name, panels in (("growth", _growth(medians)), ("latency", _latency(medians))):
        shown = [panel for panel in panels if panel[2]]
        if not shown:
            continue
        figure, axes = plt.subplots(1, len(shown), figsize=(4 * len(shown), 3), layout="constrained", squeeze=False)
        for axis, (title, x_title, lines) in zip(axes[0], shown, strict=True):
            _panel(axis, title, x_title, lines)
        figure.savefig(folder / f"{stem}-{name}.svg", metadata={"Date": None})
        plt.close(figure)
        names.append(f"{stem}-{name}.svg")
    return names


def _panel(axis: Any, title: str, x_title: str, lines: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> None:
    for label, points in lines:
        axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=label)
    axis.set_title(title)
    axis.set_xlabel(x_title)
    if x_title == "twins":
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
    else:
        axis.set_yscale("log")
        axis.set_xticks([place for _, place in _QUANTILES], [name for name, _ in _QUANTILES])
    axis.grid(visible=True, linewidth=0.3)
    axis.legend(frameon=False)


def _growth(medians: Medians) -> list[Any]:
    wanted = (
        ("KiB for each", (("twin", "kib_each"), ("bare connection", "bare_kib_each"))),
        ("µs of CPU", (("exchange", "exchange_us"), ("bare echo", "bare_echo_us"), ("MQTT command", "command_us"))),
        ("s", (("start", "boot_s"), ("reload", "reload_s"), ("end", "stop_s"))),
    )
    return [
        (title, "twins", [(label, points) for label, name in names if (points := curve(medians, "fleet", name))])
        for title, names in wanted
    ]


def _latency(medians: Medians) -> list[Any]:
    panels: list[Any] = []
    commands = [
        (f"{count:,} twins", points)
        for count in counted(medians, "fleet")
        if (points := _points(medians[f"fleet/{count}"], "command"))
    ]
    panels.append(("MQTT command until OCPP frame, ms", "", commands))
    if counts := counted(medians, "isolation"):
        figures = medians[f"isolation/{counts[-1]}"]
        lines = [(kind, _points(figures, kind)) for kind in DISTURBANCES]
        panels.append(("others' heartbeats, ms", "", [("undisturbed", _points(figures, "without_flood")), *lines]))
    return panels


def _points(figures: Any, name: str) -> list[tuple[float, float]]:
    found = ((float(place), figures.get(f"{name}_{quantile}_ms")) for quantile, place in _QUANTILES)
    return [(place, value) for place, value in found if value is not None]
