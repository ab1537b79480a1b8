"""A charge point on plain `websockets`, which says exactly what a test tells it to."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, Self
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect


class FakeStation:
    """Speak OCPP-J by hand, as an async context manager; `answers` holds the confirmations by action."""

    def __init__(self, url: str, identity: str, *, headers: dict[str, str] | None = None) -> None:
        self._url = f"{url}/{quote(identity, safe='')}"
        self._headers = headers
        self._ids = itertools.count(1)
        self.answers: dict[str, Any] = {}
        self.calls: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.texts: asyncio.Queue[list[Any]] = asyncio.Queue()
        self.connection: ClientConnection

    async def __aenter__(self) -> Self:
        self.connection = await connect(
            self._url, subprotocols=["ocpp1.6"], additional_headers=self._headers, compression=None
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
        await self._reader

    async def call(self, action: str, payload: Any) -> list[Any]:
        """Make a call and return the next answer, as it came."""
        await self.send([2, f"id-{next(self._ids)}", action, payload])
        return await self.hear()

    async def send(self, frame: Any) -> None:
        await self.connection.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def hear(self) -> list[Any]:
        async with asyncio.timeout(5):
            return await self.texts.get()

    async def _read(self) -> None:
        async for text in self.connection:
            frame = json.loads(text)
            if frame[0] != 2:
                self.texts.put_nowait(frame)
                continue
            self.calls.put_nowait(frame)
            if frame[2] in self.answers:
                await self.send([3, frame[1], self.answers[frame[2]]])
