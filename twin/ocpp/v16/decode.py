"""What the Central System says, as requests and answers that a twin understands.

Decides which error code a bad payload earns (OCPP-J 1.6 §4.2.3); must not know frames, queues or the twin's state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar, assert_never

import msgspec
from msgspec import UNSET, UnsetType

from twin.errors import ProtocolError
from twin.model import inputs
from twin.model.effects import (
    AuthorizationAsked,
    Booted,
    HeartbeatDue,
    Metered,
    Report,
    SessionEnded,
    SessionStarted,
    StatusChanged,
)
from twin.model.terms import Instant
from twin.ocpp.v16 import messages
from twin.ocpp.v16.keys import KeyTable

_M = TypeVar("_M", bound=messages.Message)
_T = TypeVar("_T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def request(
    action: str, payload: dict[str, Any], ref: str, keys: KeyTable, max_keys: int | None = None
) -> inputs.Request:
    """Return what is asked for. Raises ProtocolError with the code of T-27 or T-28.

    `ref` names the CALL; `max_keys` bounds the keys that one GetConfiguration may ask for.
    """
    expected = messages.REQUESTS.get(action)
    if expected is None:
        if action in messages.KNOWN_ACTIONS:
            raise ProtocolError("NotSupported", f"{action[:50]} is not supported by this charge point", ref)
        raise ProtocolError("NotImplemented", f"{action[:50]} is no action of OCPP 1.6", ref)
    return _request(_checked(payload, expected, ref), ref, keys, max_keys)


def _request(message: messages.Message, ref: str, keys: KeyTable, max_keys: int | None) -> inputs.Request:
    match message:
        case messages.ChangeAvailability(connector_id=evse, type=kind):
            return inputs.ChangeAvailability(request_ref=ref, evse=evse, operative=kind == "Operative")
        case messages.ChangeConfiguration(key=key, value=value):
            label = keys.spelling(key)
            return inputs.SetVariable(request_ref=ref, name=keys.variable(key), value=value, label=label)
        case messages.ClearCache():
            return inputs.ClearCache(request_ref=ref)
        case messages.DataTransfer(vendor_id=vendor, message_id=name, data=data):
            return inputs.DataTransfer(request_ref=ref, vendor_id=vendor, message_id=_given(name), data=_given(data))
        case messages.GetConfiguration(key=asked):
            if max_keys is not None and len(asked) > max_keys:  # C-06
                raise ProtocolError("OccurenceConstraintViolation", f"At most {max_keys} keys may be asked for", ref)
            return inputs.GetVariables(request_ref=ref, names=tuple(map(keys.variable, asked)))
        case messages.RemoteStartTransaction(id_tag=token, connector_id=number):
            # without Smart Charging a profile is checked for its form and then left alone.
            return inputs.RemoteStart(request_ref=ref, token=token, evse=_given(number))
        case messages.RemoteStopTransaction(transaction_id=transaction_id):
            return inputs.RemoteStop(request_ref=ref, transaction_id=transaction_id)
        case messages.Reset(type=reset_kind):
            return inputs.Reset(request_ref=ref, kind=reset_kind)
        case messages.TriggerMessage(requested_message=word, connector_id=number):
            return inputs.Trigger(request_ref=ref, message=word, evse=_given(number))
        case messages.UnlockConnector(connector_id=evse):
            return inputs.UnlockConnector(request_ref=ref, evse=evse)
        case _:
            raise ProtocolError("NotSupported", f"{type(message).__name__} is not supported by this charge point", ref)


def answer(report: Report, payload: dict[str, Any]) -> inputs.Answer:
    """Return what a confirmation means to the report that it answers. Raises ProtocolError (T-32)."""
    match report:
        case Booted():
            boot = _checked(payload, messages.BootNotificationConf)
            return inputs.BootAnswered(boot.status, int(boot.interval), _instant(boot.current_time))
        case HeartbeatDue():
            beat = _checked(payload, messages.HeartbeatConf)
            return inputs.HeartbeatAnswered(_instant(beat.current_time))
        case AuthorizationAsked():
            authorization = _checked(payload, messages.AuthorizeConf)
            return inputs.AuthorizationAnswered(_info(authorization.id_tag_info))
        case SessionStarted():
            start = _checked(payload, messages.StartTransactionConf)
            return inputs.StartAnswered(start.transaction_id, _info(start.id_tag_info))
        case SessionEnded():
            stop = _checked(payload, messages.StopTransactionConf)
            return inputs.StopAnswered(None if stop.id_tag_info is UNSET else _info(stop.id_tag_info))
        case StatusChanged() | Metered():
            _checked(payload, messages.EmptyConf)
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


def _info(info: messages.IdTagInfo) -> inputs.TokenInfo:
    expires_at = None if info.expiry_date is UNSET else _instant(info.expiry_date)
    return inputs.TokenInfo(info.status, _given(info.parent_id_tag), expires_at)


def _instant(time: datetime) -> Instant:
    # A time without a zone is UTC, which all times SHOULD be (OCPP 1.6 §3.15; T-33).
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH).total_seconds()


def _given(value: _T | UnsetType) -> _T | None:
    return None if value is UNSET else value
