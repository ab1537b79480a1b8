"""Which twins' OCPP frames are published: those that the settings name, and for a while those that somebody asked for.

Decides that much only; it is asked for every frame of every twin, so that a twin that is not traced must cost next to
nothing. What is published of a frame is not known here.
"""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable, Iterable, Sequence

from twin.model.terms import Instant


class Tracing:
    """Hold the settings' globs, and until when each twin is traced that was asked for.

    Times are in real seconds: `clock` is a monotonic one, `calendar` tells what time it is. An id stays for its time
    when its twin is removed, so that a twin that comes back is traced on; nothing survives a restart.
    """

    def __init__(
        self,
        patterns: Sequence[str] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        calendar: Callable[[], Instant] = time.time,
    ) -> None:
        self._always = re.compile("|".join(fnmatch.translate(one) for one in patterns)).match if patterns else None
        self._until: dict[str, float] = {}
        self._clock = clock
        self._calendar = calendar

    def __contains__(self, twin_id: str) -> bool:
        """Tell whether a twin's frames are published now."""
        if self._until and self._is_asked_for(twin_id):
            return True
        return self._always is not None and self._always(twin_id) is not None

    def start(self, twins: Iterable[str], for_s: float) -> Instant:
        """Trace twins for a while, at least as long as was asked before; return when the time is over."""
        self._forget_the_past()
        until = self._clock() + for_s
        for twin_id in twins:
            self._until[twin_id] = max(until, self._until.get(twin_id, until))
        return self._calendar() + for_s

    def end(self, twins: Iterable[str]) -> None:
        """Trace twins no longer, but for those that the settings name."""
        self._forget_the_past()
        for twin_id in twins:
            self._until.pop(twin_id, None)

    def _is_asked_for(self, twin_id: str) -> bool:
        until = self._until.get(twin_id)
        if until is None:
            return False
        if until > self._clock():
            return True
        del self._until[twin_id]
        return False

    def _forget_the_past(self) -> None:
        now = self._clock()
        self._until = {twin_id: until for twin_id, until in self._until.items() if until > now}
