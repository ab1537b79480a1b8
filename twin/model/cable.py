"""The cable between EVSE and car: plugged, pulled at either end, locked and released (OCPP 1.6 §4.9, §4.10).

An *attempt* is what Preparing stands for: somebody began to use an EVSE, and ConnectionTimeOut runs (X-08).
"""

from __future__ import annotations

from twin.model import evse as phases
from twin.model import reserved, session, status
from twin.model.box import Box, Step
from twin.model.state import Evse, Grant
from twin.model.terms import Status, StopReason


def begin_attempt(step: Step, evse: Evse) -> None:
    """Let ConnectionTimeOut run from now (X-08); 0 means that it never ends."""
    wait_s = step.box.variables.integer("TxCtrlr.EVConnectionTimeOut")
    evse.attempt_ends_at = step.now + wait_s if wait_s else None


def resume_attempt(step: Step, evse: Evse) -> None:
    """Let ConnectionTimeOut run for a car that stood there before its EVSE could be used."""
    if step.box.running and evse.status is Status.PREPARING and evse.attempt_ends_at is None:
        begin_attempt(step, evse)


def void_attempt(evse: Evse) -> None:
    """Forget who wanted to charge here."""
    evse.grant, evse.attempt_ends_at = None, None


def plugged_in(step: Step, evse: Evse) -> None:
    """Take it that a car was connected: a session goes on (X-16), one starts, or a card is waited for."""
    box = step.box
    evse.plugged, evse.cable, evse.plugged_at, evse.info = True, True, step.now, None
    if evse.session is not None or not box.running:
        status.refresh(step, evse.number)
        return
    evse.finishing = False  # F2
    shared = box.common.grant
    if evse.grant is None and shared is not None and _is_for(box, shared, evse) and status.is_usable(box, evse):
        evse.grant, box.common.grant, box.common.attempt_ends_at = shared, None, None
    if evse.grant is not None and status.is_usable(box, evse):
        grant = evse.grant
        status.refresh(step, evse.number)
        session.start(step, evse, grant)
        return
    kept = reserved.of(box, evse.number) is not None  # RV-14: a plug alone is no attempt there
    if phases.is_in_service(evse, box.common) and evse.attempt_ends_at is None and not kept:
        begin_attempt(step, evse)
    status.refresh(step, evse.number)


def _is_for(box: Box, shared: Grant, evse: Evse) -> bool:
    meant = not shared.evses or evse.number in shared.evses
    return meant and reserved.admits(box, evse, shared.token, shared.parent)


def unplugged(step: Step, evse: Evse, *, cable_stays: bool) -> None:
    """Take it that the car's end was pulled, and the EVSE's end too unless it is locked or stays (§4.10)."""
    box = step.box
    evse.plugged = False
    if evse.session is not None:
        evse.info = session.EV_SIDE
        if not box.variables.flag("TxCtrlr.StopTxOnEVSideDisconnect"):
            status.refresh(step, evse.number)  # S-17, X-16: the session goes on, the cable stays locked
            return
        unlock = box.variables.flag("OCPPCommCtrlr.UnlockOnEVSideDisconnect") or not evse.locked
        session.end(step, evse, StopReason.EV_DISCONNECTED, keep_locked=not unlock)
        evse.finishing = True
        session.after_end(step, evse)  # S-18
    if evse.cable and not evse.locked and not cable_stays:
        cable_removed(step, evse)
    else:
        _idle_cable(step, evse)


def _idle_cable(step: Step, evse: Evse) -> None:
    if evse.grant is None and evse.session is None:
        evse.attempt_ends_at = None
    status.refresh(step, evse.number)


def cable_removed(step: Step, evse: Evse) -> None:
    """Take it that nothing is left in the socket (F1, B1)."""
    evse.plugged = evse.cable = evse.finishing = evse.locked = False
    evse.info = evse.car = evse.keeper = evse.keeper_parent = None
    _idle_cable(step, evse)


def release(step: Step, evse: Evse) -> None:
    """Unlock a cable for its owner, who takes it away if the car is gone (A-20, X-17)."""
    evse.locked, evse.keeper, evse.keeper_parent = False, None, None
    if evse.cable and not evse.plugged:
        cable_removed(step, evse)
    else:
        status.refresh(step, evse.number)
