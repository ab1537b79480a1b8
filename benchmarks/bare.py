"""The yardstick: as many plain connections of the `websockets` library, and nothing else, in a process of its own.

No compression, no pings, small limits, uvloop. Told what to do by lines, like the light Central System:

    connect URL COUNT        open them, with bounded concurrency
    echo RATE SECONDS        send a text on one after the other and wait for it to come back, so many a second
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

_AT_ONCE = 100
_TICK_S = 0.01
# As long as a StatusNotification.
_TEXT = '[2,"0123456789","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Preparing"}]'


class Bare:
    """Hold the connections."""

    def __init__(self) -> None:
        self._open: list[ClientConnection] = []

    async def carry_out(self, command: str, *arguments: str) -> Any:
        """Carry out a line."""
        match command:
            case "connect":
                return await self._connect(arguments[0], int(arguments[1]))
            case "echo":
                return await self._echo(int(arguments[0]), float(arguments[1]))
            case _:
                raise ValueError(command)

    async def _connect(self, url: str, count: int) -> dict[str, float]:
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
                )
            self._open.append(connection)

        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                tasks.create_task(open_one(number))
        return {"seconds": time.monotonic() - began}

    async def _echo(self, rate: int, seconds: float) -> dict[str, int]:
        wanted, sent, began = round(rate * seconds), 0, time.monotonic()
        connections = itertools.cycle(self._open)
        while sent < wanted:
            due = min(wanted, int((time.monotonic() - began) * rate) + 1, sent + len(self._open))
            batch = [next(connections) for _ in range(sent, due)]
            for connection in batch:
                await connection.send(_TEXT)
            for connection in batch:
                await connection.recv()
            sent = due
            await asyncio.sleep(_TICK_S)
        return {"round_trips": sent}


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
    uvloop.run(serve())
