"""OCPP-J frames: JSON arrays to values and back (OCPP-J 1.6 §4).

Decides what is a frame and which error code a broken one earns; must not know a single action.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from twin.errors import ProtocolError

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4

NO_ID = "-1"
"""The id of a CALLERROR about a CALL whose own id is unreadable (borrowed from OCPP 2.x, N-09)."""

_MAX_DESCRIPTION = 255

# OCPP-J errata 5.1, 5.2: two codes of OCPP-J 1.6 §4.2.3 are misspelt and stay so on the wire; 2.x spells them right.
_SPELLINGS = {
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "FormatViolation": "FormationViolation",
}


class Call(msgspec.Struct, frozen=True, gc=False):
    """Ask for an action; `payload` is a JSON object."""

    id: str
    action: str
    payload: dict[str, Any]


class Result(msgspec.Struct, frozen=True, gc=False):
    """Answer a CALL."""

    id: str
    payload: dict[str, Any]


class Error(msgspec.Struct, frozen=True, gc=False):
    """Refuse a CALL; `id` is None where the sender could not read it."""

    id: str | None
    code: str
    description: str
    details: Any


class Broken(msgspec.Struct, frozen=True, gc=False):
    """Be an answer to the CALL `id` that has not the shape of one."""

    id: str
    description: str


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """Be a message of a type that OCPP-J 1.6 does not have; it is not answered (OCPP-J 1.6 §4.1.3)."""

    message_type: str


Parsed: TypeAlias = Call | Result | Error | Broken | Ignored

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse(text: str) -> Parsed:
    """Read a frame. Raises ProtocolError; with a `message_id` it is about a CALL and wants a CALLERROR."""
    try:
        array = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolError("FormationViolation", f"The frame is not JSON: {error}") from error
    if not isinstance(array, list) or not array:
        raise ProtocolError("FormationViolation", "The frame is not a JSON array with something in it")
    # `is int`: True and 2.0 are no message types.
    match array[0] if type(array[0]) is int else None:
        case 2:
            return _call(array)
        case 3:
            return _result(array)
        case 4:
            return _error(array)
        case _:
            return Ignored(repr(array[0])[:20])


def _call(array: list[Any]) -> Call:
    message_id = _call_id(array)
    if len(array) < 4:
        raise ProtocolError("ProtocolError", "A CALL has four elements, this one has fewer", message_id)
    if len(array) > 4:
        raise ProtocolError("FormationViolation", "A CALL has four elements, this one has more", message_id)
    _, own_id, action, payload = array
    if not isinstance(own_id, str):
        raise ProtocolError("FormationViolation", "The message id is not a string", message_id)
    if not isinstance(action, str):
        raise ProtocolError("FormationViolation", "The action is not a string", message_id)
    return Call(own_id, action, _payload(payload, message_id))


def _call_id(array: list[Any]) -> str:
    own_id = array[1] if len(array) > 1 else None
    if isinstance(own_id, str):
        return own_id
    return str(own_id) if type(own_id) is int else NO_ID


def _payload(payload: Any, message_id: str) -> dict[str, Any]:
    if payload is None:  # OCPP-J 1.6 §4.2.1 allows null for an empty payload (T-15).
        return {}
    if not isinstance(payload, dict):
        raise ProtocolError("FormationViolation", "The payload is not an object", message_id)
    return payload


def _result(array: list[Any]) -> Result | Broken:
    if len(array) < 2 or not isinstance(array[1], str):
        raise ProtocolError("FormationViolation", "A CALLRESULT without a message id")
    if len(array) != 3:
        return Broken(array[1], f"A CALLRESULT has three elements, this one has {len(array)}")
    if array[2] is not None and not isinstance(array[2], dict):
        return Broken(array[1], "The payload is not an object")
    return Result(array[1], array[2] or {})


def _error(array: list[Any]) -> Error:
    # A CALLERROR is bad news in any shape: what is missing is filled in, so that the CALL fails at once.
    message_id, code, description, details = (array[1:5] + [None] * 4)[:4]
    readable = isinstance(message_id, str) and message_id != NO_ID
    word = code if isinstance(code, str) and code else "GenericError"
    return Error(
        id=message_id if readable else None,
        code=_SPELLINGS.get(word, word),
        description=description if isinstance(description, str) else "",
        details={} if details is None else details,
    )


def call(message_id: str, action: str, payload: Any) -> str:
    """Write a CALL; the payload is a dict or a struct."""
    return _encode((CALL, message_id, action, payload)).decode()


def result(message_id: str, payload: Any) -> str:
    """Write a CALLRESULT; the payload is a dict or a struct."""
    return _encode((CALL_RESULT, message_id, payload)).decode()


def error(message_id: str, code: str, description: str) -> str:
    """Write a CALLERROR without details, which are an empty object then (OCPP-J 1.6 §4.2.3)."""
    return _encode((CALL_ERROR, message_id, code, description[:_MAX_DESCRIPTION], {})).decode()
