"""TriggerMessage and ExtendedTriggerMessage: messages on demand, with what is true now (OCPP 1.6 §5.17).

The answer goes first, then the message (CC-05).
"""

from __future__ import annotations

from twin.model import aligned, enrolment, firmware, logs, registration, session, status
from twin.model.asked import Trigger
from twin.model.box import Box, Step
from twin.model.effects import Answered, HeartbeatDue, Metered
from twin.model.state import Evse
from twin.model.terms import ReadingContext, Registration
from twin.model.variables import FIRMWARE


def handle(step: Step, request: Trigger) -> None:
    """Answer, then send (CC-05 to CC-12); messages of absent profiles are not implemented."""
    word = _trigger_verdict(step.box, request)
    step.reply(request.request_ref, Answered(word))
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
        case "FirmwareStatusNotification":
            firmware.trigger(step, signed=request.extended)
        case "DiagnosticsStatusNotification" | "LogStatusNotification":
            logs.trigger(step, extended=request.extended)
        case "SignChargePointCertificate":
            enrolment.sign(step)
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
            fine = request.evse is None or request.evse == 0 or 1 <= request.evse <= len(box.evses)
            return "Accepted" if fine else "Rejected"
        case "FirmwareStatusNotification" if request.extended:
            return "Accepted"
        case "FirmwareStatusNotification" | "DiagnosticsStatusNotification" if not request.extended:  # SEC-28
            return "Accepted" if box.variables.supports(FIRMWARE) else "NotImplemented"
        case "LogStatusNotification" if request.extended:
            return "Accepted"
        case "SignChargePointCertificate" if request.extended:
            return "Accepted" if enrolment.may_sign(box) else "Rejected"
        case _:
            return "NotImplemented"


def _trigger_meter(step: Step, evse: Evse) -> None:
    if evse.number == 0:
        step.tell(Metered(0, (aligned.main_meter(step, ReadingContext.TRIGGER, step.own_now),)), triggered=True)
        return
    owner = evse.session
    base_wh = evse.register.read(step.now) if owner is None else owner.sample_base_wh
    found = session.read(step, evse, step.box.variables.items(session.SAMPLED), ReadingContext.TRIGGER, base_wh=base_wh)
    # this report may overtake StartTransaction, and then has no transaction to name.
    named = None if owner is None or owner.transaction_id is None else owner.id
    if found is not None:
        step.tell(Metered(evse.number, (found,), named), triggered=True)
