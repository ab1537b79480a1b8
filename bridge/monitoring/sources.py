"""Whom metrics are read from: parts of the daemon that count anyway, and the store's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.client import Client
from bridge.health import LoopLag, NodeInfo
from bridge.homeassistant.announcer import Announcer
from bridge.mapping.real_things import RealThings
from bridge.ports import Fleet
from bridge.publisher import Publisher
from bridge.router import Router


@dataclass(frozen=True, slots=True)
class Sources:
    """Hold them; `database` is the store's main file."""

    fleet: Fleet
    publisher: Publisher
    router: Router
    client: Client
    real: RealThings
    announcer: Announcer
    lag: LoopLag
    info: NodeInfo
    database: Path

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Return the sizes of the store's files in bytes, of those that are there."""
        for name, path in (("main", self.database), ("wal", self.database.with_name(f"{self.database.name}-wal"))):
            try:
                yield name, path.stat().st_size
            except OSError:
                continue
