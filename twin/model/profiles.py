"""Charging profiles: which are installed, and what is asked of them (OCPP 1.6 §3.13, §5.5, §5.7, §5.16)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from twin.model import power, status
from twin.model.asked import ClearChargingProfile, GetCompositeSchedule, SetChargingProfile
from twin.model.box import Box, Step
from twin.model.effects import Answered, CompositeAnswered, CompositePeriod, Refusal
from twin.model.installed import Installed
from twin.model.plan import MAX_INTERVALS, Ceiling
from twin.model.profile import Profile, Schedule
from twin.model.state import Evse
from twin.model.terms import Instant, ProfileKind, ProfilePurpose, RateUnit

_KEYS = {RateUnit.A: "Current", RateUnit.W: "Power"}
"""How ChargingScheduleAllowedChargingRateUnit names the units (errata 3.86)."""


# --- SetChargingProfile -----------------------------------------------------------------------------------------------


def install(step: Step, request: SetChargingProfile) -> None:
    """Install a profile, or refuse it (OCPP 1.6 §5.16)."""
    box, number, profile = step.box, request.evse, request.profile
    if not 0 <= number <= len(box.evses):
        # OCPP 1.6 errata 3.39: an error, not a Rejected (SC-01).
        step.reply(request.request_ref, Refusal("PropertyConstraintViolation", f"There is no connector {number}"))
        return
    fine = _belongs(box, number, profile) and is_sound(profile) and fits(box, number, profile)
    step.reply(request.request_ref, Answered("Accepted" if fine else "Rejected"))
    if fine:
        _add(step, number, profile)
        status.refresh_limits(step)


def _belongs(box: Box, number: int, profile: Profile) -> bool:
    """Tell whether a purpose is possible at an EVSE now (OCPP 1.6 §3.13.1; SC-03 to SC-05)."""
    match profile.purpose:
        case ProfilePurpose.CHARGE_POINT_MAX:
            return number == 0 and profile.transaction_id is None
        case ProfilePurpose.TX_DEFAULT:
            return profile.transaction_id is None
        case ProfilePurpose.TX:
            running = box.evse(number).session if number else None
            # A transaction whose id is not known yet is none that the Central System could mean by an id.
            return running is not None and profile.transaction_id in (None, running.transaction_id)


def is_sound(profile: Profile) -> bool:
    """Tell whether a profile makes sense in itself (OCPP 1.6 §7.8, §7.13, §7.14; SC-06, SC-07)."""
    schedule = profile.schedule
    recurs = profile.kind is not ProfileKind.RECURRING or None not in (profile.recurrency, schedule.starts_at)
    ends = profile.valid_from is None or profile.valid_to is None or profile.valid_from < profile.valid_to
    return recurs and ends and profile.stack_level >= 0 and _is_sound_schedule(schedule)


def _is_sound_schedule(schedule: Schedule) -> bool:
    starts = [period.start_s for period in schedule.periods]
    ascending = starts[:1] == [0] and all(one < other for one, other in pairwise(starts))
    lasts = schedule.duration_s is None or schedule.duration_s > 0
    rates = [period.limit for period in schedule.periods] + [schedule.min_rate or 0.0]
    phases = all(period.phases is None or 1 <= period.phases <= 3 for period in schedule.periods)
    return ascending and lasts and phases and all(math.isfinite(rate) and rate >= 0.0 for rate in rates)


def fits(box: Box, number: int, profile: Profile) -> bool:
    """Tell whether a profile keeps within the limits that the keys name (OCPP 1.6 §9.4; SC-07)."""
    variables, schedule = box.variables, profile.schedule
    levels = variables.integer("SmartChargingCtrlr.ProfileStackLevel")
    others = [one for one in box.profiles.entries if not _replaces(number, profile, one)]
    alike = [one for one in others if one.evse == number and one.profile.purpose is profile.purpose]
    return (
        profile.stack_level <= levels
        and len(alike) < max(1, levels)  # OCPP 1.6 §9.4.1: it bounds their number, too
        and len(others) < variables.integer("SmartChargingCtrlr.Entries")
        and len(schedule.periods) <= variables.integer("SmartChargingCtrlr.PeriodsPerSchedule")
        and _KEYS[schedule.unit] in variables.items("SmartChargingCtrlr.RateUnit")
    )


def _replaces(number: int, profile: Profile, other: Installed) -> bool:
    """Tell whether a profile takes the place of another one (OCPP 1.6 §3.13.2, §5.16.3; SC-09)."""
    kept = other.profile
    same_place = other.evse == number and kept.purpose is profile.purpose and kept.stack_level == profile.stack_level
    return kept.id == profile.id or same_place


def _add(step: Step, number: int, profile: Profile) -> None:
    profiles = step.box.profiles
    replaced = [one for one in profiles.entries if _replaces(number, profile, one)]
    profiles.keep((*(one for one in profiles.entries if one not in replaced), Installed(number, profile, step.now)))
    _note_cleared(step, [one for one in replaced if one.profile.id != profile.id])
    _note(step, "profile_set", number, profile)


def _note(step: Step, name: str, number: int, profile: Profile) -> None:
    step.note(name, number, profile_id=profile.id, purpose=profile.purpose, stack_level=profile.stack_level)


def _note_cleared(step: Step, gone: Sequence[Installed]) -> None:
    for one in gone:
        _note(step, "profile_cleared", one.evse, one.profile)


# --- ClearChargingProfile ---------------------------------------------------------------------------------------------


def clear(step: Step, request: ClearChargingProfile) -> None:
    """Remove the profiles that match (OCPP 1.6 §5.5)."""
    profiles = step.box.profiles
    gone = [one for one in profiles.entries if _matches(request, one)]
    step.reply(request.request_ref, Answered("Accepted" if gone else "Unknown"))
    _remove(step, gone)
    if gone:
        status.refresh_limits(step)


def _matches(request: ClearChargingProfile, one: Installed) -> bool:
    if request.id is not None:  # errata 3.26: then all other fields are ignored
        return one.profile.id == request.id
    return (
        request.evse in (None, one.evse)
        and request.purpose in (None, one.profile.purpose)
        and request.stack_level in (None, one.profile.stack_level)
    )


def _remove(step: Step, gone: Sequence[Installed]) -> None:
    if gone:
        step.box.profiles.keep(one for one in step.box.profiles.entries if one not in gone)
        _note_cleared(step, gone)


# --- The life of a transaction ----------------------------------------------------------------------------------------


def suits_remote_start(box: Box, number: int, profile: Profile) -> bool:
    """Tell whether a profile may come with RemoteStartTransaction (OCPP 1.6 §5.16.2, errata 3.41; R-08)."""
    suits = profile.purpose is ProfilePurpose.TX and profile.transaction_id is None
    return suits and is_sound(profile) and fits(box, number, profile)


def begin(step: Step, evse: Evse, profile: Profile | None) -> None:
    """Install the profile that a session was started with."""
    if profile is not None:
        _add(step, evse.number, profile)
        status.refresh_limits(step, but=evse.number)  # it may have taken the place of another session's


def end(step: Step, evse: Evse) -> None:
    """Remove the profiles of a session that is over (OCPP 1.6 §3.13.1; SC-13)."""
    entries = step.box.profiles.entries
    _remove(step, [one for one in entries if one.evse == evse.number and one.profile.purpose is ProfilePurpose.TX])


# --- GetCompositeSchedule ---------------------------------------------------------------------------------------------


def composite(step: Step, request: GetCompositeSchedule) -> None:
    """Say what may be drawn in the time to come, in whole seconds from now (OCPP 1.6 §5.7)."""
    box, number = step.box, request.evse
    known = 0 <= number <= len(box.evses) and request.duration_s > 0
    answer = _composite(box, request, step.now) if known else CompositeAnswered(number)
    step.reply(request.request_ref, answer)


def _composite(box: Box, request: GetCompositeSchedule, now: Instant) -> CompositeAnswered:
    """Merge all that counts, but for the cars (SC-40).

    SC-39: connector 0 is the sum of what charges, or where nothing does of what might.
    """
    number, start = request.evse, box.own_time(now)
    charging = power.active(box)
    asked = [box.evse(number)] if number else charging or box.evses
    among = [evse for evse in charging if evse not in asked] if box.profiles.bound_all else []
    plan = power.plan(box, [*among, *asked], now, schedule=True)
    summed = [place for place, outlet in enumerate(plan.outlets) if outlet.number in {evse.number for evse in asked}]
    unit = _unit(box, asked) if request.unit is None else request.unit
    periods: list[CompositePeriod] = []
    for count, (second, ceilings) in enumerate(plan.from_second(start, request.duration_s)):
        if count == MAX_INTERVALS:  # the answer's duration says how far it goes
            return CompositeAnswered(number, unit, second, start, tuple(periods))
        period = _period(second, [ceilings[place] for place in summed], unit, dc=_is_dc(box, asked))
        if not periods or (period.limit, period.phases) != (periods[-1].limit, periods[-1].phases):
            periods.append(period)
    return CompositeAnswered(number, unit, request.duration_s, start, tuple(periods))


def _period(second: int, ceilings: Sequence[Ceiling], unit: RateUnit, *, dc: bool) -> CompositePeriod:
    total = sum(ceiling.rate.of(unit) for ceiling in ceilings)
    # SC-08: one decimal at most, and never more than is allowed.
    limit = math.floor(total * 10.0 + 1e-6) / 10.0
    return CompositePeriod(second, limit, None if dc else max(ceiling.phases for ceiling in ceilings))


def _is_dc(box: Box, evses: Sequence[Evse]) -> bool:
    return all(box.hardware(evse.number).dc for evse in evses)


def _unit(box: Box, evses: Sequence[Evse]) -> RateUnit:
    """Choose the unit that the installed profiles are in, if it is one; else what suits the hardware."""
    numbers = {0, *(evse.number for evse in evses)}
    units = {one.profile.schedule.unit for one in box.profiles.entries if one.evse in numbers}
    if len(units) == 1:
        return units.pop()
    allowed = box.variables.items("SmartChargingCtrlr.RateUnit")
    return RateUnit.W if _is_dc(box, evses) or _KEYS[RateUnit.A] not in allowed else RateUnit.A


# --- As time passes ---------------------------------------------------------------------------------------------------


def due(step: Step) -> None:
    """Let limits that change now act."""
    profiles = step.box.profiles
    if profiles.entries and profiles.next_at is not None and profiles.next_at <= step.now:
        power.catch_up(step.box, step.now)
        status.refresh_limits(step)


def deadlines(box: Box) -> list[Instant | None]:
    """Return when limits change next."""
    return [box.profiles.next_at] if box.profiles.entries else []


def resume(box: Box, alive: Instant | None, now: Instant) -> None:
    """Let registers run as limits changed while the program was away."""
    if box.profiles.entries and box.running and alive is not None:
        power.arm(box, alive)
        power.catch_up(box, now)
