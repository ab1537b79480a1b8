"""An open WebSocket: text there and back, pings, closing. Knows no OCPP and has no task of its own.

Due times of pings are plain state: whoever owns a connection asks `next_deadline` and calls `tick`. What the peer
may do to us is bounded: the size of a message, the bytes that it does not read, the time that closing takes.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable
from typing import Protocol, cast, final

from websockets import protocol as library
from websockets.exceptions import InvalidURI
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from twin.errors import LinkError
from twin.link import wire
from twin.link.explain import hung_up, is_turned_away, silent, turned_away, unreachable
from twin.link.opening import CLOSE_TIMEOUT_S, Opening
from twin.link.probe import probe
from twin.link.target import Target

PONG_TIMEOUT_S = 20.0
MAX_UNSENT_BYTES = 1024 * 1024
MAX_CLOSE_REASON_BYTES = 123
"""RFC 6455 §5.5: a control frame carries 125 bytes, two of them are the code."""


class Peer(Protocol):
    """Take what comes in. Nothing is delivered before the code that awaits `connect` has had its turn."""

    def on_text(self, text: str) -> None:
        """Take a message."""
        ...

    def on_closed(self, reason: str) -> None:
        """Learn that the connection is gone, and why; called exactly once."""
        ...


async def connect(
    target: Target, peer: Peer, *, timeout_s: float, dated: Callable[[str], None] | None = None
) -> Connection:
    """Open a connection within `timeout_s`; raises LinkError with a sentence for a person.

    `dated` gets the Date of the answer (RFC 9110 §6.6.1), if it has one.
    """
    uri = _parsed(target.url)
    opening = Opening(target, uri, dated)
    connection = None
    try:
        async with asyncio.timeout(timeout_s) as timeout:
            await _open_tcp(opening, target, uri)
            early = await opening.opened
        if opening.transport is None or opening.transport.is_closing():
            raise hung_up(target)
        negotiated = opening.websocket
        kept = negotiated if negotiated is not None and negotiated.extensions else None
        connection = Connection(opening.transport, kept, peer, early, target.max_message_size)
        connection.subprotocol = opening.subprotocol
        if negotiated is not None and kept is None:
            # It and its parser refer to each other: thousands of them would wait for the garbage collector.
            negotiated.parser.close()
        return connection
    except OSError as error:
        if timeout.expired():
            raise silent(target, timeout_s, there=opening.transport is not None) from error
        if is_turned_away(error, target):
            raise turned_away(target, await probe(uri.host, uri.port), error) from error
        raise unreachable(error, target) from error
    finally:
        if connection is None:
            opening.close()


def _parsed(url: str) -> WebSocketURI:
    try:
        return parse_uri(url)
    except (InvalidURI, ValueError) as error:
        raise LinkError(f"csms.url does not make a usable address ({error}): correct it.") from error


async def _open_tcp(opening: Opening, target: Target, uri: WebSocketURI) -> None:
    await asyncio.get_running_loop().create_connection(
        lambda: opening,
        uri.host,
        uri.port,
        ssl=(target.ssl or True) if uri.secure else None,
        ssl_shutdown_timeout=CLOSE_TIMEOUT_S if uri.secure else None,
    )


@final
class Connection(asyncio.Protocol):
    """Exchange text messages with the peer until one of both closes. Made by `connect` only."""

    __slots__ = (
        "_closing",
        "_fragments",
        "_max_size",
        "_peer",
        "_ping_at",
        "_ping_interval_s",
        "_pings",
        "_pong_by",
        "_reason",
        "_rest",
        "_transport",
        "_websocket",
        "subprotocol",
    )

    subprotocol: str

    def __init__(
        self,
        transport: asyncio.Transport,
        websocket: library.Protocol | None,
        peer: Peer,
        early: bytes,
        max_size: int,
    ) -> None:
        self._transport = transport
        # Three kilobytes that few connections need, so it is made when it is (see `wire`).
        self._websocket = websocket
        self._max_size = max_size
        self._peer = peer
        self._rest = b""  # the beginning of a frame
        self._fragments: bytearray | None = None
        self._ping_interval_s = 0.0
        self._pings = 0
        self._ping_at = math.inf
        self._pong_by = math.inf
        self._reason: str | None = None  # why it ended; from then on nothing is sent or delivered
        self._closing: asyncio.TimerHandle | None = None
        transport.set_protocol(self)
        asyncio.get_running_loop().call_soon(self._begin, early)

    # What the owner calls

    @property
    def server_certificate(self) -> bytes | None:
        """Return the certificate by which the other side proved itself, in DER; None without TLS."""
        tls: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return None if tls is None else tls.getpeercert(binary_form=True)

    def send(self, *texts: str) -> None:
        """Send messages; does nothing once the connection is closing. Lone surrogates go out as "?"."""
        if self._reason is not None or not self._is_open:
            return
        if self._websocket is None:
            self._write(b"".join([wire.frame(wire.TEXT, text.encode(errors="replace")) for text in texts]))
        else:
            for text in texts:
                self._websocket.send_text(text.encode(errors="replace"))
            self._flush(self._websocket)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close politely; `on_closed` follows within CLOSE_TIMEOUT_S, no message does."""
        if self._reason is None and self._is_open:
            self._reason = f"The connection was closed by this side ({code})."
            cut = reason.encode(errors="replace")[:MAX_CLOSE_REASON_BYTES].decode(errors="ignore")
            websocket = self._library()
            websocket.send_close(code, cut)
            self._flush(websocket)

    def abort(self, reason: str) -> None:
        """Break the TCP connection at once; `on_closed` follows, no message does."""
        self._reason = self._reason or reason
        self._transport.abort()

    def set_ping_interval(self, seconds: float) -> None:
        """Send a ping every so many seconds from now on; 0 sends none (OCPP 1.6 §9.1.34)."""
        if seconds != self._ping_interval_s:
            self._ping_interval_s = seconds
            self._ping_at = asyncio.get_running_loop().time() + seconds if seconds > 0 else math.inf

    def next_deadline(self) -> float | None:
        """Return the loop time at which `tick` has to be called; what the peer does only ever makes it later."""
        due = min(self._ping_at, self._pong_by)
        return None if self._reason is not None or due == math.inf else due

    def tick(self, now: float) -> None:
        """Send the ping that is due, or break a link that is only half open (T-10)."""
        if self._reason is not None:
            return
        if now >= self._pong_by:
            self.abort(f"The Central System did not answer a ping within {PONG_TIMEOUT_S:g} s.")
        elif now >= self._ping_at:
            self._ping_at = now + self._ping_interval_s
            if self._pong_by == math.inf and self._is_open:
                self._pong_by = now + PONG_TIMEOUT_S
                self._pings += 1
                self._write(wire.frame(wire.PING, self._ping_data()))

    # What asyncio calls

    def data_received(self, data: bytes) -> None:
        """Take bytes from the network."""
        if self._websocket is None:
            self._take_usual(self._rest + data if self._rest else data)
        else:
            self._take_all(self._websocket, data)

    def eof_received(self) -> None:
        """Take the end of the peer's half; asyncio then closes ours."""
        self._library().receive_eof()
        self._reason = self._reason or "The Central System closed the connection without a closing handshake."
        self._bound_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner."""
        if self._websocket is not None:
            self._websocket.receive_eof()
        if self._closing is not None:
            self._closing.cancel()
        self._reason = self._reason or f"The connection broke ({exc or 'closed'})."
        self._peer.on_closed(self._reason)

    # Inside

    @property
    def _is_open(self) -> bool:
        return self._websocket is None or self._websocket.state is State.OPEN

    def _library(self) -> library.Protocol:
        """Return who knows all of RFC 6455, from now on."""
        if self._websocket is None:
            self._websocket = library.Protocol(library.Side.CLIENT, state=State.OPEN, max_size=self._max_size)
            self._websocket.debug = False
        return self._websocket

    def _begin(self, early: bytes) -> None:
        self._transport.resume_reading()
        if early:
            self.data_received(early)

    def _take_usual(self, data: bytes) -> None:
        at = 0
        try:
            while self._reason is None and (found := wire.look(data, at, self._max_size)) is not None:
                first, (start, end) = data[at], found
                at = end
                self._take_one(first, data[start:end])
                if self._websocket is not None:  # the peer closed, or it was no text
                    break
        except wire.Unusual:
            self._library()
        self._rest = b""
        if self._websocket is not None:
            self._take_all(self._websocket, data[at:])
        elif self._reason is None:
            self._rest = data[at:]

    def _take_one(self, first: int, payload: bytes) -> None:
        if first == wire.TEXT:
            self._deliver(payload)
        elif first == wire.PING:
            self._write(wire.frame(wire.PONG, payload))
        elif payload == self._ping_data():
            self._pong_by = math.inf

    def _take_all(self, websocket: library.Protocol, data: bytes) -> None:
        websocket.receive_data(data)
        for frame in cast("list[Frame]", websocket.events_received()):
            if self._reason is not None:
                break
            self._take_frame(websocket, frame)
        error = websocket.parser_exc
        if error is not None and self._reason is None:
            self._reason = f"The Central System broke the WebSocket protocol ({error})."
        self._flush(websocket)

    def _take_frame(self, websocket: library.Protocol, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT if frame.fin:
                self._deliver(frame.data)
            case Opcode.TEXT:
                self._fragments = bytearray(frame.data)
            case Opcode.CONT:
                fragments = self._fragments = self._fragments or bytearray()
                fragments += frame.data
                if frame.fin:
                    self._fragments = None
                    self._deliver(fragments)
            case Opcode.BINARY:
                self._fail(CloseCode.UNSUPPORTED_DATA, "OCPP-J has text messages only")
            case Opcode.PONG:
                if frame.data == self._ping_data():
                    self._pong_by = math.inf
            case Opcode.CLOSE:
                self._reason = f"The Central System closed the connection: {websocket.close_rcvd}."
            case Opcode.PING:
                pass  # the library has answered it (T-09)

    def _deliver(self, data: bytes | bytearray | memoryview) -> None:
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            # RFC 6455 §8.1: text that is not UTF-8 fails the connection.
            self._fail(CloseCode.INVALID_DATA, "text is not UTF-8")
        else:
            self._peer.on_text(text)

    def _fail(self, code: CloseCode, why: str) -> None:
        self._reason = f"The Central System broke the WebSocket protocol ({why})."
        websocket = self._library()
        if websocket.state is State.OPEN:
            websocket.fail(code, why)
            self._flush(websocket)

    def _flush(self, websocket: library.Protocol) -> None:
        if data := b"".join(websocket.data_to_send()):
            self._write(data)
        if websocket.close_expected():
            self._bound_closing()

    def _write(self, data: bytes) -> None:
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.abort("The Central System stopped reading what it is sent.")

    def _bound_closing(self) -> None:
        # RFC 6455 §7.1.1: the server closes TCP first; we wait for it, but not for ever.
        if self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._transport.abort)

    def _ping_data(self) -> bytes:
        return self._pings.to_bytes(4, "big")
