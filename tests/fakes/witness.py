"""Somebody on MQTT who commands the daemon, hears all that it publishes, and holds it against the contract."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import aiomqtt
from fakes.record import Record
from pydantic import ValidationError

from bridge import topics
from bridge.payloads import EVENT_DATA, PUBLISHED

ROOT = "ocpp-twin/"
RETAINED = {"availability", "state", "evse/state", "evse/meter", "evse/limit", "evse/session"}


@dataclass(frozen=True, slots=True)
class Said:
    """Be a message of the daemon; `topic` is relative to the root, `retained` says that the broker had kept it."""

    topic: str
    payload: Any
    retained: bool


class Witness:
    """Listen below the root as an async context manager; whatever broke the contract is raised at its end."""

    _numbers = itertools.count(1)

    def __init__(self, port: int) -> None:
        self.said: Record[Said] = Record()
        self._client = aiomqtt.Client("127.0.0.1", port)
        self._faults: list[str] = []
        self._listening: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        await self._client.subscribe(f"{ROOT}#", qos=1)
        self._listening = asyncio.create_task(self._listen(), name="witness")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        with contextlib.suppress(aiomqtt.MqttError):  # the test may have ended the broker
            await self._client.__aexit__(None, None, None)
        if kind is None:
            assert self._faults == []

    def mark(self) -> int:
        return len(self.said)

    async def say(self, topic: str, payload: Any, *, qos: int = 1, retain: bool = False) -> None:
        text = json.dumps(payload) if isinstance(payload, dict) else payload
        await self._client.publish(ROOT + topic, text, qos=qos, retain=retain)

    async def command(self, topic: str, value: Any, **fields: Any) -> dict[str, Any]:
        """Give a command and return its result."""
        request_id = fields.pop("request_id", None) or f"r{next(self._numbers)}"
        mark = self.mark()
        await self.say(topic, {"value": value, "request_id": request_id, **fields})
        where = f"{topic.split('/', maxsplit=1)[0]}/result"
        found = await self.until(where, lambda result: result["request_id"] == request_id, after=mark)
        assert found["topic"] == topic
        return found

    async def ok(self, topic: str, value: Any, **fields: Any) -> str:
        """Give a command that has to be taken, and return its request_id."""
        result = await self.command(topic, value, **fields)
        assert (result["status"], result["code"]) == ("ok", None)
        return str(result["request_id"])

    async def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """Ask the node something and return the result."""
        request_id, mark = f"r{next(self._numbers)}", self.mark()
        await self.say(f"bridge/main/request/{verb}", {"request_id": request_id, **fields})
        where = f"bridge/main/response/{verb}"
        found: dict[str, Any] = await self.until(where, lambda said: said["request_id"] == request_id, after=mark)
        key = f"bridge/response/{verb}/data"
        if found["status"] == "ok" and key in PUBLISHED:
            PUBLISHED[key].model_validate_json(json.dumps(found["data"]), strict=True)
        return found

    async def until(self, topic: str, wanted: Callable[[Any], bool] = lambda _: True, *, after: int = 0) -> Any:
        """Return the first wanted payload of a topic from the mark on, waiting for it if need be."""
        found = await self.said.until(lambda said: said.topic == topic and wanted(said.payload), topic, after=after)
        return found.payload

    async def event(self, twin: str, kind: str, *, after: int = 0) -> dict[str, Any]:
        """Return the first event of a kind."""
        found = await self.said.until(
            lambda said: said.topic == f"{twin}/event" and said.payload["type"] == kind, f"{twin} {kind}", after=after
        )
        return dict(found.payload)

    def payloads(self, topic: str, *, after: int = 0) -> list[Any]:
        return [said.payload for said in self.said.since(after) if said.topic == topic]

    async def _listen(self) -> None:
        async for message in self._client.messages:
            topic = str(message.topic).removeprefix(ROOT)
            if topics.parse(topic) is None:  # else it is what somebody told the daemon
                payload = self._checked(topic, bytes(message.payload))
                self.said.add(Said(topic, payload, bool(message.retain)))

    def _checked(self, topic: str, payload: bytes) -> Any:
        try:
            return _checked(topic, payload)
        except (KeyError, ValueError, ValidationError) as error:
            self._faults.append(f"{topic} {payload!r}: {error!r}")
            return payload


def _checked(topic: str, payload: bytes) -> Any:
    key = _key(topic.split("/"))
    if not payload and key in RETAINED:
        return None  # it is gone
    if key == "availability":
        if payload not in (b"online", b"offline"):
            raise ValueError(payload)
        return payload.decode()
    found = json.loads(payload)
    PUBLISHED[key].model_validate_json(payload, strict=True)
    if key == "event":
        missing = set(EVENT_DATA[found["type"]]) - set(found["data"])
        if missing:
            raise ValueError(f"an event {found['type']} without {missing}")
    return found


def _key(parts: list[str]) -> str:
    match parts:
        case [_, "availability"] | ["bridge", _, "availability"]:
            return "availability"
        case ["bridge", _, "response", _]:
            return "result"
        case ["bridge", _, name]:
            return f"bridge/{name}"
        case [_, "ocpp", "sent" | "received"]:
            return "ocpp"
        case [_, name]:
            return name
        case [_, _, name]:
            return f"evse/{name}"
    raise KeyError("/".join(parts))
