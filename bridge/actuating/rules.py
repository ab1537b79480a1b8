"""What the configuration says about outputs, as values that the bridge works with. Times in seconds, currents in A."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from bridge.mapping.paths import Steps
from bridge.mapping.templates import Template
from twin.model.terms import Action, PartKind

BelowMin = Literal["pause", "min", "pass"]
Offline = Literal["keep", "pause"]


@dataclass(frozen=True, slots=True)
class Confirm:
    """Say how a real thing confirms. `topic` may hold {twin} and {evse}.

    What it shows is found by `value`, else at `path`, else is the payload; a number is multiplied by `factor`. `expect`
    None: what is usual for the output.
    """

    topic: str
    value: Template | None = None
    path: Steps | None = None
    factor: float | None = None
    expect: Template | None = None
    tolerance: float = 0.0
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class OutputRule:
    """Say what becomes of a state or an action of twins.

    `name` is where it stands in the configuration. `ids` are the twins where they are named, else all match `glob`.
    `evse` is a number, 0 for the station, None for each EVSE. `topic` may hold {twin} and {evse}, or be a template;
    the filter `covered` covers all that it becomes.
    """

    name: str
    what: PartKind | Action
    topic: str | Template
    covered: str = "#"
    ids: Collection[str] | None = None
    glob: str = "*"
    evse: int | None = 0
    payload: Template | None = None
    retain: bool = False
    qos: int = 1
    min_interval_s: float = 0.0
    keepalive_s: float | None = None
    below_min: BelowMin = "pass"
    min_a: float = 6.0
    when_offline: Offline | float = "keep"
    confirm: Confirm | None = None

    def concerns(self, twin: str) -> bool:
        """Tell whether it is for a twin."""
        return twin in self.ids if self.ids is not None else fnmatch.fnmatchcase(twin, self.glob)

    def evses(self, count: int) -> list[int]:
        """Return the EVSEs of a twin that has `count` of them, or [0] for its station."""
        if self.evse is None:
            return list(range(1, count + 1))
        return [self.evse] if self.evse <= count else []
