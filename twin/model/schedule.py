"""What charging profiles say at an instant, and until when they say so (OCPP 1.6 §3.13.2, §7.8, §7.9, §7.13, §7.37).

Pure: instants are all on one clock, the Central System's. Knows neither boxes nor hardware; `plan` makes watts and
amperes of it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from twin.model.profile import Profile, Schedule, SchedulePeriod
from twin.model.terms import Instant, ProfileKind, Recurrency

NEVER = math.inf
"""No instant: what is said does not change any more."""

CYCLE_S = {Recurrency.DAILY: 86_400.0, Recurrency.WEEKLY: 7 * 86_400.0}


class Layer(NamedTuple):
    """Stack a profile; `began` is the instant from which it counts where its schedule names none."""

    profile: Profile
    began: Instant


class Ruling(NamedTuple):
    """Name the profile that rules, and its period that does."""

    profile: Profile
    period: SchedulePeriod


def said(layer: Layer, at: Instant) -> tuple[SchedulePeriod | None, Instant]:
    """Return what a profile says at an instant (None: nothing) and until when that holds."""
    profile = layer.profile
    if profile.valid_from is not None and at < profile.valid_from:
        return None, profile.valid_from
    if profile.valid_to is not None and at >= profile.valid_to:
        return None, NEVER
    period, until = _scheduled(layer, at)
    return period, until if profile.valid_to is None else min(until, profile.valid_to)


def _scheduled(layer: Layer, at: Instant) -> tuple[SchedulePeriod | None, Instant]:
    profile, schedule = layer.profile, layer.profile.schedule
    # SC-21: an absolute schedule without a start begins with charging, as (SC-22) a relative one always does.
    relative = profile.kind is ProfileKind.RELATIVE or schedule.starts_at is None
    start = layer.began if relative or schedule.starts_at is None else schedule.starts_at
    if at < start:
        return None, start
    again = NEVER
    if profile.kind is ProfileKind.RECURRING and profile.recurrency is not None:
        # OCPP 1.6 errata 3.78: every 24 hours, or 7 days, at the time of startSchedule.
        cycle_s = CYCLE_S[profile.recurrency]
        start += (at - start) // cycle_s * cycle_s
        again = start + cycle_s
    ends = NEVER if schedule.duration_s is None else start + schedule.duration_s
    if at >= ends:
        return None, again
    period, until = _at(schedule, start, at)
    return period, min(until, ends, again)


def _at(schedule: Schedule, start: Instant, at: Instant) -> tuple[SchedulePeriod, Instant]:
    periods = schedule.periods
    following = bisect_right(periods, at - start, key=lambda period: period.start_s)
    until = start + periods[following].start_s if following < len(periods) else NEVER
    return periods[following - 1], until


def prevailing(stack: Sequence[Layer], at: Instant) -> tuple[Ruling | None, Instant]:
    """Return what rules of a stack, the highest level first, and until when at least.

    SC-16: where a profile says nothing, before, after or between its schedules, the next lower level rules.
    """
    until = NEVER
    for layer in stack:
        period, ends = said(layer, at)
        until = min(until, ends)
        if period is not None:
            return Ruling(layer.profile, period), until
    return None, until
