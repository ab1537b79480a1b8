"""What the runtime asks of a store: everything at the start, then batches, each stored whole or not at all.

Says nothing about how; `sqlite.py` does, and a fake in the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import msgspec

from twin.errors import StoreError
from twin.model.terms import Instant
from twin.turn import Row


class Receipt(msgspec.Struct, frozen=True):
    """Remember a command that was taken, so that its second delivery is not done again; `data` is its result's."""

    twin_id: str
    topic: str
    request_id: str
    at: Instant
    data: bytes


class ClockMark(msgspec.Struct, frozen=True):
    """Say until when the process ran (`alive`), and before which instant its clock may not start again (`floor`)."""

    alive: Instant
    floor: Instant


class ForgetReceipts(msgspec.Struct, frozen=True):
    """Forget all receipts older than `before`."""

    before: Instant


class ForgetTwin(msgspec.Struct, frozen=True):
    """Forget all that is stored of a twin, except that it was added."""

    twin_id: str


class PutAdded(msgspec.Struct, frozen=True):
    """Store that a twin was added at run time; `record` is opaque here."""

    twin_id: str
    record: bytes


class DropAdded(msgspec.Struct, frozen=True):
    """Forget that a twin was added at run time."""

    twin_id: str


class PutNode(msgspec.Struct, frozen=True):
    """Store something about the process as a whole, by name; opaque here."""

    name: str
    data: bytes


class PutJournal(msgspec.Struct, frozen=True):
    """Store an entry of a twin's log of this kind; `seq` tells entries of the same instant apart."""

    twin_id: str
    kind: str
    at: Instant
    seq: int
    entry: bytes


class PruneJournal(msgspec.Struct, frozen=True):
    """Forget all entries of a twin's log of this kind but the newest `keep`."""

    twin_id: str
    kind: str
    keep: int


TwinRow: TypeAlias = tuple[str, Row]
"""A row of one twin, after its id."""

Other: TypeAlias = Receipt | ClockMark | ForgetReceipts | ForgetTwin | PutAdded | DropAdded | PutNode | PruneJournal
"""What is rare enough to be stored one by one."""

Change: TypeAlias = TwinRow | PutJournal | Other
"""One thing to store. Within a batch the order counts."""


class StoredTwin(msgspec.Struct):
    """Hold what is stored of one twin: its parts by name, and its queued reports in the order of their numbers."""

    parts: dict[str, bytes] = msgspec.field(default_factory=dict)
    reports: list[tuple[int, bytes]] = msgspec.field(default_factory=list)


class Contents(msgspec.Struct):
    """Hold all that was stored. `starts` counts the loads, this one included; `added` maps twin ids to records.

    `node` holds what is known of the process as a whole, by name.
    """

    twins: dict[str, StoredTwin] = msgspec.field(default_factory=dict)
    receipts: list[Receipt] = msgspec.field(default_factory=list)
    clock: ClockMark | None = None
    added: dict[str, bytes] = msgspec.field(default_factory=dict)
    starts: int = 1
    node: dict[str, bytes] = msgspec.field(default_factory=dict)


Committed: TypeAlias = Callable[[StoreError | None], None]
Read: TypeAlias = Callable[[StoredTwin | StoreError], None]
Entries: TypeAlias = list[tuple[Instant, bytes]]
ReadJournal: TypeAlias = Callable[[Entries | StoreError], None]


class Store(Protocol):
    """Keep what must survive a crash. Callbacks run in the event loop of the caller, in the order of the calls."""

    def load(self) -> Contents:
        """Return all that is stored, and prove that the store can be written. Raises StoreError."""
        ...

    def commit(self, batch: list[Change], done: Committed) -> None:
        """Store a batch whole; call `done` when it is on disk, or with an error when it failed twice."""
        ...

    def read(self, twin_id: str, done: Read) -> None:
        """Hand what is stored of one twin, all earlier batches included, to `done`."""
        ...

    def read_journal(
        self, twin_id: str, kind: str, oldest: Instant | None, latest: Instant | None, done: ReadJournal
    ) -> None:
        """Hand a twin's entries of a kind, the oldest first, to `done`; both bounds are part of the window."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the store; a second call does nothing."""
        ...
