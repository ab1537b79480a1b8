"""How many commands a twin may be sent: a token bucket for each, kept only while it is not full."""

from __future__ import annotations

_PRUNE_AT = 4_096


class RateLimit:
    """Count commands for each key: `rate_per_s` in the long run, `burst` at once. Time is any steady one in seconds."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, key: str, now: float) -> bool:
        """Take one token of this key; False if there is none."""
        tokens, at = self._buckets.get(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._rate_per_s)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return False
        if len(self._buckets) >= _PRUNE_AT and key not in self._buckets:
            self._prune(now)
        self._buckets[key] = (tokens - 1, now)
        return True

    def _prune(self, now: float) -> None:
        self._buckets = {
            key: (tokens, at)
            for key, (tokens, at) in self._buckets.items()
            if tokens + (now - at) * self._rate_per_s < self._burst
        }
