"""When an EVSE's status changes, and when the Central System is told (OCPP 1.6 §4.9).

Only while it can be told: what was passed through offline is not replayed, the present status is (S-15, S-16).
"""

from __future__ import annotations

from functools import lru_cache

from twin.model import evse as phases
from twin.model import power, reserved
from twin.model.box import Box, Step
from twin.model.effects import Changed, StatusChanged
from twin.model.state import Evse, Told
from twin.model.terms import ErrorCode, Status

_OUT = {Status.FAULTED: "fault", Status.UNAVAILABLE: "unavailable"}
"""Why a reservation ends with these."""


def refresh(step: Step, number: int) -> None:
    """Bring the status of an EVSE (0: the station) in line with its facts, step by step through the matrix."""
    _refresh(step, number)
    profiles = step.box.profiles
    if number and profiles.entries:
        if profiles.bound_all:  # the others share with this one
            _refresh_limits(step, but=number)
        power.arm(step.box, step.now)


def refresh_limits(step: Step, *, but: int | None = None) -> None:
    """Bring all that charges, `but` for an EVSE, in line with limits that may be new; set when they change next."""
    _refresh_limits(step, but=but)
    power.arm(step.box, step.now)


def _refresh_limits(step: Step, *, but: int | None = None) -> None:
    for evse in step.box.evses:
        if evse.session is not None and evse.number != but:
            step.do(Changed(("limit", evse.number)))  # before all that follows from it
            _refresh(step, evse.number)


def _refresh(step: Step, number: int) -> None:
    box, evse = step.box, step.box.evse(number)
    if number:
        power.settle(box, evse, step.now)
        kept = reserved.of(box, number)
        target = phases.projected(
            evse,
            box.common,
            box.station.asks,
            kept,
            offering=power.is_offering(box, evse, step.now),
            drawing=power.wants(evse, step.now),
        )
        if kept is None and evse.status is Status.RESERVED and target is Status.PREPARING:
            _enter(step, evse, Status.AVAILABLE)  # G1, then A2: nobody showed the reserved card
    else:
        target = phases.projected_station(evse)
    for status in phases.way(evse.status, target):
        _enter(step, evse, status)
    _report(step, evse)
    step.changed(number)
    if target in _OUT and box.station.reservations:
        _end_reservations(step, number, _OUT[target])


def _end_reservations(step: Step, number: int, reason: str) -> None:
    """End what was kept at an EVSE, or by the station, that is out of order now (RV-12)."""
    box = step.box
    all_out = number == 0 or all(evse.status in _OUT for evse in box.evses)
    ended = [kept for kept in box.station.reservations if number in (0, kept.evse) or (kept.evse == 0 and all_out)]
    for kept in ended:
        reserved.end(step, kept, reason)
    for kept in ended:
        if kept.evse not in (0, number):
            refresh(step, kept.evse)


def refresh_all(step: Step) -> None:
    """Bring all statuses in line with the facts."""
    for evse in step.box.all():
        refresh(step, evse.number)


def _enter(step: Step, evse: Evse, status: Status) -> None:
    previous = evse.status
    evse.status, evse.status_at = status, step.now
    code = phases.error_of(evse)[0]
    step.note("status_changed", evse.number, status=status, previous=previous, error_code=code)
    _report(step, evse)


def _report(step: Step, evse: Evse) -> None:
    """Tell the present status if it is news, at once or when it has lasted long enough (S-10)."""
    if not step.box.online or _told(evse) == evse.told:
        evse.tell_at = None
        return
    least_s = step.box.variables.integer("ChargingStation.MinimumStatusDuration") if evse.number else 0
    if least_s and evse.status_at + least_s > step.now:
        evse.tell_at = evse.status_at + least_s
        return
    tell(step, evse)


def tell(step: Step, evse: Evse, *, triggered: bool = False) -> None:
    """Tell the Central System the present status."""
    code, info, vendor_id, vendor_code = phases.error_of(evse)
    evse.told, evse.tell_at = _told(evse), None
    at = step.box.own_time(evse.status_at)
    report = StatusChanged(evse.number, evse.status, code, at, info, vendor_id, vendor_code)
    step.tell(report, triggered=triggered)


def tell_all(step: Step) -> None:
    """Tell the status of station and EVSEs, as after BootNotification (B-06)."""
    for evse in step.box.all():
        tell(step, evse)


def tell_changed(step: Step) -> None:
    """Tell what changed while the Central System could not be told (S-15)."""
    for evse in step.box.all():
        if _told(evse) != evse.told:
            tell(step, evse)


def tell_due(step: Step) -> None:
    """Tell the statuses that have lasted long enough."""
    for evse in step.box.evses:
        if evse.tell_at is not None and evse.tell_at <= step.now:
            _report(step, evse)


def _told(evse: Evse) -> Told:
    code, info, _, vendor_code = phases.error_of(evse)
    return _shared(evse.status, code, info, vendor_code)


@lru_cache(maxsize=256)
def _shared(status: Status, code: ErrorCode, info: str | None, vendor_code: str | None) -> Told:
    """Return what thousands of EVSEs were told alike as one object."""
    return Told(status, code, info, vendor_code)


def is_usable(box: Box, evse: Evse) -> bool:
    """Tell whether a session could begin at an EVSE now."""
    ready = box.running and box.station.resetting is None
    return ready and phases.is_usable(evse, box.common)
