"""The messages of the security extension (Security whitepaper §5, §6)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from twin.model.terms import CertificateUse, FirmwareStatus, HashAlgorithm, LogKind, LogStatus
from twin.ocpp.v16.messages.base import (
    Integer,
    Message,
    String40,
    String50,
    String128,
    String255,
    String512,
    String800,
    String5500,
    String10000,
)

# --- Shared parts -----------------------------------------------------------------------------------------------------


class CertificateHashData(Message, frozen=True):
    """Security whitepaper §6.1."""

    hash_algorithm: HashAlgorithm
    issuer_name_hash: String128
    issuer_key_hash: String128
    serial_number: String40


class Firmware(Message, frozen=True):
    """Security whitepaper §6.7."""

    location: String512
    retrieve_date_time: datetime
    signing_certificate: String5500
    signature: String800
    install_date_time: datetime | UnsetType = UNSET


class LogParameters(Message, frozen=True):
    """Security whitepaper §6.12."""

    remote_location: String512
    oldest_timestamp: datetime | UnsetType = UNSET
    latest_timestamp: datetime | UnsetType = UNSET


# --- From the Charge Point: requests ----------------------------------------------------------------------------------


class LogStatusNotification(Message, frozen=True):
    """Security whitepaper §5.13."""

    status: LogStatus
    request_id: Integer | UnsetType = UNSET


class SecurityEventNotification(Message, frozen=True):
    """Security whitepaper §5.15."""

    type: String50
    timestamp: str
    tech_info: String255 | UnsetType = UNSET


class SignCertificate(Message, frozen=True):
    """Security whitepaper §5.17."""

    csr: String5500


class SignedFirmwareStatusNotification(Message, frozen=True):
    """Security whitepaper §5.19."""

    status: FirmwareStatus
    request_id: Integer | UnsetType = UNSET


# --- From the Central System: confirmations ---------------------------------------------------------------------------


class SignCertificateConf(Message, frozen=True):
    """Security whitepaper §5.18."""

    status: Literal["Accepted", "Rejected"]


# --- From the Central System: requests --------------------------------------------------------------------------------


class CertificateSigned(Message, frozen=True):
    """Security whitepaper §5.1."""

    certificate_chain: String10000


class DeleteCertificate(Message, frozen=True):
    """Security whitepaper §5.3."""

    certificate_hash_data: CertificateHashData


class ExtendedTriggerMessage(Message, frozen=True):
    """Security whitepaper §5.5. Any word is a valid `requestedMessage`, as with TriggerMessage (§6.15)."""

    requested_message: str
    connector_id: Integer | UnsetType = UNSET


class GetInstalledCertificateIds(Message, frozen=True):
    """Security whitepaper §5.7."""

    certificate_type: CertificateUse


class GetLog(Message, frozen=True):
    """Security whitepaper §5.9."""

    log_type: LogKind
    request_id: Integer
    log: LogParameters
    retries: Integer | UnsetType = UNSET
    retry_interval: Integer | UnsetType = UNSET


class InstallCertificate(Message, frozen=True):
    """Security whitepaper §5.11."""

    certificate_type: CertificateUse
    certificate: String5500


class SignedUpdateFirmware(Message, frozen=True):
    """Security whitepaper §5.21."""

    request_id: Integer
    firmware: Firmware
    retries: Integer | UnsetType = UNSET
    retry_interval: Integer | UnsetType = UNSET


# --- From the Charge Point: confirmations -----------------------------------------------------------------------------


class GetInstalledCertificateIdsConf(Message, frozen=True):
    """Security whitepaper §5.8."""

    status: Literal["Accepted", "NotFound"]
    certificate_hash_data: Annotated[tuple[CertificateHashData, ...], Meta(min_length=1)] | UnsetType = UNSET


class GetLogConf(Message, frozen=True):
    """Security whitepaper §5.10."""

    status: str
    filename: String255 | UnsetType = UNSET


Request: TypeAlias = (
    CertificateSigned
    | DeleteCertificate
    | ExtendedTriggerMessage
    | GetInstalledCertificateIds
    | GetLog
    | InstallCertificate
    | SignedUpdateFirmware
)
"""What the Central System may ask by this extension."""
