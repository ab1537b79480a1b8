"""One EVSE and the cars that come to it: what the driver does next, and when, as a small state machine.

Each time somebody wakes a driver, it looks at the place first: what it finds counts, not what it did before. So
whatever a person does at the same EVSE, or the Central System, it goes on from there, and never touches another's car.
Its own is known by its name, also after a restart. Without clock, task and fleet: `road` has those.

    NEW      looks whether a car of ours stands there from an earlier run, and stays with it
    AWAY     a car comes: is the place free? Else it drives on
    SETTLING the second of cable and card
    WAITING  does a session begin, until the driver's patience ends?
    STAYING  the car charges, or is full, until the driver comes back
    LEAVING  stop and unplug, and whatever else has to be done until the place is free
"""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Protocol, assert_never

from bridge.profiles import OF_TRAFFIC
from bridge.traffic.plan import CAR, LOOK_S, Ending, Plan, Visit
from twin.model.inputs import Command, PlugIn, PresentToken, PressStop, Unplug
from twin.model.spec import EvSpec
from twin.model.terms import Instant, Status
from twin.model.view import EvseView, SessionView

_QUICK_TRIES = 5
_LATER_S = 60.0
_FAREWELL = Visit(EvSpec(), None, False, Ending.CARD, dwell_s=0.0, settling_s=LOOK_S, leaving_s=LOOK_S)
"""How a car goes that came by a plan which is no more."""


class Place(Protocol):
    """Show an EVSE as it is now."""

    def evse(self) -> EvseView:
        """Show it."""
        ...

    def session(self) -> SessionView:
        """Show its session, or the last one."""
        ...


class Phase(Enum):
    """Say how far a driver is."""

    NEW = auto()
    AWAY = auto()
    SETTLING = auto()
    WAITING = auto()
    STAYING = auto()
    LEAVING = auto()


class Driver:
    """Be whoever comes to an EVSE. `due` is when to `wake` it; infinite if no car comes any more."""

    __slots__ = ("_leave_at", "_number", "_phase", "_plan", "_tries", "_visit", "due", "evse", "twin")

    def __init__(self, twin: str, evse: int, plan: Plan | None, now: Instant) -> None:
        self.twin = twin
        self.evse = evse
        self.due: Instant = now
        self._plan = plan
        self._phase = Phase.NEW
        self._number = 0
        self._visit: Visit | None = None
        self._leave_at: Instant = 0.0
        self._tries = 0

    def follow(self, plan: Plan | None, now: Instant) -> None:
        """Follow another plan, or (None) leave and do not come back. A visit goes on as it began."""
        if plan is self._plan:
            return
        self._plan = plan
        if self._phase is Phase.NEW:
            return
        if self._phase is Phase.AWAY:
            self._go(now)
        elif plan is None:
            self._phase, self._tries, self.due = Phase.LEAVING, 0, now

    def wake(self, now: Instant, place: Place) -> Command | None:
        """Do what is due, and say when the next thing is; return what to do at the twin, if anything."""
        view, visit = place.evse(), self._visit
        if self._phase is Phase.NEW:
            self._look_around(now, view, place)
            return None
        if self._phase is Phase.AWAY or visit is None:
            return self._arrive(now, view)
        match self._phase:
            case Phase.SETTLING:
                return self._settle(now, view, visit)
            case Phase.WAITING | Phase.STAYING if (
                _is_ours(view) and view.session_id is not None and now < self._leave_at
            ):
                self._phase, self.due = Phase.STAYING, self._leave_at
                return None
            case Phase.WAITING | Phase.STAYING | Phase.LEAVING:
                self._phase = Phase.LEAVING
                return self._leave(now, view, place, visit)
            case _:
                assert_never(self._phase)

    def refused(self, now: Instant) -> None:
        """Learn that the twin refused what was to be done."""
        if self._phase is Phase.SETTLING:
            self._go(now)  # nothing has happened here yet
        else:
            self.due = max(self.due, now + (_LATER_S if self._phase is Phase.LEAVING else LOOK_S))

    # --- Coming -------------------------------------------------------------------------------------------------------

    def _look_around(self, now: Instant, view: EvseView, place: Place) -> None:
        if not _is_ours(view):
            self._go(now)
            return
        if self._plan is None:
            self._visit, self._phase, self.due = _FAREWELL, Phase.LEAVING, now + LOOK_S
            return
        self._visit = visit = self._plan.visit(self._place, self._number)
        began, session = view.status_at, place.session()
        if session.active and session.started_at is not None:
            began = session.started_at
        self._phase, self._tries = Phase.STAYING, 0
        self._leave_at = self.due = max(began + visit.dwell_s, now + visit.leaving_s)

    def _arrive(self, now: Instant, view: EvseView) -> Command | None:
        if self._plan is None or view.status is not Status.AVAILABLE or view.plugged:
            self._go(now)
            return None
        self._visit = visit = self._plan.visit(self._place, self._number)
        self._phase, self._tries = Phase.SETTLING, 0
        self._leave_at, self.due = now + visit.dwell_s, now + visit.settling_s
        return self._show_card(visit.token) if visit.card_first else self._plug_in(visit)

    def _settle(self, now: Instant, view: EvseView, visit: Visit) -> Command | None:
        if visit.card_first:
            # Preparing: the card is accepted, or asked for. Else it was refused, or somebody else is here.
            if view.plugged or view.status is not Status.PREPARING:
                self._go(now)
                return None
        elif not _is_ours(view):
            self._go(now)
            return None
        patience_s = visit.settling_s if self._plan is None else self._plan.patience_s
        self._phase = Phase.WAITING
        self.due = max(min(now + patience_s, self._leave_at), now + LOOK_S)
        if visit.card_first:
            return self._plug_in(visit)
        # Where the Central System has let it charge already, a card would end that.
        return None if view.authorized or view.session_id is not None else self._show_card(visit.token)

    # --- Going --------------------------------------------------------------------------------------------------------

    def _leave(self, now: Instant, view: EvseView, place: Place, visit: Visit) -> Command | None:
        if not _is_ours(view):
            self._go(now)
            return None
        self._tries += 1
        runs, first = view.session_id is not None, self._tries == 1
        # A box without power lets nobody stop and may hold the cable: then the driver comes back again and again.
        self.due = now + (visit.leaving_s if self._tries <= _QUICK_TRIES else _LATER_S)
        if runs and first and visit.ending is Ending.CARD:
            return self._show_card(view.id_tag)
        if runs and not (first and visit.ending is Ending.UNPLUG):
            return PressStop(evse=self.evse, request_id=self._request_id)
        if not view.plugged and view.locked:
            return self._show_card(place.session().id_tag)  # only its owner's card frees the cable
        if self._tries <= _QUICK_TRIES:
            self.due = now + LOOK_S
        return Unplug(evse=self.evse, request_id=self._request_id)

    def _go(self, now: Instant) -> None:
        """Be away until the next car comes."""
        self._visit, self._phase = None, Phase.AWAY
        self._number += 1
        self.due = math.inf if self._plan is None else now + self._plan.wait_s(self._place, self._number, now)

    # --- What is done -------------------------------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return f"{self.twin}/{self.evse}"

    @property
    def _request_id(self) -> str:
        return f"{OF_TRAFFIC}{self._number}"

    def _plug_in(self, visit: Visit) -> Command:
        return PlugIn(evse=self.evse, ev=visit.car, request_id=self._request_id)

    def _show_card(self, token: str | None) -> Command | None:
        return None if token is None else PresentToken(evse=self.evse, token=token, request_id=self._request_id)


def _is_ours(view: EvseView) -> bool:
    return view.ev is not None and view.ev.startswith(CAR)
