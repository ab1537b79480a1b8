"""The messages of the FirmwareManagement, LocalAuthListManagement and Reservation profiles (OCPP 1.6 §6, §7)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType

from twin.ocpp.v16.messages.base import IdTagInfo, Integer, Message, String20, String255

# --- FirmwareManagement -----------------------------------------------------------------------------------------------


class UpdateFirmware(Message, frozen=True):
    """OCPP 1.6 §6.55."""

    location: str
    retrieve_date: datetime
    retries: Integer | UnsetType = UNSET
    retry_interval: Integer | UnsetType = UNSET


class FirmwareStatusNotification(Message, frozen=True):
    """OCPP 1.6 §6.19."""

    status: Literal[
        "Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"
    ]


class GetDiagnostics(Message, frozen=True):
    """OCPP 1.6 §6.25."""

    location: str
    retries: Integer | UnsetType = UNSET
    retry_interval: Integer | UnsetType = UNSET
    start_time: datetime | UnsetType = UNSET
    stop_time: datetime | UnsetType = UNSET


class GetDiagnosticsConf(Message, frozen=True):
    """OCPP 1.6 §6.26."""

    file_name: String255 | UnsetType = UNSET


class DiagnosticsStatusNotification(Message, frozen=True):
    """OCPP 1.6 §6.17."""

    status: Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]


# --- LocalAuthListManagement ------------------------------------------------------------------------------------------


class AuthorizationData(Message, frozen=True):
    """OCPP 1.6 §7.1."""

    id_tag: String20
    id_tag_info: IdTagInfo | UnsetType = UNSET


class SendLocalList(Message, frozen=True):
    """OCPP 1.6 §6.41."""

    list_version: Integer
    update_type: Literal["Differential", "Full"]
    local_authorization_list: tuple[AuthorizationData, ...] = ()


class GetLocalListVersion(Message, frozen=True):
    """OCPP 1.6 §6.27."""


class GetLocalListVersionConf(Message, frozen=True):
    """OCPP 1.6 §6.28."""

    list_version: Integer


# --- Reservation ------------------------------------------------------------------------------------------------------


class ReserveNow(Message, frozen=True):
    """OCPP 1.6 §6.37."""

    connector_id: Integer
    expiry_date: datetime
    id_tag: String20
    reservation_id: Integer
    parent_id_tag: String20 | UnsetType = UNSET


class CancelReservation(Message, frozen=True):
    """OCPP 1.6 §6.5."""

    reservation_id: Integer


Request: TypeAlias = (
    UpdateFirmware | GetDiagnostics | SendLocalList | GetLocalListVersion | ReserveNow | CancelReservation
)
"""What the Central System may ask by these profiles."""
