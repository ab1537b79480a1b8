"""What the screens of `watch` ask of the connection, so that they can be tried without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bridge.watching.shapes import Answer
from bridge.watching.tracing import Reach


@dataclass(frozen=True, slots=True)
class Link:
    """Say how it stands with the broker: `reason` is a sentence about what is wrong, `since` a monotonic time."""

    state: Literal["connecting", "connected", "lost"] = "connecting"
    reason: str = ""
    version: str = ""
    since: float = 0.0


class Line(Protocol):
    """Be connected to a broker; `Feed` is."""

    @property
    def link(self) -> Link:
        """Return how it stands with the broker."""
        ...

    @property
    def address(self) -> str:
        """Return where the broker is, without a password."""
        ...

    @property
    def reach(self) -> Reach:
        """Return what the nodes said when they were asked to trace the twin that is followed."""
        ...

    async def run(self) -> None:
        """Be connected, again and again, for ever."""
        ...

    async def close(self) -> None:
        """End what was asked for."""
        ...

    async def command(self, topic: str, fields: Mapping[str, Any]) -> Answer:
        """Send a command to a twin and return what became of it; `topic` is relative to the root."""
        ...

    async def follow(self, twin: str) -> None:
        """Hear the OCPP frames of a twin, and of no other."""
        ...

    async def unfollow(self) -> None:
        """Hear no frames any more."""
        ...
