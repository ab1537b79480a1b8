"""Charging profiles for tests: as the model has them, and as they come over the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from twin.model.profile import Profile, Schedule, SchedulePeriod
from twin.model.terms import ProfileKind, ProfilePurpose, RateUnit, Recurrency

MAX, DEFAULT, TX = ProfilePurpose.CHARGE_POINT_MAX, ProfilePurpose.TX_DEFAULT, ProfilePurpose.TX
MONDAY = 1_767_607_200
"""2026-01-05T10:00:00Z."""

DAY = 86_400


def profile(*periods: tuple[int, float] | tuple[int, float, int] | float, purpose=DEFAULT, **fields: Any) -> Profile:
    """Make a profile; a lone number stands for a period from 0 on, `starts_at` makes it absolute."""
    inner = {name: fields.pop(name) for name in ("duration_s", "starts_at", "min_rate") if name in fields}
    inner = {name: float(value) if name == "starts_at" else value for name, value in inner.items()}
    listed = tuple(SchedulePeriod(*one) if isinstance(one, tuple) else SchedulePeriod(0, one) for one in periods)
    schedule = Schedule(RateUnit(fields.pop("unit", "A")), listed, **inner)
    kind = ProfileKind.ABSOLUTE if "starts_at" in inner else ProfileKind.RELATIVE
    recurrency = fields.get("recurrency")
    made = {"id": 1, "stack_level": 0, "kind": kind if recurrency is None else ProfileKind.RECURRING, **fields}
    return Profile(purpose=purpose, schedule=schedule, **made)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def wire(*periods: tuple[int, float] | tuple[int, float, int] | float, **fields: Any) -> dict[str, Any]:
    """Give a profile as csChargingProfiles or chargingProfile has it; the fields are those of `profile`."""
    made = profile(*periods, **fields)
    schedule = {
        "chargingRateUnit": made.schedule.unit,
        "chargingSchedulePeriod": [
            {"startPeriod": one.start_s, "limit": one.limit}
            | ({} if one.phases is None else {"numberPhases": one.phases})
            for one in made.schedule.periods
        ],
        "duration": made.schedule.duration_s,
        "startSchedule": None if made.schedule.starts_at is None else iso(made.schedule.starts_at),
        "minChargingRate": made.schedule.min_rate,
    }
    found = {
        "chargingProfileId": made.id,
        "stackLevel": made.stack_level,
        "chargingProfilePurpose": made.purpose,
        "chargingProfileKind": made.kind,
        "chargingSchedule": {name: value for name, value in schedule.items() if value is not None},
        "recurrencyKind": made.recurrency,
        "transactionId": made.transaction_id,
        "validFrom": None if made.valid_from is None else iso(made.valid_from),
        "validTo": None if made.valid_to is None else iso(made.valid_to),
    }
    return {name: value for name, value in found.items() if value is not None}


# --- Any profile at all, with something going on around MONDAY

_near = st.integers(-150, 400)
_days = st.sampled_from([0, 0, 0, -1, -2, -7, -14, -28, 1])
instants = st.builds(lambda days, seconds: float(MONDAY + days * DAY + seconds), _days, _near)
_starts = st.lists(
    st.one_of(st.integers(1, 300), st.integers(1, 300).map(lambda late: DAY - 150 + late)), max_size=4, unique=True
)


@st.composite
def schedules(draw: Any, *, recurs: bool) -> Schedule:
    unit = draw(st.sampled_from(RateUnit))
    limits = st.sampled_from([0, 5.5, 6, 8.1, 16, 25] if unit is RateUnit.A else [0, 1380, 4140, 7360.5, 11000, 20000])
    phases = st.sampled_from([None, 1, 3])
    starts = (0, *sorted(draw(_starts)))
    periods = tuple(SchedulePeriod(start, float(draw(limits)), draw(phases)) for start in starts)
    duration = draw(st.one_of(st.none(), st.integers(1, 400), st.integers(DAY - 200, DAY + 200)))
    starts_at = draw(instants) if recurs else draw(st.none() | instants)
    return Schedule(unit, periods, duration, starts_at)


@st.composite
def profiles(draw: Any, purpose: ProfilePurpose = DEFAULT, stack_level: int = 0) -> Profile:
    kind = draw(st.sampled_from(ProfileKind))
    return Profile(
        id=draw(st.integers(1, 10**6)),
        stack_level=stack_level,
        purpose=purpose,
        kind=kind,
        schedule=draw(schedules(recurs=kind is ProfileKind.RECURRING)),
        recurrency=draw(st.sampled_from(Recurrency)) if kind is ProfileKind.RECURRING else None,
        valid_from=draw(st.none() | instants),
        valid_to=draw(st.none() | instants),
    )


@st.composite
def stacks(draw: Any, purpose: ProfilePurpose = DEFAULT) -> list[Profile]:
    """Give profiles of one purpose, each of another stack level."""
    levels = draw(st.lists(st.integers(0, 4), max_size=3, unique=True))
    return [draw(profiles(purpose, level)) for level in levels]
