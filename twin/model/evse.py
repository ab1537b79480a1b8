"""The status of an EVSE: which steps OCPP 1.6 §4.9 allows, and which status the facts of an EVSE amount to.

The facts (plugged, session, fault, availability, …) are kept apart in `state`; the nine statuses are a projection
of them. Where two facts change at once, the way between two statuses is walked step by step, so that the Central
System only ever sees transitions of the matrix.
"""

from __future__ import annotations

from collections import deque
from functools import cache

from twin.model.cards import same
from twin.model.state import Ask, Evse, Reservation
from twin.model.terms import ErrorCode, Status

A, B, C, D, E, F, G, H, I = (  # noqa: E741 - the letters and numbers of the specification's matrix
    Status.AVAILABLE,
    Status.PREPARING,
    Status.CHARGING,
    Status.SUSPENDED_EV,
    Status.SUSPENDED_EVSE,
    Status.FINISHING,
    Status.RESERVED,
    Status.UNAVAILABLE,
    Status.FAULTED,
)

TRANSITIONS: dict[Status, tuple[Status, ...]] = {
    # The order is that in which a way over several steps is looked for.
    A: (B, C, D, E, G, H, I),
    B: (A, F, C, D, E, I),
    C: (A, F, D, E, H, I),
    D: (A, F, C, E, H, I),
    E: (A, F, C, D, H, I),
    F: (B, A, H, I),
    G: (B, A, H, I),
    H: (B, A, C, D, E, I),
    I: (B, A, F, C, D, E, G, H),
}
"""All that the matrix of OCPP 1.6 §4.9 allows; errata E3.20 adds B6 (S-04)."""

SESSION_STATUSES = frozenset({C, D, E})

_WARNINGS = frozenset({ErrorCode.EV_COMMUNICATION_ERROR, ErrorCode.LOCAL_LIST_CONFLICT, ErrorCode.WEAK_SIGNAL})
# S-13: OCPP 1.6 §7.6 allows this code beside these statuses only.
_COMMUNICATION = frozenset({B, D, E, F})


@cache
def way(start: Status, end: Status) -> tuple[Status, ...]:
    """Return the shortest allowed way from one status to another, without the first."""
    if start is end:
        return ()
    before: dict[Status, Status] = {start: start}
    queue = deque([start])
    while end not in before:
        here = queue.popleft()
        for there in TRANSITIONS[here]:
            if there not in before:
                before[there] = here
                queue.append(there)
    steps = [end]
    while before[steps[-1]] is not start:
        steps.append(before[steps[-1]])
    return tuple(reversed(steps))


def is_blocking(code: ErrorCode) -> bool:
    """Tell whether nothing can be charged with this fault; the others are warnings (S-11, S-13)."""
    return code not in _WARNINGS


def is_faulted(evse: Evse) -> bool:
    """Tell whether a blocking fault is present."""
    return any(fault.blocking for fault in evse.faults.values())


def is_in_service(evse: Evse, station: Evse) -> bool:
    """Tell whether an EVSE is operative, and not kept free because new firmware is about to be installed (FW-05)."""
    return evse.operative and station.operative and not station.updating


def is_usable(evse: Evse, station: Evse) -> bool:
    """Tell whether a session could begin here, as far as faults and availability go."""
    return is_in_service(evse, station) and not evse.scheduled and not is_faulted(evse)


def allows(evse: Evse) -> bool:
    """Tell whether the EVSE offers energy to its session."""
    session = evse.session
    if session is None or session.suspended or is_faulted(evse):
        return False
    return not any(fault.code is ErrorCode.EV_COMMUNICATION_ERROR for fault in evse.faults.values())


def projected(
    evse: Evse, station: Evse, asks: list[Ask], kept: Reservation | None = None, *, offering: bool, drawing: bool
) -> Status:
    """Return the status that the facts amount to.

    `kept` is the EVSE's own reservation; `offering` tells whether energy is offered to its session, `drawing` whether
    the car takes it.
    """
    if is_faulted(evse):
        return Status.FAULTED
    if evse.session is not None:
        # OCPP 1.6 §4.9: SuspendedEVSE has precedence over SuspendedEV (S-05).
        if not offering:
            return Status.SUSPENDED_EVSE
        return Status.CHARGING if evse.plugged and drawing else Status.SUSPENDED_EV
    if not is_in_service(evse, station):
        return Status.UNAVAILABLE
    cards = [ask.token for ask in asks if ask.evse == evse.number and ask.stops is None]
    # G2 is the reserved card's; while another one's group is asked for, and with a plug alone, it stays (RV-14).
    if evse.grant is not None or any(kept is None or same(kept.token, card) for card in cards):
        return Status.PREPARING
    if kept is not None:
        return Status.RESERVED
    if evse.finishing:
        return Status.FINISHING
    return Status.PREPARING if evse.plugged else Status.AVAILABLE


def projected_station(station: Evse) -> Status:
    """Return the status of connector 0, which is one of three and independent of the others (S-03)."""
    if is_faulted(station):
        return Status.FAULTED
    return Status.AVAILABLE if station.operative else Status.UNAVAILABLE


def error_of(evse: Evse) -> tuple[ErrorCode, str | None, str | None, str | None]:
    """Return error code, info, vendor id and vendor error code to report beside the status."""
    for fault in sorted(evse.faults.values(), key=lambda fault: not fault.blocking) if evse.faults else ():
        hidden = fault.code is ErrorCode.EV_COMMUNICATION_ERROR and evse.status not in _COMMUNICATION
        if not hidden:
            return fault.code, fault.info, fault.vendor_id, fault.vendor_error_code
    return ErrorCode.NO_ERROR, evse.info, None, None
