"""What the Central System asks, and what the box answers (OCPP 1.6 §5): checked, answered, then done (R8)."""

from __future__ import annotations

from typing import assert_never

from twin.model import charging, metering, outage, registration, service, session, status
from twin.model.box import Box, Step
from twin.model.effects import (
    Answered,
    DataAnswered,
    HeartbeatDue,
    Metered,
    Outcome,
    Reading,
    Reply,
    Sample,
    VariablesAnswered,
)
from twin.model.inputs import (
    ChangeAvailability,
    ClearCache,
    DataTransfer,
    GetVariables,
    RemoteStart,
    RemoteStop,
    Request,
    Reset,
    SetVariable,
    Trigger,
    UnlockConnector,
)
from twin.model.state import Evse, Grant
from twin.model.terms import (
    AuthorizationSource,
    BootReason,
    Measurand,
    ReadingContext,
    Registration,
    ResetKind,
    StopReason,
)

HIDDEN = "***"


def handle(step: Step, request: Request) -> None:
    """Answer a request exactly once, and do what it asks."""
    match request:
        case ChangeAvailability():
            _change_availability(step, request)
        case SetVariable():
            _set_variable(step, request)
        case GetVariables():
            _get_variables(step, request)
        case ClearCache():
            step.box.cache.clear()
            _reply(step, request, Answered("Accepted"))
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
            _trigger(step, request)
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
    verdict = variables.change(request.name, request.value)
    _reply(step, request, Answered(verdict))
    if verdict not in ("Accepted", "RebootRequired"):
        return
    secret = variables.shown(request.name) is None
    step.note("configuration_changed", key=request.label, value=HIDDEN if secret else request.value)
    if verdict == "Accepted":
        _took_effect(step, request.name)


def _took_effect(step: Step, name: str) -> None:
    """Let a changed setting act at once on what is under way (V-03, B-19)."""
    match name:
        case "OCPPCommCtrlr.HeartbeatInterval":
            registration.arm_heartbeat(step)
        case "SampledDataCtrlr.TxUpdatedInterval":
            for evse in step.box.evses:
                session.arm_sampling(step, evse)
        case "AlignedDataCtrlr.Interval":
            for evse in step.box.evses:
                evse.aligned_base_wh = evse.register.read(step.now)
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


def _free(box: Box, evse: Evse) -> bool:
    asked = any(ask.evse == evse.number and ask.stops is None for ask in box.station.asks)
    idle = evse.session is None and evse.grant is None and not asked
    return idle and evse.keeper is None and status.is_usable(box, evse)


def _chosen(box: Box, request: RemoteStart) -> Evse | None:
    """Return where a remote start happens (R-05, R-06), None: it is refused."""
    if box.connection.registration is not Registration.ACCEPTED:  # B-12
        return None
    if request.evse is not None:
        if not _known(box, request.evse):
            return None
        evse = box.evse(request.evse)
        return evse if _free(box, evse) else None
    free = [evse for evse in box.evses if _free(box, evse)]
    return max(free, key=lambda evse: (evse.plugged, not evse.finishing, -evse.number), default=None)


def _remote_start(step: Step, request: RemoteStart) -> None:
    evse = _chosen(step.box, request)
    word = "Rejected" if evse is None else "Accepted"
    _reply(step, request, Answered(word))
    number = request.evse if evse is None else evse.number
    step.note("remote_start", number, id_tag=request.token, connector_id=request.evse, status=word)
    if evse is None:
        return
    if step.box.variables.flag("AuthCtrlr.AuthorizeRemoteStart"):
        charging.authorize(step, evse.number, request.token, remote=True)
    else:  # the verdict comes with StartTransaction.conf
        charging.give(step, evse, Grant(request.token, AuthorizationSource.REMOTE))


def _remote_stop(step: Step, request: RemoteStop) -> None:
    box = step.box
    running = (evse for evse in box.evses if evse.session is not None)
    allowed = box.connection.registration is Registration.ACCEPTED
    found = next((e for e in running if e.session and e.session.transaction_id == request.transaction_id), None)
    word = "Accepted" if found is not None and allowed else "Rejected"
    _reply(step, request, Answered(word))
    number = None if found is None else found.number
    step.note("remote_stop", number, transaction_id=request.transaction_id, status=word)
    if found is not None and allowed:
        session.end(step, found, StopReason.REMOTE)
        session.after_end(step, found)


def _reset(step: Step, request: Reset) -> None:
    busy = step.box.station.resetting is not None
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


# --- TriggerMessage ---------------------------------------------------------------------------------------------------


def _trigger(step: Step, request: Trigger) -> None:
    """Answer, then send (CC-05 to CC-12); messages of absent profiles are not implemented."""
    word = _trigger_verdict(step.box, request)
    _reply(step, request, Answered(word))
    if word != "Accepted":
        return
    match request.message:
        case "BootNotification":
            registration.boot(step, triggered=True)
        case "Heartbeat":
            step.tell(HeartbeatDue(), triggered=True)
        case "StatusNotification":
            evses = list(step.box.all()) if request.evse is None else [step.box.evse(request.evse)]
            for evse in evses:
                status.tell(step, evse, triggered=True)
        case "MeterValues":
            evses = step.box.evses if request.evse is None else [step.box.evse(request.evse)]
            for evse in evses:
                _trigger_meter(step, evse)
        case _:
            pass


def _trigger_verdict(box: Box, request: Trigger) -> str:
    match request.message:
        case "BootNotification":
            booted = box.connection.registration is Registration.ACCEPTED and box.connection.booted_here
            return "Rejected" if booted or box.connection.boot_told else "Accepted"  # CC-12
        case "Heartbeat":
            return "Accepted"
        case "MeterValues" | "StatusNotification":
            fine = request.evse is None or request.evse == 0 or _known(box, request.evse)
            return "Accepted" if fine else "Rejected"
        case _:
            return "NotImplemented"


def _trigger_meter(step: Step, evse: Evse) -> None:
    if evse.number == 0:
        step.tell(Metered(0, (main_meter(step, ReadingContext.TRIGGER),)), triggered=True)
        return
    owner = evse.session
    base_wh = evse.register.read(step.now) if owner is None else owner.sample_base_wh
    found = session.read(step, evse, step.box.variables.items(session.SAMPLED), ReadingContext.TRIGGER, base_wh=base_wh)
    # this report may overtake StartTransaction, and then has no transaction to name.
    named = None if owner is None or owner.transaction_id is None else owner.id
    if found is not None:
        step.tell(Metered(evse.number, (found,), named), triggered=True)


def main_meter(step: Step, context: ReadingContext) -> Reading:
    """Read the main meter: the sum of all EVSEs (V-20)."""
    total_wh = sum(metering.whole_wh(evse, step.now) for evse in step.box.evses)
    sample = Sample(Measurand.ENERGY_ACTIVE_IMPORT_REGISTER, float(total_wh), None, "Inlet")
    return Reading(step.own_now, context, (sample,))
