"""The messages of OCPP 1.6's Core and RemoteTrigger profiles as typed structs (OCPP 1.6 §6, §7).

Decides what is a valid payload, by the schemas of 2019-12; must not know what a message means.
A member that may be left out is UNSET then: null is no value in OCPP.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from twin.model.terms import (
    AuthorizationStatus,
    ErrorCode,
    Measurand,
    ReadingContext,
    Registration,
    ResetKind,
    Status,
    StopReason,
)

# Strings with the lengths of T-35; an integer is one that the store can hold.
String20: TypeAlias = Annotated[str, Meta(max_length=20)]
String25: TypeAlias = Annotated[str, Meta(max_length=25)]
String50: TypeAlias = Annotated[str, Meta(max_length=50)]
String255: TypeAlias = Annotated[str, Meta(max_length=255)]
String500: TypeAlias = Annotated[str, Meta(max_length=500)]
Integer: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Be the root of all messages and their parts; members that are not theirs are refused (OCPP-J errata 3.1)."""


# --- Shared parts -----------------------------------------------------------------------------------------------------


class IdTagInfo(Message, frozen=True):
    """OCPP 1.6 §7.27."""

    status: AuthorizationStatus
    expiry_date: datetime | UnsetType = UNSET
    parent_id_tag: String20 | UnsetType = UNSET


class Phase(StrEnum):
    """OCPP 1.6 §7.34."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    N = "N"
    L1_N = "L1-N"
    L2_N = "L2-N"
    L3_N = "L3-N"
    L1_L2 = "L1-L2"
    L2_L3 = "L2-L3"
    L3_L1 = "L3-L1"


class SampledValue(Message, frozen=True):
    """OCPP 1.6 §7.43; `value` is a string even where it is a number (V-08)."""

    value: str
    context: ReadingContext | UnsetType = UNSET
    format: Literal["Raw", "SignedData"] | UnsetType = UNSET
    measurand: Measurand | UnsetType = UNSET
    phase: Phase | UnsetType = UNSET
    location: Literal["Body", "Cable", "EV", "Inlet", "Outlet"] | UnsetType = UNSET
    unit: (
        Literal[
            "Wh", "kWh", "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar",
            "A", "V", "K", "Celsius", "Celcius", "Fahrenheit", "Percent",
        ]
        | UnsetType
    ) = UNSET  # fmt: skip


class MeterValue(Message, frozen=True):
    """OCPP 1.6 §7.33."""

    timestamp: str
    sampled_value: tuple[SampledValue, ...]


def _check_decimals(value: float) -> None:
    # SC-08: `multipleOf: 0.1` cannot be computed in binary fractions, so the distance is measured instead.
    if abs(value * 10 - round(value * 10)) > 1e-6 * max(1.0, abs(value)):
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

    charging_rate_unit: Literal["A", "W"]
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
    charging_profile_purpose: Literal["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]
    charging_profile_kind: Literal["Absolute", "Recurring", "Relative"]
    charging_schedule: ChargingSchedule
    transaction_id: Integer | UnsetType = UNSET
    recurrency_kind: Literal["Daily", "Weekly"] | UnsetType = UNSET
    valid_from: datetime | UnsetType = UNSET
    valid_to: datetime | UnsetType = UNSET


# --- From the Charge Point: requests ----------------------------------------------------------------------------------


class Authorize(Message, frozen=True):
    """OCPP 1.6 §6.1."""

    id_tag: String20


class BootNotification(Message, frozen=True):
    """OCPP 1.6 §6.3."""

    charge_point_vendor: String20
    charge_point_model: String20
    charge_point_serial_number: String25 | UnsetType = UNSET
    charge_box_serial_number: String25 | UnsetType = UNSET
    firmware_version: String50 | UnsetType = UNSET
    iccid: String20 | UnsetType = UNSET
    imsi: String20 | UnsetType = UNSET
    meter_type: String25 | UnsetType = UNSET
    meter_serial_number: String25 | UnsetType = UNSET


class Heartbeat(Message, frozen=True):
    """OCPP 1.6 §6.29."""


class MeterValues(Message, frozen=True):
    """OCPP 1.6 §6.31."""

    connector_id: Integer
    meter_value: tuple[MeterValue, ...]
    transaction_id: Integer | UnsetType = UNSET


class StartTransaction(Message, frozen=True):
    """OCPP 1.6 §6.45."""

    connector_id: Integer
    id_tag: String20
    meter_start: Integer
    timestamp: str
    reservation_id: Integer | UnsetType = UNSET


class StatusNotification(Message, frozen=True):
    """OCPP 1.6 §6.47."""

    connector_id: Integer
    error_code: ErrorCode
    status: Status
    timestamp: str | UnsetType = UNSET
    info: String50 | UnsetType = UNSET
    vendor_id: String255 | UnsetType = UNSET
    vendor_error_code: String50 | UnsetType = UNSET


class StopTransaction(Message, frozen=True):
    """OCPP 1.6 §6.49."""

    transaction_id: Integer
    meter_stop: Integer
    timestamp: str
    id_tag: String20 | UnsetType = UNSET
    reason: StopReason | UnsetType = UNSET
    transaction_data: tuple[MeterValue, ...] | UnsetType = UNSET


# --- From the Central System: confirmations ---------------------------------------------------------------------------


class AuthorizeConf(Message, frozen=True):
    """OCPP 1.6 §6.2."""

    id_tag_info: IdTagInfo


class BootNotificationConf(Message, frozen=True):
    """OCPP 1.6 §6.4. The first schemas had `interval` as a number: 300.0 is read as well (OCPP-J errata 2.3)."""

    status: Registration
    current_time: datetime
    interval: Annotated[int, Meta(ge=0, le=2**31 - 1)] | Annotated[float, Meta(ge=0, le=2**31 - 1)]

    def __post_init__(self) -> None:
        if self.interval != int(self.interval):
            raise ValueError("interval is not a whole number")


class HeartbeatConf(Message, frozen=True):
    """OCPP 1.6 §6.30."""

    current_time: datetime


class StartTransactionConf(Message, frozen=True):
    """OCPP 1.6 §6.46."""

    transaction_id: Integer
    id_tag_info: IdTagInfo


class StopTransactionConf(Message, frozen=True):
    """OCPP 1.6 §6.50."""

    id_tag_info: IdTagInfo | UnsetType = UNSET


class EmptyConf(Message, frozen=True):
    """Confirm MeterValues or StatusNotification (OCPP 1.6 §6.32, §6.48)."""


# --- From the Central System: requests --------------------------------------------------------------------------------


class ChangeAvailability(Message, frozen=True):
    """OCPP 1.6 §6.7."""

    connector_id: Integer
    type: Literal["Inoperative", "Operative"]


class ChangeConfiguration(Message, frozen=True):
    """OCPP 1.6 §6.9."""

    key: String50
    value: String500


class ClearCache(Message, frozen=True):
    """OCPP 1.6 §6.11."""


class DataTransfer(Message, frozen=True):
    """OCPP 1.6 §6.15."""

    vendor_id: String255
    message_id: String50 | UnsetType = UNSET
    data: str | UnsetType = UNSET


class GetConfiguration(Message, frozen=True):
    """OCPP 1.6 §6.23."""

    key: tuple[String50, ...] = ()


class RemoteStartTransaction(Message, frozen=True):
    """OCPP 1.6 §6.33."""

    id_tag: String20
    connector_id: Integer | UnsetType = UNSET
    charging_profile: ChargingProfile | UnsetType = UNSET


class RemoteStopTransaction(Message, frozen=True):
    """OCPP 1.6 §6.35."""

    transaction_id: Integer


class Reset(Message, frozen=True):
    """OCPP 1.6 §6.39."""

    type: ResetKind


class TriggerMessage(Message, frozen=True):
    """OCPP 1.6 §6.51. Any word is a valid `requestedMessage`: an unknown one is answered, not refused (CC-06)."""

    requested_message: str
    connector_id: Integer | UnsetType = UNSET


class UnlockConnector(Message, frozen=True):
    """OCPP 1.6 §6.53."""

    connector_id: Integer


# --- From the Charge Point: confirmations -----------------------------------------------------------------------------


class StatusConf(Message, frozen=True):
    """Confirm any request that is answered by one word."""

    status: str


class DataTransferConf(Message, frozen=True):
    """OCPP 1.6 §6.16."""

    status: str
    data: str | UnsetType = UNSET


class KeyValue(Message, frozen=True):
    """OCPP 1.6 §7.29."""

    key: String50
    readonly: bool
    value: String500 | UnsetType = UNSET


class GetConfigurationConf(Message, frozen=True):
    """OCPP 1.6 §6.24."""

    configuration_key: tuple[KeyValue, ...] | UnsetType = UNSET
    unknown_key: tuple[String50, ...] | UnsetType = UNSET


# --- Actions ----------------------------------------------------------------------------------------------------------

REQUESTS: dict[str, type[Message]] = {
    message.__name__: message
    for message in (
        ChangeAvailability,
        ChangeConfiguration,
        ClearCache,
        DataTransfer,
        GetConfiguration,
        RemoteStartTransaction,
        RemoteStopTransaction,
        Reset,
        TriggerMessage,
        UnlockConnector,
    )
}
"""What the Central System may ask of this twin."""

KNOWN_ACTIONS = frozenset(REQUESTS) | {
    # Core, but from the Charge Point only.
    "Authorize", "BootNotification", "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification",
    "StopTransaction",
    # FirmwareManagement, LocalAuthListManagement, Reservation, SmartCharging.
    "DiagnosticsStatusNotification", "FirmwareStatusNotification", "GetDiagnostics", "UpdateFirmware",
    "GetLocalListVersion", "SendLocalList", "CancelReservation", "ReserveNow",
    "ClearChargingProfile", "GetCompositeSchedule", "SetChargingProfile",
    # The security extension.
    "CertificateSigned", "DeleteCertificate", "ExtendedTriggerMessage", "GetInstalledCertificateIds", "GetLog",
    "InstallCertificate", "LogStatusNotification", "SecurityEventNotification", "SignCertificate",
    "SignedFirmwareStatusNotification", "SignedUpdateFirmware",
}  # fmt: skip
"""All actions of OCPP 1.6: one of these that the twin does not serve is not supported, others are unknown (T-27)."""
