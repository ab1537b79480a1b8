"""What is due when: one timer for thousands of things, most of which are put off before they are due.

Times are those of the event loop.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)


class Deadlines(Generic[_K]):
    """Call `due` with each key when its time has come, unless it was put off or cancelled before."""

    def __init__(self, due: Callable[[_K], None]) -> None:
        self._call = due
        self._due: dict[_K, float] = {}
        # A key stands here once at most; where it was put off, that is seen when its old time comes.
        self._heap: list[tuple[float, int, _K]] = []
        self._queued: set[_K] = set()
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def put(self, key: _K, at: float) -> None:
        """Let a key be due at a time, instead of any earlier one."""
        earlier = at < self._due.get(key, at)
        self._due[key] = at
        if key not in self._queued or earlier:
            self._queued.add(key)
            heapq.heappush(self._heap, (at, next(self._order), key))
            self._arm()

    def cancel(self, key: _K) -> None:
        """Let a key not be due any more."""
        self._due.pop(key, None)

    def __contains__(self, key: _K) -> bool:
        return key in self._due

    def stop(self) -> None:
        """Let nothing be due any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
            _, _, key = heapq.heappop(self._heap)
            self._queued.discard(key)
            at = self._due.get(key)
            if at is None:
                continue
            if at > now:
                self._queued.add(key)
                heapq.heappush(self._heap, (at, next(self._order), key))
            else:
                del self._due[key]
                ripe.append(key)
        self._arm()
        for key in ripe:
            self._call(key)
