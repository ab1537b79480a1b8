"""The box goes down and comes up again: power cuts, resets, restarts of the program (OCPP 1.6 §5.14)."""

from __future__ import annotations

from twin.model import (
    actuation,
    asking,
    cable,
    enrolment,
    firmware,
    power,
    profiles,
    registration,
    security,
    security_events,
    service,
    session,
    status,
    transfers,
)
from twin.model.box import Box, Step
from twin.model.effects import Power
from twin.model.spec import OnRestart
from twin.model.state import Evse, Fault
from twin.model.terms import BootReason, ErrorCode, Instant, ResetKind, StopReason

GRACE_S = 10.0
"""How long a soft reset waits at most until the Central System knows of the ended transactions."""

PROMPT_S = 1.0
"""How long any reset waits, so that its confirmation reaches the Central System (RS-01)."""

RETRY_S = 5.0
"""How long after a reset that failed it is tried again (RS-06)."""

RESET_FAULT = "reset"
"""The id of the fault that stays when all tries failed, until the box has restarted or was mended."""


def reset(step: Step, kind: ResetKind, reason: StopReason, boot_reason: BootReason) -> None:
    """End all transactions and reboot: when they are known of after a soft reset, at once after a hard one."""
    box = step.box
    box.station.resetting, box.station.awaited_stops, box.station.boot_reason = kind, [], boot_reason
    for evse in box.evses:
        cable.void_attempt(evse)
        if evse.session is not None:
            session.end(step, evse, reason)
            session.after_end(step, evse)
        else:
            status.refresh(step, evse.number)
    soft = kind is ResetKind.SOFT and box.station.awaited_stops and box.online
    box.station.reboot_at = step.now + (GRACE_S if soft else PROMPT_S)


def stop_known(step: Step, session_id: str) -> None:
    """Go on with a soft reset that waited for this session's end to be known (RS-02)."""
    station = step.box.station
    if station.resetting is None or session_id not in station.awaited_stops:
        return
    station.awaited_stops = [known for known in station.awaited_stops if known != session_id]
    if not station.awaited_stops and station.reboot_at is not None:
        station.reboot_at = min(station.reboot_at, step.now + PROMPT_S)


def reboot(step: Step) -> None:
    """Go down now, unless resets fail; the box is up again after its reboot time."""
    station = step.box.station
    if station.resetting is not None and station.reset_fails:
        _reset_failed(step)
        return
    security_events.event(step, "ResetOrReboot", station.boot_reason)
    _forget_reset(step.box)
    station.up_at = step.now + step.box.spec.reboot_time_s
    _go_down(step)


def _forget_reset(box: Box) -> None:
    station = box.station
    station.resetting, station.reboot_at, station.awaited_stops, station.reset_tries = None, None, [], 0


def _reset_failed(step: Step) -> None:
    """Try a reset again, ResetRetries times; then report ResetFailure, and go on without it (RS-06)."""
    box, station = step.box, step.box.station
    station.reset_tries += 1
    if station.reset_tries <= box.variables.integer("OCPPCommCtrlr.ResetRetries"):
        station.reboot_at = step.now + RETRY_S
        return
    _forget_reset(box)
    station.boot_reason, station.cause = BootReason.POWER_UP, None
    service.set_fault(step, box.common, RESET_FAULT, Fault(ErrorCode.RESET_FAILURE, blocking=False))
    _look_at_cables(step)
    step.changed(0)


def set_reset_fails(step: Step, *, fails: bool) -> None:
    """Let resets fail, or succeed again, which mends what a failed one left behind."""
    step.box.station.reset_fails = fails
    if not fails:
        _mend_reset(step)


def _mend_reset(step: Step) -> None:
    if RESET_FAULT in step.box.common.faults:
        service.clear_fault(step, step.box.common, RESET_FAULT)


def _go_down(step: Step) -> None:
    box = step.box
    actuation.forget(step)
    registration.forget_connection(box)
    transfers.interrupt_all(step)
    box.station.asks = []
    cable.void_attempt(box.common)
    for evse in box.all():
        cable.void_attempt(evse)
        evse.told, evse.tell_at = None, None
        status.refresh(step, evse.number)
    step.do(Power(link=False))


def come_up(step: Step) -> None:
    """Start the box's program: what waited for a reboot is in force, everything is looked at anew (RS-05, RS-07)."""
    box = step.box
    box.station.up_at = None
    _booted(step)
    status.refresh_all(step)
    registration.arm_alignment(step)
    if box.wants_link:
        step.do(Power(link=True))


def _booted(step: Step) -> None:
    security.rebooted(step)
    _mend_reset(step)
    firmware.came_up(step)
    _look_at_cables(step)
    security_events.started(step)


def _look_at_cables(step: Step) -> None:
    for evse in step.box.evses:
        if evse.plugged and evse.session is None and not evse.finishing:
            cable.plugged_in(step, evse)


def power_cut(step: Step) -> None:
    """Let the mains go: the box dies without a word, and transactions end with it (X-29)."""
    box = step.box
    _forget_reset(box)
    box.station.up_at = None
    for evse in box.evses:
        _lose(step, evse)
    box.station.powered = False
    box.station.boot_reason = BootReason.POWER_UP
    _go_down(step)


def _lose(step: Step, evse: Evse) -> None:
    if evse.session is not None:
        session.end(step, evse, StopReason.POWER_LOSS)
        if evse.scheduled:
            evse.scheduled, evse.operative, evse.finishing = False, False, False


def power_back(step: Step) -> None:
    """Take it that the mains are back: the box boots, which takes its time."""
    step.box.station.powered = True
    step.box.station.up_at = step.now + step.box.spec.reboot_time_s
    step.changed(0)


def restarted(step: Step, alive: Instant | None) -> None:
    """Go on after a restart of the program, or do as after a power cut at the instant it was last `alive`."""
    box = step.box
    registration.forget_connection(box)
    transfers.forget_all(box)
    for orphan in box.orphans:
        session.abandon(step, orphan)
    box.orphans = ()
    for evse in box.all():
        evse.told, evse.tell_at = None, None
    if box.spec.on_restart is OnRestart.RESUME:
        profiles.resume(box, alive, step.now)
    for evse in box.evses:
        if (full_at := power.full_at(evse)) is not None and full_at < step.now:
            evse.register.run(full_at, 0.0)
    if box.spec.on_restart is OnRestart.POWER_LOSS and box.station.powered:
        _power_lost(step, step.now if alive is None else min(alive, step.now))
    elif not box.station.started:
        security_events.started(step)
    asking.resume(step)
    enrolment.restarted(step)
    for evse in box.evses:
        session.arm_sampling(step, evse)
    status.refresh_all(step)
    registration.arm_alignment(step)


def _power_lost(step: Step, at: Instant) -> None:
    box, cut = step.box, Step(step.box, at)
    for evse in box.all():
        cable.void_attempt(evse)
    for evse in box.evses:
        _lose(cut, evse)
        evse.register.run(at, 0.0)
    box.station.asks = []
    box.station.boot_reason = BootReason.POWER_UP
    step.effects.extend(cut.effects)
    _forget_reset(box)
    if box.station.up_at is None:
        _booted(step)


def deadlines(box: Box) -> list[Instant | None]:
    """Return when a reboot begins or ends."""
    return [box.station.reboot_at, box.station.up_at]
