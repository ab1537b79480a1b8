"""A short visit to a broker, as the commands of the command line make it: no session is kept, nothing is resumed.

MQTT 5 first, 3.1.1 where the broker knows only that. Decides nothing about what is said over the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeAlias

import aiomqtt
from paho.mqtt.client import MQTTMessage

from bridge.broker import Broker, advice, broker, refuses_version, tls_context
from bridge.entering import Entrant
from bridge.options import MqttOptions

_CONNECT_S = 5.0


class NoBroker(Exception):
    """Say in a sentence why there is no connection, or none any more."""


Arrived: TypeAlias = Callable[[str, bytes, bool], None]
"""Takes topic, payload and the retain flag of a message."""


class Visitor(Entrant):
    """Be connected for a while.

    With `arrived` messages are handed on as they come, at a small part of what a queue costs; `messages` then has none.
    """

    arrived: Arrived | None = None
    _refusal: str | None = None
    version = "5"

    @property
    def certificate(self) -> bytes | None:
        """Return the certificate by which the broker proved itself, in DER; None where that is not known."""
        socket = self._client.socket()
        return socket.getpeercert(binary_form=True) if isinstance(socket, ssl.SSLSocket) else None

    async def hand_over(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> str | None:
        """Publish a message; return why the broker did not take it, where it says so (MQTT 5, QoS 1 and 2)."""
        self._refusal = None
        await self.publish(topic, payload, qos=qos, retain=retain)
        return self._refusal

    async def leave(self) -> None:
        """Disconnect."""
        if self._disconnected.done():
            self._disconnected.exception()  # looked at, or asyncio complains that nobody did
        await self.__aexit__(None, None, None)

    async def lost(self) -> NoReturn:
        """Wait until the connection is lost. Raises MqttError that says why."""
        await asyncio.wait([self._disconnected])
        cause = self._disconnected.exception()
        if isinstance(cause, aiomqtt.MqttError):
            raise cause
        raise aiomqtt.MqttError("the connection was closed") from cause

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        # MQTT 5 §3.4.2.1, §3.5.2.1; aiomqtt does not look at it.
        self._refusal = str(reason_code) if reason_code.is_failure else self._refusal
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        if self.arrived is None:
            super()._on_message(client, userdata, message)
            return
        with contextlib.suppress(UnicodeDecodeError):  # a topic that is none
            self.arrived(message.topic, bytes(message.payload), message.retain)


@asynccontextmanager
async def connection(options: MqttOptions, arrived: Arrived | None = None) -> AsyncIterator[Visitor]:
    """Be connected. Raises NoBroker, also when the connection is lost, and ValueError for a URL that is none."""
    at = broker(options)
    try:
        client = await _connected(options, at, arrived)
    except (aiomqtt.MqttError, OSError) as error:
        raise NoBroker(advice(error, at, "")) from error
    try:
        try:
            yield client
        finally:
            await client.leave()
    except aiomqtt.MqttError as error:
        raise NoBroker(advice(error, at, "")) from error


async def _connected(options: MqttOptions, at: Broker, arrived: Arrived | None) -> Visitor:
    if options.protocol != "3.1.1":
        client = _client(options, at, mqtt5=True)
        client.arrived = arrived
        try:
            await client.enter()
        except aiomqtt.MqttError as error:
            if options.protocol == "5" or not refuses_version(error):
                raise
        else:
            return client
    client = _client(options, at, mqtt5=False)
    client.arrived, client.version = arrived, "3.1.1"
    await client.enter()
    return client


def _client(options: MqttOptions, at: Broker, *, mqtt5: bool) -> Visitor:
    return Visitor(
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
