"""One connection to the broker: aiomqtt's, with paho driven straight from the loop.

Decides when a message counts as arrived, in both directions, and how many may be on their way. aiomqtt queues what
comes in without its packet id, and awaits each publish; here nothing costs a task or a future for each message.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

import aiomqtt
import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bridge import packets
from bridge.acknowledgements import Acknowledgements
from bridge.broker import Broker
from bridge.entering import Entrant
from bridge.options import MqttOptions
from bridge.ports import Incoming, Outgoing

_MAX_UNCONFIRMED = 100
_MAX_UNWRITTEN = 200
_HEAD_SIZE = 16
_FAILURE = 0x80
_FILTERS_A_PACKET = 200
_LOOK_S = 1.0

_log = structlog.get_logger("mqtt")


class Session(Entrant):
    """Be connected from `__aenter__` on until `lost` returns or `leave` is called; used once.

    Implements `ports.Outlet`. `arrived` gets each message, `freed` is called when `ready` may be true again.
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
        self._arrived = arrived
        self._freed = freed
        self._open: dict[int, Outgoing] = {}
        """What was handed over at QoS 1 and not confirmed."""
        self._unwritten: list[Outgoing] = []
        """What was handed over at QoS 0 and is not on its way yet."""
        self._packets: list[bytes] = []
        self._emptied: asyncio.Future[None] | None = None
        self._window = _MAX_UNCONFIRMED
        self._max_packet: int | None = None
        self._max_qos = 2
        self._can_retain = True
        self._refused: set[int] = set()
        self._acknowledgements = Acknowledgements()
        super().__init__(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=options.identifier,
            protocol=aiomqtt.ProtocolVersion.V5 if mqtt5 else aiomqtt.ProtocolVersion.V311,
            will=will,
            transport=broker.transport,
            websocket_path=broker.path,
            keepalive=options.keepalive_s,
            timeout=options.connect_timeout_s,
            tls_context=tls,
            tls_insecure=None if tls is None or options.verify_hostname else True,
            max_inflight_messages=_MAX_UNCONFIRMED,
            # An acknowledgement that waits for Nagle's algorithm holds the sender's next message up by 40 ms.
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            **_persistent(options, mqtt5=mqtt5),
        )
        self._client.connect_timeout = options.connect_timeout_s
        # paho acknowledges QoS 1 and 2 before anybody has seen the message, and offers no other way for QoS 2 (its
        # manual_ack concerns PUBCOMP). A crash in between would lose a command, so both are sent by us.
        self._puback, self._pubrec = self._client._send_puback, self._client._send_pubrec  # noqa: SLF001
        self._client._send_puback = lambda mid: MQTTErrorCode.MQTT_ERR_SUCCESS  # type: ignore[method-assign]  # noqa: ARG005, SLF001
        self._client._send_pubrec = self._held  # type: ignore[method-assign]  # noqa: SLF001
        # What comes is read in large pieces, and what confirms our own messages never reaches paho.
        self._inflow = packets.Inflow(self._client._sock_recv)  # noqa: SLF001
        self._client._sock_recv = self._inflow.take  # type: ignore[method-assign]  # noqa: SLF001
        self._read_packet = self._client.loop_read
        self._client.loop_read = self._read  # type: ignore[method-assign]

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
        if not self._packets:
            self._loop.call_soon(self._write_packets)
        self._packets.append(packet)
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

    def _write_packets(self) -> None:
        """Write what was handed over in this turn of the loop, all at once, after what paho has to write."""
        joined = b"".join(self._packets)
        self._packets.clear()
        packet = {"command": packets.PUBLISH, "mid": 0, "qos": 1, "pos": 0, "to_process": len(joined), "packet": joined}
        self._client._out_packet.append({**packet, "info": None})  # type: ignore[typeddict-item]  # noqa: SLF001
        self._write()

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
        self._loop.call_soon_threadsafe(self._await_writable, sock)

    def _await_writable(self, sock: Any) -> None:
        # The socket may have been closed since, and its number given to another: aiomqtt would watch that one.
        current = self._client.socket()
        # And what it was to be watched for may be written by now.
        if current is not None and current is sock and self._client.want_write():
            try:
                self._loop.add_writer(current.fileno(), self._write)
            except RuntimeError:
                self._look_for_a_reset()

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except (OSError, ValueError) as error:
            self._is_lost(error)
        if self._unwritten and not self._client.want_write() and self._client.socket() is not None:
            self._unwritten.clear()
            self._told_less()

    def _read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read all that is there, in paho's place."""
        del max_packets
        client, inflow = self._client, self._inflow
        while True:
            with contextlib.suppress(OSError):  # paho meets it again, and knows what to do
                inflow.fill()
            # Not in the middle of a packet that paho is at.
            taken = not client._in_packet["command"] and self._take_packet()  # noqa: SLF001
            if not taken and (code := self._read_packet()) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return code
            if not inflow:
                return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _take_packet(self) -> bool:
        """Take what comes most often: the confirmation of a message of ours, a plain message; False for all else."""
        inflow, at = self._inflow, self._inflow.at
        match inflow.packet():
            case (packets.PUBACK, body) if len(body) >= 2:
                self._confirmed(int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0)
                return True
            case (packets.UNSUBACK, _):  # which nobody waits for, and paho reads word by word
                return True
            case (first, body) if (message := packets.published(first, body, mqtt5=self.mqtt5)) is not None:
                self._came(message)
                return True
            case _:
                inflow.put_back(at)
                return False

    def _came(self, message: packets.Published) -> None:
        acknowledge = _nothing
        if message.qos:
            acknowledge = self._acknowledgements.expect(partial(self._puback, message.mid))
        try:
            topic = message.topic.decode()
        except UnicodeDecodeError:
            _log.warning("topic_is_not_utf8")
            acknowledge()
            return
        incoming = Incoming(
            topic,
            message.payload,
            acknowledge,
            qos=message.qos,
            retain=message.retain,
            dup=message.dup,
            mid=message.mid,
            as_published=self.mqtt5,
        )
        # Not at once: messages of QoS 2 can only be had after paho's handler, and all must stay in order.
        self._loop.call_soon(self._arrived, incoming)

    async def _misc_loop(self) -> None:
        while self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._look_for_a_reset()
            await asyncio.sleep(_LOOK_S)

    def _look_for_a_reset(self) -> None:
        # uvloop stops watching a socket that was reset, and tells nobody (its issue 552).
        sock = self._client.socket()
        if sock is not None and was_reset(sock.fileno()):
            self._is_lost(ConnectionResetError("the broker broke the connection"))

    def _is_lost(self, error: Exception) -> None:
        if self._connected.done() and not self._disconnected.done():
            self._disconnected.set_exception(error)

    def _on_unsubscribe(self, *_: Any) -> None:
        """Ignore what nobody waits for."""

    def _on_message(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        acknowledge = _nothing
        if message.qos == 1:
            acknowledge = self._acknowledgements.expect(lambda: self._puback(message.mid))
        # Not at once: messages of QoS 2 can only be had after paho's handler, and all must stay in order.
        self._loop.call_soon(self._arrive, message, acknowledge)

    def _held(self, mid: int) -> MQTTErrorCode:
        acknowledge = self._acknowledgements.expect(lambda: self._pubrec(mid))
        self._loop.call_soon(self._arrive_held, mid, acknowledge)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _arrive_held(self, mid: int, acknowledge: Callable[[], None]) -> None:
        # MQTT 5 §4.3.3, method B: handed on at PUBLISH. Taken from paho, it is not handed on again at PUBREL.
        message = self._client._in_messages.pop(mid, None)  # noqa: SLF001
        if message is not None:
            self._arrive(message, acknowledge)

    def _arrive(self, message: paho.MQTTMessage, acknowledge: Callable[[], None]) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            _log.warning("topic_is_not_utf8")
            acknowledge()
            return
        self._arrived(
            Incoming(
                topic=topic,
                payload=bytes(message.payload),
                acknowledge=acknowledge,
                qos=message.qos,
                retain=bool(message.retain),
                dup=bool(message.dup),
                mid=message.mid,
                as_published=self.mqtt5,
                response_topic=getattr(message.properties, "ResponseTopic", None),
                correlation=getattr(message.properties, "CorrelationData", None),
            )
        )

    def _confirmed(self, mid: int, code: int) -> None:
        message = self._open.pop(mid, None)
        if message is None:
            return
        if code >= _FAILURE and code not in self._refused:
            self._refused.add(code)
            _log.error("publish_refused", topic=message.topic, reason=_reason(code), advice="check the broker's ACL")
        self._told_less()

    def _told_less(self) -> None:
        if self._emptied is not None and not self._open and not self._unwritten and not self._emptied.done():
            self._emptied.set_result(None)
        self._freed()


def was_reset(descriptor: int) -> bool:
    """Tell whether the other side has broken a connection, and that was not read yet."""
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are reported always
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _nothing() -> None:
    """Acknowledge a message of QoS 0."""


def _reason(code: int) -> str:
    try:
        return str(ReasonCode(PacketTypes.PUBACK, identifier=code))
    except KeyError:
        return f"{code:#x}"


def _persistent(options: MqttOptions, *, mqtt5: bool) -> dict[str, Any]:
    """Return what makes the broker keep the session while the daemon restarts."""
    if not mqtt5:
        return {"clean_session": False}
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = options.session_expiry_s
    return {"clean_start": False, "properties": properties}
