"""What the Central System wants done at the box: start, stop, unlock, in or out of service, reset (OCPP 1.6 §5).

Each is checked, answered, then done (R8). Where a real thing has to do it, that comes first, the check is made again
when it is done, and the answer says how it went.
"""

from __future__ import annotations

from typing import Any, assert_never

import msgspec

from twin.model import (
    actuation,
    asking,
    authority,
    charging,
    firmware,
    outage,
    profiles,
    reserved,
    service,
    session,
    status,
)
from twin.model.asked import (
    ChangeAvailability,
    PhysicalRequest,
    RemoteStart,
    RemoteStop,
    Reset,
    UnlockConnector,
)
from twin.model.box import Box, Step
from twin.model.effects import Answered, CancelJob
from twin.model.inputs import Actuated
from twin.model.state import Evse, Grant, Pending
from twin.model.terms import Action, AuthorizationSource, BootReason, Instant, Registration, ResetKind, StopReason
from twin.model.variables import SMART_CHARGING


def handle(step: Step, request: PhysicalRequest, done: Pending | None = None) -> None:
    """Answer a request and do what it asks, or let a real thing do it first; `done` says that it did."""
    match request:
        case ChangeAvailability():
            _change_availability(step, request, done)
        case RemoteStart():
            _remote_start(step, request, done)
        case RemoteStop():
            _remote_stop(step, request, done)
        case Reset():
            _reset(step, request, done)
        case UnlockConnector():
            _unlock(step, request, done)
        case _:
            assert_never(request)


def actuated(step: Step, event: Actuated) -> None:
    """Take it that a real thing did what was asked, or could not."""
    pending = actuation.take(step.box, event.job_id)
    if pending is None:
        return
    if event.ok:
        handle(step, pending.request, pending)
    else:
        _failed(step, pending)


def due(step: Step) -> None:
    """Take what was not done in time for a failure."""
    for job_id in actuation.overdue(step):
        step.do(CancelJob(job_id))
        pending = actuation.take(step.box, job_id)
        if pending is not None:
            _failed(step, pending)


def deadlines(box: Box) -> list[Instant | None]:
    """Return until when real things have time."""
    return actuation.deadlines(box)


def _failed(step: Step, pending: Pending) -> None:
    """Say that the real thing did not do it; the box is then as it was, but for a lock that does not open."""
    request = pending.request
    match request:
        case ChangeAvailability(evse=number):
            kind = _kind(request)
            _answer(step, request, "Rejected")
            step.note("availability_changed", number, connector_id=number, type=kind, status="Rejected")
        case RemoteStart(token=token, evse=number):
            _answer(step, request, "Rejected")
            step.note("remote_start", pending.evse, id_tag=token, connector_id=number, status="Rejected")
        case RemoteStop(transaction_id=transaction_id):
            _answer(step, request, "Rejected")
            step.note("remote_stop", pending.evse, transaction_id=transaction_id, status="Rejected")
        case Reset(kind=reset):
            _answer(step, request, "Rejected")
            step.note("reset", type=reset, status="Rejected")
        case UnlockConnector():
            _unlocked(step, request, step.box.evse(pending.evse), "UnlockFailed")  # U-01
        case _:
            assert_never(request)


def _answer(step: Step, request: PhysicalRequest, word: str) -> None:
    step.reply(request.request_ref, Answered(word))


def _known(box: Box, number: int) -> bool:
    return 1 <= number <= len(box.evses)


# --- Availability -----------------------------------------------------------------------------------------------------


def _kind(request: ChangeAvailability) -> str:
    return "Operative" if request.operative else "Inoperative"


def _change_availability(step: Step, request: ChangeAvailability, done: Pending | None) -> None:
    number, kind = request.evse, _kind(request)
    fine = number == 0 or _known(step.box, number)
    word = service.availability(step, number, operative=request.operative) if fine else "Rejected"
    # What is Scheduled is asked of the real thing when it takes effect (`session.after_end`).
    wanted = done is None and word == "Accepted"
    if wanted and actuation.put_off(step, Action.AVAILABILITY, number, request, connector_id=number, type=kind):
        return
    _answer(step, request, word)
    step.note("availability_changed", number, connector_id=number, type=kind, status=word)
    if fine:
        service.change_availability(step, number, operative=request.operative)
    if wanted:
        actuation.do(step, Action.AVAILABILITY, number, connector_id=number, type=kind)


# --- Remote start and stop --------------------------------------------------------------------------------------------


def _free(box: Box, evse: Evse, token: str, parent: str | None) -> bool:
    asked = any(ask.evse == evse.number and ask.stops is None for ask in box.station.asks)
    starting = any(
        one.evse == evse.number and isinstance(one.request, RemoteStart) for one in box.connection.pending.values()
    )
    idle = evse.session is None and evse.grant is None and not asked and not starting
    # RV-07, RV-08: refused where it is kept for others; that a card is one of theirs may yet turn out.
    place = reserved.admits(box, evse, token, parent) or reserved.hinges_on_parent(box, evse, parent)
    return idle and evse.keeper is None and place and status.is_usable(box, evse)


def _chosen(box: Box, request: RemoteStart, parent: str | None) -> Evse | None:
    """Return where a remote start happens (R-05, R-06), None: it is refused."""
    if box.connection.registration is not Registration.ACCEPTED:  # B-12
        return None
    if request.evse is not None:
        if not _known(box, request.evse):
            return None
        evse = box.evse(request.evse)
        return evse if _free(box, evse, request.token, parent) else None
    free = [evse for evse in box.evses if _free(box, evse, request.token, parent)]
    return max(free, key=lambda evse: _merit(box, evse, request.token, parent), default=None)


def _merit(box: Box, evse: Evse, token: str, parent: str | None) -> tuple[bool, bool, bool, bool, int]:
    """Rate an EVSE for a remote start that names none: kept for this card, certain, with a car, not used up."""
    kept = reserved.of(box, evse.number)
    own = kept is not None and reserved.fits(kept, token, parent)
    certain = reserved.admits(box, evse, token, parent)
    return own, certain, evse.plugged, not evse.finishing, -evse.number


def _remote_start(step: Step, request: RemoteStart, done: Pending | None) -> None:
    parent = authority.parent_of(step, request.token)
    where = request if done is None else msgspec.structs.replace(request, evse=done.evse)
    evse = _chosen(step.box, where, parent)
    profile = request.profile if step.box.variables.supports(SMART_CHARGING) else None
    if evse is not None and profile is not None and not profiles.suits_remote_start(step.box, evse.number, profile):
        evse = None
    fields: dict[str, Any] = {"id_tag": request.token, "connector_id": request.evse}
    if done is None and evse is not None:
        if actuation.put_off(step, Action.REMOTE_START, evse.number, request, **fields):
            return
        actuation.do(step, Action.REMOTE_START, evse.number, **fields)
    word = "Rejected" if evse is None else "Accepted"
    _answer(step, request, word)
    step.note("remote_start", where.evse if evse is None else evse.number, **fields, status=word)
    if evse is None:
        return
    place = reserved.admits(step.box, evse, request.token, parent)
    if step.box.variables.flag("AuthCtrlr.AuthorizeRemoteStart") or not place:
        asking.authorize(step, evse.number, request.token, remote=True, profile=profile)
    else:  # the verdict comes with StartTransaction.conf
        grant = Grant(request.token, AuthorizationSource.REMOTE, parent, profile=profile)
        charging.give(step, evse, grant)


def _remote_stop(step: Step, request: RemoteStop, done: Pending | None) -> None:
    running = (evse for evse in step.box.evses if evse.session is not None)
    allowed = step.box.connection.registration is Registration.ACCEPTED
    found = next((e for e in running if e.session and e.session.transaction_id == request.transaction_id), None)
    fields: dict[str, Any] = {"transaction_id": request.transaction_id}
    if done is None and found is not None and found.session is not None and allowed:
        session_id = found.session.id
        if actuation.put_off(step, Action.REMOTE_STOP, found.number, request, session_id=session_id, **fields):
            return
        actuation.do(step, Action.REMOTE_STOP, found.number, **fields)
    # A session that ended while the real thing was at it has ended as was asked.
    word = "Accepted" if (found is not None or done is not None) and allowed else "Rejected"
    _answer(step, request, word)
    number = None if found is None else found.number
    step.note("remote_stop", number if done is None else done.evse, **fields, status=word)
    if found is None and done is None:
        words = f"No transaction {request.transaction_id} is running"
        step.note(
            "protocol_error", action="RemoteStopTransaction", code="PropertyConstraintViolation", description=words
        )
    if found is not None and allowed:
        session.end(step, found, StopReason.REMOTE)
        session.after_end(step, found)


# --- Reset and unlock -------------------------------------------------------------------------------------------------


def _reset(step: Step, request: Reset, done: Pending | None) -> None:
    busy = step.box.station.resetting is not None or firmware.is_installing(step.box)
    if done is None and not busy:
        if actuation.put_off(step, Action.RESET, 0, request, type=request.kind):
            return
        actuation.do(step, Action.RESET, 0, type=request.kind)
    word = "Rejected" if busy else "Accepted"
    _answer(step, request, word)
    step.note("reset", type=request.kind, status=word)
    if not busy:
        reason = StopReason.SOFT_RESET if request.kind is ResetKind.SOFT else StopReason.HARD_RESET
        outage.reset(step, request.kind, reason, BootReason.REMOTE_RESET)


def _unlock(step: Step, request: UnlockConnector, done: Pending | None) -> None:
    if not _known(step.box, request.evse):  # U-02
        _answer(step, request, "NotSupported")
        step.note("unlock", connector_id=request.evse, status="NotSupported")
        return
    evse = step.box.evse(request.evse)
    word = service.unlock(step, evse)
    if done is None and word == "Unlocked":
        if actuation.put_off(step, Action.UNLOCK, evse.number, request, connector_id=evse.number):
            # U-03: the session is ended first; no cable comes loose while energy flows.
            session.end(step, evse, StopReason.UNLOCK_COMMAND, keep_locked=True)
            session.after_end(step, evse)
            return
        actuation.do(step, Action.UNLOCK, evse.number, connector_id=evse.number)
    _unlocked(step, request, evse, word)


def _unlocked(step: Step, request: UnlockConnector, evse: Evse, word: str) -> None:
    _answer(step, request, word)
    step.note("unlock", evse.number, connector_id=evse.number, status=word)
    service.unlock_now(step, evse, word)
