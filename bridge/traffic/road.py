"""The way of cars to their EVSEs: one list of what is due for all of them, one timer, and the twins.

Decides when a driver's turn is; what it does then is its own business (`driver`). What is due follows the twins' clock
at whatever rate that runs. In one turn of the event loop it works for a few milliseconds, and then lets others work as
long.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Set as AbstractSet
from itertools import count
from typing import cast

import structlog

from bridge.ports import Fleet
from bridge.traffic.driver import Driver
from bridge.traffic.plan import Plans
from twin.errors import Rejected
from twin.fleet import Clock
from twin.model.terms import Instant, Part
from twin.model.view import EvseView, SessionView

_TURN_S = 0.005
_BREATH_S = 0.001
_LOOK_EVERY_S = 60.0
"""How often the clock is looked at: somebody may have set it."""

_log = structlog.get_logger("traffic")


class Road:
    """Let cars drive to twins of a fleet; `changed` listens to it, so that twins that come later get cars, too."""

    def __init__(self, plans: Plans, fleet: Fleet, clock: Clock) -> None:
        self._plans = plans
        self._fleet = fleet
        self._clock = clock
        self._drivers: dict[str, list[Driver]] = {}
        self._met: deque[str] = deque()
        # A driver whose `due` is another one than here was put off: there is another entry for it.
        self._heap: list[tuple[Instant, int, Driver]] = []
        self._order = count()
        self._timer: asyncio.Handle | None = None
        self._timer_at = math.inf
        self._open = False
        # At the start all twins are looked at: cars may stand there from an earlier run with other plans.
        self._swept = False

    def start(self) -> None:
        """Open the road."""
        self._open = True
        self._meet_all()

    def stop(self) -> None:
        """Let nobody drive any more; cars that charge are found again at the next start."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def replace(self, plans: Plans) -> None:
        """Follow other plans from now on, and look which twins there are."""
        for twin in self._drivers.keys() - self._fleet.ids:
            self._forget(twin)
        if plans == self._plans and not plans:
            return
        self._plans = plans
        if self._open:
            self._meet_all()

    def look(self) -> None:
        """Look at the clock, which may run faster from now on."""
        if self._heap:
            self._arm(asyncio.get_running_loop().time())

    def changed(self, twin_id: str, parts: AbstractSet[Part]) -> None:
        """Learn that something is new at a twin, which may be new itself."""
        del parts
        if self._open and self._plans and twin_id not in self._drivers:
            self._meet(twin_id)

    # --- Twins come and go --------------------------------------------------------------------------------------------

    def _meet_all(self) -> None:
        for twin in self._fleet.ids:
            self._meet(twin)

    def _meet(self, twin: str) -> None:
        self._drivers.setdefault(twin, [])
        self._met.append(twin)
        self._arm(asyncio.get_running_loop().time())

    def _adopt(self, twin: str, now: Instant) -> None:
        """Give each EVSE of a twin a driver, as the plans are now."""
        if twin not in self._fleet.ids:
            self._forget(twin)
            return
        drivers, plan, evses = self._drivers.setdefault(twin, []), self._plans.of(twin), self._fleet.evse_count(twin)
        for driver in drivers[evses:]:
            driver.due = math.inf
        del drivers[evses:]
        for driver in drivers:
            due = driver.due
            driver.follow(plan, now)
            if driver.due != due:
                self._push(driver)
        if plan is not None or not self._swept:
            for number in range(len(drivers) + 1, evses + 1):
                drivers.append(driver := Driver(twin, number, plan, now))
                self._push(driver)
        self._drop_idle(twin)

    def _forget(self, twin: str) -> None:
        for driver in self._drivers.pop(twin, ()):
            driver.due = math.inf

    # --- Turns --------------------------------------------------------------------------------------------------------

    def _push(self, driver: Driver) -> None:
        if driver.due < math.inf:
            heapq.heappush(self._heap, (driver.due, next(self._order), driver))

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = asyncio.get_running_loop().call_at(at, self._turn)

    def _turn(self) -> None:
        self._timer = None
        loop, now = asyncio.get_running_loop(), self._clock.now()
        began = loop.time()
        until = began + _TURN_S
        while self._met and loop.time() < until:
            self._adopt(self._met.popleft(), now)
        self._swept = self._swept or not self._met
        while self._heap and self._heap[0][0] <= now and loop.time() < until:
            due, _, driver = heapq.heappop(self._heap)
            if driver.due == due:
                self._wake(driver, now)
        ended = loop.time()
        if self._met or (self._heap and self._heap[0][0] <= now):
            self._arm(ended + max(_BREATH_S, ended - began))
        elif self._heap:
            self._arm(max(ended + _BREATH_S, min(ended + _LOOK_EVERY_S, self._clock.to_loop(self._heap[0][0]))))

    def _wake(self, driver: Driver, now: Instant) -> None:
        if driver.twin not in self._fleet.ids:
            self._forget(driver.twin)
            return
        if len(self._drivers[driver.twin]) != self._fleet.evse_count(driver.twin):
            self._adopt(driver.twin, now)  # it was removed, and another one is here by its name
        if driver.due == math.inf:
            return
        try:
            command = driver.wake(now, _Place(self._fleet, driver))
            if command is not None:
                self._fleet.command(driver.twin, command, _nothing)
        except Rejected as why:
            _log.debug("refused", twin=driver.twin, evse=driver.evse, reason=why.detail)
            driver.refused(now)
        self._push(driver)
        self._drop_idle(driver.twin)

    def _drop_idle(self, twin: str) -> None:
        """Keep nothing of a twin to which no cars come any more."""
        drivers = self._drivers.get(twin, [])
        if all(driver.due == math.inf for driver in drivers):
            drivers.clear()
            if not self._plans:
                self._drivers.pop(twin, None)


class _Place:
    """Show the EVSE of a driver."""

    __slots__ = ("_driver", "_fleet")

    def __init__(self, fleet: Fleet, driver: Driver) -> None:
        self._fleet = fleet
        self._driver = driver

    def evse(self) -> EvseView:
        """Show it. Raises Rejected where it is not there yet."""
        try:
            return cast("EvseView", self._fleet.view_of(self._driver.twin, ("evse", self._driver.evse)))
        except IndexError:
            # A reload gave the twin more EVSEs: they are there when its station has been started again.
            raise Rejected("unknown_evse", f"EVSE {self._driver.evse} is there in a moment") from None

    def session(self) -> SessionView:
        """Show its session, or the last one."""
        return cast("SessionView", self._fleet.view_of(self._driver.twin, ("session", self._driver.evse)))


def _nothing() -> None:
    """Let nobody wait for the disk: what a driver does shows in the twin's view at once."""
