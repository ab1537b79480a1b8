"""A store in memory, for tests: it commits when told to, can fail, and survives a "crash" by being loaded again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from twin.errors import StoreError
from twin.store.port import (
    Change,
    ClockMark,
    Committed,
    Contents,
    DropAdded,
    ForgetReceipts,
    ForgetTwin,
    PruneJournal,
    PutAdded,
    PutJournal,
    PutNode,
    Read,
    ReadJournal,
    Receipt,
    StoredTwin,
)
from twin.turn import DropReport, DropState, PutReport, PutState


class MemoryStore:
    """`held`: batches wait for `release()`. `failing`: commits fail for good."""

    def __init__(self) -> None:
        self.twins: dict[str, dict[str, bytes]] = {}
        self.reports: dict[str, dict[int, bytes]] = {}
        self.receipts: dict[tuple[str, str, str], Receipt] = {}
        self.added: dict[str, bytes] = {}
        self.journal: dict[tuple[str, str], dict[tuple[float, int], bytes]] = {}
        self.clock: ClockMark | None = None
        self.node: dict[str, bytes] = {}
        self.starts = 0
        self.commits = 0
        self.held = False
        self.failing = False
        self.closed = False
        self._waiting: list[Callable[[], None]] = []

    def load(self) -> Contents:
        self.starts += 1
        ids = sorted({*self.twins, *self.reports})
        twins = {twin_id: self._stored(twin_id) for twin_id in ids}
        return Contents(twins, list(self.receipts.values()), self.clock, dict(self.added), self.starts, dict(self.node))

    def commit(self, batch: list[Change], done: Committed) -> None:
        def act() -> None:
            if self.failing:
                done(StoreError("the disk is full"))
                return
            for change in batch:
                self._apply(change)
            self.commits += 1
            done(None)

        self._later(act)

    def read(self, twin_id: str, done: Read) -> None:
        self._later(lambda: done(self._stored(twin_id)))

    def read_journal(
        self, twin_id: str, kind: str, oldest: float | None, latest: float | None, done: ReadJournal
    ) -> None:
        def act() -> None:
            entries = sorted(self.journal.get((twin_id, kind), {}).items())
            low, high = oldest if oldest is not None else -inf, latest if latest is not None else inf
            done([(at, entry) for (at, _), entry in entries if low <= at <= high])

        self._later(act)

    async def close(self) -> None:
        self.closed = True

    def release(self) -> None:
        self.held = False
        waiting, self._waiting = self._waiting, []
        for act in waiting:
            act()

    def _later(self, act: Callable[[], None]) -> None:
        if self.held:
            self._waiting.append(act)
        else:
            asyncio.get_running_loop().call_soon(act)

    def _stored(self, twin_id: str) -> StoredTwin:
        return StoredTwin(dict(self.twins.get(twin_id, {})), sorted(self.reports.get(twin_id, {}).items()))

    def _apply(self, change: Change) -> None:
        match change:
            case (str() as twin_id, PutState(part, data)):
                self.twins.setdefault(twin_id, {})[part] = data
            case (str() as twin_id, DropState(part)):
                self.twins.get(twin_id, {}).pop(part, None)
            case (str() as twin_id, PutReport(seq, data)):
                self.reports.setdefault(twin_id, {})[seq] = data
            case (str() as twin_id, DropReport(seq)):
                self.reports.get(twin_id, {}).pop(seq, None)
            case Receipt():
                self.receipts[change.twin_id, change.topic, change.request_id] = change
            case ClockMark():
                self.clock = change
            case ForgetReceipts(before):
                self.receipts = {key: receipt for key, receipt in self.receipts.items() if receipt.at >= before}
            case ForgetTwin(twin_id):
                self.twins.pop(twin_id, None)
                self.reports.pop(twin_id, None)
                self.receipts = {key: receipt for key, receipt in self.receipts.items() if key[0] != twin_id}
                self.journal = {key: entries for key, entries in self.journal.items() if key[0] != twin_id}
            case PutJournal(twin_id, kind, at, seq, entry):
                self.journal.setdefault((twin_id, kind), {})[at, seq] = entry
            case PruneJournal(twin_id, kind, keep):
                entries = self.journal.get((twin_id, kind), {})
                self.journal[twin_id, kind] = dict(sorted(entries.items())[max(0, len(entries) - keep) :])
            case PutNode(name, data):
                self.node[name] = data
            case PutAdded(twin_id, record):
                self.added[twin_id] = record
            case DropAdded(twin_id):
                self.added.pop(twin_id, None)
