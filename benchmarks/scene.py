"""What a round is about: how much is asked for, and who takes part."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from benchmarks.fleet import HEALTH_S
from benchmarks.processes import Process, Scripted
from benchmarks.watch import Watch

Figures: TypeAlias = dict[str, float]

PHASES = ("idle", "exchange", "commands", "reload", "meters")
"""What is asked of a running daemon, in this order; memory, start and end are measured anyway."""


@dataclass(frozen=True, slots=True)
class Load:
    """Say how much is asked for: exchanges and commands a second, for how many seconds each, after how long a rest."""

    exchanges: int = 2000
    commands: int = 1000
    seconds: float = 6.0
    settle_s: float = 2.0
    phases: frozenset[str] = frozenset(PHASES)
    turns: int = 3
    """How often others are measured with and without a disturbance."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Hold who takes part."""

    process: Process
    central: Scripted
    watch: Watch
    count: int
    load: Load


def sample_interval(count: int, load: Load) -> int:
    """Return after how many seconds each twin sends meter values, so that all send the exchanges that are wanted."""
    return max(1, round(count / load.exchanges))


def stall_ms(scene: Scene, before: Sequence[dict[str, Any]] = ()) -> float:
    """Return the longest stall of the loop since health was read, or in what was read `before`, too."""
    time.sleep(1.5 * HEALTH_S)  # until the daemon has told of the last moments, too
    said = (*before, *scene.watch.health())
    return max((float(health["loop_lag_ms"]) for health in said), default=float("nan"))
