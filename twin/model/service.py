"""What is broken, locked or out of service: faults, the cable lock, availability (OCPP 1.6 §4.9, §5.2, §5.18)."""

from __future__ import annotations

from twin.model import cable, session, status
from twin.model.box import Step
from twin.model.evse import is_blocking
from twin.model.state import Evse, Fault
from twin.model.terms import ErrorCode, StopReason

LOCK_FAULT = "lock"
"""The id of the fault that a failed unlock leaves behind."""


def set_fault(step: Step, evse: Evse, fault_id: str, fault: Fault) -> None:
    """Break something; a fault that is known already only changes."""
    if evse.faults.get(fault_id) == fault:
        return
    evse.faults = {**evse.faults, fault_id: fault}
    step.note("fault", evse.number, id=fault_id, error_code=fault.code, info=fault.info)
    status.refresh(step, evse.number)
    _resume_attempts(step, evse.number)


def clear_fault(step: Step, evse: Evse, fault_id: str | None) -> None:
    """Mend one fault, or all; the status before the fault comes back when the last one is gone (S-08)."""
    for known, fault in list(evse.faults.items()):
        if fault_id in (None, known):
            evse.faults = {other: kept for other, kept in evse.faults.items() if other != known}
            step.note("fault_cleared", evse.number, id=known, error_code=fault.code, info=fault.info)
    status.refresh(step, evse.number)
    if evse.grant is not None and evse.plugged and status.is_usable(step.box, evse):
        session.start(step, evse, evse.grant)  # all that was missing
    _resume_attempts(step, evse.number)


def _resume_attempts(step: Step, number: int) -> None:
    """Let cars begin an attempt that stood where the fault, just set or gone, has ended a reservation (RV-12)."""
    for evse in step.box.evses:
        if number in (0, evse.number):
            cable.resume_attempt(step, evse)


def fault(code: ErrorCode, info: str | None, vendor_id: str | None, vendor_error_code: str | None) -> Fault:
    """Make a fault from what a command says."""
    return Fault(code, is_blocking(code), info, vendor_id, vendor_error_code)


def jam_lock(step: Step, evse: Evse, *, jammed: bool) -> None:
    """Jam the cable lock, or free it, which also mends what a failed unlock left behind."""
    evse.lock_jammed = jammed
    if not jammed and LOCK_FAULT in evse.faults:
        clear_fault(step, evse, LOCK_FAULT)
    step.changed(evse.number)


def unlock(step: Step, evse: Evse) -> str:
    """Release the cable and return OCPP's word for the outcome; a session is ended first (U-01, U-03)."""
    if not step.box.hardware(evse.number).lock:
        return "NotSupported"
    return "UnlockFailed" if evse.lock_jammed else "Unlocked"


def unlock_now(step: Step, evse: Evse, outcome: str) -> None:
    """Do what the outcome of an unlock says, after it was answered."""
    if outcome == "NotSupported":
        return
    if evse.session is not None:
        session.end(step, evse, StopReason.UNLOCK_COMMAND, keep_locked=outcome == "UnlockFailed")
        session.after_end(step, evse)
    if outcome == "UnlockFailed":
        failure = Fault(ErrorCode.CONNECTOR_LOCK_FAILURE, blocking=False)
        set_fault(step, evse, LOCK_FAULT, failure)
    else:
        if LOCK_FAULT in evse.faults:  # a real lock that failed before
            clear_fault(step, evse, LOCK_FAULT)
        cable.release(step, evse)


def availability(step: Step, number: int, *, operative: bool) -> str:
    """Return OCPP's answer to ChangeAvailability without doing it (AV-01 to AV-03)."""
    box = step.box
    affected = box.evses if number == 0 else [box.evse(number)]
    busy = not operative and any(evse.session is not None for evse in affected)
    return "Scheduled" if busy else "Accepted"


def change_availability(step: Step, number: int, *, operative: bool) -> None:
    """Put an EVSE, or (0) everything, in or out of service; who charges is not disturbed (AV-02, AV-03, AV-05)."""
    box = step.box
    affected = box.evses if number == 0 else [box.evse(number)]
    out = {evse.number for evse in affected if not (evse.operative and box.common.operative)}
    if number == 0:
        box.common.operative = operative
        status.refresh(step, 0)
    for evse in affected:
        _change(step, evse, operative=operative, whole=number == 0, was_out=evse.number in out)


def _change(step: Step, evse: Evse, *, operative: bool, whole: bool, was_out: bool) -> None:
    box = step.box
    if operative:
        evse.scheduled = False
        # AV-06: an EVSE's own setting is remembered while the whole box is out of service.
        evse.operative = evse.operative if whole else True
        if was_out and evse.plugged and evse.session is None and evse.operative and box.common.operative:
            cable.plugged_in(step, evse)  # H2
            return
    elif evse.session is not None:
        evse.scheduled = True if not whole else evse.scheduled
    else:
        cable.void_attempt(evse)
        box.station.asks = [ask for ask in box.station.asks if ask.evse != evse.number]
        evse.operative = evse.operative if whole else False
        evse.finishing = False
    status.refresh(step, evse.number)
