"""Parts that run in a process of their own, their yardstick in turn with them: A B A B, and the medians of that."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.processes import Failed

_LIMIT_S = 120.0


def medians(measured: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Take each figure in turn, so many times, and return the median of each."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, measure in measured.items():
            found[name].append(measure())
    return {name: statistics.median(values) for name, values in found.items()}


def alone(module: str, folder: Path, *arguments: object) -> dict[str, float]:
    """Run a module that prints its figures as JSON, and return them. Raises Failed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    log = folder / f"{module.rpartition('.')[2]}.log"
    try:
        with log.open("w") as errors:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f"{module} took longer than {_LIMIT_S:.0f} s") from None
    if done.returncode:
        raise Failed(f"{module}: {' '.join(log.read_text(errors='replace').strip().splitlines()[-2:])}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
