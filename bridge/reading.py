"""From bytes to a checked model: text or JSON, and where exactly it is wrong.

Knows what a payload may look like, not what it means; `translate` does.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from pydantic import ValidationError

from bridge import intake
from bridge.intake import SendFrame, Shape
from bridge.refusals import Code, Refused, nearest

_Model = TypeVar("_Model", bound=Shape)

_BLANK = ("", "PRESS")
_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}
_MAX_SEARCHED = 1024 * 1024
_QUOTED = re.compile(r"'([^']*)'")


def read(payload: bytes, model: type[_Model]) -> _Model:
    """Read a payload, bare or JSON. Raises Refused with `bad_json`, `bad_value` or `out_of_range`."""
    fields, bare = _fields(payload, model)
    return validated(model, fields, bare=bare)


def request_id_of(payload: bytes) -> str | None:
    """Return the request id of a message that is refused for another reason, if one can be read."""
    if len(payload) > _MAX_SEARCHED:
        return None
    try:
        found = _object(payload.decode()).get("request_id")
    except (Refused, UnicodeDecodeError):
        return None
    return found if isinstance(found, str) and len(found) <= 64 else None


def _fields(payload: bytes, model: type[Shape]) -> tuple[dict[str, Any], bool]:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise Refused(Code.BAD_VALUE, "the payload is not UTF-8 text") from None
    stripped = text.strip()
    if stripped.startswith("{"):
        return _object(stripped), False
    value = model.model_fields.get("value")
    if value is None or model is intake.MeterLevel:
        if stripped in _BLANK:
            return {}, False
        _refuse_other_than_object(stripped)
    if value is not None and not value.is_required() and not stripped:
        return {}, True
    return {"value": text if model is SendFrame else stripped}, True


def _refuse_other_than_object(text: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(Code.BAD_JSON, "takes a JSON object, and this is not JSON") from None
    raise Refused(Code.BAD_VALUE, "takes a JSON object")


def _object(text: str) -> dict[str, Any]:
    try:
        # NaN and Infinity are read here, so that their place can be told.
        found = json.loads(text)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refused(Code.BAD_JSON, "holds half of a surrogate pair") from None
    except RecursionError:
        raise Refused(Code.BAD_JSON, "is nested too deeply") from None
    except ValueError as error:
        raise Refused(Code.BAD_JSON, f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused(Code.BAD_VALUE, "takes a JSON object")
    return found


def validated(model: type[_Model], fields: dict[str, Any], *, bare: bool = False) -> _Model:
    """Check the fields of a message against its model. Raises Refused with the first thing that is wrong."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False)
    wrong = next((item for item in found if item["type"] not in _BOUNDS), found[0])
    code = Code.OUT_OF_RANGE if wrong["type"] in _BOUNDS else Code.BAD_VALUE
    path = _path(fields, wrong["loc"])
    raise Refused(code, f"{path[-1]} {_reason(wrong, model)}", None if bare else pointer(path))


def pointer(path: tuple[str | int, ...]) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _path(fields: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Leave the names of a union's branches out of a location."""
    path: list[str | int] = []
    for index, step in enumerate(location):
        last = index == len(location) - 1
        if isinstance(fields, dict) and (step in fields or last):
            fields = fields.get(step)
        elif isinstance(fields, list) and isinstance(step, int) and step < len(fields):
            fields = fields[step]
        else:
            continue
        path.append(step)
    return tuple(path) or ("value",)


def _reason(wrong: Any, model: type[Shape]) -> str:
    kind, context = wrong["type"], wrong.get("ctx", {})
    if kind in _BOUNDS:
        bound = next(iter(context.values()))
        return f"must be {_BOUNDS[kind]} {bound:.15g}"
    match kind:
        case "extra_forbidden":
            return f"is not known here{nearest(str(wrong['loc'][-1]), _names(model))}"
        case "missing":
            return "is missing"
        case "enum" | "literal_error":
            near = nearest(str(wrong["input"]), _QUOTED.findall(context["expected"]))
            # JSON's word, not Python's.
            expected = "true" if context["expected"] == "True" else context["expected"]
            return f"must be {expected}{near}"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
        case "string_too_short":
            return "must not be empty"
        case "flag" | "number" | "time" | "text" | "press":
            return str(wrong["msg"])
        case _:
            return str(wrong["msg"]).replace("Input should be", "must be")


def _names(model: type[Shape]) -> list[str]:
    return [*model.model_fields, *intake.Car.model_fields] if model is intake.Plugged else list(model.model_fields)
