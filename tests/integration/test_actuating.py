"""A real contactor and a real lock behind a twin: what the Central System wants reaches them, and is true."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Self

import aiomqtt
import pytest
from fakes.record import Record
from fakes.witness import Witness

CARD = "04A2B3C4"
OUTPUTS = [
    {
        "from": "garage/1/limit",
        "topic": "contactor/set",
        "payload": "{{ 'ON' if allowed else 'OFF' }}",
        "keepalive": "1s",
        "confirm": {"topic": "contactor/state", "timeout": "500ms", "expect": "{{ 'ON' if allowed else 'OFF' }}"},
    },
    {
        "from": "garage/1/unlock",
        "topic": "lock/set",
        "payload": "UNLOCK",
        "confirm": {"topic": "lock/state", "expect": "unlocked", "timeout": "1s"},
    },
    {"from": "garage/1/remote_start", "topic": "start", "confirm": {"topic": "started", "timeout": "10s"}},
]


class Thing:
    """Be a relay and a lock on MQTT. `deaf`: it does nothing."""

    def __init__(self, port: int) -> None:
        self.told: Record[tuple[str, str]] = Record()
        self.deaf = False
        self._client = aiomqtt.Client("127.0.0.1", port)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        for topic in ("contactor/set", "lock/set", "start"):
            await self._client.subscribe(topic, qos=1)
        self._task = asyncio.create_task(self._run(), name="thing")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(aiomqtt.MqttError):
            await self._client.__aexit__(None, None, None)

    async def show(self, topic: str, payload: str) -> None:
        await self._client.publish(topic, payload, qos=1)

    async def until(self, topic: str, payload: str, after: int = 0) -> None:
        await self.told.until(lambda told: told == (topic, payload), f"{topic} {payload}", after=after)

    async def _run(self) -> None:
        async for message in self._client.messages:
            topic, payload = str(message.topic), bytes(message.payload).decode()
            self.told.add((topic, payload))
            if self.deaf:
                continue
            if topic == "contactor/set":
                await self.show("contactor/state", payload)
            elif topic == "lock/set":
                await self.show("lock/state", "unlocked")


@pytest.fixture
async def scene(mosquitto, settings, make_daemon, books):
    async with Witness(mosquitto.port) as witness, Thing(mosquitto.port) as thing:
        await make_daemon(settings(mosquitto.url, outputs=OUTPUTS))
        await witness.until("garage/1/state", lambda state: state["status"] == "Available")
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        yield witness, thing


async def test_a_contactor_follows_the_session_and_is_repeated(scene):
    witness, thing = scene
    await thing.until("contactor/set", "OFF")
    await witness.ok("garage/1/set/plugged", "ON")
    await witness.ok("garage/1/cmd/swipe", CARD)
    await thing.until("contactor/set", "ON")
    mark = len(thing.told)
    await thing.until("contactor/set", "ON", after=mark)  # the keepalive
    await witness.ok("garage/1/cmd/stop", "Local")
    await thing.until("contactor/set", "OFF", after=mark)
    assert not [said for said in witness.payloads("garage/event") if said["type"] == "actuation_failed"]


async def test_a_contactor_that_sticks_is_told(scene):
    witness, thing = scene
    await thing.until("contactor/set", "OFF")
    thing.deaf = True
    await witness.ok("garage/1/set/plugged", "ON")
    await witness.ok("garage/1/cmd/swipe", CARD)
    event = await witness.event("garage", "actuation_failed")
    assert (event["evse"], event["data"]["topic"]) == (1, "contactor/set")
    assert "not ON" in event["data"]["detail"]


async def test_u_01_the_answer_to_an_unlock_is_what_happened(scene, csms):
    witness, thing = scene
    asked = {"connectorId": 1}
    assert await csms.call("garage", "UnlockConnector", asked) == {"status": "Unlocked"}
    thing.deaf = True
    assert await csms.call("garage", "UnlockConnector", asked) == {"status": "UnlockFailed"}
    assert (await witness.event("garage", "unlock"))["data"]["status"] == "Unlocked"
    await witness.until("garage/event", lambda event: event["data"].get("topic") == "lock/set")
    await witness.until("garage/1/state", lambda state: state["error_code"] == "ConnectorLockFailure")


async def test_a_remote_start_waits_while_all_else_goes_on(scene, csms, books):
    witness, thing = scene
    await witness.ok("garage/1/set/plugged", "ON")
    asked: dict[str, Any] = {"connectorId": 1, "idTag": CARD}
    start = asyncio.create_task(csms.call("garage", "RemoteStartTransaction", asked))
    await thing.told.until(lambda told: told[0] == "start" and CARD in told[1], "the order to start")
    await witness.ok("garage/1/set/ev_ready", "ON")
    assert not start.done()
    await thing.show("started", "yes")
    assert await start == {"status": "Accepted"}
    assert (await books.until("StartTransaction"))["idTag"] == CARD


async def test_after_the_broker_restarts_things_are_told_again(scene, mosquitto):
    _, thing = scene
    await thing.until("contactor/set", "OFF")
    await thing.__aexit__()
    mosquitto.restart()
    async with Thing(mosquitto.port) as again:
        await again.until("contactor/set", "OFF")


async def test_what_a_device_shows_is_a_sensor_and_a_confirmation(mosquitto, settings, make_daemon, books):
    off, on = (
        json.dumps({"output": output, "apower": power, "aenergy": {"total": 1000.0}})
        for output, power in ((False, 0.0), (True, 2300.0))
    )
    plug = {"preset": "shelly-switch", "evse": "garage/1", "topic": "plug"}
    given = settings(mosquitto.url, devices=[plug])
    async with Witness(mosquitto.port) as witness, aiomqtt.Client("127.0.0.1", mosquitto.port) as shelly:
        await shelly.subscribe("plug/command/#")
        await shelly.publish("plug/status/switch:0", off, retain=True)
        await make_daemon(given)
        assert bytes((await anext(aiter(shelly.messages))).payload) == b"off"
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", CARD)
        assert bytes((await anext(aiter(shelly.messages))).payload) == b"on"
        await shelly.publish("plug/status/switch:0", on)
        await witness.until("garage/1/meter", lambda meter: meter["power_w"] == 2300)
        await witness.until("garage/1/state", lambda state: state["charging"])
        assert not [said for said in witness.payloads("garage/event") if said["type"] == "actuation_failed"]
