"""kill -9 at any moment: nothing that was taken is lost, nothing is told twice, nothing falls."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import datetime

import pytest
from fakes.witness import Witness

from bridge.demo.station import NO_ANSWER

CARD = "04A2B3C4"


class Scene:
    """Bring a twin to a moment, as what holds the parts of a test together."""

    def __init__(self, daemon, witness, books, csms, away):
        self.daemon = daemon
        self.witness = witness
        self.books = books
        self.csms = csms
        self.away = away

    async def kill_and_start(self):
        await self.daemon.kill()
        await self.daemon.start()

    async def swipe(self):
        return await self.witness.ok("garage/1/cmd/swipe", CARD)

    async def plug_in(self):
        await self.witness.ok("garage/1/set/plugged", "ON")

    async def charge(self):
        """Begin a transaction that the Central System knows."""
        mark = self.witness.mark()
        await self.plug_in()
        await self.swipe()
        await self.witness.event("garage", "transaction_accepted", after=mark)
        await self.witness.until("garage/1/meter", lambda meter: meter["power_w"] > 0, after=mark)

    async def leave(self):
        """End the transaction, if it did not end yet, and drive away."""
        mark = self.books.mark()
        state = self.witness.payloads("garage/1/session")[-1]
        if state["active"]:
            await self.swipe()
            await self.books.until("StopTransaction", after=mark)
        await self.witness.ok("garage/1/set/plugged", "OFF")


async def as_soon_as_a_swipe_is_taken(scene):
    await scene.plug_in()
    mark, known = scene.witness.mark(), scene.books.mark()
    request_id = await scene.swipe()
    await scene.kill_and_start()
    await scene.books.until("StartTransaction", after=known)
    accepted = await scene.witness.event("garage", "transaction_accepted", after=mark)
    assert accepted["request_id"] == request_id
    await scene.leave()


async def while_authorize_has_no_answer(scene):
    asked = silent(scene.csms, "Authorize")
    await scene.plug_in()
    known = scene.books.mark()
    await scene.swipe()
    await asked.wait()
    await scene.daemon.kill()
    del scene.csms.handlers["Authorize"]
    mark = scene.witness.mark()
    await scene.daemon.start()
    await scene.books.until("StartTransaction", after=known)
    await scene.witness.event("garage", "transaction_accepted", after=mark)
    await scene.leave()


async def while_the_start_has_no_answer(scene):
    asked = silent(scene.csms, "StartTransaction")
    await scene.plug_in()
    await scene.swipe()
    await asked.wait()
    await scene.daemon.kill()
    del scene.csms.handlers["StartTransaction"]
    mark = scene.witness.mark()
    await scene.daemon.start()
    await scene.witness.event("garage", "transaction_accepted", after=mark)
    await scene.leave()


async def during_a_transaction(scene):
    await scene.charge()
    known = scene.books.mark()
    await scene.kill_and_start()
    sample = await scene.books.until("MeterValues", after=known)
    assert sample["transactionId"] == scene.books.transactions()[-1].payload["transactionId"]
    await scene.leave()


async def in_the_middle_of_a_sample(scene):
    asked = silent(scene.csms, "MeterValues")
    await scene.charge()
    await asked.wait()
    await scene.daemon.kill()
    del scene.csms.handlers["MeterValues"]
    known = scene.books.mark()
    await scene.daemon.start()
    await scene.books.until("MeterValues", after=known)
    await scene.leave()


async def as_soon_as_a_stop_is_taken(scene):
    await scene.charge()
    known = scene.books.mark()
    await scene.witness.ok("garage/1/cmd/stop", "")
    await scene.kill_and_start()
    await scene.books.until("StopTransaction", after=known)
    await scene.witness.ok("garage/1/set/plugged", "OFF")


async def while_the_stop_has_no_answer(scene):
    asked = silent(scene.csms, "StopTransaction")
    await scene.charge()
    await scene.swipe()
    await asked.wait()
    await scene.daemon.kill()
    del scene.csms.handlers["StopTransaction"]
    known = scene.books.mark()
    await scene.daemon.start()
    await scene.books.until("StopTransaction", after=known)
    await scene.witness.ok("garage/1/set/plugged", "OFF")


async def offline_with_a_queue(scene):
    known = scene.books.mark()
    async with scene.away():
        mark = scene.witness.mark()
        await scene.plug_in()
        await scene.swipe()
        await scene.witness.event("garage", "transaction_started", after=mark)
        await scene.witness.ok("garage/1/cmd/stop", "")
        await scene.witness.ok("garage/1/set/plugged", "OFF")
        mark = scene.witness.mark()
        await scene.plug_in()
        await scene.swipe()
        await scene.witness.event("garage", "transaction_started", after=mark)
        await scene.daemon.kill()
        mark = scene.witness.mark()
        await scene.daemon.start()
        await scene.witness.until("garage/state", lambda state: state["queued_messages"] >= 3, after=mark)
    await scene.witness.until(
        "garage/1/session", lambda session: session["active"] and session["transaction_id"], after=mark
    )
    told = [one.action for one in scene.books.transactions(after=known) if one.action != "MeterValues"]
    assert told[:3] == ["StartTransaction", "StopTransaction", "StartTransaction"]
    await scene.leave()


MOMENTS = [
    as_soon_as_a_swipe_is_taken,
    while_authorize_has_no_answer,
    while_the_start_has_no_answer,
    during_a_transaction,
    in_the_middle_of_a_sample,
    as_soon_as_a_stop_is_taken,
    while_the_stop_has_no_answer,
    offline_with_a_queue,
]


def silent(csms, action):
    """Let the Central System not answer an action; return what is set when it was asked."""
    asked = asyncio.Event()

    async def handle(*_):
        asked.set()
        return NO_ANSWER

    csms.handlers[action] = handle
    return asked


@pytest.fixture
async def scene(mosquitto, settings, make_daemon, books, csms, away):
    daemon = await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        yield Scene(daemon, witness, books, csms, away)


async def test_one_moment_after_the_other_in_the_life_of_one_box(scene):
    moments = MOMENTS.copy()
    random.Random(16).shuffle(moments)
    for moment in moments:
        print(moment.__name__)
        await moment(scene)
    every_session_is_told_once_in_order(scene.books, sessions=len(MOMENTS) + 1)
    nothing_falls(scene)


async def test_between_any_two_messages(scene):
    """Where it strikes is drawn from a seed: after so many messages of whatever kind since the swipe."""
    draw = random.Random(6)
    sessions = 4
    for _ in range(sessions):
        mark, known = scene.witness.mark(), scene.books.mark()
        await scene.plug_in()
        await scene.swipe()
        after = scene.witness.mark() + draw.randrange(12)
        await scene.witness.said.until(lambda _, after=after: len(scene.witness.said) > after, "some message")
        await scene.kill_and_start()
        # Not the event: one that was about to be published when the blow fell is gone, the state is not.
        await scene.witness.until(
            "garage/1/session", lambda session: session["active"] and session["transaction_id"], after=mark
        )
        await scene.books.until("StartTransaction", after=known)
        await scene.leave()
    every_session_is_told_once_in_order(scene.books, sessions=sessions)
    nothing_falls(scene)


async def test_what_was_set_stays(scene):
    change = {"key": "ConnectionTimeOut", "value": "77"}
    assert await scene.csms.call("garage", "ChangeConfiguration", change) == {"status": "Accepted"}
    inoperative = {"connectorId": 1, "type": "Inoperative"}
    assert await scene.csms.call("garage", "ChangeAvailability", inoperative) == {"status": "Accepted"}
    await scene.witness.ok("garage/1/set/power_w", "1234")
    await scene.witness.ok("garage/1/set/energy_wh", "5000")
    register = await scene.witness.until("garage/1/meter", lambda meter: meter["power_w"] == 1234)
    before = await scene.witness.until("garage/1/state", lambda state: state["meter_source"] == "external")
    assert (before["available"], before["status"]) == (False, "Unavailable")
    mark, known = scene.witness.mark(), scene.books.mark()
    await scene.kill_and_start()
    await scene.books.until("StatusNotification", lambda told: told["status"] == "Unavailable", after=known)
    found = await scene.csms.call("garage", "GetConfiguration", {"key": ["ConnectionTimeOut"]})
    assert found["configurationKey"] == [change | {"readonly": False}]
    assert await scene.witness.until("garage/1/state", after=mark) == before
    meter = await scene.witness.until("garage/1/meter", after=mark)
    assert meter["power_w"] == 1234
    assert meter["energy_wh"] >= register["energy_wh"]


def every_session_is_told_once_in_order(books, *, sessions):
    """Hold the Central System's books against OCPP: one start and one stop each, at times that only rise."""
    told = books.transactions()
    ends = [one for one in told if one.action != "MeterValues"]
    assert [one.action for one in ends] == ["StartTransaction", "StopTransaction"] * sessions
    starts, stops = [one.payload for one in ends[::2]], [one.payload for one in ends[1::2]]
    assert max(Counter((start["timestamp"], start["meterStart"]) for start in starts).values()) == 1
    assert [stop["transactionId"] for stop in stops] == list(range(1, sessions + 1))
    pairs = zip(starts, stops, strict=True)
    registers = [register for start, stop in pairs for register in (start["meterStart"], stop["meterStop"])]
    assert registers == sorted(registers)
    times = [datetime.fromisoformat(time) for one in told for time in times_of(one.payload)]
    assert times == sorted(times)
    running = 0
    for one in told:
        if one.action == "StartTransaction":
            running += 1
        else:
            assert one.payload["transactionId"] == running


def times_of(payload):
    if "meterValue" in payload:
        return [sampled["timestamp"] for sampled in payload["meterValue"]]
    return [payload["timestamp"]]


def nothing_falls(scene):
    registers = [meter["energy_wh"] for meter in scene.witness.payloads("garage/1/meter")]
    assert registers == sorted(registers)
