"""The messages of the SmartCharging profile (OCPP 1.6 §6, §7)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from twin.model.terms import ProfileKind, ProfilePurpose, RateUnit, Recurrency
from twin.ocpp.v16.messages.base import Integer, Message


def _check_decimals(value: float) -> None:
    # SC-08: `multipleOf: 0.1` cannot be computed in binary fractions, so the distance is measured instead.
    # From 2^50 on there is no room for decimals, and soon none for ten times the value.
    if abs(value) < 2**50 and abs(value * 10 - round(value * 10)) > 1e-6 * max(1.0, abs(value)):
        raise ValueError(f"{value} has more than one decimal")


class ChargingSchedulePeriod(Message, frozen=True):
    """OCPP 1.6 §7.14."""

    start_period: Integer
    limit: float
    number_phases: Integer | UnsetType = UNSET

    def __post_init__(self) -> None:
        _check_decimals(self.limit)


class ChargingSchedule(Message, frozen=True):
    """OCPP 1.6 §7.13."""

    charging_rate_unit: RateUnit
    charging_schedule_period: Annotated[tuple[ChargingSchedulePeriod, ...], Meta(min_length=1)]
    duration: Integer | UnsetType = UNSET
    start_schedule: datetime | UnsetType = UNSET
    min_charging_rate: float | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.min_charging_rate is not UNSET:
            _check_decimals(self.min_charging_rate)


class ChargingProfile(Message, frozen=True):
    """OCPP 1.6 §7.8."""

    charging_profile_id: Integer
    stack_level: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    charging_profile_purpose: ProfilePurpose
    charging_profile_kind: ProfileKind
    charging_schedule: ChargingSchedule
    transaction_id: Integer | UnsetType = UNSET
    recurrency_kind: Recurrency | UnsetType = UNSET
    valid_from: datetime | UnsetType = UNSET
    valid_to: datetime | UnsetType = UNSET


# --- From the Central System ------------------------------------------------------------------------------------------


class SetChargingProfile(Message, frozen=True):
    """OCPP 1.6 §6.43."""

    connector_id: Integer
    cs_charging_profiles: ChargingProfile


class ClearChargingProfile(Message, frozen=True):
    """OCPP 1.6 §6.13."""

    id: Integer | UnsetType = UNSET
    connector_id: Integer | UnsetType = UNSET
    charging_profile_purpose: ProfilePurpose | UnsetType = UNSET
    stack_level: Integer | UnsetType = UNSET


class GetCompositeSchedule(Message, frozen=True):
    """OCPP 1.6 §6.21."""

    connector_id: Integer
    duration: Integer
    charging_rate_unit: RateUnit | UnsetType = UNSET


# --- From the Charge Point --------------------------------------------------------------------------------------------


class GetCompositeScheduleConf(Message, frozen=True):
    """OCPP 1.6 §6.22."""

    status: Literal["Accepted", "Rejected"]
    connector_id: Integer | UnsetType = UNSET
    schedule_start: str | UnsetType = UNSET
    charging_schedule: ChargingSchedule | UnsetType = UNSET


Request: TypeAlias = SetChargingProfile | ClearChargingProfile | GetCompositeSchedule
"""What the Central System may ask by this profile."""
