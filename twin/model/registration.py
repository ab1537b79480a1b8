"""The box and the Central System as a whole: boot, registration, heartbeat, clock, the coming and going link.

OCPP 1.6 §4.2, §4.6, OCPP-J 1.6 §5.3, §5.4.
"""

from __future__ import annotations

from twin.model import actuation, asking, enrolment, firmware, security, security_events, status
from twin.model.box import Box, Step
from twin.model.effects import Booted, HeartbeatDue
from twin.model.inputs import BootAnswered, LinkDown, LinkRefused, LinkUp
from twin.model.state import Connection
from twin.model.terms import BootReason, Instant, Registration

OWN_RETRY_S = 60.0
"""How long to wait for the next BootNotification where the Central System names no time (B-07, B-13)."""

LEAST_CLOCK_STEP_S = 2.0
"""A smaller difference of clocks is the delay of the network, or the fraction that the Central System left out."""

LATEST_CLOCK = 253_370_764_800.0
"""9999-01-01T00:00:00Z: what a Central System says beyond this, or before 1970, is no time."""

DAY_S = 86_400.0


def link_up(step: Step, event: LinkUp) -> None:
    """Take it that a connection stands: boot if that is due, else say what changed meanwhile (T-07, T-08)."""
    connection = step.box.connection
    connection.up, connection.url, connection.since, connection.booted_here = True, event.url, step.now, False
    step.request_id = step.box.station.cause
    step.note("connected", url=event.url, reason=None)
    security.link_up(step, event.server)
    if connection.registration is Registration.ACCEPTED:
        step.box.station.cause = None
        status.tell_changed(step)
        arm_heartbeat(step)
        asking.ask_again(step)
        enrolment.ask(step)
    elif connection.boot_at is None or connection.boot_at <= step.now:
        boot(step)
    step.changed(0)


def link_down(step: Step, event: LinkDown) -> None:
    """Take it that the connection is gone; the registration is kept (T-08)."""
    connection = step.box.connection
    connection.up, connection.since, connection.next_heartbeat_at = False, None, None
    connection.boot_told = False
    actuation.forget(step)
    security.link_down(step)
    step.request_id = step.box.station.cause
    step.note("disconnected", url=event.url, reason=event.reason)
    step.changed(0)


def link_refused(step: Step, event: LinkRefused) -> None:
    """Take it that the Central System could not be reached."""
    security.link_refused(step, event)


def boot(step: Step, *, triggered: bool = False) -> None:
    """Send BootNotification."""
    connection = step.box.connection
    connection.boot_told = True
    if not triggered:  # else, if that fails, it is due when it was due before (B-07)
        connection.boot_at = None
    reason = BootReason.TRIGGERED if triggered else step.box.station.boot_reason
    step.tell(Booted(reason, step.box.firmware_version), triggered=triggered)


def boot_again(step: Step) -> None:
    """Register anew without a reboot: at once, or when the connection is back."""
    connection = step.box.connection
    connection.boot_at, connection.next_heartbeat_at = None, None
    if connection.registration is not Registration.REJECTED:  # B-08: only an answer ends that
        connection.registration = None
    if connection.up:
        boot(step)
    step.changed(0)


def doubted(step: Step) -> None:
    """Take it that the Central System refuses messages as those of an unknown box: register anew (T-32).

    OCPP-J errata 3.8: it answers so before it accepted a box. A registration that it made on this very connection
    cannot be meant.
    """
    connection = step.box.connection
    if connection.registration is Registration.ACCEPTED and not connection.booted_here:
        boot_again(step)


def booted(step: Step, answer: BootAnswered) -> None:
    """Take the answer to BootNotification."""
    box, connection = step.box, step.box.connection
    before = connection.registration
    connection.registration, connection.boot_told, connection.boot_at = answer.status, False, None
    if answer.status is Registration.ACCEPTED:
        box.station.ever_accepted = connection.booted_here = True
        box.station.boot_reason = BootReason.POWER_UP
        if answer.interval_s > 0:  # B-04: 0 keeps what is set
            box.variables.replace("OCPPCommCtrlr.HeartbeatInterval", str(answer.interval_s))
        set_clock(step, answer.current_time)
        arm_heartbeat(step)
        step.request_id, box.station.cause = box.station.cause, None
        step.note("booted", status=answer.status, interval_s=answer.interval_s)
    else:
        connection.next_heartbeat_at = None  # B-11: nothing of its own until it is Accepted
        connection.boot_at = step.now + (answer.interval_s if answer.interval_s > 0 else OWN_RETRY_S)
    if before is not answer.status:
        step.note("registration_changed", status=answer.status, interval_s=answer.interval_s)
    if answer.status is Registration.ACCEPTED:
        status.tell_all(step)  # B-06: before what waits in the queue
        asking.ask_again(step)
        firmware.accepted(step)
        enrolment.ask(step)
    step.changed(0)


def boot_failed(step: Step, *, link_lost: bool) -> None:
    """Try BootNotification again: only an Accepted ends it (B-13). A lost link is no refusal."""
    connection = step.box.connection
    connection.boot_told = False
    if not link_lost and connection.registration is not Registration.ACCEPTED:
        connection.boot_at = max(step.now + OWN_RETRY_S, connection.boot_at or 0.0)


def set_clock(step: Step, current_time: Instant) -> None:
    """Set the box's own clock by the Central System's, unless they agree as well as can be told (B-05, B-18)."""
    station = step.box.station
    if step.box.paced:
        return
    known = 0.0 <= current_time < LATEST_CLOCK
    if known and abs(current_time - step.own_now) >= LEAST_CLOCK_STEP_S:
        before_s, station.clock_offset_s = station.clock_offset_s, current_time - step.now
        security_events.event(step, "SettingSystemTime", f"Set by {station.clock_offset_s - before_s:+.0f} s")
        arm_alignment(step)
        if step.box.profiles.entries:  # schedules are on the Central System's clock
            status.refresh_limits(step)


def heartbeat(step: Step) -> None:
    """Send a heartbeat and set when the next one is due."""
    step.tell(HeartbeatDue())
    arm_heartbeat(step)


def arm_heartbeat(step: Step) -> None:
    """Count the heartbeat interval from now; even without one, the clock is asked for once a day (T-11, B-19)."""
    interval_s = step.box.variables.integer("OCPPCommCtrlr.HeartbeatInterval") or DAY_S
    step.box.connection.next_heartbeat_at = step.now + min(interval_s, DAY_S) if step.box.online else None


def arm_alignment(step: Step) -> None:
    """Set the next instant of the clock-aligned grid, which starts anew each midnight UTC (V-02, V-06)."""
    box = step.box
    interval_s = box.variables.integer("AlignedDataCtrlr.Interval")
    if not interval_s or not box.running:
        box.connection.next_aligned_at = None
        return
    midnight = step.own_now // DAY_S * DAY_S
    grid = midnight + ((step.own_now - midnight) // interval_s + 1) * interval_s
    box.connection.next_aligned_at = min(grid, midnight + DAY_S) - box.station.clock_offset_s


def forget_connection(box: Box) -> None:
    """Begin anew after power came or the program was started: not registered, not connected."""
    box.connection = Connection(renewal=box.connection.renewal)
