"""What the Central System says, as requests and answers that a twin understands.

Decides which error code a bad payload earns (OCPP-J 1.6 §4.2.3); must not know frames, queues or the twin's state.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, TypeVar, assert_never, cast

import msgspec
from msgspec import UNSET

from twin.errors import ProtocolError
from twin.model import asked, inputs
from twin.model.effects import (
    AuthorizationAsked,
    Booted,
    CertificateAsked,
    FirmwareReported,
    HeartbeatDue,
    LogReported,
    Metered,
    Report,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
)
from twin.model.variables import PROFILES, SMART_CHARGING
from twin.ocpp.v16.actions import FEATURE_PROFILES, KNOWN_ACTIONS, REQUESTS, Request
from twin.ocpp.v16.keys import KeyTable
from twin.ocpp.v16.messages import core, security
from twin.ocpp.v16.messages.base import EmptyConf, IdTagInfo, Message
from twin.ocpp.v16.requests import given, instant, meaning

_M = TypeVar("_M", bound=Message)


def request(
    action: str,
    payload: dict[str, Any],
    ref: str,
    keys: KeyTable,
    max_keys: int | None = None,
    profiles: Container[str] = PROFILES,
) -> asked.Request:
    """Return what is asked for. Raises ProtocolError with the code of T-27 or T-28.

    `ref` names the CALL; `max_keys` bounds the keys that one GetConfiguration may ask for; `profiles` are the feature
    profiles that the box has.
    """
    expected = REQUESTS.get(action)
    if expected is None and action not in KNOWN_ACTIONS:
        raise ProtocolError("NotImplemented", f"{action[:50]} is no action of OCPP 1.6", ref)
    profile = FEATURE_PROFILES.get(action)
    if expected is None or (profile is not None and profile not in profiles):  # C-10, SC-01
        raise ProtocolError("NotSupported", f"{action} is not supported by this charge point", ref)
    message = cast("Request", _checked(payload, expected, ref))
    if isinstance(message, core.GetConfiguration) and max_keys is not None and len(message.key) > max_keys:  # C-06
        raise ProtocolError("OccurenceConstraintViolation", f"At most {max_keys} keys may be asked for", ref)
    found = meaning(message, ref, keys)
    if isinstance(found, asked.RemoteStart) and SMART_CHARGING not in profiles:
        # without Smart Charging a profile is checked for its form and then left alone.
        return msgspec.structs.replace(found, profile=None)
    return found


def answer(report: Report, payload: dict[str, Any]) -> inputs.Answer:
    """Return what a confirmation means to the report that it answers. Raises ProtocolError (T-32)."""
    match report:
        case Booted():
            boot = _checked(payload, core.BootNotificationConf)
            return inputs.BootAnswered(boot.status, int(boot.interval), instant(boot.current_time))
        case HeartbeatDue():
            beat = _checked(payload, core.HeartbeatConf)
            return inputs.HeartbeatAnswered(instant(beat.current_time))
        case AuthorizationAsked():
            authorization = _checked(payload, core.AuthorizeConf)
            return inputs.AuthorizationAnswered(_info(authorization.id_tag_info))
        case SessionStarted():
            start = _checked(payload, core.StartTransactionConf)
            return inputs.StartAnswered(start.transaction_id, _info(start.id_tag_info))
        case SessionEnded():
            stop = _checked(payload, core.StopTransactionConf)
            return inputs.StopAnswered(None if stop.id_tag_info is UNSET else _info(stop.id_tag_info))
        case CertificateAsked():
            signing = _checked(payload, security.SignCertificateConf)
            return inputs.CertificateRequestAnswered(signing.status == "Accepted")
        case StatusChanged() | Metered() | FirmwareReported() | LogReported() | SecurityEvent():
            _checked(payload, EmptyConf)
            return inputs.Acknowledged()
        case _:
            assert_never(report)


def _checked(payload: dict[str, Any], expected: type[_M], ref: str | None = None) -> _M:
    try:
        return msgspec.convert(payload, expected)
    except msgspec.ValidationError as error:
        raise ProtocolError(_code(str(error)), str(error), ref) from error


def _code(problem: str) -> str:
    """Return the error code for msgspec's sentence about a payload (OCPP-J 1.6 §4.2.3, Table 7; T-28)."""
    if problem.startswith("Object missing required field"):
        return "ProtocolError"
    if problem.startswith("Object contains unknown field"):
        return "FormationViolation"
    if problem.startswith("Expected `array` of length"):
        return "OccurenceConstraintViolation"
    if problem.startswith("Expected") and ", got " in problem:
        return "TypeConstraintViolation"
    return "PropertyConstraintViolation"


def _info(info: IdTagInfo) -> inputs.TokenInfo:
    expires_at = None if info.expiry_date is UNSET else instant(info.expiry_date)
    return inputs.TokenInfo(info.status, given(info.parent_id_tag), expires_at)
