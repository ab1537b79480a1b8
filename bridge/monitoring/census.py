"""A look at all twins at once: how many show what, and how much flows.

Looks in slices, so that the loop goes on meanwhile: a census of ten thousand twins is not of one moment. Several who
ask within a second get the same one.
"""

from __future__ import annotations

import asyncio
import fnmatch
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from twin.errors import Rejected
from twin.model.terms import Registration, Status
from twin.model.view import TwinFigures

_SLICE = 100
_FRESH_S = 1.0

UNREGISTERED = "none"
"""The registration of a twin whose BootNotification was not answered yet."""


class Shown(Protocol):
    """Show twins; the fleet does."""

    @property
    def ids(self) -> Collection[str]:
        """Return the ids of all twins."""
        ...

    def figures(self, twin_id: str) -> TwinFigures:
        """Show the figures of a twin or raise Rejected."""
        ...


@dataclass(slots=True)
class Census:
    """Hold what was found. `energy_wh` flowed since the beginning; `single` are the twins that are told of alone."""

    twins: int = 0
    connected: int = 0
    registrations: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys((*map(str, Registration), UNREGISTERED), 0))
    )
    statuses: Counter[Status] = field(default_factory=lambda: Counter(dict.fromkeys(Status, 0)))
    charging: int = 0
    stale: int = 0
    power_w: float = 0.0
    energy_wh: float = 0.0
    queued: int = 0
    queues: int = 0
    longest_queue: int = 0
    single: list[tuple[str, TwinFigures]] = field(default_factory=list)

    def add(self, found: TwinFigures) -> None:
        """Count a twin."""
        self.twins += 1
        self.connected += found.connected
        self.registrations[found.registration or UNREGISTERED] += 1
        self.queued += found.queued
        self.queues += found.queued > 0
        self.longest_queue = max(self.longest_queue, found.queued)
        for evse in found.evses:
            self.statuses[evse.status] += 1
            self.charging += evse.charging
            self.stale += evse.stale
            self.power_w += evse.power_w


class CensusTaker:
    """Take censuses; `single` are globs of the twins that are told of alone."""

    def __init__(self, fleet: Shown, single: Sequence[str] = ()) -> None:
        self._fleet = fleet
        self._patterns = tuple(single)
        self._lock = asyncio.Lock()
        self._last: Census | None = None
        self._taken_at = float("-inf")
        self._registers: dict[str, list[float]] = {}
        self._energy_wh = 0.0

    async def begin(self) -> None:
        """Count energy from here on."""
        async with self._lock:
            await self._look()

    async def take(self) -> Census:
        """Return a census that is not older than a second."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._last is None or now - self._taken_at >= _FRESH_S:
                self._last = await self._look()
                self._taken_at = now
            return self._last

    async def _look(self) -> Census:
        census, registers = Census(), dict[str, list[float]]()
        for number, twin_id in enumerate(list(self._fleet.ids), start=1):
            try:
                found = self._fleet.figures(twin_id)
            except Rejected:  # it was removed meanwhile
                continue
            census.add(found)
            registers[twin_id] = self._flowed(twin_id, found)
            if self._is_single(twin_id):
                census.single.append((twin_id, found))
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        # Twins come and go with their registers: a sum over all would fall, and a counter that falls was reset.
        self._registers = registers
        census.energy_wh = self._energy_wh
        return census

    def _flowed(self, twin_id: str, found: TwinFigures) -> list[float]:
        now = [evse.energy_wh for evse in found.evses]
        for before, after in zip(self._registers.get(twin_id, ()), now, strict=False):
            self._energy_wh += max(0.0, after - before)
        return now

    def _is_single(self, twin_id: str) -> bool:
        return any(fnmatch.fnmatchcase(twin_id, pattern) for pattern in self._patterns)
