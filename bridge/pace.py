"""How often meters and sessions are published: at once on a change, then once in each interval.

While energy flows they change all the time without anybody saying so; they are then refreshed in the same rhythm.
Where many twins share a broker (`calm`), each has its own place within the interval, so that not all come at once.
Time is the loop's, in seconds.
"""

from __future__ import annotations

import heapq
import math
import zlib
from typing import Literal, TypeAlias

from bridge.profiles import Output
from twin.model.terms import Part

_Kind: TypeAlias = Literal["station", "meter", "session"]
_GRAIN_S = 0.05
_PLACES = 2**32


class Pace:
    """Hold due times of meters, sessions and stations; an entry for each of them at most."""

    def __init__(self, output: Output) -> None:
        meter_s = math.inf if output.meter_interval_s is None else output.meter_interval_s
        self._interval_s: dict[_Kind, float] = {
            "station": output.station_interval_s,
            "meter": meter_s,
            "session": output.session_interval_s,
        }
        self._calm = output.calm
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

    def charging(self, twin: str, evse: int, *, flows: bool, now: float) -> bool:
        """Say whether energy flows at an EVSE; tell whether that is news."""
        if not flows:
            is_news = (twin, evse) in self._charging
            self._charging.discard((twin, evse))
            return is_news
        if (twin, evse) in self._charging:
            return False
        self._charging.add((twin, evse))
        self.later(twin, "meter", evse, now)
        self.later(twin, "session", evse, now)
        return True

    def later(self, twin: str, kind: _Kind, evse: int, now: float) -> None:
        """Have a part published when its interval is over."""
        interval_s = self._interval_s[kind]
        if self._calm and interval_s != math.inf:
            place_s = zlib.crc32(f"{twin}/{evse}".encode()) / _PLACES * interval_s
            interval_s = interval_s - (now - place_s) % interval_s
        self._wait(now + interval_s, twin, evse, kind)

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
                self.later(twin, kind, evse, now)
            parts.append((twin, (kind, evse)))
        return parts

    def forget(self, twin: str) -> None:
        """Forget a twin that is gone."""
        for known in [key for key in self._last if key[0] == twin]:
            del self._last[known]
        self._charging = {key for key in self._charging if key[0] != twin}

    def _wait(self, due: float, twin: str, evse: int, kind: _Kind) -> None:
        if due != math.inf and (twin, evse, kind) not in self._waiting:
            self._waiting.add((twin, evse, kind))
            heapq.heappush(self._due, (due, twin, evse, kind))
