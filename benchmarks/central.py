"""A light Central System in a process of its own: answers everything, counts, and has stations send heartbeats.

Told what to do by lines on standard input, answers each with a line of JSON on standard output:

    counts                   connections, stations accepted, when the last one was, exchanges so far
    trigger RATE SECONDS     ask stations in turn for a heartbeat, so many a second; answers when all have come
    echo RATE SECONDS        send a text to bare connections in turn, so many a second; answers when all are back
    statuses                 when which station reported a status since the last time: [[identity, seconds], …]

Paths below `echo/` are no stations, but bare connections.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop

from benchmarks.wire import Peer

_TICK_S = 0.01
_GRACE_S = 10.0
_ANSWERS = {
    "BootNotification": b'{"status":"Accepted","currentTime":"%s","interval":300}',
    "Heartbeat": b'{"currentTime":"%s"}',
    "Authorize": b'{"idTagInfo":{"status":"Accepted"}}',
    "StartTransaction": b'{"transactionId":1,"idTagInfo":{"status":"Accepted"}}',
}
# As long as a StatusNotification.
_TEXT = b'[2,"0123456789","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Preparing"}]'
_SAY_THE_TIME = frozenset({"BootNotification", "Heartbeat"})
_decode = msgspec.json.Decoder().decode


class Central:
    """Hold what all connections have in common."""

    def __init__(self) -> None:
        self.stations: dict[str, Station] = {}
        self.bare: list[Station] = []
        self.echoes = 0
        self.connections = 0
        self.accepted: set[str] = set()
        self.accepted_at = 0.0
        self.exchanges = 0
        self.heartbeats = 0
        self.statuses: list[tuple[str, float]] = []

    async def carry_out(self, command: str, *arguments: str) -> Any:
        """Carry out a line."""
        match command:
            case "counts":
                fields = {"connections": self.connections, "accepted": len(self.accepted)}
                return fields | {"accepted_at": self.accepted_at, "exchanges": self.exchanges}
            case "trigger":
                return await self._trigger(int(arguments[0]), float(arguments[1]))
            case "echo":
                return await self._echo(int(arguments[0]), float(arguments[1]))
            case "statuses":
                found, self.statuses = self.statuses, []
                return found
            case _:
                raise ValueError(command)

    async def _trigger(self, rate: int, seconds: float) -> dict[str, int]:
        stations = itertools.cycle(list(self.stations.values()))

        def ask(number: int) -> None:
            text = f'[2,"t{number}","TriggerMessage",{{"requestedMessage":"Heartbeat"}}]'
            next(stations).send(text.encode())

        return await _paced(rate, seconds, ask, lambda: self.heartbeats)

    async def _echo(self, rate: int, seconds: float) -> dict[str, int]:
        bare = itertools.cycle(self.bare)
        return await _paced(rate, seconds, lambda _: next(bare).send(_TEXT), lambda: self.echoes)


async def _paced(rate: int, seconds: float, send: Callable[[int], None], heard: Callable[[], int]) -> dict[str, int]:
    wanted, sent, until, began = round(rate * seconds), 0, heard() + round(rate * seconds), time.monotonic()
    while sent < wanted:
        due = min(wanted, int((time.monotonic() - began) * rate) + 1)
        for number in range(sent, due):
            send(number)
        sent = due
        await asyncio.sleep(_TICK_S)
    for _ in range(round(_GRACE_S / _TICK_S)):
        if heard() >= until:
            break
        await asyncio.sleep(_TICK_S)
    return {"sent": sent, "missing": max(0, until - heard())}


class Station(Peer):
    """Be a station's connection, or one that wants its own words back."""

    def __init__(self, central: Central) -> None:
        super().__init__()
        self._central = central
        self._identity = ""

    def opened(self) -> None:
        self._central.connections += 1
        where, _, self._identity = self.path.partition("/")
        if where == "echo":
            self._central.bare.append(self)
        else:
            self._central.stations[self._identity] = self

    def closed(self) -> None:
        if self.path:
            self._central.connections -= 1
            self._central.stations.pop(self._identity, None)

    def received(self, text: bytes) -> None:
        central = self._central
        if self.path.startswith("echo/"):
            central.echoes += 1
            return
        kind, message_id, *rest = _decode(text)
        central.exchanges += 1
        if kind != 2:
            return
        action = rest[0]
        answer = _ANSWERS.get(action, b"{}")
        if action in _SAY_THE_TIME:
            # The true one: a station sets its clock by it, which is an event, and no part of a usual heartbeat.
            answer %= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()
        self.send(b'[3,"' + message_id.encode() + b'",' + answer + b"]")
        if action == "StatusNotification":
            central.statuses.append((self._identity, time.monotonic()))
        elif action == "Heartbeat":
            central.heartbeats += 1
        elif action == "BootNotification":
            central.accepted.add(self._identity)
            central.accepted_at = time.monotonic()


async def serve() -> None:
    """Listen on a free port of the loopback interface, say which, and carry out lines until there are no more."""
    gc.disable()
    central = Central()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Station(central), "127.0.0.1", 0, backlog=4096)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    async for line in reader:
        print(json.dumps(await central.carry_out(*line.decode().split())), flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
