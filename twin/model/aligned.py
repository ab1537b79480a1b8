"""Clock-aligned data: what is sent on a grid that begins anew each midnight UTC (OCPP 1.6 §3.16.2, §9.1.5).

A register and a state of charge are read at the end of an interval and bear that time. All else belongs to the whole
interval: it is sent at the end under the time at which the interval began, energy summed up, other values averaged over
it, or over that part of it in which the transaction ran (errata 3.75, V-05).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from twin.model import metering, registration, session
from twin.model.box import Step
from twin.model.effects import Changed, Metered, Reading, Sample
from twin.model.state import Averages, Evse
from twin.model.terms import Instant, Measurand, ReadingContext

_DAY_S = 86_400.0
_READ_AT_THE_END = frozenset({Measurand.ENERGY_ACTIVE_IMPORT_REGISTER, Measurand.SOC})
_SUMMED_UP = frozenset({Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL})
_CLOCK = ReadingContext.SAMPLE_CLOCK


def due(step: Step) -> None:
    """Report the instant of the grid that has come, in a session or not (V-02, V-04)."""
    box = step.box
    at = box.connection.next_aligned_at
    if at is None or at > step.now:
        return
    ended_at = box.own_time(at)
    began_at = _grid_before(ended_at, box.variables.integer("AlignedDataCtrlr.Interval"))
    for evse in box.evses:
        _report(step, evse, began_at, ended_at)
    if Measurand.ENERGY_ACTIVE_IMPORT_REGISTER in box.variables.items(session.ALIGNED):
        step.tell(Metered(0, (main_meter(step, _CLOCK, ended_at),)), durable=True)
    registration.arm_alignment(step)


def restart(step: Step) -> None:
    """Begin to sum up anew, because the grid is another one."""
    for evse in step.box.evses:
        _begin(step, evse)


def follow(step: Step) -> None:
    """Take notice of what the meters show from now on; the last thing that every input does."""
    box = step.box
    if box.connection.next_aligned_at is None:
        for evse in box.evses:
            evse.averages = None
        return
    # A meter shows other values only where that was told as well; what merely grows with time is no average.
    told = {effect.part[1] for effect in step.effects if isinstance(effect, Changed)}
    look(step, (evse for evse in box.evses if evse.averages is None or evse.number in told))


def look(step: Step, evses: Iterable[Evse]) -> None:
    """Take notice of what these meters show from now on, as when other values are wanted."""
    variables = step.box.variables
    items = _averaged(variables.items(session.ALIGNED), variables.items(session.ENDED_ALIGNED))
    for evse in evses:
        found = session.read(step, evse, items, _CLOCK, base_wh=0.0) if items else None
        _note(evse, () if found is None else found.samples, step.now)


def main_meter(step: Step, context: ReadingContext, at: Instant) -> Reading:
    """Read the main meter, the sum of all EVSEs (V-20)."""
    total_wh = sum(metering.whole_wh(evse, step.now) for evse in step.box.evses)
    sample = Sample(Measurand.ENERGY_ACTIVE_IMPORT_REGISTER, float(total_wh), None, "Inlet")
    return Reading(at, context, (sample,))


def _grid_before(at: Instant, interval_s: int) -> Instant:
    """Return where the interval began that ends at an instant of the grid; the last one of a day may be shorter."""
    midnight = (at - 1.0) // _DAY_S * _DAY_S
    return midnight + (at - 1.0 - midnight) // interval_s * interval_s


def _report(step: Step, evse: Evse, began_at: Instant, ended_at: Instant) -> None:
    box, owner = step.box, evse.session
    told = _readings(step, evse, box.variables.items(session.ALIGNED), began_at, ended_at)
    if told:
        step.tell(Metered(evse.number, told, None if owner is None else owner.id), durable=True)
    if owner is not None:
        # Within a transaction nothing is older than its begin.
        began_at = max(began_at, box.own_time(owner.started_at))
        for found in _readings(step, evse, box.variables.items(session.ENDED_ALIGNED), began_at, ended_at):
            session.collect(step, owner, found)
    _begin(step, evse)


def _readings(
    step: Step, evse: Evse, items: Sequence[str], began_at: Instant, ended_at: Instant
) -> tuple[Reading, ...]:
    """Return what belongs to the interval, and what is read at its end: one element for one time (V-07)."""
    base_wh = evse.aligned_base_wh
    of_end = [item for item in items if _measurand(item) in _READ_AT_THE_END]
    of_interval = [item for item in items if item not in of_end]
    whole = session.read(step, evse, of_interval, _CLOCK, base_wh=base_wh, at=began_at)
    last = session.read(step, evse, of_end, _CLOCK, base_wh=base_wh, at=ended_at)
    if whole is not None:
        whole = msgspec.structs.replace(whole, samples=tuple(_mean(evse, one, step.now) for one in whole.samples))
    return tuple(found for found in (whole, last) if found is not None)


# --- Averages ---------------------------------------------------------------------------------------------------------


def _measurand(item: str) -> Measurand | None:
    known = metering.parsed(item)
    return None if known is None else known[0]


@lru_cache(maxsize=256)
def _averaged(sent: tuple[str, ...], collected: tuple[str, ...]) -> tuple[str, ...]:
    other = _READ_AT_THE_END | _SUMMED_UP
    return tuple(item for item in dict.fromkeys(sent + collected) if _measurand(item) not in other)


def _begin(step: Step, evse: Evse) -> None:
    evse.averages = None
    evse.aligned_base_wh = evse.register.read(step.now)


def _key(sample: Sample) -> str:
    return f"{sample.measurand}/{sample.phase or ''}"


def _note(evse: Evse, samples: Iterable[Sample], now: Instant) -> None:
    latest = {_key(sample): sample.value for sample in samples}
    if evse.averages is None:
        evse.averages = Averages(now, latest) if latest else None
    elif latest != evse.averages.latest:
        evse.averages = Averages(now, latest, _sums(evse.averages, now))


def _sums(averages: Averages, now: Instant) -> dict[str, tuple[float, float]]:
    """Return for each value its sum over time and for how long there was one."""
    sums, span_s = dict(averages.sums), max(0.0, now - averages.at)
    for key, value in averages.latest.items():
        total, seconds = sums.get(key, (0.0, 0.0))
        sums[key] = (total + value * span_s, seconds + span_s)
    return sums


def _mean(evse: Evse, sample: Sample, now: Instant) -> Sample:
    if evse.averages is None or sample.measurand in _SUMMED_UP:
        return sample
    total, seconds = _sums(evse.averages, now).get(_key(sample), (0.0, 0.0))
    return msgspec.structs.replace(sample, value=total / seconds) if seconds > 0 else sample
