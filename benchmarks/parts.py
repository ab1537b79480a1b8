"""The parts of a run: what each measures, with how many twins, and where it is measured."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from benchmarks import isolation, rounds, secure
from benchmarks.alternating import alone
from benchmarks.processes import Failed, mosquitto
from benchmarks.scene import Figures, Load

Measure: TypeAlias = Callable[[int, Load, Path], Figures]

DAY_TWINS = 1_000
_DAY_S = 150.0


def fleet(count: int, load: Load, folder: Path) -> Figures:
    """Measure bare connections, then as many twins."""
    (folder / "bare").mkdir()
    return rounds.bare(count, load, folder / "bare") | rounds.daemon(count, load, folder)


def codec(count: int, load: Load, folder: Path) -> Figures:
    """Measure messages between text and values."""
    del count
    return alone("benchmarks.codec", folder, folder, max(1, round(load.seconds * 500)))


def publishing(count: int, load: Load, folder: Path) -> Figures:
    """Measure state messages on their way to a broker."""
    del count
    with mosquitto(folder) as port:
        return alone("benchmarks.publishing", folder, port, max(100, round(load.seconds * 2_500)))


def storing(count: int, load: Load, folder: Path) -> Figures:
    """Measure durable rows."""
    del count
    return alone("benchmarks.storing", folder, folder, max(100, round(load.seconds * 12_500)))


def day(count: int, load: Load, folder: Path) -> Figures:
    """Measure a day of so many twins in virtual time, and say what it would be for the number that the goal names.

    Twins know nothing of each other, so their cost is that of one, times their number.
    """
    del load
    if find_spec("benchmarks.day") is None:
        return {}
    command = [sys.executable, "-m", "benchmarks.day", "--twins", str(count)]
    before = _children_s()
    try:
        with (folder / "day.log").open("w") as log:
            subprocess.run(command, stdout=log, stderr=log, timeout=_DAY_S, check=True)
    except subprocess.SubprocessError as error:
        raise Failed(f"the day in virtual time: {error}") from None
    return {"day_s": (_children_s() - before) * DAY_TWINS / count, "day_twins": count}


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


PARTS: dict[str, Measure] = {
    "fleet": fleet,
    "tls": secure.tls,
    "codec": codec,
    "publish": publishing,
    "store": storing,
    "isolation": isolation.isolation,
    "day": day,
}
"""All of them, by what they are called in `--only`, in the order in which they are measured."""
