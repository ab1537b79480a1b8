"""What is left to chance in traffic: when cars come, which ones, how long they stay, and what their drivers do.

All of it is drawn from a seed, the twin, the EVSE and the number of the visit, and nothing else: the same ones draw the
same, whatever happens meanwhile, and a twin that is added changes nothing for the others. Draws use `Random.random`
alone, whose numbers are the same in every version of Python.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random
from typing import Literal, TypeVar

from twin.model.spec import EvSpec
from twin.model.terms import Instant

CAR = "traffic "
"""How the names of our cars begin; nobody else can name one so."""

HURRY_S = (2.0, 10.0)
"""How long a driver takes from one thing to the next: at least, at most."""

LOOK_S = 1.0
"""How long it takes to see that the cable is free."""

First = Literal["cable", "card", "any"]
Day = Literal["flat", "home", "work"]

_T = TypeVar("_T")

_HOUR_S = 3600.0
_SOC_PCT = (20.0, 80.0)
_HOURS: dict[Day, tuple[int, ...]] = {
    "flat": (1,) * 24,
    "home": (2, 1, 1, 1, 1, 1, 2, 4, 4, 3, 3, 4, 4, 4, 5, 7, 10, 14, 14, 11, 8, 6, 4, 3),
    "work": (0, 0, 0, 0, 0, 2, 8, 20, 24, 14, 8, 6, 8, 9, 5, 3, 2, 1, 1, 0, 0, 0, 0, 0),
}
"""How many cars come in each hour of a day, compared to the others."""


class Ending(StrEnum):
    """Name how a driver ends a session."""

    CARD = "card"
    BUTTON = "button"
    UNPLUG = "unplug"


@dataclass(frozen=True, slots=True)
class Amount:
    """Be something that differs: log-normal with a mean, and the standard deviation as a part of that."""

    mean: float
    spread: float = 0.0

    def draw(self, random: Random) -> float:
        """Draw one, over 0."""
        if not self.spread:
            return self.mean
        variance = math.log1p(self.spread**2)
        return self.mean * math.exp(math.sqrt(variance) * _normal(random) - variance / 2)


@dataclass(frozen=True, slots=True)
class Visit:
    """Say how a car comes and goes; `token` None: its driver has no card. Times in seconds.

    Between the first two things its driver does lie `settling_s`, between the last two `leaving_s`.
    """

    car: EvSpec
    token: str | None
    card_first: bool
    ending: Ending
    dwell_s: float
    settling_s: float
    leaving_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Say what comes to an EVSE. `tags` and `endings` have their weights; `utc_offset_s` is that of the day's hours."""

    arrivals_per_h: float
    dwell: Amount
    cars: tuple[EvSpec, ...]
    tags: tuple[tuple[Sequence[str], float], ...] = ()
    energy: Amount | None = None
    first: First = "cable"
    endings: tuple[tuple[Ending, float], ...] = ((Ending.CARD, 1.0),)
    patience_s: float = 60.0
    day: Day = "flat"
    utc_offset_s: float = 0.0
    seed: int = 1

    def wait_s(self, place: str, number: int, now: Instant) -> float:
        """Return how long it is until the next car comes to a place (a Poisson process)."""
        random, rates, passed = Random(f"{self.seed}/{place}/{number}/wait"), _rates(self.arrivals_per_h, self.day), 0.0
        peak = max(rates)
        while True:
            # As many as at the busiest hour, of which those do not come that are too many for theirs.
            passed -= math.log(1.0 - random.random()) * _HOUR_S / peak
            hour = int((now + passed + self.utc_offset_s) // _HOUR_S) % len(rates)
            if random.random() * peak < rates[hour]:
                return passed

    def visit(self, place: str, number: int) -> Visit:
        """Return how the visit with this number goes."""
        random = Random(f"{self.seed}/{place}/{number}/visit")
        return Visit(
            car=self._car(random),
            token=self._token(random),
            card_first=bool(self.tags) and (self.first == "card" or (self.first == "any" and random.random() < 0.5)),
            ending=_weighed(self.endings, random),
            dwell_s=self.dwell.draw(random),
            settling_s=_between(HURRY_S, random),
            leaving_s=_between(HURRY_S, random),
        )

    def per_day(self) -> float:
        """Return how many cars come to an EVSE in a day that find it free.

        Erlang's loss formula for one place, hour by hour: `arrivals / (1 + arrivals × stay)`.
        """
        stay_h = (self.dwell.mean + sum(HURRY_S) / 2 + LOOK_S) / _HOUR_S
        return sum(rate / (1.0 + rate * stay_h) for rate in _rates(self.arrivals_per_h, self.day))

    def _car(self, random: Random) -> EvSpec:
        car = _one_of(self.cars, random)
        battery_kwh = car.battery_kwh or 60.0
        soc_pct = _between(_SOC_PCT, random)
        if self.energy is not None:
            taken_kwh = self.energy.draw(random) / 1000.0
            battery_kwh = max(battery_kwh, taken_kwh)  # one that takes more is larger
            soc_pct = 100.0 * (1.0 - taken_kwh / battery_kwh)
        return EvSpec(CAR + car.name, battery_kwh, soc_pct, car.max_a, car.phases, car.max_w)

    def _token(self, random: Random) -> str | None:
        return _one_of(_weighed(self.tags, random), random) if self.tags else None


@dataclass(frozen=True, slots=True)
class Plans:
    """Hold all plans, each with the ids and globs of the twins that it is for."""

    plans: tuple[tuple[frozenset[str], tuple[str, ...], Plan], ...] = ()

    def of(self, twin: str) -> Plan | None:
        """Return the first plan that names a twin."""
        for ids, globs, plan in self.plans:
            if twin in ids or any(fnmatch.fnmatchcase(twin, glob) for glob in globs):
                return plan
        return None

    def __bool__(self) -> bool:
        return bool(self.plans)


@cache
def _rates(average: float, day: Day) -> tuple[float, ...]:
    """Return how many cars come in each hour of a day, `average` of them in the mean."""
    weights = _HOURS[day]
    return tuple(average * weight * len(weights) / sum(weights) for weight in weights)


def _normal(random: Random) -> float:
    """Draw from the normal distribution (Box and Muller)."""
    return math.sqrt(-2.0 * math.log(1.0 - random.random())) * math.cos(2.0 * math.pi * random.random())


def _between(bounds: tuple[float, float], random: Random) -> float:
    low, high = bounds
    return low + (high - low) * random.random()


def _one_of(items: Sequence[_T], random: Random) -> _T:
    return items[int(random.random() * len(items))]


def _weighed(items: Collection[tuple[_T, float]], random: Random) -> _T:
    left = random.random() * sum(weight for _, weight in items)
    for item, weight in items:
        left -= weight
        if left < 0:
            return item
    return list(items)[-1][0]
