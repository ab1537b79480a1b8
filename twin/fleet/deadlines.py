"""When something is due, for all twins together: one heap and one timer of the event loop.

A deadline that moves away costs nothing: its entry is looked at again when it surfaces. Times are the loop's.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

_GRAIN_S = 0.001
"""The finest timer that event loops keep; without it one that fires early would spin."""


class Deadline:
    """Be something that becomes due at `when` (None: never), and is then done by `act`."""

    __slots__ = ("act", "queued", "when")

    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act
        self.when: float | None = None
        self.queued: float | None = None


class Deadlines:
    """Act on what is due, at most `per_turn` things in one turn of the loop."""

    def __init__(self, per_turn: int = 200) -> None:
        self._per_turn = per_turn
        self._heap: list[tuple[float, int, Deadline]] = []
        self._serial = count()
        self._timer: asyncio.Handle | None = None
        self._timer_when = 0.0
        self._stopped = False

    def set(self, deadline: Deadline, when: float | None) -> None:
        """Make something due at another time, or never."""
        deadline.when = when
        if when is not None and (deadline.queued is None or when < deadline.queued):
            self._push(deadline, when)
            self._arm()

    def stop(self) -> None:
        """Act on nothing any more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _push(self, deadline: Deadline, when: float) -> None:
        deadline.queued = when
        heapq.heappush(self._heap, (when, next(self._serial), deadline))

    def _arm(self, not_before: float = 0.0) -> None:
        if self._stopped or not self._heap:
            return
        when = max(self._heap[0][0], not_before)
        if self._timer is not None:
            if self._timer_when <= when:
                return
            self._timer.cancel()
        # Kept here: for what is due at once, uvloop returns a handle that does not know its time.
        self._timer_when = when
        self._timer = asyncio.get_running_loop().call_at(when, self._turn)

    def _turn(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        try:
            self._act(now)
        finally:
            self._arm(now + _GRAIN_S)

    def _act(self, now: float) -> None:
        acted = 0
        while acted < self._per_turn and self._heap and self._heap[0][0] <= now:
            queued, _, deadline = heapq.heappop(self._heap)
            if deadline.queued != queued:
                continue  # a nearer entry took its place
            deadline.queued = None
            if deadline.when is None:
                continue
            if deadline.when > now:
                self._push(deadline, deadline.when)
                continue
            deadline.when = None
            acted += 1
            deadline.act()
