"""What is due when: one timer for thousands of things, most of which are put off before they are due.

Times are those of the event loop.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)


class Deadlines(Generic[_K]):
    """Call `due` with each key when its time has come, unless it was put off or cancelled before."""

    def __init__(self, due: Callable[[_K], None]) -> None:
        self._call = due
        self._due: dict[_K, float] = {}
        # Where a key was put off, that is seen when its old time comes, which `_queued` has.
        self._heap: list[tuple[float, int, _K]] = []
        self._queued: dict[_K, float] = {}
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def put(self, key: _K, at: float) -> None:
        """Let a key be due at a time, instead of any earlier one."""
        self._due[key] = at
        if at < self._queued.get(key, math.inf):
            self._push(key, at)
            self._arm()

    def cancel(self, key: _K) -> None:
        """Let a key not be due any more."""
        self._due.pop(key, None)

    def __contains__(self, key: _K) -> bool:
        return key in self._due

    def stop(self) -> None:
        """Let nothing be due any more."""
        self._due.clear()
        self._heap.clear()
        self._queued.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _push(self, key: _K, at: float) -> None:
        self._queued[key] = at
        heapq.heappush(self._heap, (at, next(self._order), key))

    def _arm(self) -> None:
        if not self._heap or (self._timer is not None and self._timer_at <= self._heap[0][0]):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._heap[0][0]
        self._timer = asyncio.get_running_loop().call_at(self._timer_at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = max(asyncio.get_running_loop().time(), self._timer_at)
        ripe: list[_K] = []
        while self._heap and self._heap[0][0] <= now:
            queued, _, key = heapq.heappop(self._heap)
            if self._queued.get(key) != queued:
                continue  # it was put earlier, and done with then
            del self._queued[key]
            at = self._due.get(key)
            if at is None:
                continue
            if at > now:
                self._push(key, at)
            else:
                del self._due[key]
                ripe.append(key)
        self._arm()
        for key in ripe:
            self._call(key)
