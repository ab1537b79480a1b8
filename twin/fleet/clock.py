"""The time that twins live by: it never steps back, survives restarts, and can run faster than the wall's.

Decides nothing about when something is due; it only turns an Instant into a time of the event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twin.model.terms import Instant
from twin.store.port import ClockMark

_STEP_S = 1.0


class Clock:
    """Show UTC epoch seconds that never step back (R6).

    `rate` is how many of them pass in a second, `floor` the earliest instant at which to begin. `steady` must
    be the event loop's clock.
    """

    def __init__(
        self,
        *,
        rate: float = 1.0,
        floor: Instant | None = None,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._rate = rate
        self._since = steady()
        self._base = wall() if floor is None else max(wall(), floor)

    @property
    def rate(self) -> float:
        """Return how many seconds pass in a second of the wall's clock."""
        return self._rate

    def now(self) -> Instant:
        """Return the time."""
        return self._base + (self._steady() - self._since) * self._rate

    def to_loop(self, instant: Instant) -> float:
        """Return when, in the event loop's time, it will be `instant`."""
        return self._since + (instant - self._base) / self._rate

    def set_rate(self, rate: float) -> None:
        """Run faster or slower from now on; deadlines must be computed again."""
        self._rebase(self.now())
        self._rate = rate

    def follow_wall(self) -> bool:
        """Catch up with a wall clock that was set forward; tell whether that was so.

        A machine without a battery for its clock learns the time minutes after the start, and one that slept
        did not count meanwhile. A wall clock that was set back is not followed, nor one at another rate.
        """
        if self._rate != 1.0 or self._wall() < self.now() + _STEP_S:
            return False
        self._rebase(self._wall())
        return True

    def mark(self, until_next_s: float) -> ClockMark:
        """Return what must be known after a crash; the next mark follows within `until_next_s` real seconds."""
        now = self.now()
        # At rate 1 the wall's clock is ahead of the mark by itself when the process starts again.
        lead_s = 0.0 if self._rate == 1.0 else until_next_s * self._rate
        return ClockMark(alive=now, floor=now + lead_s)

    def _rebase(self, now: Instant) -> None:
        self._since, self._base = self._steady(), now
