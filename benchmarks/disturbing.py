"""What a Central System does to one station while others are measured; it goes on until it is told to stop.

flood      calls without end, 50 of them unanswered at a time
slow       reads nothing that the station says, and goes on asking, 200 times a second
large      a message of 10 MB each second, which is ten times what a station takes
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Protocol

KINDS = ("flood", "slow", "large")
_UNANSWERED = 50
_PAUSE_S = 0.005
_LARGE = b'[2,"large","DataTransfer",{"vendorId":"x","data":"' + b"x" * 10_000_000 + b'"}]'


class Disturbed(Protocol):
    """Be the station's connection."""

    answers: int

    def send(self, text: bytes) -> None:
        """Send a message."""
        ...

    def listen(self, *, reads: bool) -> None:
        """Read on, or read no more."""
        ...


class Stations(Protocol):
    """Find the station's connection, which may be another one by now."""

    def station(self, identity: str) -> Disturbed | None:
        """Return it, None while there is none."""
        ...


class Disturbance:
    """Disturb one station at a time."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations
        self._task: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self.sent = 0

    def begin(self, kind: str, identity: str) -> None:
        """Begin."""
        self.sent = 0
        work = {"flood": self._flood, "slow": self._slow, "large": self._large}[kind]
        self._task = asyncio.create_task(work(identity), name=kind)

    async def end(self) -> int:
        """Stop, and return how many messages were sent."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        return self.sent

    async def _flood(self, identity: str) -> None:
        station, before = None, 0
        while True:
            now = self._stations.station(identity)
            if now is not station:
                station, before = now, self.sent - (now.answers if now is not None else 0)
            if station is None or self.sent - before - station.answers >= _UNANSWERED:
                await asyncio.sleep(0.001)
                continue
            self._ask(station)
            await asyncio.sleep(0)

    async def _slow(self, identity: str) -> None:
        deaf: Disturbed | None = None
        try:
            while True:
                station = self._stations.station(identity)
                if station is not None:
                    if station is not deaf:
                        station.listen(reads=False)
                        deaf = station
                    self._ask(station)
                await asyncio.sleep(_PAUSE_S)
        finally:
            if deaf is not None:
                deaf.listen(reads=True)

    async def _large(self, identity: str) -> None:
        while True:
            station = self._stations.station(identity)
            if station is not None:
                station.send(_LARGE)
                self.sent += 1
            await asyncio.sleep(1.0)

    def _ask(self, station: Disturbed) -> None:
        # The longest answer that a station has: all its keys.
        station.send(b'[2,"x%d","GetConfiguration",{}]' % next(self._numbers))
        self.sent += 1
