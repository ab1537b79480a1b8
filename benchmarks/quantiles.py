"""How delays are told: by what half of them, nearly all and all lay below."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def quantiles_ms(delays: Sequence[float]) -> dict[str, float]:
    """Return what half, nearly all and all of the delays (s) lay below, in ms; NaN where there are none."""
    if len(delays) < 2:
        return dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "max_ms"), math.nan)
    cuts = statistics.quantiles(delays, n=100)
    found = {"p50_ms": cuts[49], "p90_ms": cuts[89], "p99_ms": cuts[98], "max_ms": max(delays)}
    return {name: value * 1e3 for name, value in found.items()}
