"""Everything that a twin wants done, as values.

*Reports* are facts that the Central System must learn. They are version-neutral, carry our own session id and
their own time, and are stored as they are; a dialect encodes them when they reach the head of the queue.
*Effects* are what an input returns; the order of the list is meaning (R8).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from twin.model.asked import CertificateId, Signing
from twin.model.terms import (
    Action,
    BootReason,
    ErrorCode,
    FirmwareStatus,
    Instant,
    LogKind,
    LogStatus,
    Measurand,
    Part,
    RateUnit,
    ReadingContext,
    Status,
    StopReason,
)


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """Carry one measured value in base units (W, Wh, A, V, Hz, percent, °C).

    `phase` is written as "L1", "L1-N", …
    """

    measurand: Measurand
    value: float
    phase: str | None = None
    location: str = "Outlet"


class Reading(msgspec.Struct, frozen=True):
    """Carry the samples of one instant (one MeterValue element, OCPP 1.6 §7.33)."""

    at: Instant
    context: ReadingContext
    samples: tuple[Sample, ...]


# --- Reports ----------------------------------------------------------------------------------------------------------


class Booted(msgspec.Struct, frozen=True, tag=True):
    """The box started; who it is stands in its spec (BootNotification)."""

    reason: BootReason
    firmware_version: str | None = None


class HeartbeatDue(msgspec.Struct, frozen=True, tag=True):
    """Nothing was said for the heartbeat interval (Heartbeat)."""


class StatusChanged(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """An EVSE, or (0) the station, is in this status since `at` (StatusNotification)."""

    evse: int
    status: Status
    error_code: ErrorCode
    at: Instant
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


class AuthorizationAsked(msgspec.Struct, frozen=True, tag=True):
    """A token wants to know whether it may charge (Authorize)."""

    authorization_id: str
    token: str


class SessionStarted(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A session began (StartTransaction); registers are whole Wh."""

    session_id: str
    evse: int
    token: str
    at: Instant
    meter_start_wh: int
    reservation_id: int | None = None
    request_id: str | None = None


class Metered(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """An EVSE, or (0) the main meter, was read, within a session or not (MeterValues)."""

    evse: int
    readings: tuple[Reading, ...]
    session_id: str | None = None


class SessionEnded(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A session is over (StopTransaction); `token` only where one stopped it (X-11)."""

    session_id: str
    evse: int
    at: Instant
    meter_stop_wh: int
    reason: StopReason
    token: str | None = None
    readings: tuple[Reading, ...] = ()
    request_id: str | None = None


class FirmwareReported(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A firmware update reached this step (FirmwareStatusNotification; `signed`: SignedFirmwareStatusNotification)."""

    status: FirmwareStatus
    signed: bool = False
    request_id: int | None = None


class LogReported(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """An upload reached this step (DiagnosticsStatusNotification, or `extended` LogStatusNotification)."""

    status: LogStatus
    extended: bool = False
    request_id: int | None = None


class SecurityEvent(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Something that concerns security happened (SecurityEventNotification, Security whitepaper A04)."""

    kind: str
    at: Instant
    tech_info: str | None = None


class CertificateAsked(msgspec.Struct, frozen=True, tag=True):
    """The box wants a certificate (SignCertificate, Security whitepaper A02); the request is PKCS#10 in PEM."""

    csr: str


Report: TypeAlias = (
    Booted
    | HeartbeatDue
    | StatusChanged
    | AuthorizationAsked
    | SessionStarted
    | Metered
    | SessionEnded
    | FirmwareReported
    | LogReported
    | SecurityEvent
    | CertificateAsked
)

# --- Outcomes of requests ---------------------------------------------------------------------------------------------


class Answered(msgspec.Struct, frozen=True, tag=True):
    """Answer a request whose confirmation is one status word (Accepted, Rejected, Scheduled, Unlocked, …)."""

    status: str


class DataAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer DataTransfer."""

    status: str
    data: str | None = None


class VariableValue(msgspec.Struct, frozen=True):
    """Show a setting as text; `value` is None while it is unset."""

    name: str
    readonly: bool
    value: str | None


class VariablesAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer GetVariables in the order asked; `unknown` repeats names as they were asked."""

    known: tuple[VariableValue, ...]
    unknown: tuple[str, ...]


class VersionAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer GetLocalListVersion."""

    version: int


class CompositePeriod(msgspec.Struct, frozen=True):
    """Allow so much from `start_s` seconds on, in the unit of the answer."""

    start_s: int
    limit: float
    phases: int | None = None


class CompositeAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer GetCompositeSchedule; `unit` None: Rejected. `starts_at` is when the question was received."""

    evse: int
    unit: RateUnit | None = None
    duration_s: int = 0
    starts_at: Instant = 0.0
    periods: tuple[CompositePeriod, ...] = ()


class LogAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer GetDiagnostics (a file name or none) or GetLog (`status`, too)."""

    status: str
    file_name: str | None = None


class CertificatesAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer GetInstalledCertificateIds; none found is NotFound."""

    ids: tuple[CertificateId, ...] = ()


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """Answer with an error instead of a confirmation: `code` is an OCPP-J error code (OCPP-J 1.6 §4.2.3)."""

    code: str
    description: str


Outcome: TypeAlias = (
    Answered
    | DataAnswered
    | VariablesAnswered
    | VersionAnswered
    | CompositeAnswered
    | LogAnswered
    | CertificatesAnswered
    | Refusal
)

# --- Effects ----------------------------------------------------------------------------------------------------------


class Tell(msgspec.Struct, frozen=True):
    """Tell the Central System. `durable`: it must survive a crash. `triggered`: it may pass a Pending gate."""

    report: Report
    durable: bool = False
    triggered: bool = False


class Reply(msgspec.Struct, frozen=True):
    """Answer a request; exactly one for each."""

    request_ref: str
    outcome: Outcome


class Changed(msgspec.Struct, frozen=True):
    """Say that this part of the view is new."""

    part: Part


class Power(msgspec.Struct, frozen=True):
    """Cut the uplink and keep it cut, or let it be opened again."""

    link: bool


class Drop(msgspec.Struct, frozen=True):
    """Break the connection once; it may be opened again at once."""

    reason: str


class Forget(msgspec.Struct, frozen=True):
    """Forget all queued reports (command `clear_queue`)."""


class Note(msgspec.Struct, frozen=True):
    """State a fact worth an event on MQTT and a line in the log; `name` and `fields` as the MQTT contract has them."""

    name: str
    fields: dict[str, Any]
    at: Instant
    evse: int | None = None
    request_id: str | None = None


# --- Jobs for the runtime: what takes time outside, and comes back as a JobEvent --------------------------------------


class Fetch(msgspec.Struct, frozen=True):
    """Fetch a firmware image into the box's folder, once; with `signing` check its signature there."""

    job_id: str
    url: str
    signing: Signing | None = None


class Deliver(msgspec.Struct, frozen=True):
    """Upload a log to the folder `url` under `file_name`, once; instants on the runtime's clock bound its content."""

    job_id: str
    url: str
    file_name: str
    kind: LogKind
    oldest: Instant | None = None
    latest: Instant | None = None


class MakeKey(msgspec.Struct, frozen=True):
    """Make a key pair that never leaves the box, and a certificate signing request for it (SEC-13).

    `keep` are the fingerprints of all other keys that are still needed.
    """

    job_id: str
    common_name: str
    organization: str
    keep: tuple[str, ...] = ()


class Actuate(msgspec.Struct, frozen=True):
    """Let real things do what the Central System asks of an EVSE or (0) the station; `fields` are its words."""

    job_id: str
    action: Action
    evse: int
    fields: dict[str, Any]


class CancelJob(msgspec.Struct, frozen=True):
    """Give a job up; nothing more is heard of it."""

    job_id: str


Job: TypeAlias = Fetch | Deliver | MakeKey | Actuate | CancelJob

Effect: TypeAlias = Tell | Reply | Changed | Power | Drop | Forget | Note | Job
