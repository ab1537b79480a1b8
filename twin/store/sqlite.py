"""The store in one SQLite file: write-ahead log, synchronous, one writer thread.

Every batch is one transaction; the caller groups what belongs to one moment into one batch. Decides nothing
about twins: rows are bytes.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias, TypeVar, assert_never

from twin.errors import StoreError
from twin.model.terms import Instant
from twin.store.port import (
    Change,
    ClockMark,
    Committed,
    Contents,
    DropAdded,
    Entries,
    ForgetReceipts,
    ForgetTwin,
    Other,
    PruneJournal,
    PutAdded,
    PutJournal,
    PutNode,
    Read,
    ReadJournal,
    Receipt,
    StoredTwin,
)
from twin.store.schema import explain, open_database
from twin.turn import DropReport, DropState, PutReport, PutState, Row

RETRY_AFTER_S = 0.2
UNSTORABLE = (OverflowError, UnicodeError)
"""What sqlite3 raises for an integer over 64 bits and for a lone surrogate; trying again would not help."""

WRITER_FAILED = "the database's writer failed; the log has the traceback. Restart the daemon and report this as a bug."

PUT_PART = "INSERT INTO part VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data"
DROP_PART = "DELETE FROM part WHERE twin_id = ? AND name = ?"
PUT_REPORT = "INSERT INTO report VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data"
DROP_REPORT = "DELETE FROM report WHERE twin_id = ? AND seq = ?"
FORGET_TWIN = (
    "DELETE FROM part WHERE twin_id = ?",
    "DELETE FROM report WHERE twin_id = ?",
    "DELETE FROM receipt WHERE twin_id = ?",
    "DELETE FROM journal WHERE twin_id = ?",
)
# A clock that starts again at an instant of its last life may give a pair of `at` and `seq` twice.
PUT_JOURNAL = "REPLACE INTO journal VALUES (?, ?, ?, ?, ?)"
PRUNE_JOURNAL = """
    DELETE FROM journal WHERE twin_id = :twin AND kind = :kind AND (at, seq) <= (
        SELECT at, seq FROM journal WHERE twin_id = :twin AND kind = :kind ORDER BY at DESC, seq DESC
        LIMIT 1 OFFSET :keep
    )"""
READ_JOURNAL = """
    SELECT at, entry FROM journal
    WHERE twin_id = ? AND kind = ? AND at >= ? AND at <= ? ORDER BY at, seq"""

_Job: TypeAlias = Callable[[], None]
_Result = TypeVar("_Result")


def open_store(url: str) -> SqliteStore:
    """Open the store that a URL names; raises StoreError."""
    return SqliteStore(database(url))


def database(url: str) -> Path:
    """Return the file that `sqlite:////absolute/path` or `sqlite:///relative/path` names; raises StoreError."""
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or not path:
        raise StoreError(
            f"store.url {url!r} is not understood: write sqlite:////var/lib/ocpp-twin/main.db (absolute) "
            f"or sqlite:///main.db (relative to the working folder)."
        )
    return Path(path)


class SqliteStore:
    """Keep everything in one file, which no other process may use meanwhile (see `port.Store`)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_database(path)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._writer.start()
        self._closed = False

    def load(self) -> Contents:
        """Return all that is stored, and count this start. Raises StoreError."""
        try:
            return _load(self._connection)
        except sqlite3.Error as error:
            raise StoreError(explain(error, self._path)) from error

    def commit(self, batch: list[Change], done: Committed) -> None:
        """Store a batch in one transaction, tried twice; `done` runs in the calling loop."""
        loop = asyncio.get_running_loop()

        def job() -> None:
            error: StoreError | None = StoreError(WRITER_FAILED)
            try:
                error = self._try_twice(batch)
            finally:  # whoever waits is told even of a defect of ours
                _hand_over(loop, lambda: done(error))

        self._jobs.put(job)

    def read(self, twin_id: str, done: Read) -> None:
        """Read one twin after all batches committed so far; `done` runs in the calling loop."""
        self._ask(lambda: _read(self._connection, twin_id), done)

    def read_journal(
        self, twin_id: str, kind: str, oldest: Instant | None, latest: Instant | None, done: ReadJournal
    ) -> None:
        """Read a window of a twin's log after all batches committed so far; `done` runs in the calling loop."""
        window = (-math.inf if oldest is None else oldest, math.inf if latest is None else latest)
        self._ask(lambda: _read_journal(self._connection, twin_id, kind, window), done)

    async def close(self) -> None:
        """Finish the batches handed over, fold the log into the file, and unlock it."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join)

    def _ask(self, question: Callable[[], _Result], done: Callable[[_Result | StoreError], None]) -> None:
        loop = asyncio.get_running_loop()

        def job() -> None:
            result: _Result | StoreError = StoreError(WRITER_FAILED)
            try:
                result = question()
            except sqlite3.Error as error:
                result = StoreError(explain(error, self._path))
            finally:
                _hand_over(loop, lambda: done(result))

        self._jobs.put(job)

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                job()
        finally:
            self._connection.close()

    def _try_twice(self, batch: list[Change]) -> StoreError | None:
        try:
            self._transact(batch)
        except UNSTORABLE as error:
            return StoreError(f"cannot store a value in the database {self._path}: {error}. Report this as a bug.")
        except sqlite3.Error:
            time.sleep(RETRY_AFTER_S)
            try:
                self._transact(batch)
            except sqlite3.Error as error:
                return StoreError(explain(error, self._path))
        return None

    def _transact(self, batch: list[Change]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            _write(connection, batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _hand_over(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _load(connection: sqlite3.Connection) -> Contents:
    connection.execute("UPDATE clock SET starts = starts + 1")
    alive, floor, starts = connection.execute("SELECT alive, floor, starts FROM clock").fetchone()
    contents = Contents(starts=starts, clock=None if alive is None else ClockMark(alive, floor))
    twins = contents.twins
    for twin_id, name, data in connection.execute("SELECT twin_id, name, data FROM part"):
        twins.setdefault(twin_id, StoredTwin()).parts[name] = data
    for twin_id, seq, data in connection.execute("SELECT twin_id, seq, data FROM report ORDER BY twin_id, seq"):
        twins.setdefault(twin_id, StoredTwin()).reports.append((seq, data))
    rows = connection.execute("SELECT twin_id, topic, request_id, at, data FROM receipt ORDER BY at")
    contents.receipts.extend(Receipt(*row) for row in rows)
    contents.node.update(connection.execute("SELECT name, data FROM node"))
    contents.added.update(connection.execute("SELECT twin_id, record FROM added ORDER BY twin_id"))
    return contents


def _read(connection: sqlite3.Connection, twin_id: str) -> StoredTwin:
    parts = connection.execute("SELECT name, data FROM part WHERE twin_id = ?", (twin_id,))
    reports = connection.execute("SELECT seq, data FROM report WHERE twin_id = ? ORDER BY seq", (twin_id,))
    return StoredTwin(dict(parts), list(reports))


def _read_journal(connection: sqlite3.Connection, twin_id: str, kind: str, window: tuple[float, float]) -> Entries:
    return connection.execute(READ_JOURNAL, (twin_id, kind, *window)).fetchall()


class _Rows:
    """Gather the rows of a batch, the last of each key; keys do not depend on each other."""

    __slots__ = ("entries", "parts", "reports")

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, Instant, int, bytes]] = []
        self.parts: dict[tuple[str, str], bytes | None] = {}
        self.reports: dict[tuple[str, int], bytes | None] = {}

    def take(self, twin_id: str, row: Row) -> None:
        match row:
            case PutState(part, data):
                self.parts[twin_id, part] = data
            case DropState(part):
                self.parts[twin_id, part] = None
            case PutReport(seq, data):
                self.reports[twin_id, seq] = data
            case DropReport(seq):
                self.reports[twin_id, seq] = None
            case _:
                assert_never(row)

    def write(self, connection: sqlite3.Connection) -> None:
        many = connection.executemany
        many(PUT_PART, [(*key, data) for key, data in self.parts.items() if data is not None])
        many(DROP_PART, [key for key, data in self.parts.items() if data is None])
        many(PUT_REPORT, [(*key, data) for key, data in self.reports.items() if data is not None])
        many(DROP_REPORT, [key for key, data in self.reports.items() if data is None])
        many(PUT_JOURNAL, self.entries)
        self.parts.clear()
        self.reports.clear()
        self.entries.clear()


def _write(connection: sqlite3.Connection, batch: list[Change]) -> None:
    rows = _Rows()
    for change in batch:
        if isinstance(change, tuple):
            rows.take(*change)
        elif isinstance(change, PutJournal):
            rows.entries.append((change.twin_id, change.kind, change.at, change.seq, change.entry))
        else:
            if isinstance(change, ForgetTwin | PruneJournal):
                rows.write(connection)
            _write_other(connection, change)
    rows.write(connection)


def _write_other(connection: sqlite3.Connection, change: Other) -> None:
    execute = connection.execute
    match change:
        case Receipt(twin_id, topic, request_id, at, data):
            execute("REPLACE INTO receipt VALUES (?, ?, ?, ?, ?)", (twin_id, topic, request_id, at, data))
        case ClockMark(alive, floor):
            execute("UPDATE clock SET alive = ?, floor = ?", (alive, floor))
        case ForgetReceipts(before):
            execute("DELETE FROM receipt WHERE at < ?", (before,))
        case ForgetTwin(twin_id):
            for statement in FORGET_TWIN:
                execute(statement, (twin_id,))
        case PruneJournal(twin_id, kind, keep):
            execute(PRUNE_JOURNAL, {"twin": twin_id, "kind": kind, "keep": keep})
        case PutAdded(twin_id, record):
            execute("REPLACE INTO added VALUES (?, ?)", (twin_id, record))
        case PutNode(name, data):
            execute("REPLACE INTO node VALUES (?, ?)", (name, data))
        case DropAdded(twin_id):
            execute("DELETE FROM added WHERE twin_id = ?", (twin_id,))
        case _:
            assert_never(change)
