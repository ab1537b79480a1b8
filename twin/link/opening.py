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
from websockets.utils import generate_key

from twin.errors import LinkError
from twin.link import upgrade
from twin.link.explain import bad_answer, http_refusal, hung_up, wrong_subprotocol
from twin.link.target import Target

CLOSE_TIMEOUT_S = 5.0

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
LOCATION = re.compile(rb"\r\nLocation:[ \t]*([!-~]{1,200})", re.IGNORECASE)
"""The address that a refusal may name, if it came with the status."""

STATUS_BYTES = len(b"HTTP/1.1 101")

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
        self.websocket: ClientProtocol | None = None
        """Who knows all of RFC 6455; made for those who need it, for it costs as much as the rest of the handshake."""
        self.subprotocol = ""
        self._uri = uri
        self._key = generate_key()
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
        extra = [("User-Agent", "ocpp-twin")]
        if self._target.password is not None:
            # OCPP-J 1.6 §6.2.2: the password's bytes as they are, which need not be text (SEC-04).
            credentials = f"{self._target.username}:".encode() + self._target.password
            extra.append(("Authorization", f"Basic {b64encode(credentials).decode()}"))
        if self._target.compression:
            extra.append(("Sec-WebSocket-Extensions", self._library().connect().headers["Sec-WebSocket-Extensions"]))
        self.transport.write(upgrade.request(self._uri, self._target.subprotocols, self._key, extra))

    def _library(self) -> ClientProtocol:
        if self.websocket is None:
            self.websocket = ClientProtocol(
                self._uri,
                extensions=[DEFLATE] if self._target.compression else None,
                subprotocols=[Subprotocol(name) for name in self._target.subprotocols],
                max_size=self._target.max_message_size,
            )
            self.websocket.key = self._key
            self.websocket.debug = False  # its log would show the password
        return self.websocket

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
        is_whole = seen is data
        if (end := seen.find(upgrade.END_OF_HEAD)) >= 0:
            cut = end + len(upgrade.END_OF_HEAD) - len(self._tail)
            data, self._early = data[:cut], data[cut:]
            if is_whole and self.websocket is None and self._agreed(data):
                return
        self._tail = seen[1 - len(upgrade.END_OF_HEAD) :]
        websocket = self._library()
        websocket.receive_data(data)
        self._judge(websocket, websocket.events_received())

    def _agreed(self, head: bytes) -> bool:
        """Begin, if the answer is the usual one."""
        answer = upgrade.accepted(head, self._target.subprotocols, self._key)
        if answer is not None:
            self._begin(answer.subprotocol, answer.date)
        return answer is not None

    def _begin(self, subprotocol: str, date: str | None) -> None:
        if self._dated is not None and date:
            self._dated(date)
        if self.transport is not None:
            self.subprotocol = subprotocol
            self.transport.pause_reading()
            self.opened.set_result(self._early)

    def eof_received(self) -> None:
        """Give up: the answer never came."""
        self._fail(hung_up(self._target, answered=bool(self._head)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up: the answer never came."""
        if self._closing is not None:
            self._closing.cancel()
        self._fail(hung_up(self._target, exc, answered=bool(self._head)))

    def _judge(self, websocket: ClientProtocol, events: Sequence[object]) -> None:
        error = websocket.handshake_exc
        if not events:
            if error is not None:
                self._fail(bad_answer(error.__cause__ or error, self._target))
            return
        headers = cast("Response", events[0]).headers
        chosen = headers.get_all("Sec-WebSocket-Protocol")
        # RFC 6455 §4.1 lets a server choose none; OCPP-J 1.6 §3.2 does not (T-04).
        if len(chosen) != 1 or chosen[0] not in self._target.subprotocols:
            self._fail(wrong_subprotocol(chosen, self._target))
        elif error is not None:
            self._fail(bad_answer(error, self._target))
        else:
            self._begin(chosen[0], headers.get("Date"))

    def _fail(self, error: LinkError) -> None:
        if self.opened.done():
            return
        websocket = self.websocket
        if websocket is not None and websocket.state is State.OPEN:
            websocket.fail(CloseCode.PROTOCOL_ERROR, "no OCPP version in common")
            if self.transport is not None:
                self.transport.write(b"".join(websocket.data_to_send()))
        self.opened.set_exception(error)
        self.opened.exception()  # seen, also where a time-out was faster and nobody awaits it any more
