"""What the Central System may ask of a box, as values. Each is answered exactly once (R1).

Numbers of EVSEs start at 1; 0 is the station as a whole, None leaves the choice to the box. Instants are UTC epoch
seconds by the Central System's clock.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from twin.model.profile import Profile
from twin.model.terms import (
    AuthorizationStatus,
    CertificateUse,
    HashAlgorithm,
    Instant,
    LogKind,
    ProfilePurpose,
    RateUnit,
    ResetKind,
)


class Asked(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Be the root of all requests; `request_ref` names the CALL that the reply belongs to."""

    request_ref: str


class ChangeAvailability(Asked, frozen=True):
    """Make an EVSE, or (0) everything, operative or inoperative (OCPP 1.6 §5.2)."""

    evse: int
    operative: bool


class SetVariable(Asked, frozen=True):
    """Change a setting of the box, given as text; `name` is the model's own (OCPP 1.6 §5.3).

    `label` is what the Central System calls it, for the event that tells of the change.
    """

    name: str
    value: str
    label: str


class GetVariables(Asked, frozen=True):
    """Read settings by the names asked for; empty means all that are readable (OCPP 1.6 §5.8)."""

    names: tuple[str, ...] = ()


class ClearCache(Asked, frozen=True):
    """Empty the authorization cache (OCPP 1.6 §5.4)."""


class DataTransfer(Asked, frozen=True):
    """Carry vendor data (OCPP 1.6 §5.6)."""

    vendor_id: str
    message_id: str | None = None
    data: str | None = None


class RemoteStart(Asked, frozen=True):
    """Start a session for a token at an EVSE, or (None) at one that the box picks (OCPP 1.6 §5.11)."""

    token: str
    evse: int | None = None
    profile: Profile | None = None


class RemoteStop(Asked, frozen=True):
    """Stop the session that the Central System knows by this id (OCPP 1.6 §5.12)."""

    transaction_id: int


class Reset(Asked, frozen=True):
    """Restart the box (OCPP 1.6 §5.14)."""

    kind: ResetKind


class UnlockConnector(Asked, frozen=True):
    """Release the cable (OCPP 1.6 §5.18)."""

    evse: int


class Trigger(Asked, frozen=True):
    """Send a message now (OCPP 1.6 §5.17). `message` is one of OCPP's words; others are not implemented.

    `extended`: it was asked for by ExtendedTriggerMessage (Security whitepaper §5.7).
    """

    message: str
    evse: int | None = None
    extended: bool = False


# --- Local authorization list -----------------------------------------------------------------------------------------


class ListEntry(msgspec.Struct, frozen=True):
    """Carry one entry of the local list; without a `status` the token is to be deleted (OCPP 1.6 §7.1)."""

    token: str
    status: AuthorizationStatus | None = None
    parent: str | None = None
    expires_at: Instant | None = None


class SendLocalList(Asked, frozen=True):
    """Replace (`full`) or change the local authorization list (OCPP 1.6 §5.15)."""

    version: int
    full: bool
    entries: tuple[ListEntry, ...] = ()


class GetLocalListVersion(Asked, frozen=True):
    """Tell the version of the local authorization list (OCPP 1.6 §5.10)."""


# --- Reservation ------------------------------------------------------------------------------------------------------


class ReserveNow(Asked, frozen=True):
    """Keep an EVSE, or (0) any one, free for a token until an instant (OCPP 1.6 §5.13)."""

    reservation_id: int
    evse: int
    token: str
    until: Instant
    parent: str | None = None


class CancelReservation(Asked, frozen=True):
    """End a reservation (OCPP 1.6 §5.1)."""

    reservation_id: int


# --- Smart charging ---------------------------------------------------------------------------------------------------


class SetChargingProfile(Asked, frozen=True):
    """Install a charging profile at an EVSE or (0) the station (OCPP 1.6 §5.16)."""

    evse: int
    profile: Profile


class ClearChargingProfile(Asked, frozen=True):
    """Remove the profiles that match all that is given; an `id` alone decides (OCPP 1.6 §5.5, errata 3.25, 3.26)."""

    id: int | None = None
    evse: int | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None


class GetCompositeSchedule(Asked, frozen=True):
    """Say what an EVSE, or (0) the station, may draw in the next `duration_s` seconds (OCPP 1.6 §5.7)."""

    evse: int
    duration_s: int
    unit: RateUnit | None = None


# --- Firmware and logs ------------------------------------------------------------------------------------------------


class Signing(msgspec.Struct, frozen=True):
    """Say by whom a firmware image was signed: certificate in PEM, signature in Base64 (Security whitepaper §6.7)."""

    certificate: str
    signature: str


class UpdateFirmware(Asked, frozen=True):
    """Fetch an image and install it (OCPP 1.6 §5.19), or with `signing` as in Security whitepaper L01.

    `retries` are tries after the first one, `retry_interval_s` apart; None leaves both to the box.
    """

    location: str
    retrieve_at: Instant
    install_at: Instant | None = None
    retries: int | None = None
    retry_interval_s: int | None = None
    request_id: int | None = None
    signing: Signing | None = None


class GetLog(Asked, frozen=True):
    """Upload a log to a folder: GetDiagnostics (no `request_id`, OCPP 1.6 §5.9) or GetLog (Security whitepaper N01).

    `oldest` and `latest` bound what the file holds.
    """

    location: str
    kind: LogKind = LogKind.DIAGNOSTICS
    oldest: Instant | None = None
    latest: Instant | None = None
    retries: int | None = None
    retry_interval_s: int | None = None
    request_id: int | None = None


# --- Certificates -----------------------------------------------------------------------------------------------------


class CertificateId(msgspec.Struct, frozen=True):
    """Name a certificate by hashes in lower-case hexadecimal (CertificateHashData, Security whitepaper §6.1)."""

    algorithm: HashAlgorithm
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


class CertificateSigned(Asked, frozen=True):
    """Take the box's new certificate, with its intermediate ones after it (PEM; Security whitepaper A02, A03)."""

    chain: str


class InstallCertificate(Asked, frozen=True):
    """Add a root certificate (PEM; Security whitepaper M05)."""

    use: CertificateUse
    certificate: str


class DeleteCertificate(Asked, frozen=True):
    """Remove a certificate (Security whitepaper M04)."""

    id: CertificateId


class GetInstalledCertificateIds(Asked, frozen=True):
    """Name the root certificates of a use (Security whitepaper M03)."""

    use: CertificateUse


CertificateRequest: TypeAlias = CertificateSigned | InstallCertificate | DeleteCertificate | GetInstalledCertificateIds

PhysicalRequest: TypeAlias = ChangeAvailability | RemoteStart | RemoteStop | Reset | UnlockConnector
"""What a real thing may have to do."""

Request: TypeAlias = (
    PhysicalRequest
    | SetVariable
    | GetVariables
    | ClearCache
    | DataTransfer
    | Trigger
    | SendLocalList
    | GetLocalListVersion
    | ReserveNow
    | CancelReservation
    | SetChargingProfile
    | ClearChargingProfile
    | GetCompositeSchedule
    | UpdateFirmware
    | GetLog
    | CertificateRequest
)
