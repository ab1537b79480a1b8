"""The words of real things: what they are told, what they show, and whether that is what was meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bridge import render
from bridge.actuating.rules import Confirm, OutputRule
from bridge.mapping.paths import MISSING, found
from bridge.mapping.patterns import filled, matches
from bridge.mapping.templates import TemplateError

_NO = frozenset({"", "0", "0.0", "false", "off", "no", "none", "null", "disable", "disabled"})


def told(rule: OutputRule, fields: Mapping[str, Any]) -> bytes:
    """Return the payload for a thing. Raises TemplateError."""
    if rule.payload is None:
        return render.encode(fields)
    return rule.payload.render({**fields, "value_json": dict(fields)}).encode()


def place(rule: OutputRule, fields: Mapping[str, Any]) -> str:
    """Return the topic where a thing is told. Raises TemplateError."""
    if isinstance(rule.topic, str):
        return filled(rule.topic, {"twin": str(fields["twin"]), "evse": str(fields["evse"])})
    topic = rule.topic.render({**fields, "value_json": dict(fields)})
    if any(sign in topic for sign in "+#\x00") or not matches(rule.covered, topic):
        raise TemplateError(f"{topic!r} is no topic")
    return topic


def expected(rule: OutputRule, fields: Mapping[str, Any], payload: bytes) -> str | None:
    """Return what a thing should show then; None: anything but a no, empty: whatever it likes. Raises TemplateError."""
    if rule.confirm is None or rule.confirm.expect is None:
        if rule.what == "limit":
            return str(fields["limit_a"])
        return payload.decode() if rule.what in ("station", "evse", "meter", "session") else None
    return rule.confirm.expect.render({**fields, "value_json": dict(fields)}).strip()


def shown(confirm: Confirm, topic: str, payload: bytes) -> str | None:
    """Return what a thing shows; None if a message says nothing of it. Raises TemplateError."""
    text = payload.decode("utf-8", "replace")
    if confirm.value is not None:
        tree = _json(text)
        variables = {"topic": topic, "value": text} | ({} if tree is MISSING else {"value_json": tree})
        return _scaled(confirm, confirm.value.render(variables).strip())
    if confirm.path is None:
        return _scaled(confirm, text.strip())
    value = found(_json(text), confirm.path)
    return None if value is MISSING else _scaled(confirm, _written(value))


def agree(confirm: Confirm, wanted: str | None, seen: str) -> bool:
    """Tell whether a thing shows what was expected: numbers within the tolerance, words in whatever case."""
    if wanted is None:
        return seen.casefold() not in _NO
    if not wanted:
        return True
    try:
        return abs(float(wanted) - float(seen)) <= confirm.tolerance
    except ValueError:
        return wanted.casefold() == seen.casefold()


def _scaled(confirm: Confirm, text: str) -> str:
    if confirm.factor is None:
        return text
    try:
        return f"{float(text) * confirm.factor:.6g}"
    except ValueError:
        return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def _written(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)
