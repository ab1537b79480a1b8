"""What EVSEs may draw at an instant: hardware, car and charging profiles merged (OCPP 1.6 §3.13.3, §7.12, §7.14).

Pure: everything comes in as values, instants are on the Central System's clock. `power` makes plans of boxes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from twin.model.schedule import NEVER, Layer, Ruling, prevailing
from twin.model.sharing import Claim, shared
from twin.model.spec import EvseSpec, EvSpec
from twin.model.terms import Instant, LimitSource, ProfilePurpose, RateUnit

MINIMUM_A = 6.0
"""The least current that IEC 61851 mode 3 can offer; below it nothing is offered (SC-29)."""

MAX_INTERVALS = 1000
"""How many intervals are looked ahead at most: schedules that recur have no end."""

_ALL_PHASES = 3
_HALF_S = 0.5
_SLACK = 1e-6
_SOURCES = {
    ProfilePurpose.CHARGE_POINT_MAX: LimitSource.CHARGE_POINT_MAX_PROFILE,
    ProfilePurpose.TX_DEFAULT: LimitSource.TX_DEFAULT_PROFILE,
    ProfilePurpose.TX: LimitSource.TX_PROFILE,
}


class Rate(NamedTuple):
    """Say how much may flow, in A of each phase and in W of all phases."""

    a: float
    w: float

    def of(self, unit: RateUnit) -> float:
        """Return it in a unit."""
        return self.a if unit is RateUnit.A else self.w


class Ceiling(NamedTuple):
    """Say what an EVSE may draw over so many phases, and why; `enough`: it is not too little to be offered."""

    rate: Rate
    phases: int
    source: LimitSource
    profile_id: int | None = None
    enough: bool = True


class Outlet(NamedTuple):
    """Describe an EVSE that charges, or might: `phases` are in use, `tx` and `default` its stacks of profiles.

    `eager`: its car takes what is offered; of what is shared, the others get only what keeps them ready.
    """

    number: int
    spec: EvseSpec
    phases: int
    car: EvSpec | None = None
    tx: tuple[Layer, ...] = ()
    default: tuple[Layer, ...] = ()
    eager: bool = True


class Plan(NamedTuple):
    """Hold the EVSEs in the order of their precedence, and the stack of ChargePointMaxProfiles that they share.

    `switches`: they can charge on one of three phases where a profile asks for it. A `schedule` says what profiles
    allow, whatever the cars can take and however little it is.
    """

    outlets: tuple[Outlet, ...]
    maximum: tuple[Layer, ...] = ()
    switches: bool = False
    schedule: bool = False

    def at(self, at: Instant) -> tuple[list[Ceiling], Instant]:
        """Return what each EVSE may draw at an instant, and until when that holds at least."""
        top, until = prevailing(self.maximum, at)
        drafts = []
        for outlet in self.outlets:
            # SC-17: a TxProfile overrules the default ones, as long as it says anything.
            ruling, ends = prevailing(outlet.tx, at)
            until = min(until, ends)
            if ruling is None:
                ruling, ends = prevailing(outlet.default, at)
                until = min(until, ends)
            drafts.append(_Draft(outlet, ruling, _phases(outlet, ruling, top, switches=self.switches)))
        ceilings = [draft.ceiling() for draft in drafts] if top is None else self._shared(drafts, top)
        if not self.schedule:
            ceilings = [_with_car(draft, ceiling) for draft, ceiling in zip(drafts, ceilings, strict=True)]
        return ceilings, until

    def _shared(self, drafts: list[_Draft], top: Ruling) -> list[Ceiling]:
        unit, capacity = top.profile.schedule.unit, top.period.limit
        claims = [self._claim(draft, top) for draft in drafts]
        ceilings = []
        for draft, claim, part in zip(drafts, claims, shared(capacity, claims), strict=True):
            own = draft.ceiling()
            # Where two allow the same, the reason is the profile rather than the hardware, and the EVSE's own rather.
            slack = _SLACK if own.source is LimitSource.HARDWARE else -_SLACK
            content = draft.outlet.eager and part >= claim.most and capacity > claim.most
            bound = not content and part < own.rate.of(unit) + slack
            ceilings.append(_ceiling(draft, top, part) if bound else own)
        return ceilings

    def from_second(self, start: Instant, seconds: int) -> Iterator[tuple[int, list[Ceiling]]]:
        """Give what holds from each second on at which something may change, the first one first.

        A second is worth what holds in its middle: what begins between two seconds is rounded, and a schedule that the
        Central System lets begin just now, by a clock a little ahead, counts from the first second on.
        """
        second = 0
        while second < seconds:
            ceilings, until = self.at(start + second + _HALF_S)
            yield second, ceilings
            if until == NEVER:
                return
            second = max(second + 1, math.ceil(until - start - _HALF_S))

    def _claim(self, draft: _Draft, top: Ruling) -> Claim:
        unit, own = top.profile.schedule.unit, draft.ceiling()
        least = 0.0 if draft.outlet.spec.dc else draft.rate(RateUnit.A, MINIMUM_A).of(unit)
        most = own.rate.of(unit)
        if not self.schedule:
            most = min(most, _with_car(draft, own).rate.of(unit)) if own.enough else 0.0
        if not draft.outlet.eager:
            most = min(most, draft.rate(RateUnit.A, MINIMUM_A).of(unit))
        return Claim(most, least, max(draft.useful(draft.ruling, unit), draft.useful(top, unit)))


def unruled(outlet: Outlet) -> Ceiling:
    """Return what an EVSE may draw where there are no profiles at all, which is what a plan of it alone says."""
    draft = _Draft(outlet, None, outlet.phases)
    return _with_car(draft, draft.ceiling())


class _Draft(NamedTuple):
    outlet: Outlet
    ruling: Ruling | None
    phases: int

    def rate(self, unit: RateUnit, value: float) -> Rate:
        """Convert as OCPP 1.6 §7.12 says: amperes of each phase, watts of all, the nominal voltage (SC-26)."""
        volts = self.outlet.spec.voltage_v * self.phases
        return Rate(value, value * volts) if unit is RateUnit.A else Rate(value / volts, value)

    def ceiling(self) -> Ceiling:
        """Return what hardware and the EVSE's own profile allow."""
        most = hardware(self.outlet.spec, self.phases)
        if self.ruling is not None:
            limit = self.ruling.period.limit
            if self.rate(self.ruling.profile.schedule.unit, limit).w <= most.w + _SLACK:
                return _ceiling(self, self.ruling, limit)
        return Ceiling(most, self.phases, LimitSource.HARDWARE)

    def useful(self, ruling: Ruling | None, unit: RateUnit) -> float:
        """Return the rate below which charging is inefficient."""
        least = None if ruling is None else ruling.profile.schedule.min_rate
        return 0.0 if ruling is None or least is None else self.rate(ruling.profile.schedule.unit, least).of(unit)


def _with_car(draft: _Draft, ceiling: Ceiling) -> Ceiling:
    """Bound by what the car can take, unless nothing is offered to it anyway."""
    car, spec = draft.outlet.car, draft.outlet.spec
    if car is None or not ceiling.enough:
        return ceiling
    # A car's amperes are those of its charger for alternating current, which direct current bypasses.
    if car.max_a is not None and not spec.dc and car.max_a < ceiling.rate.a:
        ceiling = Ceiling(draft.rate(RateUnit.A, car.max_a), draft.phases, LimitSource.EV)
    if car.max_w is not None and car.max_w < ceiling.rate.w:
        ceiling = Ceiling(draft.rate(RateUnit.W, car.max_w), draft.phases, LimitSource.EV)
    return ceiling


def _ceiling(draft: _Draft, ruling: Ruling, limit: float) -> Ceiling:
    profile = ruling.profile
    rate = draft.rate(profile.schedule.unit, limit)
    enough = rate.w > 0.0 if draft.outlet.spec.dc else rate.a >= MINIMUM_A - _SLACK
    return Ceiling(rate, draft.phases, _SOURCES[profile.purpose], profile.id, enough)


def _phases(outlet: Outlet, ruling: Ruling | None, top: Ruling | None, *, switches: bool) -> int:
    """Return over how many phases is charged.

    SC-27: a profile for more phases than are in use changes nothing; SC-28: one for fewer only where the box can
    switch, which is between three and one.
    """
    periods = (found.period for found in (ruling, top) if found is not None)
    asked = min((_ALL_PHASES if period.phases is None else period.phases for period in periods), default=_ALL_PHASES)
    return 1 if switches and asked < outlet.phases and not outlet.spec.dc else outlet.phases


def hardware(spec: EvseSpec, phases: int) -> Rate:
    """Return what an EVSE could give over so many phases."""
    volts = spec.voltage_v * phases
    most = Rate(spec.max_a, spec.max_a * volts)
    return Rate(spec.max_w / volts, spec.max_w) if spec.max_w is not None and spec.max_w < most.w else most
