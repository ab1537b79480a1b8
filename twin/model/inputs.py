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
    Instant,
    MeterSource,
    Quantity,
    Registration,
    ResetKind,
    StopReason,
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
    """Take values from a real meter; `at` is when they were measured."""

    evse: int
    values: Mapping[Quantity, float]
    at: Instant | None = None


class UseMeterSource(Input, frozen=True):
    """Take all meter values from the simulation again, or only from outside."""

    evse: int
    source: MeterSource


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
    | PresentToken
    | PressStop
    | EmergencyStop
    | UnplugEvSide
    | PressReset
    | DropLink
    | Boot
    | ClearQueue
)

# --- Requests of the Central System -----------------------------------------------------------------------------------


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
    """Send a message now (OCPP 1.6 §5.17). `message` is one of OCPP's words; others are not implemented."""

    message: str
    evse: int | None = None


Request: TypeAlias = (
    ChangeAvailability
    | SetVariable
    | GetVariables
    | ClearCache
    | DataTransfer
    | RemoteStart
    | RemoteStop
    | Reset
    | UnlockConnector
    | Trigger
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
    | Acknowledged
    | Failed
    | Unanswered
)

# --- The link ---------------------------------------------------------------------------------------------------------


class LinkUp(msgspec.Struct, frozen=True, tag=True):
    """Say that a connection with an agreed subprotocol stands; `url` holds no secret."""

    url: str


class LinkDown(msgspec.Struct, frozen=True, tag=True):
    """Say that the connection went; `reason` is a sentence for a person."""

    url: str
    reason: str


LinkEvent: TypeAlias = LinkUp | LinkDown
