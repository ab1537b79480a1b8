"""How long to wait before the next attempt to connect: a growing delay, a random part, a cap. Knows no sockets."""

from __future__ import annotations

from random import Random


class Backoff:
    """Double the delay with every failure, and spread many stations over it (T-06).

    Every delay lies between `min_s` and `max_s`; `jitter` is the largest random part, relative to the delay.
    """

    __slots__ = ("_cap_s", "_delay_s", "_jitter", "_max_s", "_min_s", "_random")

    def __init__(self, min_s: float, max_s: float, jitter: float, random: Random) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._jitter = jitter
        self._random = random
        # The cap leaves room for the random part: stations that have waited long must not come all at once either.
        self._cap_s = max(min_s, max_s / (1 + jitter))
        self._delay_s = min_s

    def next(self) -> float:
        """Return the seconds to wait now, and wait longer the next time."""
        delay_s = self._delay_s * (1 + self._jitter * self._random.random())
        self._delay_s = min(2 * self._delay_s, self._cap_s)
        return min(delay_s, self._max_s)

    def reset(self) -> None:
        """Begin with the shortest delay again: the Central System was reached."""
        self._delay_s = self._min_s
