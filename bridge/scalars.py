"""The kinds of values that payloads hold: how ON, 7360, a time or an idTag is read, and within which bounds.

JSON and bare text mean the same: `"7360"` is a number, `1` a yes.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from twin.model.terms import ResetKind, StopReason

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FLAGS: dict[Any, bool] = {
    **dict.fromkeys(("ON", "on", "true", "1", True), True),
    **dict.fromkeys(("OFF", "off", "false", "0", False), False),
}
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _flag(value: Any) -> bool:
    if isinstance(value, str | bool | int | float) and value in _FLAGS:
        return _FLAGS[value]
    raise PydanticCustomError("flag", "must be one of ON OFF on off true false 1 0")


def _number(value: Any) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number", "must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PydanticCustomError("number", "must be a finite number")
    return number


def _instant(value: Any) -> float:
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("time", "must be a time in ISO 8601, or epoch seconds") from None
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PydanticCustomError("time", "must be a time in ISO 8601, or epoch seconds")
    return float(value)


def _printable(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("text", "must be a string")
    if _CONTROL.search(value):
        raise PydanticCustomError("text", "must not hold control characters")
    return value


def _left_out(value: Any) -> Any:
    return None if value in ("", "PRESS") else value


def _press(value: Any) -> None:
    if _left_out(value) is not None:
        raise PydanticCustomError("press", "takes no value: send nothing, PRESS or {}")


_FLAG_SCHEMA = WithJsonSchema({"enum": ["ON", "OFF", "on", "off", "true", "false", "1", "0", True, False, 1, 0]})
_PRESS_SCHEMA = WithJsonSchema({"enum": ["PRESS", "", None]})

Flag = Annotated[bool, BeforeValidator(_flag), _FLAG_SCHEMA]
Time = Annotated[
    float,
    BeforeValidator(_instant),
    Field(ge=0, le=_LAST_SECOND),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0}]}),
]
PRINTABLE = BeforeValidator(_printable)
IdTag = Annotated[str, Field(min_length=1, max_length=20), PRINTABLE]  # OCPP 1.6 §7.28: CiString20Type
Press = Annotated[None, BeforeValidator(_press), _PRESS_SCHEMA]
Number = Annotated[float, BeforeValidator(_number)]
Power = Annotated[Number, Field(ge=-1e7, le=1e7)]
Energy = Annotated[Number, Field(ge=0, le=1e12)]
Current = Annotated[Number, Field(ge=0, le=1e4)]
Voltage = Annotated[Number, Field(ge=0, le=2_000)]
Frequency = Annotated[Number, Field(ge=0, le=1_000)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Temperature = Annotated[Number, Field(ge=-100, le=300)]
Reason = Annotated[StopReason | None, BeforeValidator(_left_out)]
HowHard = Annotated[ResetKind | None, BeforeValidator(_left_out)]
