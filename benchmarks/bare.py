"""The yardstick: as many plain connections of the `websockets` library, and nothing else, in a process of its own.

No compression, no pings, small limits. Each has a task that sends back what it hears, as the library's manual shows:
one message in and one out, like an OCPP exchange. Told what to do by lines, like the light Central System:

    connect URL COUNT [CA]   open them, with bounded concurrency; CA is a file with the root to trust, for TLS

On uvloop; with `--asyncio` on the event loop that Python brings.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

_AT_ONCE = 100


class Bare:
    """Hold the connections."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    async def carry_out(self, command: str, *arguments: str) -> Any:
        """Carry out a line."""
        match command:
            case "connect":
                authority = ssl.create_default_context(cafile=arguments[2]) if arguments[2:] else None
                return await self._connect(arguments[0], int(arguments[1]), authority)
            case _:
                raise ValueError(command)

    async def _connect(self, url: str, count: int, authority: ssl.SSLContext | None) -> dict[str, float]:
        began, limit = time.monotonic(), asyncio.Semaphore(_AT_ONCE)

        async def open_one(number: int) -> None:
            async with limit:
                connection = await connect(
                    f"{url}/echo/{number}",
                    compression=None,
                    ping_interval=None,
                    max_size=64 * 1024,
                    max_queue=1,
                    write_limit=1024,
                    user_agent_header=None,
                    proxy=None,
                    ssl=authority,
                )
            self._tasks.append(asyncio.create_task(_echo(connection)))

        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                tasks.create_task(open_one(number))
        return {"seconds": time.monotonic() - began}


async def _echo(connection: ClientConnection) -> None:
    async for text in connection:
        await connection.send(text)


async def serve() -> None:
    """Carry out lines until there are no more."""
    bare = Bare()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({}), flush=True)
    async for line in reader:
        print(json.dumps(await bare.carry_out(*line.decode().split())), flush=True)


if __name__ == "__main__":
    if "--asyncio" in sys.argv:
        asyncio.run(serve())
    else:
        uvloop.run(serve())
