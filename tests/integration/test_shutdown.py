"""How a daemon with many twins ends, whatever the others do meanwhile; and how it starts while nobody is there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections import Counter

import pytest
from fakes.crowd import Crowd, Shelf

from twin.store.sqlite import open_store

MANY = 1000
SOME = 200
AVAILABILITY = ("ocpp-twin/+/availability", "ocpp-twin/bridge/+/availability")


@pytest.fixture
async def crowd():
    async with contextlib.AsyncExitStack() as ending:
        found = Crowd()
        ending.push_async_callback(found.stop)
        await found.start()
        yield found


@pytest.fixture
def fleet(settings, crowd, tmp_path):
    """Make the settings of a daemon with many twins."""

    def make(broker_url, number):
        given = settings(broker_url, twins=[{"id": f"lot-{{0001..{number:04}}}"}])
        given["csms"]["url"] = crowd.url
        return given

    make.store = f"sqlite:///{tmp_path}/twins.db"
    return make


async def stored(url):
    """Return how many twins have a state in the database."""
    store = open_store(url)
    try:
        return sum(bool(twin.parts) for twin in store.load().twins.values())
    finally:
        await store.close()


async def all_offline(broker, number):
    async with Shelf(broker.port, *AVAILABILITY) as shelf:
        await shelf.until(number + 1, lambda payload: payload == "offline")
        assert set(shelf.stands.values()) == {"offline"}


async def test_a_thousand_twins_end_cleanly(mosquitto, crowd, fleet, make_daemon):
    daemon = await make_daemon(fleet(mosquitto.url, MANY))
    await crowd.until_booted(MANY)
    # It takes a second or two; how long where ten others use the processor, says nothing about the daemon.
    assert await daemon.stop() == 0
    assert Counter(crowd.codes.values()) == {1001: MANY}
    await all_offline(mosquitto, MANY)
    assert await stored(fleet.store) == MANY
    assert [line["event"] for line in daemon.log if line["event"].startswith("stop")] == ["stopping", "stopped"]


async def test_a_central_system_that_does_not_answer_a_close_is_not_waited_for(mosquitto, crowd, fleet, make_daemon):
    crowd.polite = False
    daemon = await make_daemon(fleet(mosquitto.url, SOME))
    await crowd.until_booted(SOME)
    assert await daemon.stop() == 0
    assert Counter(crowd.codes.values()) == {1001: SOME}
    await all_offline(mosquitto, SOME)
    assert await stored(fleet.store) == SOME


async def test_a_broker_that_takes_nothing_is_left_to_the_will(mosquitto, crowd, fleet, make_daemon):
    daemon = await make_daemon(fleet(mosquitto.url, SOME))
    await crowd.until_booted(SOME)
    mosquitto.pause()
    try:
        assert await daemon.stop() == 0
    finally:
        mosquitto.resume()
    assert Counter(crowd.codes.values()) == {1001: SOME}
    async with Shelf(mosquitto.port, AVAILABILITY[1]) as shelf:
        await shelf.until(1, lambda payload: payload == "offline")


async def test_a_broker_that_is_gone_does_not_hold_the_end_up(mosquitto, crowd, fleet, make_daemon):
    daemon = await make_daemon(fleet(mosquitto.url, SOME))
    await crowd.until_booted(SOME)
    mosquitto.stop()
    assert await daemon.stop() == 0
    assert Counter(crowd.codes.values()) == {1001: SOME}
    assert await stored(fleet.store) == SOME


async def test_who_asks_again_does_not_disturb_the_end(mosquitto, crowd, fleet, make_daemon):
    crowd.polite = False  # so that the end takes a while
    daemon = await make_daemon(fleet(mosquitto.url, SOME))
    await crowd.until_booted(SOME)
    mark = len(daemon.log)
    daemon.send(signal.SIGTERM)
    await daemon.log.until(lambda line: line["event"] == "stopping", "the end", after=mark)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        daemon.send(number)
    assert await daemon.ended() == 0
    await all_offline(mosquitto, SOME)
    assert [line for line in daemon.log.since(mark) if line.get("level") not in ("info", "warning")] == []


async def test_who_cannot_stop_asking_does_not_change_the_exit_code(mosquitto, settings, make_daemon):
    daemon = await make_daemon(settings(mosquitto.url))
    while daemon.runs:  # up to the very end of the interpreter
        daemon.send(signal.SIGINT)
        await asyncio.sleep(0)
    assert await daemon.ended() == 0
    assert [line for line in daemon.log if "text" in line] == []


@pytest.mark.parametrize("first", ["broker", "central system"])
async def test_a_thousand_twins_start_while_nobody_is_there(mosquitto, crowd, fleet, make_daemon, first):
    port = crowd.port
    given = fleet(mosquitto.url, MANY)
    given["mqtt"]["startup_wait"] = "100ms"
    mosquitto.stop()
    await crowd.stop()
    await make_daemon(given)
    await (broker_comes(mosquitto, crowd, port) if first == "broker" else central_system_comes(mosquitto, crowd, port))
    async with Shelf(mosquitto.port, "ocpp-twin/+/state", AVAILABILITY[0]) as shelf:
        await shelf.until(MANY, lambda payload: payload == "online")
        await shelf.until(MANY, is_connected)


async def broker_comes(mosquitto, crowd, port):
    mosquitto.start()
    async with Shelf(mosquitto.port, "ocpp-twin/+/state") as shelf:
        await shelf.until(MANY, lambda payload: not json.loads(payload)["connected"])
    await crowd.start(port)
    await crowd.until_booted(MANY)


async def central_system_comes(mosquitto, crowd, port):
    await crowd.start(port)
    await crowd.until_booted(MANY)
    await asyncio.to_thread(mosquitto.start)


def is_connected(payload):
    return payload.startswith("{") and json.loads(payload)["connected"]
