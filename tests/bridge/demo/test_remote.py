from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager

import pytest
from fakes.mqtt import Talk
from fakes.station import FakeStation

from bridge.demo.csms import CentralSystem
from bridge.demo.remote import Remote, mqtt_client

CALL = "demo-csms/CP%20001%2FA/call"
RESULT = "demo-csms/CP%20001%2FA/result"
FRAMES = "demo-csms/CP%20001%2FA/frames"


@asynccontextmanager
async def scene(running_broker):
    async with CentralSystem() as csms, asyncio.TaskGroup() as tasks:
        remote = Remote(csms, running_broker.url)
        task = tasks.create_task(remote.run())
        await remote.ready.wait()
        async with FakeStation(csms.url, "CP 001/A") as station, Talk(running_broker.port, "demo-csms/#") as talk:
            yield station, talk
        task.cancel()


async def test_a_call_and_its_answer(running_broker):
    async with scene(running_broker) as (station, talk):
        station.answers["Reset"] = {"status": "Accepted"}
        await talk.say(CALL, {"action": "Reset", "payload": {"type": "Soft"}, "request_id": "r1"})
        assert await talk.hear(RESULT) == {
            "identity": "CP 001/A",
            "request_id": "r1",
            "action": "Reset",
            "status": "ok",
            "code": None,
            "description": None,
            "payload": {"status": "Accepted"},
        }


async def test_payload_and_request_id_may_be_left_out(running_broker):
    async with scene(running_broker) as (station, talk):
        station.answers["ClearCache"] = {"status": "Accepted"}
        await talk.say(CALL, {"action": "ClearCache"})
        assert (await talk.hear(RESULT))["request_id"] is None


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("no JSON", "bad_json"),
        ("[" * 10_000, "bad_json"),
        ("[]", "bad_value"),
        ("{}", "bad_value"),
        ('{"action": 5}', "bad_value"),
    ],
)
async def test_a_bad_call_is_answered(running_broker, payload, code):
    async with scene(running_broker) as (_, talk):
        await talk.say(CALL, payload)
        answer = await talk.hear(RESULT)
        assert (answer["status"], answer["identity"]) == ("error", "CP 001/A")
        assert answer["code"] == code
        assert answer["description"]


async def test_a_call_to_a_station_that_is_not_there(running_broker):
    async with scene(running_broker) as (_, talk):
        await talk.say("demo-csms/nobody/call", {"action": "Reset", "request_id": "r"})
        answer = await talk.hear("demo-csms/nobody/result")
        assert (answer["code"], answer["request_id"]) == ("not_connected", "r")
        assert "CP 001/A" in answer["description"]


async def test_a_call_error_is_told_with_its_details(running_broker):
    async with scene(running_broker) as (station, talk):
        await talk.say(CALL, {"action": "Reset", "payload": {}})
        message_id = (await station.calls.get())[1]
        await station.send([4, message_id, "ProtocolError", "type is missing", {"field": "type"}])
        answer = await talk.hear(RESULT)
        assert (answer["code"], answer["description"]) == ("ProtocolError", "type is missing")
        assert answer["payload"] == {"field": "type"}


async def test_every_frame_is_shown_with_secrets_hidden(running_broker):
    async with scene(running_broker) as (station, talk):
        await station.call("Heartbeat", {})
        frames = [await talk.hear(FRAMES) for _ in range(2)]
        assert [(frame["direction"], frame["action"]) for frame in frames] == [
            ("received", "Heartbeat"),
            ("sent", "Heartbeat"),
        ]
        key = {"key": "AuthorizationKey", "value": "hush-hush"}
        await talk.say(CALL, {"action": "ChangeConfiguration", "payload": key})
        frame = (await talk.hear(FRAMES))["frame"]
        assert "AuthorizationKey" in frame
        assert "hush" not in frame


async def test_a_retained_call_is_not_made_at_the_next_start(running_broker):
    async with Talk(running_broker.port) as talk:
        await talk.say(CALL, {"action": "ClearCache"}, retain=True)
    async with Talk(running_broker.port, RESULT) as talk, CentralSystem() as csms:
        task = asyncio.create_task(Remote(csms, running_broker.url).run())
        assert (await talk.hear(RESULT))["code"] == "retained_command"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Losing:
    """Be a client that loses a cancellation, as one that waits with Python 3.11's `wait_for` may."""

    def __init__(self):
        self.asked = asyncio.Event()

    async def publish(self, topic, payload, qos):
        self.asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def test_it_ends_also_when_its_client_loses_the_cancellation():
    remote, client = Remote(CentralSystem(), "mqtt://127.0.0.1"), Losing()
    remote._send("garage", "frames", {})
    task = asyncio.create_task(remote._publish(client))
    await client.asked.wait()
    task.cancel()
    async with asyncio.timeout(5):
        await task


@pytest.mark.parametrize("url", ["localhost", "http://localhost", "mqtt://"])
async def test_what_is_no_address_of_a_broker(url):
    with pytest.raises(ValueError, match="is no broker"):
        mqtt_client(url)
