"""What the Central System asks, and what the box answers (OCPP 1.6 §5): checked, answered, then done (R8)."""

from __future__ import annotations

from typing import assert_never

from twin.model import (
    aligned,
    asking,
    authority,
    certificates,
    charging,
    firmware,
    local_list,
    logs,
    outage,
    profiles,
    registration,
    reservation,
    reserved,
    security,
    service,
    session,
    status,
    triggers,
)
from twin.model.asked import (
    CancelReservation,
    CertificateSigned,
    ChangeAvailability,
    ClearCache,
    ClearChargingProfile,
    DataTransfer,
    DeleteCertificate,
    GetCompositeSchedule,
    GetInstalledCertificateIds,
    GetLocalListVersion,
    GetLog,
    GetVariables,
    InstallCertificate,
    RemoteStart,
    RemoteStop,
    Request,
    ReserveNow,
    Reset,
    SendLocalList,
    SetChargingProfile,
    SetVariable,
    Trigger,
    UnlockConnector,
    UpdateFirmware,
)
from twin.model.box import Box, Step
from twin.model.effects import (
    Answered,
    DataAnswered,
    Outcome,
    Reply,
    VariablesAnswered,
)
from twin.model.state import Evse, Grant
from twin.model.terms import (
    AuthorizationSource,
    BootReason,
    Registration,
    ResetKind,
    StopReason,
)
from twin.model.variables import SMART_CHARGING

HIDDEN = "***"


def handle(step: Step, request: Request) -> None:
    """Answer a request exactly once, and do what it asks."""
    security.proven(step.box)
    match request:
        case ChangeAvailability():
            _change_availability(step, request)
        case SetVariable():
            _set_variable(step, request)
        case GetVariables():
            _get_variables(step, request)
        case ClearCache():
            step.box.cache.clear()
            # CC-02: a box without a cache has none to clear.
            known = step.box.variables.knows("AuthCacheCtrlr.Enabled")
            _reply(step, request, Answered("Accepted" if known else "Rejected"))
        case DataTransfer():
            # CC-03: this box speaks no vendor's dialect.
            _reply(step, request, DataAnswered("UnknownVendorId"))
        case RemoteStart():
            _remote_start(step, request)
        case RemoteStop():
            _remote_stop(step, request)
        case Reset():
            _reset(step, request)
        case UnlockConnector():
            _unlock(step, request)
        case Trigger():
            triggers.handle(step, request)
        case SendLocalList():
            local_list.send(step, request)
        case GetLocalListVersion():
            local_list.version(step, request)
        case ReserveNow():
            reservation.reserve(step, request)
        case CancelReservation():
            reservation.cancel(step, request)
        case SetChargingProfile():
            profiles.install(step, request)
        case ClearChargingProfile():
            profiles.clear(step, request)
        case GetCompositeSchedule():
            profiles.composite(step, request)
        case UpdateFirmware():
            firmware.update(step, request)
        case GetLog():
            logs.get(step, request)
        case CertificateSigned() | InstallCertificate() | DeleteCertificate() | GetInstalledCertificateIds():
            certificates.handle(step, request)
        case _:
            assert_never(request)


def _reply(step: Step, request: Request, outcome: Outcome) -> None:
    step.do(Reply(request.request_ref, outcome))


def _known(box: Box, number: int) -> bool:
    return 1 <= number <= len(box.evses)


def _change_availability(step: Step, request: ChangeAvailability) -> None:
    number, kind = request.evse, "Operative" if request.operative else "Inoperative"
    fine = number == 0 or _known(step.box, number)
    word = service.availability(step, number, operative=request.operative) if fine else "Rejected"
    _reply(step, request, Answered(word))
    step.note("availability_changed", number, connector_id=number, type=kind, status=word)
    if fine:
        service.change_availability(step, number, operative=request.operative)


# --- Configuration ----------------------------------------------------------------------------------------------------


def _set_variable(step: Step, request: SetVariable) -> None:
    variables = step.box.variables
    before = security.profile(step.box)
    fine = security.may_change(step, request.name, request.value)
    verdict = variables.change(request.name, request.value) if fine else "Rejected"
    _reply(step, request, Answered(verdict))
    if verdict not in ("Accepted", "RebootRequired"):
        return
    secret = variables.shown(request.name) is None
    step.note("configuration_changed", key=request.label, value=HIDDEN if secret else request.value)
    if verdict == "Accepted":
        _took_effect(step, request.name)
        security.took_effect(step, request.name, before)


def _took_effect(step: Step, name: str) -> None:
    """Let a changed setting act at once on what is under way (V-03, B-19)."""
    match name:
        case "OCPPCommCtrlr.HeartbeatInterval":
            registration.arm_heartbeat(step)
        case "SampledDataCtrlr.TxUpdatedInterval":
            for evse in step.box.evses:
                session.arm_sampling(step, evse)
        case "LocalAuthListCtrlr.Enabled" if not step.box.variables.flag(name):
            local_list.settle(step)
        case "AlignedDataCtrlr.Interval":
            aligned.restart(step)
            registration.arm_alignment(step)
        case _:
            pass


def _get_variables(step: Step, request: GetVariables) -> None:
    variables = step.box.variables
    shown = {name: variables.shown(name) for name in request.names or variables.names()}
    known = tuple(value for value in shown.values() if value is not None)
    unknown = tuple(name for name, value in shown.items() if value is None)
    _reply(step, request, VariablesAnswered(known, unknown))


# --- Remote control ---------------------------------------------------------------------------------------------------


def _free(box: Box, evse: Evse, token: str, parent: str | None) -> bool:
    asked = any(ask.evse == evse.number and ask.stops is None for ask in box.station.asks)
    idle = evse.session is None and evse.grant is None and not asked
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


def _remote_start(step: Step, request: RemoteStart) -> None:
    parent = authority.parent_of(step, request.token)
    evse = _chosen(step.box, request, parent)
    profile = request.profile if step.box.variables.supports(SMART_CHARGING) else None
    if evse is not None and profile is not None and not profiles.suits_remote_start(step.box, evse.number, profile):
        evse = None
    word = "Rejected" if evse is None else "Accepted"
    _reply(step, request, Answered(word))
    number = request.evse if evse is None else evse.number
    step.note("remote_start", number, id_tag=request.token, connector_id=request.evse, status=word)
    if evse is None:
        return
    place = reserved.admits(step.box, evse, request.token, parent)
    if step.box.variables.flag("AuthCtrlr.AuthorizeRemoteStart") or not place:
        asking.authorize(step, evse.number, request.token, remote=True, profile=profile)
    else:  # the verdict comes with StartTransaction.conf
        grant = Grant(request.token, AuthorizationSource.REMOTE, parent, profile=profile)
        charging.give(step, evse, grant)


def _remote_stop(step: Step, request: RemoteStop) -> None:
    box = step.box
    running = (evse for evse in box.evses if evse.session is not None)
    allowed = box.connection.registration is Registration.ACCEPTED
    found = next((e for e in running if e.session and e.session.transaction_id == request.transaction_id), None)
    word = "Accepted" if found is not None and allowed else "Rejected"
    _reply(step, request, Answered(word))
    number = None if found is None else found.number
    step.note("remote_stop", number, transaction_id=request.transaction_id, status=word)
    if found is None:
        words = f"No transaction {request.transaction_id} is running"
        step.note(
            "protocol_error", action="RemoteStopTransaction", code="PropertyConstraintViolation", description=words
        )
    if found is not None and allowed:
        session.end(step, found, StopReason.REMOTE)
        session.after_end(step, found)


def _reset(step: Step, request: Reset) -> None:
    busy = step.box.station.resetting is not None or firmware.is_installing(step.box)
    word = "Rejected" if busy else "Accepted"
    _reply(step, request, Answered(word))
    step.note("reset", type=request.kind, status=word)
    if not busy:
        reason = StopReason.SOFT_RESET if request.kind is ResetKind.SOFT else StopReason.HARD_RESET
        outage.reset(step, request.kind, reason, BootReason.REMOTE_RESET)


def _unlock(step: Step, request: UnlockConnector) -> None:
    if not _known(step.box, request.evse):  # U-02
        _reply(step, request, Answered("NotSupported"))
        step.note("unlock", connector_id=request.evse, status="NotSupported")
        return
    evse = step.box.evse(request.evse)
    word = service.unlock(step, evse)
    _reply(step, request, Answered(word))
    step.note("unlock", evse.number, connector_id=evse.number, status=word)
    service.unlock_now(step, evse, word)
