"""Durable rows as the daemon stores them, in batches that share a commit, beside SQLite with a commit for each.

Prints CPU of all threads and rows a second: `python -m benchmarks.storing FOLDER ROWS`. Both with `synchronous=FULL`
and a write-ahead log; a row is a twin's part of 300 bytes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import statistics
import sys
import time
from pathlib import Path

import uvloop

from twin.errors import StoreError
from twin.fleet.batches import Batches
from twin.store.port import ClockMark
from twin.store.sqlite import PUT_PART, open_store
from twin.turn import PutState

_ROUNDS = 3
_SINGLE_ROWS = 300
_AT_ONCE = 200
_WAITING = 20_000
"""How many rows wait for the disk at most: thousands of twins have one each, not more."""


class Rows:
    """Put rows in, and count those that are on disk."""

    def __init__(self, path: Path) -> None:
        self._store = open_store(f"sqlite:///{path}")
        self._store.load()
        self._batches = Batches(self._store, lambda: ClockMark(0.0, 0.0), self._failed)
        self._stored = 0
        self._went_on = asyncio.Event()

    def _failed(self, error: StoreError) -> None:
        raise error

    def _done(self) -> None:
        self._stored += 1
        self._went_on.set()

    async def put(self, rows: int) -> tuple[float, float]:
        """Store so many rows of as many twins; return CPU (s) and time (s) until all are on disk."""
        twins = [f"t-{number:05d}" for number in range(10_000)]
        cpu, began, self._stored = time.process_time(), time.perf_counter(), 0
        for start in range(0, rows, _AT_ONCE):
            while start - self._stored > _WAITING:
                self._went_on.clear()
                await self._went_on.wait()
            for number in range(start, min(rows, start + _AT_ONCE)):
                twin = twins[number % len(twins)]
                self._batches.put(twin, [(twin, PutState("evse-1", _data()))], self._done)
            await asyncio.sleep(0)
        await self._batches.drained()
        return time.process_time() - cpu, time.perf_counter() - began

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()


_TABLE = "CREATE TABLE IF NOT EXISTS part (twin_id, name, data, PRIMARY KEY (twin_id, name)) WITHOUT ROWID"

_numbers = itertools.count(1)


def _data() -> bytes:
    # Never the same twice: SQLite writes nothing where nothing changes.
    return b'{"meter_wh":%012d,"rest":"%s"}' % (next(_numbers), b"x" * 264)


def single(path: Path, rows: int) -> tuple[float, float]:
    """Store rows with a commit each; return CPU (s) and time (s)."""
    connection = sqlite3.connect(path, isolation_level=None)
    for line in ("PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
        connection.execute(line)
    connection.execute(_TABLE)
    cpu, began = time.process_time(), time.perf_counter()
    for number in range(rows):
        connection.execute(PUT_PART, (f"t-{number % 10_000:05d}", "evse-1", _data()))
    found = time.process_time() - cpu, time.perf_counter() - began
    connection.close()
    return found


async def main() -> None:
    """Measure and print."""
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    alone = min(rows, _SINGLE_ROWS)
    ours: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    store = Rows(folder / "rows.db")
    for _ in range(_ROUNDS):
        ours.append(await store.put(rows))
        bare.append(single(folder / "single.db", alone))
    await store.close()
    figures = {
        "row_us": statistics.median(cpu / rows * 1e6 for cpu, _ in ours),
        "rows_per_s": statistics.median(rows / took for _, took in ours),
        "bare_row_us": statistics.median(cpu / alone * 1e6 for cpu, _ in bare),
        "bare_rows_per_s": statistics.median(alone / took for _, took in bare),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    uvloop.run(main())
