"""A box with a strict Central System, and the drivers that come to it, in virtual time."""

from __future__ import annotations

import math
from typing import Any

from fakes.central_system import CentralSystem, spec

from bridge.traffic.driver import Driver
from bridge.traffic.plan import Amount, Ending, Plan
from twin.errors import Rejected
from twin.model.inputs import Command
from twin.model.spec import EvSpec

CARD, BUTTON, UNPLUG = (((ending, 1.0),) for ending in Ending)
CAR = EvSpec("box-on-wheels", battery_kwh=40.0, max_a=16, phases=3)


def plan(**changes: Any) -> Plan:
    """Make a plan by which a car comes each hour and stays for half of one."""
    fields = {"arrivals_per_h": 1.0, "dwell": Amount(1800.0), "cars": (CAR,), "tags": ((("CARD",), 1.0),)}
    return Plan(**(fields | changes))


class CarPark:
    """Let drivers come to one box. `done` is what they did, pairs of time and command; `refusals` what was refused."""

    def __init__(self, plan: Plan, evses: int = 1, keys: dict[str, Any] | None = None, **more: Any) -> None:
        quiet = {"MeterValueSampleInterval": "900", "HeartbeatInterval": "3600"}
        self.box = CentralSystem(spec(evses, quiet | (keys or {})), boot_interval=3600, **more)
        self.plan = plan
        self.done: list[tuple[float, Command]] = []
        self.refusals: list[Rejected] = []
        self.drive()

    def drive(self, plan: Plan | None = None) -> None:
        """Begin anew, as after a restart of the daemon."""
        self.plan = plan or self.plan
        numbers = range(1, len(self.box.spec.evses) + 1)
        self.drivers = [Driver("cp1", number, self.plan, self.box.now) for number in numbers]

    @property
    def now(self) -> float:
        return self.box.now

    def evse(self, number: int = 1):
        return self.box.station.view(self.now).evses[number - 1]

    def session(self, number: int = 1):
        return self.box.station.view(self.now).sessions[number - 1]

    def names(self) -> list[str]:
        """List what drivers did, by the names of commands."""
        return [type(command).__name__ for _, command in self.done]

    def live(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while (driver := min(self.drivers, key=lambda one: one.due)).due <= until:
            self.box.advance_to(max(self.now, driver.due))
            self._wake(driver)
        self.box.advance_to(until)

    def until(self, name: str) -> None:
        """Let time pass until a driver has done something."""
        mark = len(self.done)
        while name not in self.names()[mark:]:
            driver = min(self.drivers, key=lambda one: one.due)
            assert driver.due < math.inf, f"nobody comes, and did {self.names()}"
            self.live(driver.due - self.now)

    def _wake(self, driver: Driver) -> None:
        command = driver.wake(self.now, Place(self, driver.evse))
        if command is None:
            return
        self.done.append((self.now, command))
        try:
            self.box.command(command)
        except Rejected as why:
            self.refusals.append(why)
            driver.refused(self.now)


class Place:
    """Show an EVSE of a car park."""

    def __init__(self, park: CarPark, number: int) -> None:
        self._park = park
        self._number = number

    def evse(self):
        return self._park.evse(self._number)

    def session(self):
        return self._park.session(self._number)
