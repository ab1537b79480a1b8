"""A light Central System in a process of its own: answers everything, counts, and has stations send heartbeats.

Told what to do by lines on standard input, answers each with a line of JSON on standard output:

    counts                   connections (open, ever, that never were WebSockets), stations accepted, when the last one
                             was, exchanges so far
    trigger RATE SECONDS     ask stations in turn for a heartbeat, so many a second; answers when all have come, with
                             how long that took: quantiles in milliseconds
    spare IDENTITY           ask this station for no heartbeats from now on
    disturb KIND IDENTITY    begin what `disturbing` knows with one station
    leave                    end it
    echo RATE SECONDS        send a text to bare connections in turn, so many a second; answers when all are back
    statuses                 when which station reported a status since the last time: [[identity, seconds], …]

Paths below `echo/` are no stations, but bare connections. With a certificate (a file) as argument it speaks TLS.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop

from benchmarks.disturbing import Disturbance
from benchmarks.quantiles import quantiles_ms
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
        self.dialled = 0
        self.broken = 0
        self.delays: list[float] = []
        self.spared: str | None = None
        self.disturbance = Disturbance(self)
        self.accepted: set[str] = set()
        self.accepted_at = 0.0
        self.exchanges = 0
        self.heartbeats = 0
        self.statuses: list[tuple[str, float]] = []

    async def carry_out(self, command: str, *arguments: str) -> Any:
        """Carry out a line."""
        match command:
            case "counts":
                fields = {"connections": self.connections, "dialled": self.dialled, "broken": self.broken}
                fields |= {"accepted": len(self.accepted), "exchanges": self.exchanges}
                return fields | {"accepted_at": self.accepted_at}
            case "trigger":
                return await self._trigger(int(arguments[0]), float(arguments[1]))
            case "echo":
                return await self._echo(int(arguments[0]), float(arguments[1]))
            case "spare":
                self.spared = arguments[0]
                return {}
            case "disturb":
                self.disturbance.begin(arguments[0], arguments[1])
                return {}
            case "leave":
                return {"sent": await self.disturbance.end()}
            case "statuses":
                found, self.statuses = self.statuses, []
                return found
            case _:
                raise ValueError(command)

    def station(self, identity: str) -> Station | None:
        """Return a station's connection."""
        return self.stations.get(identity)

    async def _trigger(self, rate: int, seconds: float) -> dict[str, float]:
        stations = itertools.cycle([one for one in self.stations.values() if one.identity != self.spared])
        self.delays.clear()

        def ask(number: int) -> None:
            station = next(stations)
            station.asked_at = station.asked_at or time.monotonic()
            station.send(f'[2,"t{number}","TriggerMessage",{{"requestedMessage":"Heartbeat"}}]'.encode())

        found = await _paced(rate, seconds, ask, lambda: self.heartbeats)
        return found | quantiles_ms(self.delays)

    async def _echo(self, rate: int, seconds: float) -> dict[str, float]:
        bare = itertools.cycle(self.bare)
        return await _paced(rate, seconds, lambda _: next(bare).send(_TEXT), lambda: self.echoes)


async def _paced(rate: int, seconds: float, send: Callable[[int], None], heard: Callable[[], int]) -> dict[str, float]:
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
        self.identity = ""
        self.asked_at = 0.0
        self.answers = 0
        central.dialled += 1

    def opened(self) -> None:
        self._central.connections += 1
        where, _, self.identity = self.path.partition("/")
        if where == "echo":
            self._central.bare.append(self)
        else:
            self._central.stations[self.identity] = self

    def closed(self) -> None:
        if not self.path:
            self._central.broken += 1
            return
        self._central.connections -= 1
        if self._central.stations.get(self.identity) is self:
            del self._central.stations[self.identity]

    def received(self, text: bytes) -> None:
        central = self._central
        if self.path.startswith("echo/"):
            central.echoes += 1
            return
        kind, message_id, *rest = _decode(text)
        central.exchanges += 1
        if kind != 2:
            self.answers += 1
            return
        action = rest[0]
        answer = _ANSWERS.get(action, b"{}")
        if action in _SAY_THE_TIME:
            # The true one: a station sets its clock by it, which is an event, and no part of a usual heartbeat.
            answer %= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()
        self.send(b'[3,"' + message_id.encode() + b'",' + answer + b"]")
        if action == "StatusNotification":
            central.statuses.append((self.identity, time.monotonic()))
        elif action == "Heartbeat":
            central.heartbeats += 1
            if self.asked_at:
                central.delays.append(time.monotonic() - self.asked_at)
                self.asked_at = 0.0
        elif action == "BootNotification":
            central.accepted.add(self.identity)
            central.accepted_at = time.monotonic()


def _tls() -> ssl.SSLContext | None:
    if len(sys.argv) < 2:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1])
    return context


async def serve() -> None:
    """Listen on a free port of the loopback interface, say which, and carry out lines until there are no more."""
    gc.disable()
    central = Central()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Station(central), "127.0.0.1", 0, backlog=4096, ssl=_tls())
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    async for line in reader:
        print(json.dumps(await central.carry_out(*line.decode().split())), flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
