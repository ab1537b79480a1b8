"""The MQTT contract as documents: AsyncAPI 3 with the JSON Schemas of all payloads, made from the payload models.

Decides how the contract is written down, not what stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from bridge import payloads
from bridge.asking import REQUESTS
from bridge.intake import EVSE, STATION

VERSION = 1

Document: TypeAlias = dict[str, Any]

_ROOT = "{root}"
_WORD = {"type": "string", "enum": ["online", "offline"]}


@dataclass(frozen=True, slots=True)
class _Published:
    """Describe what is published on a topic; `schema` is a key of `payloads.PUBLISHED`, None for online/offline."""

    address: str
    schema: str | None
    qos: int
    retain: bool
    summary: str


_PUBLISHED = (
    _Published("bridge/{node}/availability", None, 1, True, "Does the daemon run. Also the last will."),
    _Published("bridge/{node}/info", "bridge/info", 1, True, "What the daemon is."),
    _Published("bridge/{node}/health", "bridge/health", 0, True, "How the daemon is doing, every 60 s."),
    _Published("bridge/{node}/error", "bridge/error", 1, False, "What was refused; repeats are collapsed."),
    _Published("{twin}/availability", None, 1, True, "Does the twin run (not: is the Central System reached)."),
    _Published("{twin}/state", "state", 1, True, "The station."),
    _Published("{twin}/{evse}/state", "evse/state", 1, True, "An EVSE."),
    _Published("{twin}/{evse}/meter", "evse/meter", 0, True, "An EVSE's meter, throttled."),
    _Published("{twin}/{evse}/limit", "evse/limit", 1, True, "What an EVSE may draw now, and why."),
    _Published("{twin}/{evse}/session", "evse/session", 1, True, "The running session, or the last one."),
    _Published("{twin}/event", "event", 1, False, "What happened to a twin."),
    _Published("{twin}/result", "result", 1, False, "What became of a command."),
    _Published("{twin}/ocpp/sent", "ocpp", 0, False, "OCPP frames sent; only of twins that are traced."),
    _Published("{twin}/ocpp/received", "ocpp", 0, False, "OCPP frames received; only of twins that are traced."),
)


def asyncapi() -> Document:
    """Return the AsyncAPI 3 document of the contract, from the daemon's point of view."""
    builder = _Builder()
    for topic in _PUBLISHED:
        builder.published(topic)
    for name in STATION:
        builder.taken(f"{{twin}}/{name}", name)
    for name in EVSE:
        builder.taken(f"{{twin}}/{{evse}}/{name}", f"evse/{name}")
    for verb in REQUESTS:
        builder.request(verb)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ocpp-twin over MQTT",
            "version": f"{VERSION}.0.0",
            "description": "Charge points on MQTT. Levels (set/…) are lasting facts and may be retained; edges (cmd/…) "
            "happen once and may not. A payload is an object as described here, or its bare `value`.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": builder.channels,
        "operations": builder.operations,
        "components": {"schemas": builder.schemas},
    }


class _Builder:
    """Gather channels, operations and schemas."""

    def __init__(self) -> None:
        self.channels: Document = {}
        self.operations: Document = {}
        self.schemas: Document = {}
        self._known = payloads.schemas()

    def published(self, topic: _Published) -> None:
        """Add a topic that the daemon publishes."""
        schema = _WORD if topic.schema is None else self._schema(topic.schema)
        channel = self._channel(topic.address, schema, topic.summary, bare=topic.schema is None)
        binding = {"mqtt": {"qos": topic.qos, "retain": topic.retain, "bindingVersion": "0.2.0"}}
        self.operations[f"send.{channel}"] = {
            "action": "send",
            "channel": _ref("channels", channel),
            "bindings": binding,
        }

    def taken(self, address: str, schema: str) -> None:
        """Add a topic that the daemon takes."""
        kind = "A level: retained messages are welcome." if "/set/" in address else "An edge: never retained."
        channel = self._channel(address, self._schema(schema), kind)
        binding = {"mqtt": {"qos": 2, "bindingVersion": "0.2.0"}}
        operation = {"action": "receive", "channel": _ref("channels", channel), "bindings": binding}
        self.operations[f"receive.{channel}"] = operation

    def request(self, verb: str) -> None:
        """Add a request to the daemon and its response."""
        name = f"bridge/request/{verb}"
        channel = self._channel(f"bridge/{{node}}/request/{verb}", self._schema(name), "A request to the daemon.")
        answer = self._channel(f"bridge/{{node}}/response/{verb}", self._schema("result"), "The answer to a request.")
        self.operations[f"receive.{channel}"] = {
            "action": "receive",
            "channel": _ref("channels", channel),
            "reply": {"channel": _ref("channels", answer)},
        }

    def _channel(self, address: str, schema: Document, summary: str, *, bare: bool = False) -> str:
        name = _identifier(address)
        full = f"{_ROOT}/{address}"
        message: Document = {"contentType": "text/plain" if bare else "application/json", "payload": schema}
        parameters = {word: text for word, text in _PARAMETERS.items() if f"{{{word}}}" in full}
        self.channels[name] = {
            "address": full,
            "summary": summary,
            "parameters": parameters,
            "messages": {"payload": message},
        }
        return name

    def _schema(self, key: str) -> Document:
        name = _identifier(key)
        if name not in self.schemas:
            self.schemas[name] = _rebased(self._known[key], f"#/components/schemas/{name}/$defs/")
        return _ref("components/schemas", name)


_PARAMETERS: dict[str, Document] = {
    "root": {"description": "The setting mqtt.base_topic.", "default": "ocpp-twin"},
    "node": {"description": "The daemon's name, the setting node.", "default": "main"},
    "twin": {"description": "The twin's id: letters, digits, _ and -, at most 64.", "examples": ["garage"]},
    "evse": {"description": "The EVSE's number from 1; in OCPP 1.6 the connectorId.", "examples": ["1"]},
}


def _identifier(address: str) -> str:
    return address.replace("{", "").replace("}", "").replace("/", ".")


def _ref(where: str, name: str) -> Document:
    return {"$ref": f"#/{where}/{name}"}


def _rebased(schema: Any, base: str) -> Any:
    """Let references within a schema point to where it stands in the document."""
    if isinstance(schema, dict):
        return {
            name: base + value.removeprefix("#/$defs/") if name == "$ref" else _rebased(value, base)
            for name, value in schema.items()
        }
    return [_rebased(item, base) for item in schema] if isinstance(schema, list) else schema
