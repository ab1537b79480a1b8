"""What the Central System is asked about cards, and what becomes of it (OCPP 1.6 §3.5, §4.1).

A question outlives the link, other cards and a restart; the answer is matched by the question, not by what the box
does when it comes (R5).
"""

from __future__ import annotations

import msgspec

from twin.model import authority, cable, charging, reserved, status
from twin.model.authority import Granted, Verdict
from twin.model.box import Step
from twin.model.effects import AuthorizationAsked
from twin.model.inputs import TokenInfo
from twin.model.profile import Profile
from twin.model.state import Ask
from twin.model.terms import AuthorizationSource, AuthorizationStatus

_LATEST_ANSWER_S = 60.0
"""How long a card waits for the Central System where ConnectionTimeOut is 0, in s."""


def authorize(
    step: Step,
    number: int,
    token: str,
    *,
    remote: bool = False,
    evses: tuple[int, ...] = (),
    profile: Profile | None = None,
) -> None:
    """Find out whether a card may start charging: by what is known here, or by asking.

    `profile` is the charging profile that a remote start brought for the session.
    """
    box = step.box
    parent = authority.parent_of(step, token)
    place = charging.has_place(step, number, token, parent, evses)
    if not place and not (box.online and _parent_matters(step, number, parent, evses)):
        charging.refuse(step, number, token, authority.Refused("Unavailable", AuthorizationSource.OFFLINE, parent))
        return
    if not box.online:
        verdict = authority.offline(step, token, why="Unavailable")
        charging.decided(step, number, token, verdict, remote=remote, evses=evses, profile=profile)
        return
    known = authority.before_asking(step, token) if place else None
    if known is not None:
        charging.decided(step, number, token, known, remote=remote, evses=evses, profile=profile)
    else:
        ask(step, number, token, remote=remote, evses=evses, profile=profile)


def _parent_matters(step: Step, number: int, parent: str | None, evses: tuple[int, ...]) -> bool:
    """Tell whether the Central System's word on a card's group could give it a place (RV-08, A-03)."""
    if number:
        return reserved.hinges_on_parent(step.box, step.box.evse(number), parent)
    among = charging.among(step.box, evses)
    return any(evse.session is not None or reserved.hinges_on_parent(step.box, evse, parent) for evse in among)


def ask(
    step: Step,
    number: int,
    token: str,
    *,
    stops: str | None = None,
    remote: bool = False,
    evses: tuple[int, ...] = (),
    profile: Profile | None = None,
) -> None:
    """Ask about a card that wants to start charging, or to stop the session `stops`."""
    box = step.box
    wait_s = box.variables.integer("TxCtrlr.EVConnectionTimeOut") or _LATEST_ANSWER_S
    deadline = step.now + wait_s
    question = Ask(box.ids(), token, number, deadline, stops, remote, evses, step.request_id, profile)
    box.station.asks = [*box.station.asks, question]
    step.tell(AuthorizationAsked(question.id, token))
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
    for question in step.box.station.asks:
        step.tell(AuthorizationAsked(question.id, question.token))


def _find(step: Step, ask_id: str) -> Ask | None:
    return next((question for question in step.box.station.asks if question.id == ask_id), None)


def answered(step: Step, ask_id: str, info: TokenInfo) -> None:
    """Take the Central System's verdict."""
    question = _find(step, ask_id)
    if question is None:
        return
    source = AuthorizationSource.CENTRAL_SYSTEM
    accepted = info.status is AuthorizationStatus.ACCEPTED
    verdict: Verdict = Granted(source, info.parent) if accepted else authority.Refused(info.status, source, info.parent)
    _take(step, question, verdict)


def unanswered(step: Step, ask_id: str, why: str) -> None:
    """Decide alone for a card about which the Central System gave no answer; `why` is told of a refusal."""
    question = _find(step, ask_id)
    if question is not None:
        _take(step, question, authority.offline(step, question.token, why=why))


def _take(step: Step, question: Ask, verdict: Verdict) -> None:
    box = step.box
    box.station.asks = [other for other in box.station.asks if other.id != question.id]
    before, step.request_id = step.request_id, question.request_id
    if question.stops is not None:
        charging.stop_decided(step, box.evse(question.evse), question.stops, question.token, verdict)
    else:
        charging.decided(
            step,
            question.evse,
            question.token,
            verdict,
            remote=question.remote,
            evses=question.evses,
            deadline=question.deadline,
            profile=question.profile,
        )
    step.request_id = before


def overdue(step: Step) -> None:
    """Decide alone about cards that nobody could be asked about in time."""
    if step.box.online:
        return
    for question in [question for question in step.box.station.asks if question.deadline <= step.now]:
        _take(step, question, authority.offline(step, question.token, why="Timeout"))


def resume(step: Step) -> None:
    """Go on with open questions after a restart: those that waited too long meanwhile are refused.

    The others get new ids, so that answers to those of an earlier run are not mistaken for theirs.
    """
    station, connection = step.box.station, step.box.connection
    known = [question for question in station.asks if question.evse <= len(step.box.evses)]
    station.asks = [msgspec.structs.replace(question, id=step.box.ids()) for question in known]
    connection.asks_lost = bool(station.asks)
    for question in station.asks:
        if question.deadline <= step.now:
            _take(step, question, authority.Refused("Timeout", AuthorizationSource.OFFLINE))
