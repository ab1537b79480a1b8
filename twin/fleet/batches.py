"""What waits for the disk: changes are stored in batches, and what they cause outside happens after that.

The order of one key's jobs is kept, also where one of them has nothing to store. While nothing is under way a
batch is stored at once; what comes during a commit waits for others for some milliseconds and shares the next.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from twin.errors import StoreError
from twin.fleet.counters import Tally
from twin.store.port import Change, ClockMark, Store

_Job: TypeAlias = Callable[[], None]

_JOBS_A_TURN = 50


class _Batch:
    __slots__ = ("begun", "changes", "jobs", "keys")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.jobs: deque[_Job] = deque()
        self.keys: set[str] = set()
        self.begun = 0.0


class Batches:
    """Store changes in groups and then do what waits for them.

    `mark` is stored with each batch. `failed` is told once when the store is lost: from then on nothing that
    waits is ever done. `window_s` is the time between the beginnings of two commits while there is load.
    """

    def __init__(
        self,
        store: Store,
        mark: Callable[[], ClockMark],
        failed: Callable[[StoreError], None],
        window_s: float = 0.01,
        tally: Tally | None = None,
    ) -> None:
        self._store = store
        self._mark = mark
        self._failed = failed
        self._window_s = window_s
        self._tally = tally or Tally()
        self._open = _Batch()
        self._last: dict[str, _Batch] = {}
        self._stored: deque[_Batch] = deque()
        """Batches that are on disk and whose jobs are not all done, in their order."""
        self._under_way = 0
        self._timer: asyncio.Handle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.lost = False
        self.commit_ms = 0.0

    def put(self, key: str, changes: list[Change], job: _Job) -> None:
        """Do `job` as soon as `changes`, and all earlier ones of that key, are on disk: now, if that is so."""
        if self.lost:
            return
        if changes:
            batch = self._last[key] = self._open
            batch.changes.extend(changes)
            batch.keys.add(key)
            self._schedule()
        elif key in self._last:
            batch = self._last[key]
        else:
            job()
            return
        batch.jobs.append(job)

    def store(self, change: Change) -> None:
        """Store something that nothing waits for."""
        if not self.lost:
            self._open.changes.append(change)
            self._schedule()

    def flush(self) -> None:
        """Hand the open batch to the store, so that a later read sees it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._open.changes or self.lost:
            return
        batch, self._open = self._open, _Batch()
        batch.changes.append(self._mark())
        batch.begun = asyncio.get_running_loop().time()
        self._under_way += 1
        started = time.perf_counter()  # some loops keep their time to the millisecond only

        def committed(error: StoreError | None) -> None:
            took_s = time.perf_counter() - started
            self.commit_ms = took_s * 1000
            self._tally.commits.observe(took_s)
            self._tally.rows += len(batch.changes)
            self._committed(batch, error)

        self._store.commit(batch.changes, committed)

    async def drained(self) -> None:
        """Return when nothing waits for the disk, or the store is lost."""
        self.flush()
        await self._idle.wait()

    def _schedule(self) -> None:
        self._idle.clear()
        # While a commit is under way the next batch collects; its end schedules again.
        if self._timer is None and not self._under_way:
            # `call_soon`: what else happens in this turn of the loop shares the commit.
            self._timer = asyncio.get_running_loop().call_soon(self.flush)

    def _committed(self, batch: _Batch, error: StoreError | None) -> None:
        self._under_way -= 1
        if self.lost:
            return
        if error is not None:
            self._lose(error)
            return
        if self._open.changes and self._timer is None:
            # It collected during a commit, so there is load: let more of it share the next one.
            due = batch.begun + self._window_s
            self._timer = asyncio.get_running_loop().call_at(due, self.flush)
        batch.changes = []  # they are a batch's weight, and its jobs may take their time
        self._stored.append(batch)
        if len(self._stored) == 1:
            self._do()

    def _do(self) -> None:
        """Do what waited, so much of it that nothing else has to wait long: a batch may hold thousands of jobs."""
        left = _JOBS_A_TURN
        try:
            while self._stored and left:
                batch = self._stored[0]
                while batch.jobs and left:
                    left -= 1
                    batch.jobs.popleft()()
                if not batch.jobs:
                    self._close(self._stored.popleft())
        finally:
            if self._stored:  # there is more, or one of them raised, which is the loop's to report
                asyncio.get_running_loop().call_soon(self._do)

    def _close(self, batch: _Batch) -> None:
        for key in batch.keys:
            if self._last.get(key) is batch:
                del self._last[key]
        if not self._under_way and not self._open.changes and not self._stored:
            self._idle.set()

    def _lose(self, error: StoreError) -> None:
        self.lost = True
        self._tally.store_lost = True
        self._open = _Batch()
        self._last.clear()
        self._idle.set()
        self._failed(error)
