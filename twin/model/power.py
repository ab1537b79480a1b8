"""What may flow, and what does: what an EVSE offers its car, and the simulated car that draws up to it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from twin.model import metering
from twin.model.box import Box
from twin.model.evse import allows, is_usable
from twin.model.plan import MAX_INTERVALS, Ceiling, Outlet, Plan, Rate, unruled
from twin.model.schedule import NEVER, Layer
from twin.model.spec import EvseSpec
from twin.model.state import Evse
from twin.model.terms import Instant, LimitSource, ProfilePurpose, Quantity
from twin.model.view import LimitView

_LOOK_AHEAD = 200
"""How many changes of a schedule are looked at for one that changes the limit; a week of hours has 168."""

_LATEST = 253_370_764_800.0
"""9999-01-01T00:00:00Z: later instants cannot be written, and are as good as none."""

_FULL_PCT = 100.0 - 1e-6

_HALF_MS = 0.0005
"""Instants are written in ms, and do not survive a change of clocks any better."""


def phases_in_use(evse: Evse, spec: EvseSpec) -> int:
    """Return over how many phases the car can charge: the least of what EVSE and car have (SC-28)."""
    car = evse.car.spec.phases if evse.car is not None and not spec.dc else None
    return min(spec.lines, car or spec.lines)


def phases(box: Box, evse: Evse, now: Instant) -> int:
    """Return over how many phases the car charges."""
    return offer(box, evse, now).phases if box.profiles.entries else phases_in_use(evse, box.hardware(evse.number))


# --- What is offered --------------------------------------------------------------------------------------------------


def offer(box: Box, evse: Evse, now: Instant) -> Ceiling:
    """Say what an EVSE offers its car now; what is not `enough` amounts to nothing."""
    if not (box.running and evse.plugged and allows(evse)):
        usable = box.running and (evse.session is not None or is_usable(evse, box.common))
        source = LimitSource.HARDWARE if usable else LimitSource.UNAVAILABLE
        return Ceiling(Rate(0.0, 0.0), phases_in_use(evse, box.hardware(evse.number)), source, enough=False)
    if not box.profiles.entries:
        return unruled(_bare_outlet(box, evse))
    plan, place = _plan_of(box, evse, now)
    return _offered(plan.at(instant(box, now))[0][place])


def is_offering(box: Box, evse: Evse, now: Instant) -> bool:
    """Tell whether an EVSE offers energy to its session, or would if the car was there."""
    if not allows(evse) or not box.profiles.entries:
        return allows(evse)
    plan, place = _plan_of(box, evse, now)
    return plan.at(instant(box, now))[0][place].enough


def limit(box: Box, evse: Evse, now: Instant) -> LimitView:
    """Say what an EVSE may draw now and why (contract, `<n>/limit`)."""
    found = offer(box, evse, now)
    return LimitView(
        allowed=found.enough,
        limit_a=found.rate.a,
        limit_w=found.rate.w,
        phases=found.phases,
        source=found.source,
        profile_id=found.profile_id,
        until=_until(box, evse, now, found) if box.profiles.entries and evse.plugged and allows(evse) else None,
    )


def _offered(ceiling: Ceiling) -> Ceiling:
    return ceiling if ceiling.enough else ceiling._replace(rate=Rate(0.0, 0.0))


def _until(box: Box, evse: Evse, now: Instant, found: Ceiling) -> Instant | None:
    """Return when the limit changes next, None if it does not by itself."""
    plan, place = _plan_of(box, evse, now)
    known, at = box.profiles.ahead.get(evse.number), instant(box, now)
    if known is None or known[:2] != (plan, found) or known[2] <= at:
        known = plan, found, _changes_at(plan, place, at, found)
        box.profiles.ahead[evse.number] = known
    return known[2] - box.station.clock_offset_s if known[2] < _LATEST else None


def _changes_at(plan: Plan, place: int, at: Instant, found: Ceiling) -> Instant:
    _, until = plan.at(at)
    for _ in range(_LOOK_AHEAD):
        if until == NEVER:
            break
        at = until
        ceilings, until = plan.at(at)
        if _offered(ceilings[place]) != found:
            return at
    return NEVER


# --- Plans ------------------------------------------------------------------------------------------------------------


def instant(box: Box, now: Instant) -> Instant:
    """Return the instant on the clock of the schedules, the Central System's, a hair late rather than early."""
    return box.own_time(now) + _HALF_MS


def plan(box: Box, evses: Iterable[Evse], now: Instant, *, schedule: bool = False) -> Plan:
    """Make a plan of EVSEs: first those whose cars take energy, then as their sessions began.

    A `schedule` takes all cars to be able and eager, and a session to begin now where there is none.
    """
    profiles = box.profiles
    among = sorted(evses, key=lambda evse: _precedence(evse, now, schedule=schedule))
    outlets = tuple(_outlet(box, evse, now, schedule=schedule) for evse in among)
    if not profiles.entries:
        return Plan(outlets, schedule=schedule)
    maximum = tuple(
        Layer(one.profile, _second(box, one.since)) for one in profiles.of(ProfilePurpose.CHARGE_POINT_MAX, 0)
    )
    return Plan(outlets, maximum, box.variables.flag("SmartChargingCtrlr.Phases3to1"), schedule)


def active(box: Box) -> list[Evse]:
    """Return the EVSEs that share what the station may draw: those that could be charging."""
    return [evse for evse in box.evses if evse.plugged and allows(evse)]


def _plan_of(box: Box, evse: Evse, now: Instant) -> tuple[Plan, int]:
    among = [other for other in active(box) if other is not evse] if box.profiles.bound_all else []
    made = plan(box, [*among, evse], now)
    return made, next(place for place, outlet in enumerate(made.outlets) if outlet.number == evse.number)


def _precedence(evse: Evse, now: Instant, *, schedule: bool) -> tuple[bool, Instant, int]:
    began = math.inf if evse.session is None else evse.session.started_at
    return not (schedule or _is_eager(evse, now)), began, evse.number


def _outlet(box: Box, evse: Evse, now: Instant, *, schedule: bool) -> Outlet:
    made = _bare_outlet(box, evse)._replace(eager=schedule or _is_eager(evse, now))
    if not box.profiles.entries:
        return made
    # A whole second, as the Central System was told it: so are the periods that count from it.
    began = _second(box, now if evse.session is None else evse.session.started_at)
    tx = box.profiles.stack(ProfilePurpose.TX, evse.number, began)
    return made._replace(tx=tx, default=box.profiles.stack(ProfilePurpose.TX_DEFAULT, evse.number, began))


def _bare_outlet(box: Box, evse: Evse) -> Outlet:
    spec = box.hardware(evse.number)
    return Outlet(evse.number, spec, phases_in_use(evse, spec), None if evse.car is None else evse.car.spec)


def _second(box: Box, at: Instant) -> Instant:
    return math.floor(instant(box, at))


def _is_eager(evse: Evse, now: Instant) -> bool:
    """Tell whether the car takes what is offered; of a real one nobody knows, so it counts as if it did."""
    soc = metering.soc_pct(evse, now)
    full = soc is not None and soc >= _FULL_PCT and evse.external.power_w is None
    return evse.plugged and evse.ev_ready and not full


# --- What flows -------------------------------------------------------------------------------------------------------


def wants(evse: Evse, now: Instant) -> bool:
    """Tell whether the car takes energy if it is offered some: it is ready, and not full."""
    if not (evse.plugged and evse.ev_ready):
        return False
    measured = evse.external.power_w
    if measured is not None:
        return measured >= metering.IDLE_W
    soc = metering.soc_pct(evse, now)
    return soc is None or soc < _FULL_PCT


def settle(box: Box, evse: Evse, now: Instant) -> None:
    """Let the register run at the power that flows now."""
    external = evse.external
    live = external.live
    rate_w = _flowing(box, evse, now) if box.running or live else 0.0
    if Quantity.ENERGY_WH in live:
        external.flow_w, rate_w = rate_w, 0.0  # the real register counts
    evse.register.run(now, rate_w)


def _flowing(box: Box, evse: Evse, now: Instant) -> float:
    """Return the power that a sensor measures, that may not be simulated, or that flows in the simulation."""
    external = evse.external
    real = external.power_w
    if real is not None:
        return max(0.0, real)
    counts = Quantity.ENERGY_WH in external.live
    awaited = Quantity.POWER_W in external.awaited or Quantity.ENERGY_WH in external.awaited or counts
    if external.forced or (awaited and Quantity.POWER_W not in external.simulated):
        return 0.0
    return offer(box, evse, now).rate.w if wants(evse, now) else 0.0


def full_at(evse: Evse) -> Instant | None:
    """Return when the simulated car's battery will be full."""
    car = evse.car
    if car is None or car.soc_pct is None or not car.spec.battery_kwh or evse.register.rate_w <= 0:
        return None
    if Quantity.SOC_PCT in evse.external.live or evse.external.power_w is not None:
        return None  # then sensors say when it takes no more
    return evse.register.when(car.from_wh + (100.0 - car.soc_pct) * 10.0 * car.spec.battery_kwh)


# --- As time passes ---------------------------------------------------------------------------------------------------


def arm(box: Box, now: Instant) -> None:
    """Set when the limit of a running session changes next by itself."""
    running = [evse for evse in box.evses if evse.session is not None] if box.profiles.entries else []
    until = plan(box, running, now).at(instant(box, now))[1] if running else NEVER
    box.profiles.next_at = None if until == NEVER else until - box.station.clock_offset_s


def catch_up(box: Box, now: Instant) -> None:
    """Let registers run as limits changed until now, each change at its own instant."""
    for _ in range(MAX_INTERVALS):
        at = box.profiles.next_at
        if at is None or at > now:
            return
        for evse in box.evses:
            if (full := full_at(evse)) is not None and full < at:
                evse.register.run(full, 0.0)
            if evse.session is not None:
                settle(box, evse, at)
        arm(box, at)
