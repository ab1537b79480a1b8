"""How EVSEs share what the whole station may draw (OCPP 1.6 §3.13.3, §3.13.4). Numbers only, in any one unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_NOTHING = 1e-9


class Claim(NamedTuple):
    """Ask for `most`; less than `least` cannot be offered at all, and less than `useful` is inefficient."""

    most: float
    least: float = 0.0
    useful: float = 0.0


def shared(capacity: float, claims: Sequence[Claim]) -> list[float]:
    """Divide a capacity: equal parts, what one does not need for the others; the sum never exceeds it.

    The claims come in the order of their precedence. Whoever would bring a part below what is useful gets nothing,
    so that fewer charge properly (OCPP 1.6 §3.13.4: minChargingRate).
    """
    served: list[int] = []
    parts: dict[int, float] = {}
    for index in range(len(claims)):
        among = [*served, index]
        found = dict(zip(among, _divided(capacity, [claims[i].most for i in among]), strict=True))
        if not served or all(_suffices(found[i], claims[i]) for i in among):
            served, parts = among, found
    return [parts.get(index, 0.0) for index in range(len(claims))]


def _suffices(part: float, claim: Claim) -> bool:
    return part >= min(claim.most, max(claim.least, claim.useful)) - _NOTHING


def _divided(capacity: float, wanted: Sequence[float]) -> list[float]:
    parts = [0.0] * len(wanted)
    left, open_ = max(0.0, capacity), sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, index in enumerate(open_):
        parts[index] = min(wanted[index], left / (len(open_) - place))
        left -= parts[index]
    return parts
