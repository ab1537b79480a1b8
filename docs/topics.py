"""The reference of the MQTT contract: every topic with its payload, from the document that machines read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bridge.contract import asyncapi
from bridge.payloads import EVENT_DATA, PUBLISHED, schemas

_CARRIED = {"request_id", "at", "connector"}


def published() -> str:
    """Return what the daemon publishes, topic by topic."""
    return "\n".join(_published())


def taken() -> str:
    """Return the fields of levels and edges."""
    return "\n".join(_taken())


def requests() -> str:
    """Return the requests with their fields and answers."""
    return "\n".join(_requests())


def events() -> str:
    """Return the types of events with their data."""
    return "\n".join(_events())


def _published() -> Iterator[str]:
    document = asyncapi()
    for name, operation in document["operations"].items():
        if operation["action"] != "send":
            continue
        channel = document["channels"][name.removeprefix("send.")]
        mqtt = operation["bindings"]["mqtt"]
        yield f"### `{_short(channel['address'])}`\n"
        kept = "retained" if mqtt["retain"] else "not retained"
        yield f"{channel['summary']} QoS {mqtt['qos']}, {kept}.\n"
        yield from _payload(channel["messages"]["payload"]["payload"], document)


def _payload(schema: Any, document: Any) -> Iterator[str]:
    if "$ref" not in schema:
        yield f"Bare: {_type(schema, {})}\n"
        return
    found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield from _fields(found, frozenset())


def _fields(schema: Any, left_out: frozenset[str] | set[str]) -> Iterator[str]:
    shown = {name: field for name, field in schema.get("properties", {}).items() if name not in left_out}
    if not shown:
        return
    yield "| field | value |"
    yield "| --- | --- |"
    for name, field in shown.items():
        yield f"| `{name}` | {_type(field, schema.get('$defs', {}))} |"
    yield ""


def _taken() -> Iterator[str]:
    yield "| topic | field | value |"
    yield "| --- | --- | --- |"
    for key, schema in schemas().items():
        if key in PUBLISHED or key.startswith("bridge/") or not ("set/" in key or "cmd/" in key):
            continue
        topic = f"<twin>/<n>/{key.removeprefix('evse/')}" if key.startswith("evse/") else f"<twin>/{key}"
        fields = {name: field for name, field in schema.get("properties", {}).items() if name not in _CARRIED}
        for index, (name, field) in enumerate(fields.items()):
            yield f"| {f'`{topic}`' if not index else ''} | `{name}` | {_type(field, schema.get('$defs', {}))} |"
        if not fields:
            yield f"| `{topic}` | | nothing, `PRESS` or `{{}}` |"
    yield ""


def _requests() -> Iterator[str]:
    known = schemas()
    for key, schema in known.items():
        if not key.startswith("bridge/request/"):
            continue
        verb = key.rpartition("/")[2]
        yield f"### `{verb}`\n"
        yield from (
            _fields(schema, {"request_id"}) if set(schema.get("properties", {})) - {"request_id"} else ["No fields.\n"]
        )
        yield "Its `data`:\n"
        yield from _fields(known[f"bridge/response/{verb}/data"], frozenset())


def _events() -> Iterator[str]:
    yield "| `type` | `data` |"
    yield "| --- | --- |"
    for kind, keys in EVENT_DATA.items():
        yield f"| `{kind}` | {', '.join(f'`{key}`' for key in keys)} |"
    yield ""


def _short(address: str) -> str:
    for name, shown in (("root}/", ""), ("node", "<node>"), ("twin", "<twin>"), ("evse", "<n>")):
        address = address.replace(f"{{{name}" if name.startswith("root") else f"{{{name}}}", shown)
    return address


def _type(field: Any, defs: Any) -> str:
    if "$ref" in field:
        return _type(defs[field["$ref"].rpartition("/")[2]], defs)
    if "enum" in field and "ON" in field["enum"]:
        return "`ON`, `OFF` (`on` `off` `true` `false` `1` `0`)"
    if "enum" in field and "PRESS" in field["enum"]:
        return "nothing, or `PRESS`"
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(one, defs) for one in field["anyOf"]))
    kind = field.get("type")
    if kind == "array":
        return f"list of: {_type(field.get('items', {}), defs)}"
    if kind == "object" and "properties" in field:
        return "object with " + ", ".join(f"`{name}`" for name in field["properties"])
    if field.get("format") == "date-time":
        return "time (ISO 8601, UTC)" if "description" not in field else "time"
    return _bounded(kind or "anything", field)


def _bounded(kind: str, field: Any) -> str:
    low, high = field.get("minimum", field.get("exclusiveMinimum")), field.get("maximum")
    longest = field.get("maxLength")
    bounds = {
        (True, True): f", {low:,} to {high:,}" if low is not None and high is not None else "",
        (True, False): f", {low:,} or more" if low is not None else "",
        (False, True): f", at most {high:,}" if high is not None else "",
        (False, False): "",
    }[low is not None, high is not None]
    return kind + bounds + (f", at most {longest} characters" if longest else "")
