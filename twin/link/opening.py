"""The opening handshake on a fresh TCP connection: HTTP there and back. Knows nothing of what follows it."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import cast

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from twin.errors import LinkError
from twin.link.explain import bad_answer, http_refusal, hung_up, wrong_subprotocol
from twin.link.target import Target

CLOSE_TIMEOUT_S = 5.0

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
LOCATION = re.compile(rb"\r\nLocation:[ \t]*([!-~]{1,200})", re.IGNORECASE)
"""The address that a refusal may name, if it came with the status."""

STATUS_BYTES = len(b"HTTP/1.1 101")
_END_OF_HEAD = b"\r\n\r\n"

# A window of 4 KiB costs little memory and compresses OCPP as well as 32 KiB would.
DEFLATE = ClientPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)


class Opening(asyncio.Protocol):
    """Ask for a WebSocket; `opened` gets what came right after the answer, or a LinkError.

    Once it has succeeded, reading is paused until another protocol takes the transport over.
    """

    def __init__(self, target: Target, uri: WebSocketURI, dated: Callable[[str], None] | None = None) -> None:
        self.opened: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.websocket = ClientProtocol(
            uri,
            extensions=[DEFLATE] if target.compression else None,
            subprotocols=[Subprotocol(name) for name in target.subprotocols],
            max_size=target.max_message_size,
        )
        self.websocket.debug = False  # its log would show the password
        self._target = target
        self._dated = dated
        self._head = b""
        self._tail = b""
        self._early = b""
        self._closing: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Close what was opened; what was written still goes out, to a peer that reads it in time."""
        self.opened.cancel()
        if self.transport is not None and self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.transport.abort)
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self.transport = cast("asyncio.Transport", transport)
        request = self.websocket.connect()
        request.headers["User-Agent"] = "ocpp-twin"
        if self._target.password is not None:
            # OCPP-J 1.6 §6.2.2: the password's bytes as they are, which need not be text (SEC-04).
            credentials = f"{self._target.username}:".encode() + self._target.password
            request.headers["Authorization"] = f"Basic {b64encode(credentials).decode()}"
        self.websocket.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Read the answer."""
        if self.opened.done():
            return
        if len(self._head) < STATUS_BYTES:
            self._head += data[:STATUS_BYTES]
            status = STATUS.match(self._head)
            # A refusal is told at once: its body may never end, and an old proxy says it in HTTP/1.0.
            if status and status[1] != b"101":
                moved_to = LOCATION.search(data)
                self._fail(
                    http_refusal(int(status[1]), self._target, moved_to and moved_to[1].decode("ascii", "replace"))
                )
                return
        # Only the head of the answer is read here: what follows it is the connection's.
        seen = self._tail + data
        if (end := seen.find(_END_OF_HEAD)) >= 0:
            cut = end + len(_END_OF_HEAD) - len(self._tail)
            data, self._early = data[:cut], data[cut:]
        self._tail = seen[1 - len(_END_OF_HEAD) :]
        self.websocket.receive_data(data)
        self._judge(self.websocket.events_received())

    def eof_received(self) -> None:
        """Give up: the answer never came."""
        self._fail(hung_up(self._target, answered=bool(self._head)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up: the answer never came."""
        if self._closing is not None:
            self._closing.cancel()
        self._fail(hung_up(self._target, exc, answered=bool(self._head)))

    def _judge(self, events: Sequence[object]) -> None:
        error = self.websocket.handshake_exc
        if not events:
            if error is not None:
                self._fail(bad_answer(error.__cause__ or error, self._target))
            return
        headers = cast("Response", events[0]).headers
        if self._dated is not None and (date := headers.get("Date")):
            self._dated(date)
        chosen = headers.get_all("Sec-WebSocket-Protocol")
        # RFC 6455 §4.1 lets a server choose none; OCPP-J 1.6 §3.2 does not (T-04).
        if len(chosen) != 1 or chosen[0] not in self._target.subprotocols:
            self._fail(wrong_subprotocol(chosen, self._target))
        elif error is not None:
            self._fail(bad_answer(error, self._target))
        elif self.transport is not None:
            self.transport.pause_reading()
            self.opened.set_result(self._early)

    def _fail(self, error: LinkError) -> None:
        if self.opened.done():
            return
        if self.websocket.state is State.OPEN:
            self.websocket.fail(CloseCode.PROTOCOL_ERROR, "no OCPP version in common")
            self._flush()
        self.opened.set_exception(error)
        self.opened.exception()  # seen, also where a time-out was faster and nobody awaits it any more

    def _flush(self) -> None:
        if self.transport is not None:
            self.transport.write(b"".join(self.websocket.data_to_send()))
