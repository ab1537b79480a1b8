"""MQTT's most frequent packets, written and read without an object for each: PUBLISH and PUBACK, in both directions.

Everything else is paho's. Knows bytes only; whose packets they are, and what they mean, is the session's business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

PUBLISH, PUBACK, UNSUBACK = 0x30, 0x40, 0xB0
MAX_TOPIC = 65_535
NO_PROPERTIES = b"\x00"

_CHUNK = 64 * 1024
_MAX_SMALL = 127
"""The longest remaining length that is a single byte (MQTT 5 §1.5.5)."""


def publish(topic: bytes, payload: bytes, mid: int, *, qos: int, retain: bool, properties: bytes) -> bytes:
    """Return a PUBLISH (MQTT 5 §3.3); `properties` as they are written, empty for MQTT 3.1.1. Raises ValueError.

    `mid` counts above QoS 0.
    """
    if len(topic) > MAX_TOPIC or b"#" in topic or b"+" in topic or not topic:
        raise ValueError(topic[:100])
    packet_id = mid.to_bytes(2, "big") if qos else b""
    size = 2 + len(topic) + len(packet_id) + len(properties) + len(payload)
    first = PUBLISH | qos << 1 | retain
    return b"".join(
        (bytes((first, *_length(size))), len(topic).to_bytes(2, "big"), topic, packet_id, properties, payload)
    )


def _length(size: int) -> list[int]:
    digits = []
    while size > _MAX_SMALL:
        digits.append(size & _MAX_SMALL | 0x80)
        size >>= 7
    digits.append(size)
    return digits


def puback(mid: int) -> bytes:
    """Return a PUBACK (MQTT 5 §3.4) that says nothing but that a message was taken."""
    return b"\x40\x02" + mid.to_bytes(2, "big")


class Published(NamedTuple):
    """Be a PUBLISH of QoS 0 or 1 without properties."""

    topic: bytes
    payload: bytes
    mid: int
    qos: int
    retain: bool
    dup: bool


def published(first: int, body: bytes, *, mqtt5: bool) -> Published | None:
    """Read a PUBLISH; None if it is none, or one of QoS 2, with properties or broken."""
    qos = (first >> 1) & 3
    if first & 0xF0 != PUBLISH or qos > 1 or len(body) < 2:
        return None
    topic_end = 2 + int.from_bytes(body[:2], "big")
    mid_end = topic_end + 2 * qos
    start = mid_end + mqtt5
    if start > len(body) or (mqtt5 and body[mid_end]) or topic_end == 2:
        return None
    mid = int.from_bytes(body[topic_end:mid_end], "big")
    return Published(body[2:topic_end], body[start:], mid, qos, bool(first & 1), bool(first & 8))


class Inflow:
    """Read in large pieces what paho asks for byte by byte; `read` gives at most so many bytes, or b"" at the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._data = b""
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, bufsize: int) -> bytes:
        """Return at most so many bytes; raises what `read` raises when there are none."""
        self.fill()
        piece = self._data[self._at : self._at + bufsize]
        self._at += len(piece)
        return piece

    def fill(self) -> None:
        """Read if there is nothing left; raises what `read` raises."""
        if not self:
            self._data, self._at = self._read(_CHUNK), 0

    def packet(self) -> tuple[int, bytes] | None:
        """Take the packet that stands next, as its first byte and what follows its length; None if it is not whole."""
        data, start = self._data, self._at + 2
        if len(data) < start:
            return None
        size = data[start - 1]
        if size > _MAX_SMALL:  # two bytes: what is longer is not worth the trouble
            if len(data) <= start or data[start] > _MAX_SMALL:
                return None
            size, start = (size & _MAX_SMALL) | data[start] << 7, start + 1
        end = start + size
        if end > len(data):
            return None
        first, self._at = data[self._at], end
        return first, data[start:end]

    def put_back(self, at: int) -> None:
        """Let what was taken since `at` stand next again."""
        self._at = at

    @property
    def at(self) -> int:
        """Return where the next byte stands."""
        return self._at
