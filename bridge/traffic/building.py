"""From the configuration to plans, what is wrong with them, and how much traffic they make.

The only part of traffic that knows the configuration's models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.traffic.plan import Amount, Ending, Plan, Plans
from config.fleet import Wrong
from config.presets import cars
from config.problems import Path, shown, unknown_text
from config.ranges import ALLOWED, unrolled
from config.settings import Settings
from config.traffic import TrafficSettings

EvseCounts = Mapping[str, int]
"""All twins, and how many EVSEs each has."""

_GLOB = frozenset("*?[")
_KNOWN = 50


@dataclass(frozen=True, slots=True)
class Forecast:
    """Say how much traffic there is to be: at how many EVSEs, and how many sessions in a day of the twins' time.

    `rate` is that of their clock.
    """

    evses: int
    sessions: float
    rate: float = 1.0

    def __str__(self) -> str:
        hour = self.sessions / 24
        text = f"{self.evses} EVSEs, about {_rounded(self.sessions)} sessions a day, {_rounded(hour)} an hour"
        real = f" of theirs, {_rounded(hour * self.rate)} in a real hour (clock.rate {self.rate:g})"
        return text if self.rate == 1.0 else text + real


def built(settings: Settings, twins: EvseCounts) -> tuple[Plans, list[Wrong]]:
    """Make the plans; return what came of it, and what is wrong."""
    plans: list[tuple[frozenset[str], tuple[str, ...], Plan]] = []
    wrong: list[Wrong] = []
    for index, one in enumerate(settings.traffic):
        named: list[str] = []
        globs: list[str] = []
        for place, text in enumerate(one.twins):
            if not _GLOB.isdisjoint(text):
                globs.append(text)
                continue
            path: Path = ("traffic", index, "twins", place)
            ids, problem = _ids(text, twins)
            named += ids
            wrong += [] if problem is None else [(path, f"found {shown((), text)}; {problem}")]
        plans.append((frozenset(named), tuple(globs), plan(one)))
    return Plans(tuple(plans)), wrong


def forecast(settings: Settings, twins: EvseCounts) -> Forecast:
    """Say how much traffic a sound configuration makes."""
    plans, rate = built(settings, twins)[0], 1.0 if settings.clock is None else settings.clock.rate
    found = [(plan, evses) for twin, evses in twins.items() if (plan := plans.of(twin)) is not None]
    return Forecast(sum(evses for _, evses in found), sum(plan.per_day() * evses for plan, evses in found), rate)


def plan(one: TrafficSettings) -> Plan:
    """Make a plan of its settings."""
    return Plan(
        arrivals_per_h=one.arrivals,
        dwell=Amount(one.dwell.mean, one.dwell.spread),
        cars=tuple(cars()[name] for name in one.cars),
        tags=tuple((tuple(unrolled(tag.tag)), tag.weight) for tag in one.tags),
        energy=None if one.energy is None else Amount(one.energy.mean, one.energy.spread),
        first=one.first,
        endings=tuple(_endings(one)),
        patience_s=one.patience,
        day=one.day,
        utc_offset_s=one.utc_offset,
        seed=one.seed,
    )


def _endings(one: TrafficSettings) -> Iterator[tuple[Ending, float]]:
    for ending in Ending:
        weight: float = getattr(one.ends, ending)
        if weight:
            yield ending, weight


def _ids(text: str, twins: EvseCounts) -> tuple[Sequence[str], str | None]:
    """Return the twins that an id or a range names, and what is wrong with it."""
    try:
        ids = unrolled(text)
    except ValueError:
        return (), f"allowed: {ALLOWED}, an id, or a glob such as lot-*"
    unknown = next((twin for twin in ids if twin not in twins), None)
    if unknown is None:
        return ids, None
    return (), f'twin "{unknown}" is {unknown_text(unknown, list(twins)[:_KNOWN])}'


def _rounded(number: float) -> str:
    """Write a number with three digits that count."""
    return f"{float(f'{number:.3g}'):,.10g}"
