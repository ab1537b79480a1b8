"""The Central System over MQTT: it can be told to call a station, and shows every frame.

    demo-csms/<identity>/call      in: JSON with `action`, `payload` and, if wanted, `request_id`
    demo-csms/<identity>/result    out: what the station answered, or why there is no answer
    demo-csms/<identity>/frames    out: every frame, `direction` as seen from the Central System

The identity is percent-encoded. Decides how a call is read and answered, nothing about OCPP.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import aiomqtt

from bridge import masking
from bridge.broker import broker, tls_context
from bridge.demo.answers import now
from bridge.demo.csms import CentralSystem
from bridge.demo.station import CallFailed, Traffic
from bridge.options import MqttOptions

ROOT = "demo-csms"
MAX_BACKLOG = 1000
RETRY_S = 1.0

Request: TypeAlias = dict[str, Any]


def mqtt_client(url: str, password: str | None = None) -> aiomqtt.Client:
    """Make a client for the broker at an address, in MQTT 3.1.1, which all of them speak; raises ValueError."""
    options = MqttOptions(url=url, password=password)
    at = broker(options)
    return aiomqtt.Client(
        at.host,
        at.port,
        username=at.username,
        password=at.password,
        transport=at.transport,
        websocket_path=at.path,
        tls_context=tls_context(options) if at.tls else None,
    )


@dataclass(slots=True)
class Remote:
    """Serve one Central System at one broker; `ready` is set as soon as calls are heard."""

    csms: CentralSystem
    url: str
    password: str | None = field(default=None, repr=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _backlog: deque[tuple[str, bytes]] = field(default_factory=lambda: deque(maxlen=MAX_BACKLOG))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Serve until cancelled, and come back when the broker was away."""
        self.csms.observers.append(self._show)
        try:
            while True:
                await self._attend()
                self.ready.clear()
                await asyncio.sleep(RETRY_S)
        finally:
            self.csms.observers.remove(self._show)

    async def _attend(self) -> None:
        try:
            async with mqtt_client(self.url, self.password) as client, asyncio.TaskGroup() as tasks:
                await client.subscribe(f"{ROOT}/+/call", qos=1)
                tasks.create_task(self._publish(client), name="csms frames")
                self.ready.set()
                async for message in client.messages:
                    if message.payload:  # else somebody clears a retained message
                        tasks.create_task(self._answer(message), name=f"csms {message.topic}")
        except* aiomqtt.MqttError:
            pass

    async def _publish(self, client: aiomqtt.Client) -> None:
        task = asyncio.current_task()
        # Python 3.11's wait_for, which the client waits with, loses a cancellation that comes together with the result.
        while task is not None and not task.cancelling():
            await self._news.wait()
            self._news.clear()
            while self._backlog:
                topic, payload = self._backlog[0]
                await client.publish(topic, payload, qos=1)
                self._backlog.popleft()

    async def _answer(self, message: aiomqtt.Message) -> None:
        segment = str(message.topic).split("/")[1]
        identity = unquote(segment)
        request: Request = {}
        answer: dict[str, Any] = {"status": "ok", "code": None, "description": None, "payload": None}
        try:
            request = _read(message)
            answer["payload"] = await self.csms.call(identity, request["action"], request.get("payload", {}))
        except RecursionError:
            answer |= {"status": "error", "code": "bad_json", "description": "the payload is nested too deeply"}
        except CallFailed as failed:
            answer |= {"status": "error", "code": failed.code, "description": failed.description}
            answer["payload"] = failed.details
        head = {"identity": identity, "request_id": request.get("request_id"), "action": request.get("action")}
        self._send(segment, "result", head | answer)

    def _show(self, traffic: Traffic) -> None:
        frame = masking.frame(traffic.text, mask_id_tags=False)
        fields = {"at": now(), "direction": traffic.direction, "action": traffic.action, "frame": frame}
        self._send(quote(traffic.identity, safe=""), "frames", fields)

    def _send(self, segment: str, kind: str, fields: dict[str, Any]) -> None:
        self._backlog.append((f"{ROOT}/{segment}/{kind}", json.dumps(fields).encode()))
        self._news.set()


def _read(message: aiomqtt.Message) -> Request:
    try:
        found = json.loads(message.payload)
    except (ValueError, RecursionError):
        raise CallFailed("bad_json", "a call is a JSON object with action, payload and request_id") from None
    if not isinstance(found, dict) or not isinstance(found.get("action"), str) or not found["action"]:
        raise CallFailed("bad_value", 'a call names its action, such as {"action": "ClearCache", "payload": {}}')
    if message.retain:
        # It would be made again whenever the Central System starts.
        raise CallFailed("retained_command", "a call is not taken with the retain flag")
    return found
