"""What the Central System asks, and what the box answers (OCPP 1.6 §5): checked, answered, then done (R8)."""

from __future__ import annotations

from typing import assert_never

from twin.model import (
    aligned,
    certificates,
    firmware,
    local_list,
    logs,
    profiles,
    registration,
    remote,
    reservation,
    security,
    session,
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
from twin.model.box import Step
from twin.model.effects import (
    Answered,
    DataAnswered,
    Outcome,
    Reply,
    VariablesAnswered,
)

HIDDEN = "***"


def handle(step: Step, request: Request) -> None:
    """Answer a request exactly once, and do what it asks."""
    security.proven(step.box)
    match request:
        case ChangeAvailability() | RemoteStart() | RemoteStop() | Reset() | UnlockConnector():
            remote.handle(step, request)
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
        case session.ALIGNED | session.ENDED_ALIGNED if step.box.connection.next_aligned_at is not None:
            aligned.look(step, step.box.evses)
        case _:
            pass


def _get_variables(step: Step, request: GetVariables) -> None:
    variables = step.box.variables
    shown = {name: variables.shown(name) for name in request.names or variables.names()}
    known = tuple(value for value in shown.values() if value is not None)
    unknown = tuple(name for name, value in shown.items() if value is None)
    _reply(step, request, VariablesAnswered(known, unknown))
