"""What a Central System was told, by each station, and what of it counts once resends are left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from fakes.record import Record

from bridge.demo.csms import CentralSystem
from bridge.demo.station import Traffic

TOLD_OF_TRANSACTIONS = ("StartTransaction", "MeterValues", "StopTransaction")


@dataclass(frozen=True, slots=True)
class Told:
    """Be a call of a station."""

    identity: str
    action: str
    payload: Any


class Books:
    """Write down all calls that a Central System gets."""

    def __init__(self, csms: CentralSystem) -> None:
        self.told: Record[Told] = Record()
        csms.observers.append(self._note)

    def mark(self) -> int:
        return len(self.told)

    async def until(
        self, action: str, wanted: Callable[[Any], bool] = lambda _: True, *, identity: str = "garage", after: int = 0
    ) -> Any:
        """Return the first wanted call from the mark on, waiting for it if need be."""
        found = await self.told.until(
            lambda told: told.identity == identity and told.action == action and wanted(told.payload),
            action,
            after=after,
        )
        return found.payload

    def all(self, action: str, *, identity: str = "garage", after: int = 0) -> list[Any]:
        return [told.payload for told in self.told.since(after) if told.action == action and told.identity == identity]

    def transactions(self, *, identity: str = "garage", after: int = 0) -> list[Told]:
        """Return what was told of transactions, in the order of its first delivery: a resend is no second one."""
        found: dict[Hashable, Told] = {}
        for told in self.told.since(after):
            if told.identity == identity and told.action in TOLD_OF_TRANSACTIONS:
                found.setdefault((told.action, json.dumps(told.payload, sort_keys=True)), told)
        return list(found.values())

    def _note(self, traffic: Traffic) -> None:
        if traffic.direction == "received":
            kind, _, *rest = json.loads(traffic.text)
            if kind == 2:
                self.told.add(Told(traffic.identity, rest[0], rest[1]))
