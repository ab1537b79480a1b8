"""What a limit is for a real thing: lowered while the Central System is away, and never between nothing and too little.

Physical truth stands over all: what the hardware, the cable or the car cannot do is never asked for.
"""

from __future__ import annotations

from msgspec.structs import replace

from bridge.actuating.rules import OutputRule
from twin.model.terms import LimitSource
from twin.model.view import LimitView

_PHYSICAL = frozenset({LimitSource.HARDWARE, LimitSource.CABLE, LimitSource.EV})


def adjusted(
    limit: LimitView, rule: OutputRule, *, online: bool, max_a: float, max_w: float | None = None
) -> LimitView:
    """Return the limit that the output carries; `max_a` and `max_w` are what the EVSE's hardware can do."""
    if not limit.allowed:
        return limit
    most_a = max_a if max_w is None or limit.limit_w <= 0 else min(max_a, max_w * limit.limit_a / limit.limit_w)
    if not online and rule.when_offline != "keep":
        limit = _offline(limit, rule.when_offline)
        most_a = most_a if isinstance(rule.when_offline, str) else min(most_a, rule.when_offline)
    return _at_least(limit, rule, most_a) if limit.allowed and limit.limit_a < rule.min_a else limit


def falls(limit: LimitView, before: LimitView) -> bool:
    """Tell whether a limit allows less than the one before, so that it may not wait."""
    return (before.allowed and not limit.allowed) or limit.limit_a < before.limit_a or limit.limit_w < before.limit_w


def _offline(limit: LimitView, ceiling: str | float) -> LimitView:
    if isinstance(ceiling, str) or not ceiling:
        return _paused(limit, LimitSource.OFFLINE)
    return _to(limit, ceiling, LimitSource.OFFLINE) if limit.limit_a > ceiling else limit


def _at_least(limit: LimitView, rule: OutputRule, most_a: float) -> LimitView:
    match rule.below_min:
        case "pass":
            return limit
        case "min" if limit.limit_a > 0 and limit.source not in _PHYSICAL and rule.min_a <= most_a:
            return _to(limit, rule.min_a, limit.source)
        case _:
            return _paused(limit, limit.source)


def _to(limit: LimitView, current_a: float, source: LimitSource) -> LimitView:
    return replace(limit, limit_a=current_a, limit_w=limit.limit_w * current_a / limit.limit_a, source=source)


def _paused(limit: LimitView, source: LimitSource) -> LimitView:
    return replace(limit, allowed=False, limit_a=0.0, limit_w=0.0, source=source)
