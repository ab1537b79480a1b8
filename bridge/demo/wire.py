"""OCPP-J frames as the Central System of the demo reads and writes them (OCPP-J 1.6 §4.2).

Decides what a frame is, not what its payload may hold: that is the business of `schemas`. It is written apart from the
twin's own framing on purpose, so that a mistake in one of the two shows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, TypeAlias

MAX_MESSAGE_ID = 36
UNKNOWN_ID = "-1"
"""The message id of a CALLERROR for a text in which none could be read."""


@dataclass(frozen=True, slots=True)
class Call:
    """Ask the other side for something."""

    message_id: str
    action: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Result:
    """Answer a call."""

    message_id: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Error:
    """Say that a call could not be answered."""

    message_id: str
    code: str
    description: str = ""
    details: Any = field(default_factory=dict)


Frame: TypeAlias = Call | Result | Error


class Violation(Exception):
    """Say how the other side broke the protocol; `code` is an OCPP-J error code (OCPP-J 1.6 §4.2.3)."""

    def __init__(self, code: str, description: str, message_id: str = UNKNOWN_ID) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.message_id = message_id


def parse(text: str | bytes) -> Frame | None:
    """Read a frame; None for an unknown message type, which is ignored (OCPP-J 1.6 §4.1.3). Raises Violation."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Violation("FormationViolation", "the text is not JSON") from None
    if not isinstance(found, list) or not found:
        raise Violation("FormationViolation", "a message is a JSON array that begins with its type")
    match found:
        case [2, str() as message_id, str() as action, payload] if len(message_id) <= MAX_MESSAGE_ID:
            # OCPP-J 1.6 §4.2.1: an empty payload should be {}, null is tolerated.
            return Call(message_id, action, {} if payload is None else payload)
        case [2, *rest]:
            raise Violation("FormationViolation", "a CALL is [2, id of 36 characters, action, payload]", _id(rest))
        case [3, str() as message_id, payload]:
            return Result(message_id, {} if payload is None else payload)
        case [4, str() as message_id, str() as code, str() as description, details]:
            return Error(message_id, code, description, details)
        case [3 | 4, *rest]:
            # An answer is never answered: without an id the caller runs into its time-out.
            return Error(_id(rest), "FormationViolation", "the answer is neither a CALLRESULT nor a CALLERROR")
        case _:
            return None


def pack(frame: Frame) -> str:
    """Write a frame as it goes over the wire."""
    match frame:
        case Call(message_id, action, payload):
            parts = [2, message_id, action, payload]
        case Result(message_id, payload):
            parts = [3, message_id, payload]
        case Error(message_id, code, description, details):
            parts = [4, message_id, code, description, details]
    return json.dumps(parts, separators=(",", ":"))


def _id(rest: list[Any]) -> str:
    return rest[0] if rest and isinstance(rest[0], str) and len(rest[0]) <= MAX_MESSAGE_ID else UNKNOWN_ID
