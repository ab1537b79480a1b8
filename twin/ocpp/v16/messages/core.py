"""The messages of the Core and RemoteTrigger profiles (OCPP 1.6 §6, §7)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from twin.model.terms import ErrorCode, Measurand, ReadingContext, Registration, ResetKind, Status, StopReason
from twin.ocpp.v16.messages.base import (
    IdTagInfo,
    Integer,
    Message,
    String20,
    String25,
    String50,
    String255,
    String500,
)
from twin.ocpp.v16.messages.smart_charging import ChargingProfile

# --- Meter values -----------------------------------------------------------------------------------------------------


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


Request: TypeAlias = (
    ChangeAvailability
    | ChangeConfiguration
    | ClearCache
    | DataTransfer
    | GetConfiguration
    | RemoteStartTransaction
    | RemoteStopTransaction
    | Reset
    | TriggerMessage
    | UnlockConnector
)
"""What the Central System may ask by these profiles."""
