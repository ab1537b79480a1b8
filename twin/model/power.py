"""What may flow, and what does: the limits of hardware and car, and the simulated car that draws up to them."""

from __future__ import annotations

from twin.model import metering
from twin.model.evse import allows, is_usable
from twin.model.spec import EvseSpec
from twin.model.state import Evse
from twin.model.terms import Instant, LimitSource, Quantity
from twin.model.view import LimitView

MINIMUM_A = 6.0
"""The least current that IEC 61851 mode 3 can offer; below it nothing is offered (SC-29)."""


def phases_in_use(evse: Evse, spec: EvseSpec) -> int:
    """Return over how many phases the car charges: the least of what EVSE and car have."""
    car = evse.car.spec.phases if evse.car is not None and not spec.dc else None
    return min(spec.lines, car or spec.lines)


def hardware(spec: EvseSpec, phases: int) -> tuple[float, float]:
    """Return what the EVSE could give over so many phases, in A per phase and in W."""
    limit_a = spec.max_a
    limit_w = limit_a * spec.voltage_v * phases
    if spec.max_w is not None and spec.max_w < limit_w:
        limit_w = spec.max_w
        limit_a = limit_w / (spec.voltage_v * phases)
    return limit_a, limit_w


def limit(evse: Evse, station: Evse, spec: EvseSpec, *, powered: bool) -> LimitView:
    """Say what the EVSE may draw now and why (contract, `<n>/limit`)."""
    phases = phases_in_use(evse, spec)
    if not (powered and evse.plugged and allows(evse)):
        usable = powered and (evse.session is not None or is_usable(evse, station))
        source = LimitSource.HARDWARE if usable else LimitSource.UNAVAILABLE
        return LimitView(
            allowed=False, limit_a=0.0, limit_w=0.0, phases=phases, source=source, profile_id=None, until=None
        )
    limit_a, limit_w = hardware(spec, phases)
    source = LimitSource.HARDWARE
    car = evse.car.spec if evse.car is not None else None
    # A car's amperes are those of its charger for alternating current, which direct current bypasses.
    if car is not None and not spec.dc and car.max_a is not None and car.max_a < limit_a:
        limit_a, limit_w, source = car.max_a, car.max_a * spec.voltage_v * phases, LimitSource.EV
    if car is not None and car.max_w is not None and car.max_w < limit_w:
        limit_a, limit_w, source = car.max_w / (spec.voltage_v * phases), car.max_w, LimitSource.EV
    return LimitView(
        allowed=True, limit_a=limit_a, limit_w=limit_w, phases=phases, source=source, profile_id=None, until=None
    )


def wants(evse: Evse, now: Instant) -> bool:
    """Tell whether the car takes energy if it is offered some: it is ready, and not full."""
    if not (evse.plugged and evse.ev_ready):
        return False
    measured = evse.external.values.get(Quantity.POWER_W)
    if measured is not None:
        return measured >= metering.IDLE_W
    soc = metering.soc_pct(evse, now)
    return soc is None or soc < 100.0 - 1e-6


def settle(evse: Evse, station: Evse, spec: EvseSpec, now: Instant, *, powered: bool) -> None:
    """Let the register run at the power that flows now."""
    values = evse.external.values
    if Quantity.ENERGY_WH in values:
        rate_w = 0.0  # the real register counts
    elif Quantity.POWER_W in values:
        rate_w = max(0.0, values[Quantity.POWER_W])  # only power is measured: energy is its integral
    elif evse.external.forced:
        rate_w = 0.0
    else:
        offered = limit(evse, station, spec, powered=powered)
        rate_w = offered.limit_w if offered.allowed and wants(evse, now) else 0.0
    evse.register.run(now, rate_w if powered or values else 0.0)


def full_at(evse: Evse) -> Instant | None:
    """Return when the simulated car's battery will be full."""
    car = evse.car
    if car is None or car.soc_pct is None or not car.spec.battery_kwh or evse.register.rate_w <= 0:
        return None
    if Quantity.SOC_PCT in evse.external.values or Quantity.POWER_W in evse.external.values:
        return None  # then sensors say when it takes no more
    return evse.register.when(car.from_wh + (100.0 - car.soc_pct) * 10.0 * car.spec.battery_kwh)
