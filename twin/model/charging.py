"""Who starts and stops charging: cards, remote starts, buttons, and the time that passes in between (§4.1, §4.8)."""

from __future__ import annotations

import msgspec

from twin.errors import Rejected
from twin.model import authority, cable, session, status
from twin.model.authority import Granted, Verdict, same
from twin.model.box import Box, Step
from twin.model.effects import AuthorizationAsked
from twin.model.inputs import TokenInfo
from twin.model.state import Ask, Evse, Grant
from twin.model.terms import AuthorizationSource, AuthorizationStatus, Instant, StopReason

_LATEST_ANSWER_S = 60.0
"""How long a card waits for the Central System where ConnectionTimeOut is 0, in s."""


# --- Cards ------------------------------------------------------------------------------------------------------------


def pick(step: Step, token: str, evses: tuple[int, ...]) -> Evse | None:
    """Pick the EVSE that a card at the shared reader means (contract, "What a box does"); None: the next plug."""
    box = step.box
    among = [evse for evse in box.evses if not evses or evse.number in evses]
    parent = _known_parent(box, token, step.own_now)
    for evse in among:
        owner = evse.session
        if owner is not None and (same(owner.token, token) or same(owner.parent, parent)):
            return evse
    for evse in among:
        if _is_asking(box, evse.number, token):
            return evse
    for evse in among:
        if same(evse.keeper, token) or same(evse.keeper_parent, parent):
            return evse
    waiting = [evse for evse in among if _waits_for_card(box, evse)]
    return max(waiting, key=lambda evse: (evse.plugged_at, -evse.number), default=None)


def _waits_for_card(box: Box, evse: Evse) -> bool:
    asked = any(ask.evse == evse.number for ask in box.station.asks)
    idle = evse.session is None and evse.grant is None and not asked
    return idle and evse.plugged and not evse.finishing and status.is_usable(box, evse)


def _is_asking(box: Box, number: int, token: str) -> bool:
    return any(ask.evse == number and ask.stops is None and same(ask.token, token) for ask in box.station.asks)


def present(step: Step, evse: Evse | None, token: str, evses: tuple[int, ...] = ()) -> None:
    """Show a card to a reader; whatever comes of it is told by events."""
    box = step.box
    if evse is None and len(evses or box.evses) == 1:
        evse = box.evse(evses[0] if evses else 1)
    if _is_asking(box, 0 if evse is None else evse.number, token):
        return  # its question is on the way
    if evse is None:
        authorize(step, 0, token, evses=evses)
    elif evse.session is not None:
        _present_to_session(step, evse, token)
    elif evse.keeper is not None and _may_release(box, evse, token, step.now):
        cable.release(step, evse)
    elif evse.grant is not None and same(evse.grant.token, token):
        evse.grant, evse.attempt_ends_at = None, None  # B1: the card was shown a second time
        if evse.plugged:
            cable.begin_attempt(step, evse)
        status.refresh(step, evse.number)
    elif not status.is_usable(box, evse):
        _refuse(step, evse.number, token, authority.Refused("Unavailable", AuthorizationSource.OFFLINE))
    else:
        authorize(step, evse.number, token)


def _present_to_session(step: Step, evse: Evse, token: str) -> None:
    owner = evse.session
    if owner is None:
        return
    if same(owner.token, token):  # never asked
        session.end(step, evse, StopReason.LOCAL, token=token)
        session.after_end(step, evse)
        return
    parent = _known_parent(step.box, token, step.own_now)
    if same(owner.parent, parent) and not step.box.online:
        session.end(step, evse, StopReason.LOCAL, token=token)
        session.after_end(step, evse)
    elif step.box.online:
        _ask(step, evse.number, token, stops=owner.id)
    else:
        _refuse(step, evse.number, token, authority.Refused("Invalid", AuthorizationSource.OFFLINE, parent))


def _known_parent(box: Box, token: str, own_now: Instant) -> str | None:
    entry = box.cache.find(token, own_now) if box.variables.flag("AuthCacheCtrlr.Enabled") else None
    valid = entry is not None and entry.status is AuthorizationStatus.ACCEPTED
    return entry.parent if entry is not None and valid else None


def _may_release(box: Box, evse: Evse, token: str, now: Instant) -> bool:
    parent = _known_parent(box, token, box.own_time(now))
    return same(evse.keeper, token) or same(evse.keeper_parent, parent)


def authorize(step: Step, number: int, token: str, *, remote: bool = False, evses: tuple[int, ...] = ()) -> None:
    """Find out whether a card may start charging: by what is known here, or by asking (OCPP 1.6 §3.5, §4.1)."""
    box = step.box
    if not box.online:
        _decided(step, number, token, _offline(step, token, "Unavailable"), remote=remote, evses=evses)
        return
    known = authority.before_asking(box.cache, box.variables, token, step.own_now)
    if known is not None:
        _decided(step, number, token, known, remote=remote, evses=evses)
    else:
        _ask(step, number, token, remote=remote, evses=evses)


def _offline(step: Step, token: str, why: str) -> Verdict:
    box = step.box
    if not box.station.ever_accepted:  # B-14: it would not be known who could ever charge here
        return authority.Refused("Unavailable", AuthorizationSource.OFFLINE)
    return authority.offline(box.cache, box.variables, token, step.own_now, why=why)


def _ask(
    step: Step,
    number: int,
    token: str,
    *,
    stops: str | None = None,
    remote: bool = False,
    evses: tuple[int, ...] = (),
) -> None:
    box = step.box
    wait_s = box.variables.integer("TxCtrlr.EVConnectionTimeOut") or _LATEST_ANSWER_S
    ask = Ask(box.ids(), token, number, step.now, step.now + wait_s, stops, remote, evses, step.request_id)
    box.station.asks = [*box.station.asks, ask]
    step.tell(AuthorizationAsked(ask.id, token))
    if number:
        evse = box.evse(number)
        if stops is None and evse.attempt_ends_at is None:
            cable.begin_attempt(step, evse)
        status.refresh(step, number)


def ask_again(step: Step) -> None:
    """Ask once more for the cards whose questions were lost in a restart."""
    if not step.box.connection.asks_lost:
        return
    step.box.connection.asks_lost = False
    for ask in step.box.station.asks:
        step.tell(AuthorizationAsked(ask.id, ask.token))


def answered(step: Step, ask_id: str, info: TokenInfo) -> None:
    """Take the Central System's verdict; matched by the question, not by what the box does now (R5)."""
    ask = next((ask for ask in step.box.station.asks if ask.id == ask_id), None)
    if ask is None:
        return
    source = AuthorizationSource.CENTRAL_SYSTEM
    accepted = info.status is AuthorizationStatus.ACCEPTED
    verdict: Verdict = Granted(source, info.parent) if accepted else authority.Refused(info.status, source, info.parent)
    _take_ask(step, ask, verdict)


def unanswered(step: Step, ask_id: str, why: str) -> None:
    """Decide alone for a card about which the Central System gave no answer; `why` is told of a refusal."""
    ask = next((ask for ask in step.box.station.asks if ask.id == ask_id), None)
    if ask is not None:
        _take_ask(step, ask, _offline(step, ask.token, why))


def _take_ask(step: Step, ask: Ask, verdict: Verdict) -> None:
    box = step.box
    box.station.asks = [other for other in box.station.asks if other.id != ask.id]
    before, step.request_id = step.request_id, ask.request_id
    if ask.stops is not None:
        _take_stop(step, ask, verdict)
    else:
        _decided(step, ask.evse, ask.token, verdict, remote=ask.remote, evses=ask.evses, deadline=ask.deadline)
    step.request_id = before


def _take_stop(step: Step, ask: Ask, verdict: Verdict) -> None:
    evse = step.box.evse(ask.evse)
    running = evse.session
    if running is None or running.id != ask.stops:
        return
    if isinstance(verdict, Granted) and same(verdict.parent, running.parent):
        _note_granted(step, evse.number, ask.token, verdict)
        session.end(step, evse, StopReason.LOCAL, token=ask.token)
        session.after_end(step, evse)
        return
    refused = authority.Refused("Invalid", verdict.source, verdict.parent) if isinstance(verdict, Granted) else verdict
    _refuse(step, evse.number, ask.token, refused)


def _decided(
    step: Step,
    number: int,
    token: str,
    verdict: Verdict,
    *,
    remote: bool = False,
    evses: tuple[int, ...] = (),
    deadline: Instant | None = None,
) -> None:
    box = step.box
    if not isinstance(verdict, Granted):
        _refuse(step, number, token, verdict)
        return
    _note_granted(step, number, token, verdict)
    source = AuthorizationSource.REMOTE if remote else verdict.source
    grant = Grant(token, source, verdict.parent, evses, step.request_id)
    if number:
        give(step, box.evse(number), grant)
    else:
        _given_at_shared_reader(step, grant, deadline)


def _given_at_shared_reader(step: Step, grant: Grant, deadline: Instant | None) -> None:
    common, among = step.box.common, grant.evses
    for evse in step.box.evses:
        owner = evse.session
        meant = owner is not None and (not among or evse.number in among)
        if meant and owner is not None and same(owner.parent, grant.parent):  # A-03, learned only now
            session.end(step, evse, StopReason.LOCAL, token=grant.token)
            session.after_end(step, evse)
            return
    waiting = pick(step, grant.token, among)
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


def _refuse(step: Step, number: int, token: str, verdict: authority.Refused) -> None:
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
        if not evse.plugged and evse.grant is None:
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
        evse.finishing = evse.plugged or evse.cable
        status.refresh(step, evse.number)


def asks_over(step: Step) -> None:
    """Decide alone about cards that nobody could be asked about in time."""
    for ask in [ask for ask in step.box.station.asks if ask.deadline <= step.now and not step.box.online]:
        _take_ask(step, ask, _offline(step, ask.token, "Timeout"))


def resume_asks(step: Step) -> None:
    """Go on with open questions after a restart: those that waited too long meanwhile are refused.

    The others get new ids, so that answers to those of an earlier run are not mistaken for theirs.
    """
    station, connection = step.box.station, step.box.connection
    known = [ask for ask in station.asks if ask.evse <= len(step.box.evses)]
    station.asks = [msgspec.structs.replace(ask, id=step.box.ids()) for ask in known]
    connection.asks_lost = bool(station.asks)
    for ask in station.asks:
        if ask.deadline <= step.now:
            _take_ask(step, ask, authority.Refused("Timeout", AuthorizationSource.OFFLINE))
