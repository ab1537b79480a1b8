"""Whom the fleet talks to: the one who listens to it, and the ones who make stations and connections for it.

The shapes are Protocols, so that a fake can stand in; what they are about stays `twin.station` and `twin.link`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, Protocol

from twin.errors import StoreError
from twin.link.bounds import Bounds
from twin.link.target import Target
from twin.link.websocket import Connection, Peer
from twin.model.effects import Actuate, Note
from twin.model.inputs import Actuated
from twin.model.spec import TwinSpec
from twin.model.terms import Instant, Part
from twin.station import Station
from twin.turn import Frame, Turn

_BOUNDS = Bounds()


class Listener(Protocol):
    """Learn what happens in the fleet; everything told here is on disk already."""

    def changed(self, twin_id: str, parts: AbstractSet[Part]) -> None:
        """Note that parts of a twin's view are new."""
        ...

    def noted(self, twin_id: str, note: Note) -> None:
        """Note a fact."""
        ...

    def frame(self, twin_id: str, direction: Literal["sent", "received"], frame: Frame, at: Instant) -> None:
        """Note an OCPP frame of a traced twin."""
        ...

    def traces(self, twin_id: str) -> bool:
        """Tell whether a twin's frames are wanted."""
        ...

    def failed(self, error: StoreError) -> None:
        """Note that the store is lost: nothing is stored or sent any more, and the daemon must stop."""
        ...


class Actuator(Protocol):
    """Let real things do what Central Systems ask of twins."""

    def begin(self, twin_id: str, job: Actuate, told: Callable[[Actuated], None]) -> None:
        """Begin; `told` learns, later, what became of it, unless it is given up."""
        ...

    def cancel(self, twin_id: str, job_id: str) -> None:
        """Give up one job; one that is unknown or over does not matter."""
        ...

    def abandon(self, twin_id: str) -> None:
        """Give up all jobs of a twin."""
        ...


class StartStation(Protocol):
    """Make a station from its spec and what is stored of it (`twin.station.Station.start`)."""

    def __call__(
        self,
        spec: TwinSpec,
        now: Instant,
        *,
        ids: Callable[[], str],
        parts: Mapping[str, bytes],
        reports: Sequence[tuple[int, bytes]],
        alive: Instant | None,
    ) -> tuple[Station, Turn]:
        """Start it; raises SnapshotError."""
        ...


class Connect(Protocol):
    """Open a connection (`twin.link.connect`)."""

    async def __call__(self, target: Target, peer: Peer, *, timeout_s: float) -> Connection:
        """Connect or raise LinkError; `peer` is told what comes in."""
        ...


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """Say how fast a fleet works. Times in seconds.

    `connects_at_once` connects are under way together, so a slow peer sets the pace by itself; `connects_per_s` and
    `connects_burst` bound it for one that takes on more than it can answer.
    `commit_window_s` is the time between two commits under load, `mark_interval_s` how precisely the last moment of a
    crashed process is known. `due_per_turn` bounds how many twins act in one turn of the event loop.
    `transfers_at_once` files are moved together, each within `transfer_bounds`.
    """

    connects_per_s: float = 2000.0
    connects_burst: int = 100
    connects_at_once: int = 64
    connect_timeout_s: float = 30.0
    close_timeout_s: float = 2.0
    commit_window_s: float = 0.01
    mark_interval_s: float = 10.0
    receipts_kept_s: float = 600.0
    due_per_turn: int = 200
    transfers_at_once: int = 16
    transfer_bounds: Bounds = _BOUNDS
