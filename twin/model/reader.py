"""Cards at a reader, an EVSE's own or one that all share: what the card is there for (contract, "What a box does")."""

from __future__ import annotations

from twin.model import asking, authority, cable, charging, session, status
from twin.model.box import Step
from twin.model.cards import same
from twin.model.state import Evse
from twin.model.terms import AuthorizationSource, StopReason


def present(step: Step, evse: Evse | None, token: str, evses: tuple[int, ...] = ()) -> None:
    """Show a card to the reader of an EVSE, or (None) to the shared one; whatever comes of it is told by events."""
    box = step.box
    if evse is None:
        evse = charging.pick(step, token, evses)
    if evse is None and len(evses or box.evses) == 1:
        evse = box.evse(evses[0] if evses else 1)
    if charging.is_asking(box, 0 if evse is None else evse.number, token):
        return  # its question is on the way
    if evse is None:
        asking.authorize(step, 0, token, evses=evses)
    elif evse.session is not None:
        _present_to_session(step, evse, token)
    elif evse.keeper is not None and _may_release(step, evse, token):
        cable.release(step, evse)
    elif evse.grant is not None and same(evse.grant.token, token):
        cable.void_attempt(evse)  # B1: the card was shown a second time
        status.refresh(step, evse.number)
        cable.resume_attempt(step, evse)
    elif not status.is_usable(box, evse):
        charging.refuse(step, evse.number, token, authority.Refused("Unavailable", AuthorizationSource.OFFLINE))
    else:
        asking.authorize(step, evse.number, token)


def _present_to_session(step: Step, evse: Evse, token: str) -> None:
    owner = evse.session
    if owner is None:
        return
    parent = authority.parent_of(step, token)
    # who started it is never asked for; A-18: who is known to be of the group counts while nobody can be asked.
    if same(owner.token, token) or (same(owner.parent, parent) and not step.box.online):
        session.end(step, evse, StopReason.LOCAL, token=token)
        session.after_end(step, evse)
    elif step.box.online:
        asking.ask(step, evse.number, token, stops=owner.id)
    else:
        charging.refuse(step, evse.number, token, authority.Refused("Invalid", AuthorizationSource.OFFLINE, parent))


def _may_release(step: Step, evse: Evse, token: str) -> bool:
    return same(evse.keeper, token) or same(evse.keeper_parent, authority.parent_of(step, token))
