"""What real sensors say of an EVSE: which of its values are real, which simulated, and what a silent sensor means.

Each quantity has its own source. The register of energy is the twin's own: whatever sensors say, and however often the
source changes, it never falls.
"""

from __future__ import annotations

from collections.abc import Mapping

from twin.model import status
from twin.model.box import Box, Step
from twin.model.inputs import ReportMeter, UseMeterSource
from twin.model.state import Evse, External, Growth
from twin.model.terms import Instant, MeterSource, Quantity

_LEAST_STEP_S = 1.0
"""Two registers that are less than this apart say nothing about power: they may be one reading in two messages."""

_LEAST_PAUSE_S = 60.0
_PAUSE_STEPS = 5
"""A register that has not grown for so long, and for so many times as its last step took, stands still."""


def report(step: Step, evse: Evse, command: ReportMeter) -> None:
    """Take values from real sensors; those of quantities that are to be simulated do not count."""
    external, now = evse.external, step.now
    values = {name: value for name, value in command.values.items() if name not in external.simulated}
    if (energy := values.get(Quantity.ENERGY_WH)) is not None:
        _count(evse, energy, now)
    external.values = {**external.values, **values}
    external.until = {name: at for name, at in external.until.items() if name not in values}
    external.stale = tuple(name for name in external.stale if name not in values)
    if command.max_age_s is not None and values:
        measured_at = now if command.at is None else min(command.at, now)
        external.until = external.until | dict.fromkeys(values, measured_at + command.max_age_s)
        _age(external, now)


def _count(evse: Evse, energy: float, now: Instant) -> None:
    """Let our register follow a real one; it neither falls nor, when that comes in a session, jumps (contract)."""
    external, register = evse.external, evse.register
    present, last = register.read(now), external.values.get(Quantity.ENERGY_WH)
    if last is None:
        free = evse.session is None and energy >= present
        external.offset_wh = 0.0 if free else present - energy
    elif energy < last:
        external.offset_wh += last - energy
    register.wh, register.at = max(present, energy + external.offset_wh), max(now, register.at)
    external.growth = _grown(external.growth, energy, now)


def _grown(known: Growth | None, energy: float, now: Instant) -> Growth:
    """Return how a real register grows, from which its power follows where no sensor measures that."""
    if known is None:
        return Growth(now, energy)
    if energy < known.wh:  # another meter
        return Growth(now, energy, known.power_w, known.until)
    took_s = now - known.at
    if energy == known.wh or took_s < _LEAST_STEP_S:
        return known
    power_w = (energy - known.wh) * 3600.0 / took_s
    return Growth(now, energy, power_w, now + max(_LEAST_PAUSE_S, _PAUSE_STEPS * took_s))


# --- Sources ----------------------------------------------------------------------------------------------------------


def use(evse: Evse, command: UseMeterSource) -> None:
    """Take some values, or all, from the simulation or from sensors from now on."""
    named = command.values
    if command.source is MeterSource.SIMULATED:
        if named:
            _simulate(evse.external, named)
        else:
            evse.external = External()
    elif named:
        _measure(evse.external, named, fallback=command.fallback)
    else:
        external = evse.external
        external.forced, external.simulated, external.awaited = not command.fallback, (), ()
        external.fallback = tuple(Quantity) if command.fallback else ()


def _simulate(external: External, named: tuple[Quantity, ...]) -> None:
    if external.forced:  # which is now true of the others only
        external.forced, external.awaited = False, tuple(Quantity)
    external.simulated = _with(external.simulated, named)
    external.awaited = _without(external.awaited, named)
    external.fallback = _without(external.fallback, named)
    external.stale = _without(external.stale, named)
    external.values = _left(external.values, named)
    external.until = _left(external.until, named)
    if Quantity.ENERGY_WH in named:
        external.growth = None


def _measure(external: External, named: tuple[Quantity, ...], *, fallback: bool) -> None:
    if fallback and external.forced:
        external.forced, external.awaited = False, tuple(Quantity)
    external.simulated = _without(external.simulated, named)
    external.awaited = _without(external.awaited, named) if fallback else _with(external.awaited, named)
    external.fallback = _with(external.fallback, named) if fallback else _without(external.fallback, named)


def _with(known: tuple[Quantity, ...], named: tuple[Quantity, ...]) -> tuple[Quantity, ...]:
    return tuple(dict.fromkeys((*known, *named)))


def _without(known: tuple[Quantity, ...], named: tuple[Quantity, ...]) -> tuple[Quantity, ...]:
    return tuple(name for name in known if name not in named)


def _left(known: Mapping[Quantity, float], named: tuple[Quantity, ...]) -> dict[Quantity, float]:
    return {name: value for name, value in known.items() if name not in named}


# --- Age --------------------------------------------------------------------------------------------------------------


def due(step: Step) -> None:
    """Take note of sensors that have fallen silent, and of registers that stand still."""
    for evse in _timed(step.box):
        if any(at is not None and at <= step.now for at in _deadlines(evse.external)):
            _age(evse.external, step.now)
            growth = evse.external.growth
            if growth is not None and growth.until is not None and growth.until <= step.now:
                evse.external.growth = Growth(growth.at, growth.wh, 0.0)
            status.refresh(step, evse.number)


def deadlines(box: Box) -> list[Instant | None]:
    """Return when values become stale, and when a register is taken to stand still."""
    return [at for evse in _timed(box) for at in _deadlines(evse.external)]


def _timed(box: Box) -> list[Evse]:
    return [evse for evse in box.evses if evse.external.until or evse.external.growth is not None]


def _deadlines(external: External) -> list[Instant | None]:
    return [*external.until.values(), None if external.growth is None else external.growth.until]


def _age(external: External, now: Instant) -> None:
    old = tuple(name for name, until in external.until.items() if until <= now)
    if old:
        external.stale = _with(external.stale, old)
        external.until = _left(external.until, old)
