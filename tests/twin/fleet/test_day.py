"""A day in the life of a fleet of real stations, in virtual time: cars come and go, links break, a restart."""

import asyncio
import json
from collections import Counter
from random import Random

from fakes.world import T0, spec

from twin.model.inputs import PlugIn, PresentToken, Unplug
from twin.model.spec import KeySpec
from twin.station import Station

HOUR_S = 3600.0


class CentralSystem:
    """Accept everything, number the transactions, and count what is told."""

    def __init__(self):
        self.actions = Counter()
        self.started = []
        self.stopped = []
        self.online = set()

    def take(self, connection):
        connection.answer = self.answer
        self.online.add(connection)

    def answer(self, text):
        frame = json.loads(text)
        if frame[0] != 2:
            return None
        _, message_id, action, payload = frame
        self.actions[action] += 1
        reply = {}
        match action:
            case "BootNotification":
                reply = {"status": "Accepted", "interval": 3600, "currentTime": "2026-01-05T10:00:00Z"}
            case "Heartbeat":
                reply = {"currentTime": "2026-01-05T10:00:00Z"}
            case "Authorize":
                reply = {"idTagInfo": {"status": "Accepted"}}
            case "StartTransaction":
                self.started.append(payload)
                reply = {"transactionId": len(self.started), "idTagInfo": {"status": "Accepted"}}
            case "StopTransaction":
                self.stopped.append(payload)
        return json.dumps([3, message_id, reply])

    def lose_some(self, random):
        for connection in [one for one in self.online if one.ended is None and random.random() < 0.3]:
            self.online.discard(connection)
            connection.break_off("connection reset")


async def drive(fleet, twin_id, random, hours):
    """Let a car come, charge and go, once an hour or so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + hours * HOUR_S
    while loop.time() < end - 2 * HOUR_S:
        await asyncio.sleep(random.uniform(0.2, 0.5) * HOUR_S)
        fleet.command(twin_id, PlugIn(evse=1), lambda: None)
        fleet.command(twin_id, PresentToken(token="CARD", evse=1), lambda: None)
        await asyncio.sleep(random.uniform(0.2, 0.5) * HOUR_S)
        fleet.command(twin_id, Unplug(evse=1), lambda: None)


async def test_each_session_is_told_started_once_and_ended_once(world):
    world.cast = Station.start
    keys = {"MeterValueSampleInterval": KeySpec("900")}
    specs = [spec(f"t{number}", keys=keys) for number in range(10)]
    central, random = CentralSystem(), Random(7)
    for hours in (12, 12):
        world.listener.heard.clear()
        world.network.on_connect = central.take
        async with world.open(*specs) as fleet:
            drives = [asyncio.create_task(drive(fleet, one.id, random, hours)) for one in specs]
            for _ in range(hours):
                await asyncio.sleep(HOUR_S)
                central.lose_some(random)
            for task in drives:
                await task
            await asyncio.sleep(HOUR_S)
            assert fleet.counters.queued_messages == 0
            assert fleet.counters.protocol_errors_total == fleet.counters.dropped_total == 0
            assert world.listener.notes("internal_error") == []
    assert len(central.started) > 100
    ended = Counter(stop["transactionId"] for stop in central.stopped)
    assert ended == Counter(range(1, len(central.started) + 1))
    assert central.actions["MeterValues"] > 100
    assert world.clock.now() > T0 + 24 * HOUR_S
