"""Payloads held against the JSON schemas that the `ocpp` package brings.

Decides which OCPP-J error code a violation has (OCPP-J 1.6 §4.2.3, Table 7). Both sides of a call are covered.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from ocpp.messages import MessageType, get_validator
from ocpp.v16.enums import Action

from bridge.demo.wire import Violation

VERSION = "1.6"
ACTIONS = frozenset(action.value for action in Action)
"""All actions of OCPP 1.6 and its security extension, of both directions."""

_CODES = {
    "required": "ProtocolError",
    "type": "TypeConstraintViolation",
    "additionalProperties": "FormationViolation",
    "minItems": "OccurenceConstraintViolation",
    "maxItems": "OccurenceConstraintViolation",
}
_formats = FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_time(found: object) -> bool:
    return not isinstance(found, str) or ("T" in found and bool(datetime.fromisoformat(found)))


def check_call(action: str, payload: Any) -> None:
    """Raise Violation if a payload is not one of that action."""
    _check(MessageType.Call, action, payload)


def check_result(action: str, payload: Any) -> None:
    """Raise Violation if a payload is not an answer to that action."""
    _check(MessageType.CallResult, action, payload)


def _check(kind: int, action: str, payload: Any) -> None:
    error = best_match(_validator(kind, action).iter_errors(_exact(payload)))
    if error is not None:
        raise Violation(_CODES.get(str(error.validator), "PropertyConstraintViolation"), _sentence(error))


@cache
def _validator(kind: int, action: str) -> Draft4Validator:
    return Draft4Validator(_exact(get_validator(kind, action, VERSION).schema), format_checker=_formats)


def _exact(found: Any) -> Any:
    # 21.4 is no multiple of 0.1 in binary, which three schemas ask for.
    return json.loads(json.dumps(found), parse_float=Decimal)


def _sentence(error: ValidationError) -> str:
    path = "/".join(map(str, error.absolute_path))
    # errorDescription holds at most 255 characters (OCPP-J 1.6 §4.2.3).
    return f"{path}: {error.message}"[:255] if path else error.message[:255]
