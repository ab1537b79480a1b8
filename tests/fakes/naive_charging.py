"""Charging profiles looked at one second at a time, word by word as OCPP 1.6 §3.13, §7 and its errata have it.

Shares no code with the twin, and is as slow as it looks.
"""

from __future__ import annotations

from itertools import groupby

DAY = 24 * 60 * 60


def says(profile, second, start_of_charging):
    """Return the period of a profile that applies in a second, None if it says nothing then."""
    # §7.8: "Point in time at which the profile starts / stops to be valid. If absent, …"
    if profile.valid_from is not None and second < profile.valid_from:
        return None
    if profile.valid_to is not None and second >= profile.valid_to:
        return None
    schedule = profile.schedule
    # §7.13: "Starting point of an absolute schedule. If absent the schedule will be relative to start of charging."
    start = start_of_charging if schedule.starts_at is None else schedule.starts_at
    if profile.kind == "Relative":
        start = start_of_charging
    if profile.kind == "Recurring":
        # Errata 3.78: "restarts every 24 hours / 7 days, at the same time (and day-of-the-week) as in startSchedule"
        every = {"Daily": DAY, "Weekly": 7 * DAY}[profile.recurrency]
        while start + every <= second:
            start += every
    if second < start:
        return None
    # §5.16.4: "keep the value of the last chargingSchedulePeriod until duration has ended"
    if schedule.duration_s is not None and second >= start + schedule.duration_s:
        return None
    found = None
    for period in schedule.periods:
        if start + period.start_s <= second:
            found = period
    return found


def ruling(profiles, second, start_of_charging):
    """Return profile and period of the highest stack level that says anything (§3.13.2, errata 3.43)."""
    for profile in sorted(profiles, key=lambda profile: profile.stack_level, reverse=True):
        period = says(profile, second, start_of_charging)
        if period is not None:
            return profile, period
    return None


def allowed_a(second, start, *, tx=(), default=(), own_default=(), maximum=(), spec, phases, installed=None):
    """Return the A of each phase that one EVSE with alternating current, alone, may draw in a second.

    `default` are the TxDefaultProfiles on connector 0, `own_default` those on the EVSE; `start` is that of charging,
    `installed` that of the ChargePointMaxProfiles.
    """
    levels = [profile.stack_level for profile in own_default]
    defaults = [*own_default, *(profile for profile in default if profile.stack_level not in levels)]
    # §3.13.1: TxProfile "SHALL overrule the default charging profile".
    of_transaction = ruling(tx, second, start) or ruling(defaults, second, start)
    of_station = ruling(maximum, second, start if installed is None else installed)
    limits = [spec.max_a]
    if spec.max_w is not None:
        limits.append(spec.max_w / spec.voltage_v / phases)
    for found in (of_transaction, of_station):
        if found is not None:
            profile, period = found
            # §7.12: "Current per phase = Power / (Line Voltage * Number of Phases)"; errata 3.34: of those in use.
            per_a = spec.voltage_v * phases if profile.schedule.unit == "W" else 1
            limits.append(period.limit / per_a)
    # §3.13.3: "calculated by taking the minimum value for each time interval"
    return min(limits)


def composite(seconds, value):
    """Return (second, value) wherever the value of a second differs from that of the one before."""
    each = [(value(second), second) for second in range(seconds)]
    return [(next(group)[1], found) for found, group in groupby(each, key=lambda pair: pair[0])]
