"""What passes through paho's socket: packets of ours written together, and what comes read in large pieces.

paho still owns the socket and all packets that are rare. Decides in which order messages are handed on, and sees to it
that none is acknowledged before it was; what a confirmation means to a message of ours is the session's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode

from bridge import packets
from bridge.acknowledgements import Acknowledgements
from bridge.ports import Incoming

_log = structlog.get_logger("mqtt")


class Listener(Protocol):
    """Be told what passes; a session is."""

    def arrived(self, message: Incoming) -> None:
        """Take a message; never within a call of `Stream`."""
        ...

    def confirmed(self, mid: int, code: int) -> None:
        """Learn that the broker has a message of ours at QoS 1, or (0x80 and above) will not have it."""
        ...

    def written(self) -> None:
        """Learn that nothing waits to be written any more."""
        ...

    def broke(self, error: Exception) -> None:
        """Learn that the connection is lost."""
        ...


class Stream:
    """Take the place of paho's reading and acknowledging; `put` writes packets of ours among its own."""

    def __init__(self, client: paho.Client, listener: Listener, *, mqtt5: bool) -> None:
        self._client = client
        self._listener = listener
        self._mqtt5 = mqtt5
        self._loop = asyncio.get_running_loop()
        self._packets: list[bytes] = []
        self._acknowledgements = Acknowledgements()
        # paho acknowledges QoS 1 and 2 before anybody has seen the message, and offers no other way for QoS 2 (its
        # manual_ack concerns PUBCOMP). A crash in between would lose a command, so both are sent by us.
        self._pubrec = client._send_pubrec  # noqa: SLF001
        client._send_puback = lambda mid: MQTTErrorCode.MQTT_ERR_SUCCESS  # type: ignore[method-assign]  # noqa: ARG005, SLF001
        client._send_pubrec = self._held  # type: ignore[method-assign]  # noqa: SLF001
        # What comes is read in large pieces, and what confirms our own messages never reaches paho.
        self._inflow = packets.Inflow(client._sock_recv)  # noqa: SLF001
        client._sock_recv = self._inflow.take  # type: ignore[method-assign]  # noqa: SLF001
        self._read_packet = client.loop_read
        client.loop_read = self._read  # type: ignore[method-assign]

    # --- Out ----------------------------------------------------------------------------------------------------------

    def put(self, packet: bytes) -> None:
        """Write a packet together with all others of this turn of the loop."""
        if not self._packets:
            self._loop.call_soon(self.flush)
        self._packets.append(packet)

    def flush(self) -> None:
        """Write what was put in this turn of the loop, all at once, after what paho has to write."""
        if not self._packets:
            return
        joined = b"".join(self._packets)
        self._packets.clear()
        packet = {"command": packets.PUBLISH, "mid": 0, "qos": 1, "pos": 0, "to_process": len(joined), "packet": joined}
        self._client._out_packet.append({**packet, "info": None})  # type: ignore[typeddict-item]  # noqa: SLF001
        self._write()

    def watch(self, sock: Any) -> None:
        """Write on as soon as the socket takes more; in the loop's thread."""
        # It may have been closed since, and its number given to another, whom aiomqtt would watch instead.
        current = self._client.socket()
        # And what it was to be watched for may be written by now.
        if current is not None and current is sock and self._client.want_write():
            try:
                self._loop.add_writer(current.fileno(), self._write)
            except RuntimeError:
                self.look_for_a_reset()

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except (OSError, ValueError) as error:
            self._listener.broke(error)
        if not self._client.want_write() and self._client.socket() is not None:
            self._listener.written()

    # --- In -----------------------------------------------------------------------------------------------------------

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
                self._listener.confirmed(int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0)
                return True
            case (packets.UNSUBACK, _):  # which nobody waits for, and paho reads word by word
                return True
            case (first, body) if (message := packets.published(first, body, mqtt5=self._mqtt5)) is not None:
                self._came(message)
                return True
            case _:
                inflow.put_back(at)
                return False

    def _came(self, message: packets.Published) -> None:
        acknowledge = _nothing
        if message.qos:
            acknowledge = self._acknowledgements.expect(partial(self.put, packets.puback(message.mid)))
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
            as_published=self._mqtt5,
        )
        # Not at once: messages of QoS 2 can only be had after paho's handler, and all must stay in order.
        self._loop.call_soon(self._listener.arrived, incoming)

    def take(self, message: paho.MQTTMessage) -> None:
        """Take a message that paho has read."""
        acknowledge = _nothing
        if message.qos == 1:
            acknowledge = self._acknowledgements.expect(partial(self.put, packets.puback(message.mid)))
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
        self._listener.arrived(
            Incoming(
                topic=topic,
                payload=bytes(message.payload),
                acknowledge=acknowledge,
                qos=message.qos,
                retain=bool(message.retain),
                dup=bool(message.dup),
                mid=message.mid,
                as_published=self._mqtt5,
                response_topic=getattr(message.properties, "ResponseTopic", None),
                correlation=getattr(message.properties, "CorrelationData", None),
            )
        )

    # --- Its end ------------------------------------------------------------------------------------------------------

    def look_for_a_reset(self) -> None:
        """Find out whether the broker broke the connection: uvloop then watches no more, and tells nobody (#552)."""
        sock = self._client.socket()
        if sock is not None and was_reset(sock.fileno()):
            self._listener.broke(ConnectionResetError("the broker broke the connection"))


def was_reset(descriptor: int) -> bool:
    """Tell whether the other side has broken a connection, and that was not read yet."""
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are reported always
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _nothing() -> None:
    """Acknowledge a message of QoS 0."""
