"""The small MQTT client of the command line: publish one message, or print what comes in.

Stands on its own: it needs a broker, not the daemon. MQTT 5 first, 3.1.1 where the broker knows only that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

import aiomqtt

from bridge.broker import Broker, HungUp, advice, broker, refuses_version, tls_context
from bridge.options import MqttOptions

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_CONNECT_S = 10.0


class NoBroker(Exception):
    """Say in a sentence why there is no connection, or none any more."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Say what to print: messages of these filters, `count` of them or all, for `timeout_s` seconds or for ever."""

    filters: Sequence[str]
    qos: int = 1
    count: int | None = None
    timeout_s: float | None = None
    as_json: bool = False
    retained: bool = True


async def publish(options: MqttOptions, topic: str, payload: str, *, qos: int = 1, retain: bool = False) -> None:
    """Publish one message and return when the broker has it. Raises NoBroker, and ValueError for a bad topic."""
    if not topic:
        raise ValueError("a topic cannot be empty")
    async with _connection(options) as client:
        await client.publish(topic, payload.encode(), qos=qos, retain=retain)


async def watch(options: MqttOptions, wanted: Watch, output: TextIO) -> int:
    """Print messages as they come; return how many there were. Raises NoBroker, and ValueError for a bad filter."""
    seen = 0
    async with _connection(options) as client:
        await client.subscribe([(name, wanted.qos) for name in wanted.filters])
        try:
            async with asyncio.timeout(wanted.timeout_s):
                async for message in client.messages:
                    if message.retain and not wanted.retained:
                        continue
                    print(_line(message, wanted, colours=output.isatty()), file=output, flush=True)
                    seen += 1
                    if seen == wanted.count:
                        break
        except TimeoutError:
            return seen
    return seen


class _Visitor(aiomqtt.Client):
    """Learn why a connection cannot be had, of which aiomqtt keeps only a text or a time-out."""

    cause: OSError | None = None

    async def enter(self) -> None:
        """Connect. Raises MqttError, from the OSError where there was one; nothing is left open then."""
        try:
            await self.__aenter__()
        except aiomqtt.MqttError as error:
            self._client._sock_close()  # noqa: SLF001
            raise error from self.cause

    async def leave(self) -> None:
        """Disconnect."""
        await self.__aexit__(None, None, None)

    def _client_connect(self) -> None:
        try:
            super()._client_connect()
        except OSError as error:
            self.cause = error
            raise

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        # A broker that knows only MQTT 3.1.1 may hang up on the CONNECT without a word.
        if self._connected.done():
            super()._on_disconnect(client, userdata, flags, reason_code, properties)
        else:
            self._connected.set_exception(HungUp("the broker hung up"))


@asynccontextmanager
async def _connection(options: MqttOptions) -> AsyncIterator[aiomqtt.Client]:
    at = broker(options)
    try:
        client = await _connected(options, at)
        try:
            yield client
        finally:
            await client.leave()
    except (aiomqtt.MqttError, OSError) as error:
        raise NoBroker(advice(error, at, "")) from error


async def _connected(options: MqttOptions, at: Broker) -> _Visitor:
    if options.protocol != "3.1.1":
        client = _client(options, at, mqtt5=True)
        try:
            await client.enter()
        except aiomqtt.MqttError as error:
            if options.protocol == "5" or not refuses_version(error):
                raise
        else:
            return client
    client = _client(options, at, mqtt5=False)
    await client.enter()
    return client


def _client(options: MqttOptions, at: Broker, *, mqtt5: bool) -> _Visitor:
    return _Visitor(
        at.host,
        at.port,
        username=at.username,
        password=at.password,
        protocol=aiomqtt.ProtocolVersion.V5 if mqtt5 else aiomqtt.ProtocolVersion.V311,
        transport=at.transport,
        websocket_path=at.path,
        timeout=_CONNECT_S,
        tls_context=tls_context(options) if at.tls else None,
        tls_insecure=None if not at.tls or options.verify_hostname else True,
    )


def _line(message: aiomqtt.Message, wanted: Watch, *, colours: bool) -> str:
    text = bytes(message.payload).decode("utf-8", "replace")
    topic = str(message.topic)
    if wanted.as_json:
        fields = {"topic": topic, "payload": text, "qos": message.qos, "retain": message.retain}
        return json.dumps(fields, ensure_ascii=False)
    at = datetime.now().astimezone().strftime("%H:%M:%S")
    mark = " (retained)" if message.retain else ""
    if colours:
        return f"{_DIM}{at}{_PLAIN} {_BOLD}{topic}{_PLAIN}{_DIM}{mark}{_PLAIN} {_pretty(text)}"
    return f"{at} {topic}{mark} {_pretty(text)}"


def _pretty(text: str) -> str:
    """Spread an object over lines; anything else stays on its line, without what would garble a terminal."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and found:
        return json.dumps(found, indent=2, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
