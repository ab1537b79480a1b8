"""Both sides of a daemon with very many twins: a light Central System, and somebody who knows what stands on MQTT."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

import aiomqtt
from fakes.record import PATIENCE_S

from benchmarks.wire import Peer
from bridge.demo.ports import HOST

CLOSE = 8
NOW = "2030-01-01T00:00:00Z"
ANSWERS: dict[str, Any] = {"BootNotification": {"status": "Accepted", "currentTime": NOW, "interval": 300}}


class News:
    """Let a test wait for a condition, which is looked at whenever something happened."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def happen(self) -> None:
        self._happened.set()

    async def until(self, condition: Callable[[], bool], what: Callable[[], str]) -> None:
        """Wait; `what` says how far it got where it was in vain."""
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                while not condition():
                    self._happened.clear()
                    await self._happened.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain: {what()}") from None


class Crowd:
    """Be a Central System that many stations call; `polite` ones answer the closing handshake.

    `booted` are identities that sent BootNotification, `codes` how each said goodbye.
    """

    def __init__(self, *, polite: bool = True) -> None:
        self.polite = polite
        self.booted: set[str] = set()
        self.codes: dict[str, int] = {}
        self.news = News()
        self.connections: set[_Station] = set()
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/ocpp"

    async def start(self, port: int = 0) -> None:
        """Listen, on a free port if none is given."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Station(self), HOST, port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be gone without a word."""
        if self._server is not None:
            self._server.close()
            for station in list(self.connections):
                station.abort()
            await self._server.wait_closed()
            self._server = None

    async def until_booted(self, number: int) -> None:
        await self.news.until(lambda: len(self.booted) >= number, lambda: f"{len(self.booted)} of {number} booted")


class _Station(Peer):
    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        self._crowd = crowd

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def identity(self) -> str:
        return self.path.partition("/")[2]

    def opened(self) -> None:
        self._crowd.connections.add(self)

    def closed(self) -> None:
        self._crowd.connections.discard(self)

    def received(self, text: bytes) -> None:
        kind, message_id, *rest = json.loads(text)
        if kind == 2:
            self.send(json.dumps([3, message_id, ANSWERS.get(rest[0], {})]).encode())
            if rest[0] == "BootNotification":
                self._crowd.booted.add(self.identity)
                self._crowd.news.happen()

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self._crowd.codes[self.identity] = int.from_bytes(payload[:2], "big")
            if not self._crowd.polite:
                return
        super()._take(opcode, payload)


class Shelf:
    """Know what stands on all topics of `filters`, from connecting on; an async context manager."""

    def __init__(self, port: int, *filters: str) -> None:
        self.stands: dict[str, str] = {}
        self.news = News()
        self._filters = filters
        self._client = aiomqtt.Client(HOST, port)
        self._listening: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        for name in self._filters:
            await self._client.subscribe(name)
        self._listening = asyncio.create_task(self._listen(), name="shelf")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._client.__aexit__(None, None, None)

    async def until(self, number: int, wanted: Callable[[str], bool]) -> None:
        """Wait until so many topics have a payload that is wanted."""
        await self.news.until(lambda: self._count(wanted) >= number, lambda: f"{self._count(wanted)} of {number}")

    def _count(self, wanted: Callable[[str], bool]) -> int:
        return sum(map(wanted, self.stands.values()))

    async def _listen(self) -> None:
        async for message in self._client.messages:
            payload = message.payload
            self.stands[str(message.topic)] = payload.decode() if isinstance(payload, bytes) else ""
            self.news.happen()
