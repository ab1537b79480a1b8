"""Everything that can happen to a twin, as values. Read this file first.

Three kinds of input are three types (R1): a *command* is something physical and may be refused; a
*request* comes from the Central System and must be answered; an *answer* is what became of a report of
ours and never raises. A *link event* says that the connection came or went.

Numbers of EVSEs start at 1; 0 is the station as a whole. Instants are UTC epoch seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from twin.model.spec import EvSpec
from twin.model.terms import (
    AuthorizationStatus,
    ErrorCode,
    FirmwareOutcome,
    Instant,
    LinkProblem,
    MeterSource,
    Quantity,
    Registration,
    ResetKind,
    StopReason,
    TransferProblem,
)

# --- Commands: levels -------------------------------------------------------------------------------------------------


class Input(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Be the root of all commands; `request_id` follows what a command causes into events."""

    request_id: str | None = None


class PlugIn(Input, frozen=True):
    """Connect EVSE and car with a cable; `ev` replaces the default car."""

    evse: int
    ev: EvSpec | None = None


class Unplug(Input, frozen=True):
    """Pull the cable: the car's end first, the EVSE's end too unless it is locked."""

    evse: int


class SetEvReady(Input, frozen=True):
    """Let the car ask for energy, or not (SuspendedEV)."""

    evse: int
    ready: bool


class ReportMeter(Input, frozen=True):
    """Take values from a real meter; `at` is when they were measured.

    They count for `max_age_s` seconds; None: until others come. 0 says that they are the best that is known, but old.
    """

    evse: int
    values: Mapping[Quantity, float]
    at: Instant | None = None
    max_age_s: float | None = None


class UseMeterSource(Input, frozen=True):
    """Take meter values from the simulation, or only from outside: all, or those in `values`.

    With `fallback` they come from the simulation as long as those from outside are too old, or there are none yet.
    """

    evse: int
    source: MeterSource
    values: tuple[Quantity, ...] = ()
    fallback: bool = False


class SetFault(Input, frozen=True):
    """Let something break at an EVSE or (0) the station. `fault_id` tells several faults apart."""

    evse: int
    code: ErrorCode
    fault_id: str = ""
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


class ClearFault(Input, frozen=True):
    """Mend one fault, or all of them when no `fault_id` is given."""

    evse: int
    fault_id: str | None = None


class JamLock(Input, frozen=True):
    """Jam the cable lock, so that an unlock fails, or free it."""

    evse: int
    jammed: bool


class SetPowered(Input, frozen=True):
    """Cut the mains (the box dies without a word) or restore it (the box boots)."""

    powered: bool


class SetNetwork(Input, frozen=True):
    """Cut the uplink (the box runs on, offline) or restore it."""

    network: bool


class SetDoorOpen(Input, frozen=True):
    """Open or close the box's door."""

    open: bool


class SetFirmwareOutcome(Input, frozen=True):
    """Decide how firmware updates end from now on; `version` is what the next image brings."""

    outcome: FirmwareOutcome
    version: str | None = None


class SetResetFails(Input, frozen=True):
    """Let resets fail, or succeed again (RS-06)."""

    fails: bool


# --- Commands: edges --------------------------------------------------------------------------------------------------


class PresentToken(Input, frozen=True):
    """Swipe a card at one EVSE, or (None) at the shared reader; `evses` limits the reader's choice."""

    token: str
    evse: int | None = None
    evses: tuple[int, ...] = ()


class PressStop(Input, frozen=True):
    """Press the stop button of an EVSE."""

    evse: int
    reason: StopReason = StopReason.LOCAL


class EmergencyStop(Input, frozen=True):
    """Press the emergency button of an EVSE, or (None) of the station."""

    evse: int | None = None


class UnplugEvSide(Input, frozen=True):
    """Pull the car's end of a cable whose other end stays in the EVSE."""

    evse: int


class PressReset(Input, frozen=True):
    """Press the reset button."""

    kind: ResetKind = ResetKind.SOFT


class DropLink(Input, frozen=True):
    """Break the TCP connection; the box reconnects."""


class Boot(Input, frozen=True):
    """Send BootNotification again, without a reboot."""


class ClearQueue(Input, frozen=True):
    """Forget the queued messages."""


class RaiseSecurityEvent(Input, frozen=True):
    """Let something happen that concerns security (Security whitepaper §8; A04)."""

    kind: str
    tech_info: str | None = None


Command: TypeAlias = (
    PlugIn
    | Unplug
    | SetEvReady
    | ReportMeter
    | UseMeterSource
    | SetFault
    | ClearFault
    | JamLock
    | SetPowered
    | SetNetwork
    | SetDoorOpen
    | SetFirmwareOutcome
    | SetResetFails
    | PresentToken
    | PressStop
    | EmergencyStop
    | UnplugEvSide
    | PressReset
    | DropLink
    | Boot
    | ClearQueue
    | RaiseSecurityEvent
)

# --- Answers to our reports -------------------------------------------------------------------------------------------


class TokenInfo(msgspec.Struct, frozen=True):
    """Carry the Central System's verdict on a token (IdTagInfo, OCPP 1.6 §7.27)."""

    status: AuthorizationStatus
    parent: str | None = None
    expires_at: Instant | None = None


class BootAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer Booted: `interval_s` is the heartbeat interval, or the least wait before the next try."""

    status: Registration
    interval_s: int
    current_time: Instant


class HeartbeatAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer HeartbeatDue with the Central System's time."""

    current_time: Instant


class AuthorizationAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer AuthorizationAsked."""

    info: TokenInfo


class StartAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer SessionStarted; any integer is a valid transaction id (X-04)."""

    transaction_id: int
    info: TokenInfo


class StopAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer SessionEnded."""

    info: TokenInfo | None = None


class CertificateRequestAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer CertificateAsked: will the Central System have it signed (Security whitepaper §6.27)."""

    accepted: bool


class Acknowledged(msgspec.Struct, frozen=True, tag=True):
    """Answer a report whose confirmation carries nothing (status, meter values)."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Say that a report was not processed: `code` is OCPP's word for it, `final` that it will not be sent again.

    `code` is an OCPP error code of a CALLERROR or of a confirmation that broke its schema.
    """

    code: str
    description: str = ""
    final: bool = True


class Unanswered(msgspec.Struct, frozen=True, tag=True):
    """Say that no answer came: the time ran out, or (`link_lost`) the link went first."""

    link_lost: bool = False
    final: bool = True


Answer: TypeAlias = (
    BootAnswered
    | HeartbeatAnswered
    | AuthorizationAnswered
    | StartAnswered
    | StopAnswered
    | CertificateRequestAnswered
    | Acknowledged
    | Failed
    | Unanswered
)

# --- The link ---------------------------------------------------------------------------------------------------------


class LinkUp(msgspec.Struct, frozen=True, tag=True):
    """Say that a connection with an agreed subprotocol stands; `url` holds no secret.

    `server` is the certificate by which the Central System proved itself, in DER, where it did.
    """

    url: str
    server: bytes | None = None


class LinkDown(msgspec.Struct, frozen=True, tag=True):
    """Say that the connection went; `reason` is a sentence for a person."""

    url: str
    reason: str


class LinkRefused(msgspec.Struct, frozen=True, tag=True):
    """Say that no connection could be opened; told each time, `reason` is a sentence for a person."""

    url: str
    reason: str
    problem: LinkProblem = LinkProblem.OTHER


LinkEvent: TypeAlias = LinkUp | LinkDown | LinkRefused

# --- What became of a job that was handed to the runtime --------------------------------------------------------------


class Fetched(msgspec.Struct, frozen=True, tag=True):
    """Say that a file lies in the box's folder; `genuine` is the verdict on its signature where one was asked for.

    `version` is the firmware's, as far as the file or its name tells it.
    """

    job_id: str
    version: str | None = None
    genuine: bool | None = None


class Delivered(msgspec.Struct, frozen=True, tag=True):
    """Say that a log was uploaded."""

    job_id: str


class TransferFailed(msgspec.Struct, frozen=True, tag=True):
    """Say that one try to fetch or deliver a file failed; `detail` is a sentence for a person."""

    job_id: str
    problem: TransferProblem
    detail: str


class KeyMade(msgspec.Struct, frozen=True, tag=True):
    """Hand over a certificate signing request (PEM); the private key lies on disk under `key`, its fingerprint."""

    job_id: str
    csr: str
    key: str


class Actuated(msgspec.Struct, frozen=True, tag=True):
    """Say whether real things did what was asked; `detail` is a sentence for a person where they did not."""

    job_id: str
    ok: bool
    detail: str | None = None


JobEvent: TypeAlias = Fetched | Delivered | TransferFailed | KeyMade | Actuated
