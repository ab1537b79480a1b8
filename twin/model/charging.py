"""Who starts and stops charging: what a decision on a card leads to, buttons, and the time in between (§4.1, §4.8)."""

from __future__ import annotations

from twin.errors import Rejected
from twin.model import authority, cable, reserved, session, status
from twin.model.authority import Granted, Refused, Verdict
from twin.model.box import Box, Step
from twin.model.cards import same
from twin.model.profile import Profile
from twin.model.state import Evse, Grant
from twin.model.terms import AuthorizationSource, AuthorizationStatus, Instant, StopReason

# --- Where ------------------------------------------------------------------------------------------------------------


def among(box: Box, evses: tuple[int, ...]) -> list[Evse]:
    """Return the EVSEs that a reader serves; none named means all."""
    return [evse for evse in box.evses if not evses or evse.number in evses]


def pick(step: Step, token: str, evses: tuple[int, ...], parent: str | None = None) -> Evse | None:
    """Pick the EVSE that a card at the shared reader means (contract, "What a box does"); None: the next plug.

    `parent` is the card's group where it was just told; else it is what the box knows.
    """
    box, served = step.box, among(step.box, evses)
    parent = parent or authority.parent_of(step, token)
    for evse in served:
        owner = evse.session
        if owner is not None and (same(owner.token, token) or same(owner.parent, parent)):
            return evse
    for evse in served:
        if is_asking(box, evse.number, token):
            return evse
    for evse in served:
        if same(evse.keeper, token) or same(evse.keeper_parent, parent):
            return evse
    for evse in served:
        kept = reserved.of(box, evse.number)
        if kept is not None and same(kept.token, token) and _is_idle(box, evse):  # G2
            return evse
    waiting = [evse for evse in served if evse.plugged and _is_idle(box, evse)]
    open_to = [evse for evse in waiting if reserved.admits(box, evse, token, parent)]
    return max(open_to, key=lambda evse: (evse.plugged_at, -evse.number), default=None)


def _is_idle(box: Box, evse: Evse) -> bool:
    asked = any(ask.evse == evse.number for ask in box.station.asks)
    idle = evse.session is None and evse.grant is None and not asked
    return idle and not evse.finishing and status.is_usable(box, evse)


def is_asking(box: Box, number: int, token: str) -> bool:
    """Tell whether a question is under way for a card that wants to charge at an EVSE, or (0) anywhere."""
    return any(ask.evse == number and ask.stops is None and same(ask.token, token) for ask in box.station.asks)


def has_place(step: Step, number: int, token: str, parent: str | None, evses: tuple[int, ...] = ()) -> bool:
    """Tell whether reservations leave a card a place: an EVSE, or (0) any that its reader serves (RV-05, RV-07)."""
    box = step.box
    if not box.station.reservations:
        return True
    if number:
        return reserved.admits(box, box.evse(number), token, parent)
    return any(
        same(evse.session.parent, parent) if evse.session is not None else reserved.admits(box, evse, token, parent)
        for evse in among(box, evses)
    )


# --- Decisions --------------------------------------------------------------------------------------------------------


def decided(
    step: Step,
    number: int,
    token: str,
    verdict: Verdict,
    *,
    remote: bool = False,
    evses: tuple[int, ...] = (),
    deadline: Instant | None = None,
    profile: Profile | None = None,
) -> None:
    """Go on with a card that wanted to charge at an EVSE, or (0) somewhere; `deadline` is until when it can wait."""
    box = step.box
    if not isinstance(verdict, Granted):
        refuse(step, number, token, verdict)
        return
    # RV-08: the Central System MAY name the parent; where it does not, the list still does.
    parent = verdict.parent or authority.parent_of(step, token)
    if not has_place(step, number, token, parent, evses):
        refuse(step, number, token, Refused("Unavailable", verdict.source, parent))
        return
    _note_granted(step, number, token, verdict)
    source = AuthorizationSource.REMOTE if remote else verdict.source
    grant = Grant(token, source, parent, evses, step.request_id, profile)
    if number:
        give(step, box.evse(number), grant)
    else:
        _given_at_shared_reader(step, grant, deadline)


def stop_decided(step: Step, evse: Evse, session_id: str, token: str, verdict: Verdict) -> None:
    """Stop a session for another card than its owner's if that is of the owner's group (A-03, A-04)."""
    running = evse.session
    if running is None or running.id != session_id:
        return
    if isinstance(verdict, Granted) and same(verdict.parent, running.parent):
        _note_granted(step, evse.number, token, verdict)
        session.end(step, evse, StopReason.LOCAL, token=token)
        session.after_end(step, evse)
        return
    refused = Refused("Invalid", verdict.source, verdict.parent) if isinstance(verdict, Granted) else verdict
    refuse(step, evse.number, token, refused)


def _given_at_shared_reader(step: Step, grant: Grant, deadline: Instant | None) -> None:
    common = step.box.common
    for evse in among(step.box, grant.evses):
        if evse.session is not None and same(evse.session.parent, grant.parent):  # A-03, learned only now
            session.end(step, evse, StopReason.LOCAL, token=grant.token)
            session.after_end(step, evse)
            return
    waiting = pick(step, grant.token, grant.evses, grant.parent)
    if waiting is not None and waiting.session is None:
        give(step, waiting, grant)
        return
    common.grant, common.attempt_ends_at = grant, deadline
    if deadline is None:
        cable.begin_attempt(step, common)


def give(step: Step, evse: Evse, grant: Grant) -> None:
    """Let somebody charge here: now if a car is there, else when it comes in time (R-07)."""
    if evse.session is None and status.is_usable(step.box, evse):
        if evse.plugged:
            # F2: who starts anew at a cable that was used up first becomes Preparing; the matrix sees to that.
            session.start(step, evse, grant)
            return
        evse.grant, evse.finishing = grant, False
        if evse.attempt_ends_at is None:
            cable.begin_attempt(step, evse)
    status.refresh(step, evse.number)


def _note_granted(step: Step, number: int, token: str, verdict: Granted) -> None:
    step.note(
        "authorized",
        number,
        id_tag=token,
        status=AuthorizationStatus.ACCEPTED,
        parent_id_tag=verdict.parent,
        source=verdict.source,
    )


def refuse(step: Step, number: int, token: str, verdict: Refused) -> None:
    """Turn a card away."""
    step.note(
        "authorization_failed",
        number,
        id_tag=token,
        status=verdict.status,
        parent_id_tag=verdict.parent,
        source=verdict.source,
    )
    if number:
        evse = step.box.evse(number)
        kept = reserved.of(step.box, number) is not None
        if evse.grant is None and (kept or not evse.plugged):
            evse.attempt_ends_at = None
        status.refresh(step, number)


# --- Buttons and time -------------------------------------------------------------------------------------------------


def press_stop(step: Step, evse: Evse, reason: StopReason) -> None:
    """Press the stop button; raises Rejected without a session."""
    if evse.session is None:
        raise Rejected("state_conflict", f"no transaction runs at EVSE {evse.number}")
    session.end(step, evse, reason)
    session.after_end(step, evse)


def emergency_stop(step: Step, evses: list[Evse], number: int) -> None:
    """Press the emergency button: what runs is ended at once."""
    step.note("emergency_stop", number, ev=None)
    for evse in evses:
        if evse.session is not None:
            session.end(step, evse, StopReason.EMERGENCY_STOP)
            session.after_end(step, evse)


def attempt_over(step: Step, evse: Evse) -> None:
    """End an attempt that took too long (X-09): B1 without a cable, B6 with one."""
    if any(ask.evse == evse.number and ask.stops is None for ask in step.box.station.asks):
        return  # the Central System's answer is waited for, and decides
    cable.void_attempt(evse)
    if evse.number:
        kept = reserved.of(step.box, evse.number) is not None  # RV-14: Reserved again
        evse.finishing = (evse.plugged or evse.cable) and not kept
        status.refresh(step, evse.number)
