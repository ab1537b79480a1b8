"""What a meter shows: measured and simulated values of an EVSE, and the readings that reports carry.

Energy of a sample is whole Wh, so that the first and last readings of a transaction equal its registers (V-24).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from twin.model.effects import Reading, Sample
from twin.model.spec import EvseSpec
from twin.model.state import Evse, External
from twin.model.terms import Instant, Measurand, MeterSource, Quantity, ReadingContext

FREQUENCY_HZ = 50.0
TEMPERATURE_C = 25.0
LINES = ("L1", "L2", "L3")

_CURRENTS = (Quantity.CURRENT_L1_A, Quantity.CURRENT_L2_A, Quantity.CURRENT_L3_A)
_VOLTAGES = (Quantity.VOLTAGE_L1_V, Quantity.VOLTAGE_L2_V, Quantity.VOLTAGE_L3_V)
_MEASURED = {
    Measurand.CURRENT_IMPORT: True,
    Measurand.CURRENT_OFFERED: False,
    Measurand.ENERGY_ACTIVE_IMPORT_REGISTER: False,
    Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL: False,
    Measurand.FREQUENCY: False,
    Measurand.POWER_ACTIVE_IMPORT: True,
    Measurand.POWER_FACTOR: False,
    Measurand.POWER_OFFERED: False,
    Measurand.SOC: False,
    Measurand.TEMPERATURE: False,
    Measurand.VOLTAGE: True,
}
"""What our meters measure, and whether on each phase."""

# A car that takes less than this is not charging; real meters show some noise.
IDLE_W = 1.0


@lru_cache(maxsize=512)
def parsed(item: str) -> tuple[Measurand, str | None] | None:
    """Read an item of a measurand list such as `Voltage` or `Voltage.L1` (OCPP 1.6 §9.1.17); None if unsupported."""
    name, phase = item, None
    head, _, tail = item.rpartition(".")
    if tail.removesuffix("-N") in LINES:
        name, phase = head, tail.removesuffix("-N")
    try:
        measurand = Measurand(name)
    except ValueError:
        return None
    per_phase = _MEASURED.get(measurand)
    return None if per_phase is None or (phase is not None and not per_phase) else (measurand, phase)


def is_supported(item: str) -> bool:
    """Tell whether our meters can measure what an item of a measurand list names (V-26)."""
    return parsed(item) is not None


def source_of(external: External) -> MeterSource:
    """Tell where the values of an EVSE come from at the moment."""
    live = external.live
    if external.forced or (Quantity.ENERGY_WH in live and Quantity.POWER_W in live):
        return MeterSource.EXTERNAL
    return MeterSource.MIXED if live or external.awaited else MeterSource.SIMULATED


def soc_pct(evse: Evse, now: Instant) -> float | None:
    """Return the car's state of charge in percent, None where nobody knows it."""
    if (known := evse.external.live.get(Quantity.SOC_PCT)) is not None:
        return known
    car = evse.car
    if car is None or car.soc_pct is None or not evse.plugged:
        return None
    if not car.spec.battery_kwh:
        return car.soc_pct
    taken_wh = evse.register.read(now) - car.from_wh
    return min(100.0, car.soc_pct + taken_wh / (10.0 * car.spec.battery_kwh))


def power_w(evse: Evse) -> float:
    """Return the power at this moment: what the sensor says, or what flows in the simulation."""
    external = evse.external
    real = external.power_w
    if real is not None:
        return real
    return external.flow_w if Quantity.ENERGY_WH in external.live else evse.register.rate_w


def voltages_v(evse: Evse, spec: EvseSpec) -> list[float | None]:
    """Return the voltage of each of three phases, None where there is none."""
    values = evse.external.live
    return [values.get(name, spec.voltage_v if line < spec.lines else None) for line, name in enumerate(_VOLTAGES)]


def currents_a(evse: Evse, spec: EvseSpec, phases: int) -> list[float | None]:
    """Return the current of each of three phases; `phases` says over how many the power spreads."""
    values, power = evse.external.live, max(0.0, power_w(evse))
    volts = voltages_v(evse, spec)
    found: list[float | None] = []
    for line, name in enumerate(_CURRENTS):
        simulated: float | None = None
        if line < spec.lines:
            simulated = power / phases / (volts[line] or spec.voltage_v) if line < phases else 0.0
        found.append(values.get(name, simulated))
    return found


def reading(
    evse: Evse,
    spec: EvseSpec,
    items: Iterable[str],
    context: ReadingContext,
    now: Instant,
    *,
    at: Instant,
    phases: int,
    offered: tuple[float, float],
    base_wh: float,
) -> Reading | None:
    """Read the meter: `items` as in a measurand list, `offered` in A and W, `base_wh` the register an interval ago.

    `at` is the instant on the box's own clock. None if nothing of what was asked for can be told now.
    """
    samples: list[Sample] = []
    for item in items:
        known = parsed(item)
        if known is not None:
            samples.extend(_samples(evse, spec, known, now, phases=phases, offered=offered, base_wh=base_wh))
    return Reading(at, context, tuple(samples)) if samples else None


def _samples(
    evse: Evse,
    spec: EvseSpec,
    item: tuple[Measurand, str | None],
    now: Instant,
    *,
    phases: int,
    offered: tuple[float, float],
    base_wh: float,
) -> list[Sample]:
    measurand, phase = item
    values = evse.external.live
    match measurand:
        case Measurand.ENERGY_ACTIVE_IMPORT_REGISTER:
            return [Sample(measurand, whole_wh(evse, now))]
        case Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL:
            return [Sample(measurand, float(max(0, int(evse.register.read(now)) - int(base_wh))))]
        case Measurand.POWER_ACTIVE_IMPORT:
            power = max(0.0, power_w(evse))
            if phase is None:
                return [Sample(measurand, power)]
            each: list[float | None] = [power / phases if line < phases else 0.0 for line in range(spec.lines)]
            return _each(spec, measurand, each + [None] * (len(LINES) - len(each)), phase, "")
        case Measurand.POWER_OFFERED:
            return [Sample(measurand, offered[1])]
        case Measurand.CURRENT_OFFERED:
            return [Sample(measurand, offered[0])]
        case Measurand.POWER_FACTOR:
            return [Sample(measurand, 1.0)]
        case Measurand.FREQUENCY:
            return [Sample(measurand, values.get(Quantity.FREQUENCY_HZ, FREQUENCY_HZ))]
        case Measurand.TEMPERATURE:
            return [Sample(measurand, values.get(Quantity.TEMPERATURE_C, TEMPERATURE_C), None, "Body")]
        case Measurand.SOC:
            soc = soc_pct(evse, now)
            return [] if soc is None else [Sample(measurand, soc, None, "EV")]
        case Measurand.CURRENT_IMPORT:
            return _each(spec, measurand, currents_a(evse, spec, phases), phase, "")
        case Measurand.VOLTAGE:
            return _each(spec, measurand, voltages_v(evse, spec), phase, "-N")
        case _:
            return []


def _each(
    spec: EvseSpec, measurand: Measurand, values: list[float | None], phase: str | None, suffix: str
) -> list[Sample]:
    """Report a measurand on all phases on which it is available (V-15), or on the one asked for.

    Direct current has no phases: an absent one means overall (V-16).
    """
    if spec.dc and phase is None and values[0] is not None:
        return [Sample(measurand, values[0])]
    return [
        Sample(measurand, value, line + suffix)
        for line, value in zip(LINES, values, strict=True)
        if value is not None and phase in (None, line)
    ]


def whole_wh(evse: Evse, now: Instant) -> int:
    """Return the register as it is reported: whole Wh, rounded down so that it never runs ahead (V-17)."""
    # A register that was stopped at a computed instant may miss its Wh by a rounding error.
    return int(evse.register.read(now) + 1e-6)


def thinned(readings: list[Reading], limit: int) -> list[Reading]:
    """Drop every other reading between the ends until no more than `limit` are left (E3.89, V-25)."""
    while len(readings) > max(2, limit):
        middle = readings[1:-1]
        readings = [readings[0], *middle[1::2], readings[-1]]
    return readings
