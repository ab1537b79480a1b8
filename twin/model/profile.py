"""A charging profile as the Central System gives it, in the model's own units (OCPP 1.6 §3.13, §7.8, §7.13, §7.14).

Values only; what they amount to is the business of `schedule`.
"""

from __future__ import annotations

import msgspec

from twin.model.terms import Instant, ProfileKind, ProfilePurpose, RateUnit, Recurrency


class SchedulePeriod(msgspec.Struct, frozen=True, omit_defaults=True):
    """Allow `limit` (A a phase or W in all, by the schedule's unit) from `start_s` seconds on.

    `phases` is None where the Central System gives none, which means three (OCPP 1.6 §7.14).
    """

    start_s: int
    limit: float
    phases: int | None = None


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold periods in rising order; after `duration_s` nothing is said any more."""

    unit: RateUnit
    periods: tuple[SchedulePeriod, ...]
    duration_s: int | None = None
    starts_at: Instant | None = None
    min_rate: float | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """Be a charging profile."""

    id: int
    stack_level: int
    purpose: ProfilePurpose
    kind: ProfileKind
    schedule: Schedule
    recurrency: Recurrency | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    transaction_id: int | None = None
