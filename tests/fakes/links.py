"""Both ends of a link for tests: a peer that remembers, servers that behave, servers that do not, a loop that jumps."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trustme
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from twin.link.target import Target, target
from twin.model.spec import Access, CsmsSpec, TwinSpec

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


BOUND_S = 20.0
"""After this long a test that waits for what never comes fails."""


class RecordingPeer:
    """Remember what was delivered, in order."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.reasons: list[str] = []
        self._closed = asyncio.Event()

    def on_text(self, text: str) -> None:
        assert not self.reasons, "text after the end"
        self.texts.put_nowait(text)

    def on_closed(self, reason: str) -> None:
        self.reasons.append(reason)
        self._closed.set()

    async def end(self) -> str:
        async with asyncio.timeout(BOUND_S):
            await self._closed.wait()
        (reason,) = self.reasons
        return reason


class JumpingLoop(asyncio.SelectorEventLoop):
    """Tell a time that tests move forward."""

    def __init__(self) -> None:
        super().__init__()
        self._jumped_s = 0.0

    def time(self) -> float:
        return super().time() + self._jumped_s

    def jump(self, seconds: float) -> None:
        self._jumped_s += seconds


@asynccontextmanager
async def central_system(
    handler: Callable[[ServerConnection], Awaitable[None]],
    *,
    host: str = "127.0.0.1",
    context: ssl.SSLContext | None = None,
    **options: object,
) -> AsyncIterator[int]:
    """Serve real WebSockets that speak ocpp1.6; yields the port."""
    options = {"subprotocols": ["ocpp1.6"], "compression": None, "ping_interval": None, **options}
    async with asyncio.timeout(BOUND_S), serve(handler, host, 0, ssl=context, **options) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@asynccontextmanager
async def raw_server(script: Script, *, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve bytes: each connection runs `script`, and is closed after it; yields the port."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # what the other side did is for the test to see
        finally:
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0, ssl=context)
    try:
        async with asyncio.timeout(BOUND_S):
            yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answering(answer: bytes) -> Script:
    """Make a script that reads the request and answers with these bytes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return script


async def upgrade(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    headers: str = "Sec-WebSocket-Protocol: ocpp1.6\r\n",
    then: bytes = b"",
) -> str:
    """Answer a handshake, with `then` in the same segment; returns the request."""
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if line)
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(lines['Sec-WebSocket-Key'])}\r\n{headers}\r\n"
    )
    writer.write(answer.encode() + then)
    await writer.drain()
    return request


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """Build a frame as a server sends it."""
    return Frame(opcode, data, fin).serialize(mask=False)


async def read_frame(reader: asyncio.StreamReader) -> tuple[Opcode, bytes]:
    """Read a short masked frame as a client sends it."""
    first, length = await reader.readexactly(2)
    length &= 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(length)
    return Opcode(first & 0x0F), bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def context_for(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Make a server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def target_at(port: int, *, scheme: str = "ws", host: str = "127.0.0.1", **fields: object) -> Target:
    """Make a target on this machine."""
    values = {"subprotocols": ("ocpp1.6",), "url": f"{scheme}://{host}:{port}/ocpp/CP1", **fields}
    return Target(**values)


NOWHERE = Path("/nonexistent")


def reach(
    url: str,
    *,
    identity: str = "CP1",
    access: Access | None = None,
    keys: Path = NOWHERE,
    subprotocols: tuple[str, ...] = ("ocpp1.6",),
    **csms: object,
) -> Target:
    """Make a target the way a twin does."""
    spec = TwinSpec("t", identity, csms=CsmsSpec(url, **csms))
    return target(spec, access or Access(), subprotocols, lambda: keys)
