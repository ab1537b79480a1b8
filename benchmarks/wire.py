"""As much of a WebSocket server as the light Central System needs (RFC 6455), so that it is not what is measured.

Knows text frames (to be taken up to 64 KiB), pings and closes, and one subprotocol; no fragments, extensions or checks.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import cast

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"^sec-websocket-key:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_PROTOCOL = re.compile(rb"^sec-websocket-protocol:", re.IGNORECASE | re.MULTILINE)
_TEXT, _CLOSE, _PING = 1, 8, 9


class Peer(asyncio.Protocol):
    """Be one client's connection; `opened` and `received` are for whoever derives from it. `path` lacks the slash."""

    def __init__(self) -> None:
        self.path = ""
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def opened(self) -> None:
        """Hear that the handshake is done."""

    def received(self, text: bytes) -> None:
        """Hear a message."""

    def closed(self) -> None:
        """Hear that the connection is gone."""

    def send(self, text: bytes, opcode: int = _TEXT) -> None:
        """Send a frame."""
        size = len(text)
        if size < 126:
            head = bytes((0x80 | opcode, size))
        elif size < 65_536:
            head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
        if self._transport is not None:
            self._transport.write(head + text)

    def listen(self, *, reads: bool) -> None:
        """Read on, or read no more until told otherwise."""
        if self._transport is not None:
            self._transport.resume_reading() if reads else self._transport.pause_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the same methods

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self.closed()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self.path and not self._handshake():
            return
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _handshake(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        key = _KEY.search(head)
        if not end or key is None or self._transport is None:
            return False
        accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
        protocol = b"Sec-WebSocket-Protocol: ocpp1.6\r\n" if _PROTOCOL.search(head) else b""
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n" + protocol + b"\r\n"
        )
        self.path = head.split(b" ", 2)[1].decode().removeprefix("/")
        self._buffer = rest
        self.opened()
        return True

    def _frame(self) -> tuple[int, bytes] | None:
        """Cut the next frame off the buffer; clients mask theirs, and these are short."""
        buffer = self._buffer
        if len(buffer) < 6:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        end = start + 4 + size
        if len(buffer) < end:
            return None
        mask, masked = buffer[start : start + 4], buffer[start + 4 : end]
        self._buffer = buffer[end:]
        whole = mask * (size // 4 + 1)
        clear = int.from_bytes(masked, "big") ^ int.from_bytes(whole[:size], "big")
        return buffer[0] & 0x0F, clear.to_bytes(size, "big")

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self.received(payload)
        elif opcode == _PING:
            self.send(payload, 10)
        elif opcode == _CLOSE:
            self.send(payload, _CLOSE)
            if self._transport is not None:
                self._transport.close()
