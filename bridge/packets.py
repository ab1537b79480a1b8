"""MQTT's most frequent packets, written and read without an object for each: PUBLISH on its way out, and its PUBACK.

Everything else is paho's. Knows bytes only; whose packets they are, and what they mean, is the session's business.
"""

from __future__ import annotations

from collections.abc import Callable

PUBLISH, PUBACK = 0x30, 0x40
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

    def puback(self) -> bytes | None:
        """Take a PUBACK that stands next, without its first two bytes; None if that is something else or not whole."""
        data, at = self._data, self._at
        if len(data) < at + 4 or data[at] != PUBACK or data[at + 1] > _MAX_SMALL:
            return None
        end = at + 2 + data[at + 1]
        if end > len(data) or end < at + 4:
            return None
        self._at = end
        return data[at + 2 : end]
