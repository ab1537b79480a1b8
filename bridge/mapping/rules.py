"""What the configuration says about real things, as values that the bridge works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bridge import topics
from bridge.mapping.patterns import Pattern, filled
from bridge.mapping.values import Reader
from bridge.topics import CommandTopic

OnStale = Literal["hold", "zero", "fault"]


@dataclass(frozen=True, slots=True)
class InputRule:
    """Say what becomes of a sensor's messages. Times in seconds.

    `name` is where it stands in the configuration, `target` the command's topic relative to the root, with holes.
    """

    name: str
    pattern: Pattern
    target: str
    reader: Reader
    max_age_s: float | None = None
    on_stale: OnStale = "hold"
    debounce_s: float = 0.0

    def address(self, captures: dict[str, str]) -> CommandTopic:
        """Return the command's topic for a message with these captures."""
        found = topics.parse(filled(self.target, captures))
        if not isinstance(found, CommandTopic):
            # What a hole captures has no slash, so this is seen when the configuration is read.
            raise ValueError(self.target)  # noqa: TRY004
        return found

    @property
    def is_edge(self) -> bool:
        """Tell whether it is something that happens once."""
        return "/cmd/" in self.target


@dataclass(frozen=True, slots=True)
class Band:
    """Say that power has to be on one side of a bound (W) for a time (s). `above`: over it, else under it."""

    bound_w: float
    for_s: float
    above: bool

    def holds(self, power_w: float) -> bool:
        """Tell whether a power is on that side."""
        return power_w > self.bound_w if self.above else power_w < self.bound_w


@dataclass(frozen=True, slots=True)
class InferRule:
    """Say what the power of an EVSE tells about its cable and its car; None: nothing."""

    name: str
    twin: str
    evse: int
    plugged: Band | None = None
    charging: Band | None = None
    suspended: Band | None = None
    unplugged: Band | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Hold all of it."""

    inputs: tuple[InputRule, ...] = field(default=())
    infer: tuple[InferRule, ...] = field(default=())
    outputs: tuple[tuple[tuple[str | int, ...], dict[str, Any]], ...] = field(default=())
    """What devices bring for others to compile: where it stands, and an output as in the configuration."""
