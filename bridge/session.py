"""One connection to the broker: aiomqtt's, with paho driven straight from the loop.

Decides when a message of ours counts as arrived, and how many may be on their way. aiomqtt queues what comes in without
its packet id, and awaits each publish; here nothing costs a task or a future for each message. What passes through the
socket is the stream's business.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import aiomqtt
import structlog
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bridge import packets
from bridge.broker import Broker
from bridge.entering import Entrant
from bridge.options import MqttOptions
from bridge.ports import Incoming, Outgoing
from bridge.stream import Stream

_MAX_UNCONFIRMED = 100
_MAX_UNWRITTEN = 200
_HEAD_SIZE = 16
_FAILURE = 0x80
_FILTERS_A_PACKET = 200
_LOOK_S = 1.0

_log = structlog.get_logger("mqtt")


class Session(Entrant):
    """Be connected from `__aenter__` on until `lost` returns or `leave` is called; used once.

    Implements `ports.Outlet`, and listens to its stream. `arrived` gets each message, `freed` is called when `ready`
    may be true again.
    """

    def __init__(
        self,
        broker: Broker,
        options: MqttOptions,
        tls: ssl.SSLContext | None,
        *,
        will: aiomqtt.Will,
        mqtt5: bool,
        arrived: Callable[[Incoming], None],
        freed: Callable[[], None],
    ) -> None:
        self.mqtt5 = mqtt5
        self.session_present = False
        self.arrived = arrived
        self._freed = freed
        self._open: dict[int, Outgoing] = {}
        """What was handed over at QoS 1 and not confirmed."""
        self._unwritten: list[Outgoing] = []
        """What was handed over at QoS 0 and is not on its way yet."""
        self._emptied: asyncio.Future[None] | None = None
        self._window = _MAX_UNCONFIRMED
        self._max_packet: int | None = None
        self._max_qos = 2
        self._can_retain = True
        self._refused: set[int] = set()
        super().__init__(
            broker.host,
            broker.port,
            will=will,
            transport=broker.transport,
            websocket_path=broker.path,
            tls_context=tls,
            tls_insecure=None if tls is None or options.verify_hostname else True,
            **_settings(broker, options, mqtt5=mqtt5),
        )
        self._client.connect_timeout = options.connect_timeout_s
        self._stream = Stream(self._client, self, mqtt5=mqtt5)

    # --- Outlet -------------------------------------------------------------------------------------------------------

    def ready(self) -> bool:
        """Tell whether another message may be handed over now."""
        return len(self._open) < self._window and len(self._unwritten) < _MAX_UNWRITTEN

    def send(self, message: Outgoing) -> bool:
        """Hand a message over; False if the broker or the protocol cannot take it."""
        topic, properties = message.topic.encode(), self._packed_properties(message)
        size = len(topic) + len(message.payload) + len(properties) + _HEAD_SIZE
        if self._max_packet is not None and size > self._max_packet:
            return False
        qos = min(message.qos, self._max_qos, 1)
        mid = self._client._mid_generate() if qos else 0  # noqa: SLF001 - subscriptions take ids from the same row
        retain = message.retain and self._can_retain
        try:
            packet = packets.publish(topic, message.payload, mid, qos=qos, retain=retain, properties=properties)
        except ValueError:
            # A response topic with wildcards, or longer than MQTT allows.
            return False
        if qos:
            self._open[mid] = message
        else:
            self._unwritten.append(message)
        self._stream.put(packet)
        return True

    def _packed_properties(self, message: Outgoing) -> bytes:
        if not self.mqtt5:
            return b""
        if message.correlation is None:
            return packets.NO_PROPERTIES
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.CorrelationData = message.correlation
        packed: bytes = properties.pack()  # type: ignore[no-untyped-call]
        return packed

    # --- For the client -----------------------------------------------------------------------------------------------

    @property
    def uncertain(self) -> list[Outgoing]:
        """Return what was handed over and not confirmed, in order."""
        return [*self._open.values(), *self._unwritten]

    async def take(self, filters: list[str]) -> list[tuple[str, str]]:
        """Subscribe at QoS 2; return the filters that the broker refuses, each with its reason. Raises MqttError."""
        return await self._request(filters, retain_handling=1)

    async def listen(self, filters: list[str]) -> list[tuple[str, str]]:
        """Subscribe as `take` does, but have what is retained sent even if the kept session has the filters."""
        return await self._request(filters, retain_handling=0)

    async def _request(self, filters: list[str], *, retain_handling: int) -> list[tuple[str, str]]:
        refused: list[tuple[str, str]] = []
        options: Any = 2
        if self.mqtt5:
            options = SubscribeOptions(qos=2, retainAsPublished=True, retainHandling=retain_handling)
        for start in range(0, len(filters), _FILTERS_A_PACKET):
            some = filters[start : start + _FILTERS_A_PACKET]
            codes: Any = await self.subscribe([(name, options) for name in some])
            for name, code in zip(some, codes, strict=False):
                if (code.value if isinstance(code, ReasonCode) else code) >= 0x80:
                    refused.append((name, str(code)))
        return refused

    def drop(self, filters: list[str]) -> None:
        """Unsubscribe without waiting."""
        for start in range(0, len(filters), _FILTERS_A_PACKET):
            self._client.unsubscribe(filters[start : start + _FILTERS_A_PACKET])

    async def lost(self) -> BaseException | None:
        """Wait until the connection is gone; return why."""
        await asyncio.wait([self._disconnected])
        return self._disconnected.exception()

    async def leave(self) -> None:
        """Wait until all is confirmed, then disconnect without the will; bounded by the caller."""
        if self._open or self._unwritten:
            self._emptied = self._loop.create_future()
            await asyncio.wait([self._emptied, self._disconnected], return_when=asyncio.FIRST_COMPLETED)
        self._stream.flush()  # nothing may follow the DISCONNECT (MQTT 5 §3.14.4)
        try:
            await self.__aexit__(None, None, None)
        except aiomqtt.MqttError:
            self.abort()

    # --- paho tells ---------------------------------------------------------------------------------------------------

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        self.session_present = bool(flags.session_present)
        self._max_packet = getattr(properties, "MaximumPacketSize", None)
        self._max_qos = getattr(properties, "MaximumQoS", 2)
        self._can_retain = bool(getattr(properties, "RetainAvailable", 1))
        # paho does not keep to the broker's Receive Maximum (MQTT 5 §3.3.4), so we do.
        self._window = min(_MAX_UNCONFIRMED, getattr(properties, "ReceiveMaximum", _MAX_UNCONFIRMED))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        super()._on_disconnect(client, userdata, flags, reason_code, properties)
        if not self._disconnected.done() and self._connected.exception() is None:
            self._disconnected.set_result(None)

    def _on_socket_register_write(self, _client: Any, _userdata: Any, sock: Any) -> None:
        self._loop.call_soon_threadsafe(self._stream.watch, sock)

    def _on_message(self, _client: Any, _userdata: Any, message: Any) -> None:
        self._stream.take(message)

    def _on_unsubscribe(self, *_: Any) -> None:
        """Ignore what nobody waits for."""

    async def _misc_loop(self) -> None:
        while self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._stream.look_for_a_reset()
            await asyncio.sleep(_LOOK_S)

    # --- The stream tells ---------------------------------------------------------------------------------------------

    def confirmed(self, mid: int, code: int) -> None:
        """Learn that the broker has a message, or will not have it."""
        message = self._open.pop(mid, None)
        if message is None:
            return
        if code >= _FAILURE and code not in self._refused:
            self._refused.add(code)
            _log.error("publish_refused", topic=message.topic, reason=_reason(code), advice="check the broker's ACL")
        self._told_less()

    def written(self) -> None:
        """Learn that all is on its way."""
        if self._unwritten:
            self._unwritten.clear()
            self._told_less()

    def broke(self, error: Exception) -> None:
        """Learn that the connection is lost."""
        if self._connected.done() and not self._disconnected.done():
            self._disconnected.set_exception(error)

    def _told_less(self) -> None:
        if self._emptied is not None and not self._open and not self._unwritten and not self._emptied.done():
            self._emptied.set_result(None)
        self._freed()


def _reason(code: int) -> str:
    try:
        return str(ReasonCode(PacketTypes.PUBACK, identifier=code))
    except KeyError:
        return f"{code:#x}"


def _settings(broker: Broker, options: MqttOptions, *, mqtt5: bool) -> dict[str, Any]:
    """Return who we are, and what makes the broker keep the session while the daemon restarts."""
    settings: dict[str, Any] = {
        "username": broker.username,
        "password": broker.password,
        "identifier": options.identifier,
        "protocol": aiomqtt.ProtocolVersion.V5 if mqtt5 else aiomqtt.ProtocolVersion.V311,
        "keepalive": options.keepalive_s,
        "timeout": options.connect_timeout_s,
        "max_inflight_messages": _MAX_UNCONFIRMED,
        # An acknowledgement that waits for Nagle's algorithm holds the sender's next message up by 40 ms.
        "socket_options": ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
    }
    if not mqtt5:
        return {**settings, "clean_session": False}
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = options.session_expiry_s
    return {**settings, "clean_start": False, "properties": properties}
