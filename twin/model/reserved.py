"""What reservations mean for who may charge where (OCPP 1.6 §5.13). When one is made or ends is `reservation`'s.

One for an EVSE keeps it free for a token and for its group. One for any EVSE (connector 0) keeps none in particular,
but makes sure that a free one is left.
"""

from __future__ import annotations

from twin.model.box import Box, Step
from twin.model.cards import same
from twin.model.state import Evse, Reservation
from twin.model.terms import Instant, Status


def of(box: Box, number: int) -> Reservation | None:
    """Return the reservation of this very EVSE."""
    return next((kept for kept in box.station.reservations if kept.evse == number), None) if number else None


def promised(box: Box) -> list[Reservation]:
    """Return the reservations of any EVSE."""
    return [kept for kept in box.station.reservations if kept.evse == 0]


def fits(kept: Reservation, token: str, parent: str | None) -> bool:
    """Tell whether a card is the reserved one or of its group (RV-07)."""
    return same(kept.token, token) or same(kept.parent, parent)


def admits(box: Box, evse: Evse, token: str, parent: str | None) -> bool:
    """Tell whether a card may charge at an EVSE as far as reservations go (RV-05, RV-07)."""
    own = of(box, evse.number)
    if own is not None:
        return fits(own, token, parent)
    waiting = promised(box)
    return any(fits(kept, token, parent) for kept in waiting) or spare(box, evse) >= len(waiting)


def hinges_on_parent(box: Box, evse: Evse, parent: str | None) -> bool:
    """Tell whether a group, if the card were known to have one, could open an EVSE to it (RV-08)."""
    own = of(box, evse.number)
    return parent is None and any(kept.parent is not None for kept in ([own] if own else promised(box)))


def spare(box: Box, besides: Evse) -> int:
    """Count the EVSEs that are free, besides one."""
    return sum(evse.status is Status.AVAILABLE for evse in box.evses if evse is not besides)


def ended_by(box: Box, evse: Evse, token: str, parent: str | None) -> Reservation | None:
    """Return the reservation that a session of this card ends (RV-10): the EVSE's own, or one of any EVSE."""
    own = of(box, evse.number)
    if own is not None:
        return own if fits(own, token, parent) else None
    mine = [kept for kept in promised(box) if fits(kept, token, parent)]
    return min(mine, key=lambda kept: (not same(kept.token, token), kept.until), default=None)


def ends_at(box: Box, kept: Reservation) -> Instant:
    """Return when a reservation expires on the runtime's clock."""
    return kept.until - box.station.clock_offset_s


def end(step: Step, kept: Reservation, reason: str, *, request_id: str | None = None) -> None:
    """Forget a reservation; the caller refreshes the status of its EVSE."""
    station = step.box.station
    station.reservations = [other for other in station.reservations if other.id != kept.id]
    step.note(
        "reservation_ended",
        kept.evse,
        request_id=request_id,
        reservation_id=kept.id,
        id_tag=kept.token,
        until=kept.until,
        reason=reason,
    )
