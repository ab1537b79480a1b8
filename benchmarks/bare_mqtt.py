"""The yardstick of publishing: as little of an MQTT 3.1.1 client as can publish retained messages at QoS 0 and 1."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Self, cast

_CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04bare"
_UNCONFIRMED = 100
_WAIT_S = 30.0


class BarePublisher(asyncio.Protocol):
    """Be connected from `connected` on until `close`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._open = 0
        self._paused = False
        self._ready = asyncio.Event()

    @classmethod
    async def connected(cls, port: int) -> Self:
        """Connect to a broker on this machine."""
        _, bare = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        await bare.accepted()
        return bare

    async def accepted(self) -> None:
        """Wait until the broker has taken the connection."""
        async with asyncio.timeout(_WAIT_S):
            await self._ready.wait()

    async def publish(self, messages: list[tuple[bytes, bytes]], count: int, qos: int) -> float:
        """Publish so many of these; return the CPU of one (s)."""
        before = time.process_time()
        endless = itertools.cycle(messages)
        async with asyncio.timeout(_WAIT_S):
            for start in range(0, count, _UNCONFIRMED):
                some = list(itertools.islice(endless, min(_UNCONFIRMED, count - start)))
                packets = [_packet(*message, qos, 1 + number) for number, message in enumerate(some)]
                self._open = len(packets) if qos else 0
                self._written(b"".join(packets))
                await self._wait()
        return (time.process_time() - before) / count

    def close(self) -> None:
        """Say goodbye."""
        self._written(b"\xe0\x00")
        if self._transport is not None:
            self._transport.close()

    async def _wait(self) -> None:
        await asyncio.sleep(0)
        while self._open or self._paused:
            self._ready.clear()
            await self._ready.wait()

    def _written(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_CONNECT)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._ready.set()

    def data_received(self, data: bytes) -> None:
        # CONNACK and PUBACK are all that comes, four bytes each.
        self._buffer += data
        whole = len(self._buffer) // 4
        self._open -= sum(self._buffer[4 * number] == 0x40 for number in range(whole))
        self._buffer = self._buffer[4 * whole :]
        if self._open <= 0:
            self._ready.set()


def _packet(topic: bytes, payload: bytes, qos: int, mid: int) -> bytes:
    packet_id = mid.to_bytes(2, "big") if qos else b""
    size = 2 + len(topic) + len(packet_id) + len(payload)
    length = bytes((size,)) if size < 128 else bytes((size & 0x7F | 0x80, size >> 7))
    head = bytes((0x30 | qos << 1 | 1,)) + length + len(topic).to_bytes(2, "big")
    return head + topic + packet_id + payload
