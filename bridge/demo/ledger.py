"""What the Central System of the demo remembers: its cards and its transactions.

Knows nothing of connections; a station is only a name here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

Payload: TypeAlias = dict[str, Any]

CARDS: Mapping[str, Payload] = MappingProxyType(
    {
        "04A2B3C4": {"status": "Accepted"},
        "CAFE0001": {"status": "Accepted", "parentIdTag": "FAMILY"},
        "BLOCKED1": {"status": "Blocked"},
        "EXPIRED1": {"status": "Expired"},
    }
)

_MANY = re.compile(r"card\d{4,}")
"""Cards for load tests: as many as there are numbers."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """Be a transaction that runs, with what StartTransaction said of it."""

    id: int
    identity: str
    connector: int
    id_tag: str
    meter_start_wh: int
    started_at: str


class Ledger:
    """Keep the cards and the running transactions of all stations; ids rise from 1."""

    def __init__(self, cards: Mapping[str, Payload] = CARDS) -> None:
        self._cards = {tag.casefold(): info for tag, info in cards.items()}
        self._active: dict[int, Transaction] = {}
        self._latest: dict[tuple[str, int], Transaction] = {}
        self._next_id = 1

    @property
    def active(self) -> Mapping[int, Transaction]:
        """Show the running transactions by id."""
        return MappingProxyType(self._active)

    def verdict(self, id_tag: str) -> Payload:
        """Return the idTagInfo of a card; idTags are compared without regard to case (OCPP 1.6 §7.15)."""
        tag = id_tag.casefold()
        return dict(self._cards.get(tag, {"status": "Accepted" if _MANY.fullmatch(tag) else "Invalid"}))

    def begin(self, identity: str, request: Payload) -> Transaction:
        """Return the transaction that a StartTransaction.req asks for; sent once more, it is the same one."""
        connector = request["connectorId"]
        asked = Transaction(
            id=self._next_id,
            identity=identity,
            connector=connector,
            id_tag=request["idTag"],
            meter_start_wh=request["meterStart"],
            started_at=request["timestamp"],
        )
        latest = self._latest.get((identity, connector))
        if latest is not None and _same(latest, asked):
            return latest
        self._next_id += 1
        self._latest[identity, connector] = self._active[asked.id] = asked
        return asked

    def end(self, identity: str, transaction_id: int) -> Transaction | None:
        """Close a transaction and return it; None if that station has none of this id."""
        found = self._active.get(transaction_id)
        return self._active.pop(transaction_id) if found is not None and found.identity == identity else None


def _same(one: Transaction, other: Transaction) -> bool:
    return (one.id_tag, one.meter_start_wh, one.started_at) == (other.id_tag, other.meter_start_wh, other.started_at)
