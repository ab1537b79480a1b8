"""How often meters and sessions are published: at once on a change, then once in each interval.

While energy flows they change all the time without anybody saying so; they are then refreshed in the same rhythm.
Time is the loop's, in seconds.
"""

from __future__ import annotations

import heapq
from typing import Literal, TypeAlias

from twin.model.terms import Part

_Kind: TypeAlias = Literal["meter", "session"]
_GRAIN_S = 0.05


class Pace:
    """Hold due times of meters and sessions; an entry for each EVSE at most."""

    def __init__(self, meter_interval_s: float, session_interval_s: float) -> None:
        self._interval_s: dict[_Kind, float] = {"meter": meter_interval_s, "session": session_interval_s}
        self._last: dict[tuple[str, int], float] = {}
        self._due: list[tuple[float, str, int, _Kind]] = []
        self._waiting: set[tuple[str, int, _Kind]] = set()
        self._charging: set[tuple[str, int]] = set()

    def meter_changed(self, twin: str, evse: int, now: float) -> bool:
        """Tell whether a changed meter may be published now; otherwise it becomes due by itself."""
        if (twin, evse, "meter") in self._waiting:
            return False
        due = self._last.get((twin, evse), float("-inf")) + self._interval_s["meter"]
        if due <= now:
            self._last[twin, evse] = now
            return True
        self._wait(due, twin, evse, "meter")
        return False

    def charging(self, twin: str, evse: int, *, flows: bool, now: float) -> None:
        """Say whether energy flows at an EVSE."""
        if not flows:
            self._charging.discard((twin, evse))
            return
        if (twin, evse) not in self._charging:
            self._charging.add((twin, evse))
            self._wait(now + self._interval_s["meter"], twin, evse, "meter")
            self._wait(now + self._interval_s["session"], twin, evse, "session")

    def next_due(self) -> float | None:
        """Return when `due` has something to do, not more often than twenty times a second."""
        return self._due[0][0] + _GRAIN_S if self._due else None

    def due(self, now: float) -> list[tuple[str, Part]]:
        """Return what is to be published now."""
        parts: list[tuple[str, Part]] = []
        while self._due and self._due[0][0] <= now:
            _, twin, evse, kind = heapq.heappop(self._due)
            self._waiting.discard((twin, evse, kind))
            if kind == "meter":
                self._last[twin, evse] = now
            if (twin, evse) in self._charging:
                self._wait(now + self._interval_s[kind], twin, evse, kind)
            parts.append((twin, (kind, evse)))
        return parts

    def forget(self, twin: str) -> None:
        """Forget a twin that is gone."""
        for known in [key for key in self._last if key[0] == twin]:
            del self._last[known]
        self._charging = {key for key in self._charging if key[0] != twin}

    def _wait(self, due: float, twin: str, evse: int, kind: _Kind) -> None:
        if (twin, evse, kind) not in self._waiting:
            self._waiting.add((twin, evse, kind))
            heapq.heappush(self._due, (due, twin, evse, kind))
