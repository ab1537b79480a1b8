"""How fast and how many at a time connections are opened, so that a fleet does not run its peer over.

Knows nothing about what a connection is.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol


class TokenBucket:
    """Let `burst` things pass at once and then `rate_per_s`; times are the loop's."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = float("-inf")

    def take(self, now: float) -> float:
        """Take a token and return 0, or return how many seconds are left until there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate_per_s)
        self._at = now
        # A timer that fires at the very instant may find a token short of a rounding error.
        if self._tokens >= 1.0 - 1e-6:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate_per_s


class Caller(Protocol):
    """Be somebody who wants to connect."""

    @property
    def name(self) -> str:
        """Return the name of the task that dials."""
        ...

    def dial(self) -> Coroutine[Any, Any, None]:
        """Try to connect once."""
        ...


class Dialer:
    """Let callers dial in the order of their requests, paced, at most `at_once` of them together."""

    def __init__(self, bucket: TokenBucket, at_once: int) -> None:
        self._bucket = bucket
        self._at_once = at_once
        # Ordered, because a dictionary from whose front things are taken is searched through from its old front.
        self._waiting: OrderedDict[Caller, None] = OrderedDict()
        self._dialing: dict[Caller, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin with those who wait already; the group owns the tasks that dial."""
        self._tasks = tasks
        self._next()

    def request(self, caller: Caller) -> None:
        """Let somebody dial as soon as the pace allows."""
        self._waiting[caller] = None
        self._next()

    def cancel(self, caller: Caller) -> None:
        """Take a request back, also while it is carried out."""
        self._waiting.pop(caller, None)
        if task := self._dialing.get(caller):
            task.cancel()

    def stop(self) -> None:
        """Let nobody dial any more."""
        self._tasks = None
        for caller in [*self._waiting, *self._dialing]:
            self.cancel(caller)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> None:
        if self._tasks is None or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        # A caller who dials again while the task that he cancelled still ends waits for that end.
        while len(self._dialing) < self._at_once:
            caller = next((one for one in self._waiting if one not in self._dialing), None)
            if caller is None:
                return
            if wait_s := self._bucket.take(loop.time()):
                self._timer = loop.call_later(wait_s, self._token)
                return
            del self._waiting[caller]
            task = self._tasks.create_task(caller.dial(), name=caller.name)
            self._dialing[caller] = task
            task.add_done_callback(partial(self._done, caller))

    def _token(self) -> None:
        self._timer = None
        self._next()

    def _done(self, caller: Caller, _: asyncio.Task[None]) -> None:
        del self._dialing[caller]
        self._next()
