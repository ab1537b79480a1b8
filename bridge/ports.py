"""What the MQTT side asks of its neighbours: the fleet below, the wire to the broker.

The shapes are Protocols, so that a fake can stand in for either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bridge.refusals import Refused
from twin.fleet import CallOutcome, Receipt, Tally
from twin.model.inputs import Command
from twin.model.spec import TwinSpec
from twin.model.terms import Instant, Part
from twin.model.view import PartView, TwinFigures, TwinView

__all__ = ["CallOutcome", "Counters", "Fleet", "Incoming", "Now", "Outgoing", "Outlet", "Receipt", "Roster"]

Now: TypeAlias = Callable[[], Instant]
"""The runtime's clock."""


class Counters(Protocol):
    """Show what the fleet counted since the start."""

    ocpp_in_total: int
    ocpp_out_total: int
    protocol_errors_total: int
    dropped_total: int
    store_commit_ms: float
    connected: int
    charging: int
    queued_messages: int


class Fleet(Protocol):
    """Feed twins their inputs and show what became of them."""

    @property
    def ids(self) -> Collection[str]:
        """Return the ids of all twins."""
        ...

    @property
    def counters(self) -> Counters:
        """Return what was counted."""
        ...

    @property
    def tally(self) -> Tally:
        """Return what is counted, as it is now, without looking at any twin."""
        ...

    def evse_count(self, twin_id: str) -> int:
        """Return how many EVSEs a twin has."""
        ...

    def spec(self, twin_id: str) -> TwinSpec:
        """Return what a twin is."""
        ...

    def command(self, twin_id: str, command: Command, done: Callable[[], None], receipt: Receipt | None = None) -> None:
        """Carry out a command or raise Rejected; `done` runs when what follows is on disk."""
        ...

    def call(self, twin_id: str, action: str, payload: Any, done: Callable[[CallOutcome], None]) -> None:
        """Make an OCPP call or raise Rejected; `done` gets what became of it."""
        ...

    def send_raw(self, twin_id: str, text: str, done: Callable[[], None]) -> None:
        """Put raw text on the wire or raise Rejected."""
        ...

    def view(self, twin_id: str) -> TwinView:
        """Show a whole twin."""
        ...

    def view_of(self, twin_id: str, part: Part) -> PartView:
        """Show a part of a twin."""
        ...

    def figures(self, twin_id: str) -> TwinFigures:
        """Show the figures of a twin."""
        ...

    def restart(self, twin_id: str, done: Callable[[], None]) -> None:
        """Stop a twin and start it from its stored state."""
        ...

    def remember(self, receipt: Receipt) -> None:
        """Store the receipt of something that is not a command of a twin, with the next batch."""
        ...


class Roster(Protocol):
    """Let twins come and go. What is refused is refused before anything has changed, or told to `failed`."""

    def add(self, tree: Mapping[str, Any], done: Callable[[str], None], failed: Callable[[Refused], None]) -> None:
        """Add a twin that is described as in the configuration; `done` gets its id. Raises Refused."""
        ...

    def remove(self, twin_id: str, done: Callable[[], None], *, forget: bool) -> None:
        """Remove a twin, and with `forget` what is stored of it."""
        ...

    def reload(self, done: Callable[[Any], None], failed: Callable[[Refused], None]) -> None:
        """Read the configuration again; `done` gets the ids of added, removed and changed twins. Raises Refused."""
        ...

    def set_clock_rate(self, rate: float) -> None:
        """Let time run faster or slower. Raises Refused where the configuration has no clock."""
        ...


@dataclass(frozen=True, slots=True)
class Incoming:
    """Be a message from the broker. `acknowledge` is called once, when it need not be delivered again.

    `as_published`: the retain flag is the sender's (MQTT 5); otherwise it says that the broker replays.
    `dup` says that the broker may have delivered it before, under the same `mid`.
    """

    topic: str
    payload: bytes
    acknowledge: Callable[[], None]
    qos: int = 0
    retain: bool = False
    dup: bool = False
    mid: int = 0
    as_published: bool = True
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Be a message on its way to the broker; `keep` says that it must be sent again if its arrival is not certain."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    keep: bool = False
    correlation: bytes | None = None


class Outlet(Protocol):
    """Take messages for the broker without waiting."""

    def ready(self) -> bool:
        """Tell whether another message may be handed over now."""
        ...

    def send(self, message: Outgoing) -> bool:
        """Hand a message over, only while `ready`; False if the broker cannot take it at all."""
        ...
