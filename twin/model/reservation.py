"""When a reservation is made and when it ends (OCPP 1.6 §5.1, §5.13).

Expiry is on the Central System's clock, with or without power and connection. Faults and unavailability end a
reservation wherever they come from (`status`), a session of the reserved card does (`session`).
"""

from __future__ import annotations

from twin.model import cable, reserved, status
from twin.model.asked import CancelReservation, ReserveNow
from twin.model.box import Box, Step
from twin.model.effects import Answered
from twin.model.registration import LATEST_CLOCK
from twin.model.state import Evse, Reservation
from twin.model.terms import Instant, Status
from twin.model.variables import RESERVATION

_OUT = {Status.FAULTED: "Faulted", Status.UNAVAILABLE: "Unavailable"}


def reserve(step: Step, request: ReserveNow) -> None:
    """Keep an EVSE, or any one, free for a token."""
    box = step.box
    until = min(request.until, LATEST_CLOCK)
    made = Reservation(request.reservation_id, request.evse, request.token, until, request.parent)
    old = _find(box, made.id)
    word = _verdict(step, made, old)
    step.reply(request.request_ref, Answered(word))
    if word != "Accepted":
        return
    if old is not None:
        reserved.end(step, old, "replaced")
    box.station.reservations = [*box.station.reservations, made]
    step.note("reservation_made", made.evse, reservation_id=made.id, id_tag=made.token, until=made.until)
    if made.evse:
        _keep(step, box.evse(made.evse), made)
    if old is not None and old.evse != made.evse:
        _release(step, old)


def _find(box: Box, reservation_id: int) -> Reservation | None:
    return next((kept for kept in box.station.reservations if kept.id == reservation_id), None)


def _verdict(step: Step, made: Reservation, old: Reservation | None) -> str:
    box = step.box
    if not 0 <= made.evse <= len(box.evses):  # RV-03
        return "Rejected"
    if made.evse == 0 and not box.variables.flag("ReservationCtrlr.NonEvseSpecific"):  # RV-04
        return "Rejected"
    if (out := _OUT.get(box.common.status)) is not None:
        return out
    word = _verdict_on_one(box, box.evse(made.evse), old) if made.evse else _verdict_on_any(box, old)
    # What is wrong with the box counts more than what is wrong with the request: it lasts.
    return "Rejected" if word == "Accepted" and reserved.ends_at(box, made) <= step.now else word


def _verdict_on_one(box: Box, evse: Evse, old: Reservation | None) -> str:
    if (out := _OUT.get(evse.status)) is not None:
        return out
    if old is not None and old.evse == evse.number and evse.session is None:
        return "Accepted"  # RV-01: it is kept already, also while its card is being looked at
    waiting = [kept for kept in reserved.promised(box) if kept is not old]
    fine = evse.status is Status.AVAILABLE and _spare(box, evse, old) >= len(waiting)
    return "Accepted" if fine else "Occupied"


def _verdict_on_any(box: Box, old: Reservation | None) -> str:
    """Decide on a reservation of any EVSE: one must be free that nobody was promised (RV-06)."""
    waiting = len([kept for kept in reserved.promised(box) if kept is not old])
    if box.common.grant is not None:
        waiting += 1  # somebody showed a card at the shared reader, and plugs in next
    if _spare(box, box.common, old) > waiting:
        return "Accepted"
    found = {evse.status for evse in box.evses}
    if waiting or found - _OUT.keys():
        return "Occupied"
    return "Faulted" if Status.FAULTED in found else "Unavailable"


def _spare(box: Box, besides: Evse, old: Reservation | None) -> int:
    """Count free EVSEs, and that which a reservation leaves that is about to be replaced."""
    left = old is not None and old.evse not in (0, besides.number) and _is_unused(box.evse(old.evse))
    return reserved.spare(box, besides) + int(left)


def _is_unused(evse: Evse) -> bool:
    return evse.status is Status.RESERVED and not evse.plugged


def _keep(step: Step, evse: Evse, made: Reservation) -> None:
    grant = evse.grant
    if grant is not None and not reserved.fits(made, grant.token, grant.parent):
        cable.void_attempt(evse)  # its card is not the reserved one any more
    status.refresh(step, evse.number)


def _release(step: Step, ended: Reservation) -> None:
    """Show that an EVSE is kept no longer (G1); a car that stands there begins to use it (A2)."""
    if ended.evse:
        status.refresh(step, ended.evse)
        cable.resume_attempt(step, step.box.evse(ended.evse))


def cancel(step: Step, request: CancelReservation) -> None:
    """End a reservation (RV-13)."""
    kept = _find(step.box, request.reservation_id)
    step.reply(request.request_ref, Answered("Rejected" if kept is None else "Accepted"))
    if kept is not None:
        reserved.end(step, kept, "cancelled")
        _release(step, kept)


def resume(step: Step) -> None:
    """Look at reservations after a restart: some expired, some belong to what the configuration took away."""
    box = step.box
    supported = box.variables.supports(RESERVATION)
    for kept in box.station.reservations:
        if kept.evse > len(box.evses) or not supported:
            reserved.end(step, kept, "unavailable")
    due(step)


def due(step: Step) -> None:
    """End what has expired (RV-11)."""
    box = step.box
    for kept in [kept for kept in box.station.reservations if reserved.ends_at(box, kept) <= step.now]:
        reserved.end(step, kept, "expired")
        _release(step, kept)


def deadlines(box: Box) -> list[Instant | None]:
    """Return when reservations expire."""
    return [reserved.ends_at(box, kept) for kept in box.station.reservations]
