"""State messages from a changed view until the broker has them, beside a publisher that knows only MQTT 3.1.1's bytes.

Prints CPU for a message: `python -m benchmarks.publishing PORT MESSAGES`, PORT being that of a broker. Ours is the
daemon's publisher with its client: the view is looked at, rendered, compared with what was shown, written as a PUBLISH,
and at QoS 1 its PUBACK taken. A meter goes at QoS 0, an EVSE's state at QoS 1, as in the daemon. The bare one sends
the very same topics and payloads, which it has in memory, with as many unconfirmed at a time.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Collection
from typing import Any, cast

import msgspec
import uvloop

from benchmarks.bare_mqtt import BarePublisher
from bridge import logs, render
from bridge.client import Client
from bridge.options import MqttOptions
from bridge.ports import Fleet, Incoming
from bridge.profiles import Output
from bridge.publisher import Publisher
from twin.model.terms import Part
from twin.model.view import EvseView, LimitView, MeterView, PartView, SessionView, StationView

_ROUNDS = 3
_AT_ONCE = 100
_WAIT_S = 30.0
_POLL_S = 0.001
_TWINS = 500

_STATION = msgspec.convert(
    dict.fromkeys(StationView.__struct_fields__)
    | {"identity": "t", "ocpp_version": "1.6", "csms_url": "ws://127.0.0.1/t", "connected": True, "vendor": "v"}
    | {"status": "Available", "error_code": "NoError", "queued_messages": 0, "model": "m", "local_list_version": 0}
    | {"security_profile": 0, "powered": True, "network": True, "door_open": False},
    StationView,
)
_EVSE = msgspec.convert(
    dict.fromkeys(EvseView.__struct_fields__)
    | {"status": "Charging", "error_code": "NoError", "status_at": 1767571200.0, "plugged": True, "ev_ready": True}
    | {"locked": True, "available": True, "charging": False, "id_tag": "04A2B3C4", "authorized": True}
    | {"transaction_id": 1, "session_id": "0b6e5d3c", "meter_source": "simulated"},
    EvseView,
)
_METER = MeterView(
    at=1767571200.0,
    power_w=11040.0,
    energy_wh=0.0,
    current_a=16.0,
    current_l1_a=16.0,
    current_l2_a=16.0,
    current_l3_a=16.0,
    voltage_l1_v=230.0,
    voltage_l2_v=230.0,
    voltage_l3_v=230.0,
    frequency_hz=50.0,
    power_factor=1.0,
    soc_pct=None,
    temperature_c=None,
    stale=False,
)
_LIMIT = msgspec.convert(
    {"allowed": True, "limit_a": 32.0, "limit_w": 22080.0, "phases": 3, "source": "hardware"}
    | {"profile_id": None, "until": None},
    LimitView,
)


class Views:
    """Stand in for a fleet whose twins show something new each time."""

    def __init__(self) -> None:
        self.ids: Collection[str] = [f"t-{number:05d}" for number in range(1, _TWINS + 1)]
        self._numbers = itertools.count(1)

    def evse_count(self, twin_id: str) -> int:
        """Return how many EVSEs a twin has."""
        del twin_id
        return 1

    def view_of(self, twin_id: str, part: Part) -> PartView:
        """Show a part of a twin."""
        del twin_id
        number = next(self._numbers)
        match part[0]:
            case "meter":
                return msgspec.structs.replace(_METER, energy_wh=number * 3.067, at=1767571200.0 + number)
            case "evse":
                return msgspec.structs.replace(_EVSE, transaction_id=number, status_at=1767571200.0 + number)
            case "limit":
                return _LIMIT
            case "session":
                return SessionView()
            case _:
                return _STATION


class Deaf:
    """Hear nothing: nobody says anything to this daemon."""

    def handle(self, message: Incoming) -> None:
        """Acknowledge a message."""
        message.acknowledge()

    def replay_begins(self) -> None:
        """Expect nothing."""

    def replay_ends(self) -> None:
        """Expect nothing."""


class Ours:
    """Hold the daemon's publisher and client."""

    def __init__(self, port: int) -> None:
        # A meter may follow at once, so that each change is a message.
        options = MqttOptions(url=f"mqtt://127.0.0.1:{port}", node="publishing", output=Output(meter_interval_s=0.0))
        self._views = Views()
        self._publisher = Publisher(options, now=time.time)
        self._publisher.attach(cast("Fleet", self._views))
        self._client = Client(options, self._publisher, Deaf(), lambda: self._views.ids)
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Connect, and wait until what there is has been shown."""
        self._tasks = [asyncio.create_task(self._publisher.run()), asyncio.create_task(self._client.run())]
        if not await self._client.wait_subscribed(_WAIT_S):
            raise TimeoutError
        await self._told(len(self._views.ids))

    async def publish(self, kind: str, messages: int) -> float:
        """Have so many messages published; return the CPU of one (s)."""
        part = cast("Part", (kind, 1))
        before, twins = time.process_time(), itertools.cycle(self._views.ids)
        for start in range(0, messages, _AT_ONCE):
            until = self._publisher.sent_total + min(_AT_ONCE, messages - start)
            for twin in itertools.islice(twins, min(_AT_ONCE, messages - start)):
                self._publisher.changed(twin, {part})
            await self._told(until)
        return (time.process_time() - before) / messages

    async def _told(self, until: int) -> None:
        async with asyncio.timeout(_WAIT_S):
            # Looked at now and then, because nothing tells when it is so; doing it all the time would be measured, too.
            while self._publisher.sent_total < until:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)

    async def stop(self) -> None:
        """Say goodbye."""
        await self._client.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def payloads(kind: str) -> list[tuple[bytes, bytes]]:
    """Return topics and payloads as ours are."""
    views, name = Views(), {"meter": "meter", "evse": "state"}[kind]
    return [
        (
            f"ocpp-twin/{twin}/1/{name}".encode(),
            render.encode(render.state(views.view_of(twin, cast("Part", (kind, 1))), mask_id_tags=False)),
        )
        for twin in views.ids
    ]


async def main() -> None:
    """Measure in turn and print."""
    logs.configure("error", "json")
    port, messages = int(sys.argv[1]), int(sys.argv[2])
    ours, bare = Ours(port), await BarePublisher.connected(port)
    await ours.start()
    found: dict[str, list[float]] = {}
    for _ in range(_ROUNDS):
        for kind, qos in (("meter", 0), ("evse", 1)):
            found.setdefault(f"state_qos{qos}_us", []).append(await ours.publish(kind, messages))
            taken = await bare.publish(payloads(kind), messages, qos)
            found.setdefault(f"bare_state_qos{qos}_us", []).append(taken)
    await ours.stop()
    bare.close()
    print(json.dumps({name: statistics.median(values) * 1e6 for name, values in found.items()}))


if __name__ == "__main__":
    uvloop.run(main())
