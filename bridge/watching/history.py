"""What an EVSE drew and might draw in the last minutes, as samples for a chart.

Decides how much is kept: of ten thousand EVSEs, a few kilobytes each. How it is drawn is not known here.
"""

from __future__ import annotations

from array import array

WINDOW_S = 600.0
"""How far back one can look."""

_SPACING_S = 2.0
_SLACK = 64


class History:
    """Hold a value that stays until the next one comes. Times in seconds, of any clock that does not go back."""

    __slots__ = ("_at", "_values")

    def __init__(self) -> None:
        self._at = array("d")
        self._values = array("d")

    @property
    def began(self) -> float | None:
        """Return when the first value came that is still held."""
        return self._at[0] if self._at else None

    def add(self, value: float, at: float) -> None:
        """Note a value; one that follows within two seconds takes the place of the one before."""
        if len(self._at) > 1 and at - self._at[-2] < _SPACING_S:
            self._at.pop()
            self._values.pop()
        self._at.append(at)
        self._values.append(value)
        self._forget(at - WINDOW_S)

    def sampled(self, now: float, span_s: float, count: int) -> list[float | None]:
        """Return the value at `count` moments of the last `span_s` seconds, the last one now; None before the first."""
        found: list[float | None] = []
        index, step = -1, span_s / max(count - 1, 1)
        for number in range(count):
            moment = now - span_s + number * step
            while index + 1 < len(self._at) and self._at[index + 1] <= moment + 1e-9:
                index += 1
            found.append(self._values[index] if index >= 0 else None)
        return found

    def _forget(self, before: float) -> None:
        """Drop what is too old, some at a time; the last one before stays, for it is still true then."""
        if len(self._at) <= _SLACK or self._at[_SLACK] > before:
            return
        del self._at[:_SLACK]
        del self._values[:_SLACK]
