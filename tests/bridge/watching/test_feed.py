from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from fakes.mqtt import Talk

from bridge.options import MqttOptions
from bridge.watching import asking
from bridge.watching import feed as feeds
from bridge.watching.feed import Feed
from bridge.watching.knowledge import Knowledge, filters

LIMIT_S = 15


class Heard(Knowledge):
    """Wake whoever waits for something to be known."""

    def __init__(self):
        super().__init__("ocpp-twin")
        self.news = asyncio.Event()

    def take(self, topic, payload, at):
        super().take(topic, payload, at)
        self.news.set()

    async def until(self, known):
        async with asyncio.timeout(LIMIT_S):
            while not known():
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def a_feed(mosquitto):
    @asynccontextmanager
    async def run(protocol="auto"):
        known = Heard()
        feed = Feed(MqttOptions(url=mosquitto.url, protocol=protocol), known)
        task = asyncio.create_task(feed.run())
        yield feed, known
        await feed.close()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return run


async def show(talk, twin="garage"):
    await talk.say("ocpp-twin/bridge/main/availability", "online", retain=True)
    await talk.say(f"ocpp-twin/{twin}/state", {"identity": "CP", "connected": True}, retain=True)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_is_retained_and_what_comes_is_known(mosquitto, a_feed, protocol):
    async with Talk(mosquitto.port) as talk:
        await show(talk)
        async with a_feed(protocol) as (feed, known):
            await known.until(lambda: "garage" in known.twins)
            await talk.say("ocpp-twin/garage/1/meter", {"power_w": 7}, retain=True)
            await known.until(lambda: known.twins["garage"].power_w == 7)
            assert (feed.link.state, feed.link.version) == ("connected", protocol)


async def test_commands_are_answered(mosquitto, a_feed):
    async with Talk(mosquitto.port, "ocpp-twin/garage/1/cmd/stop") as talk:
        await show(talk)
        async with a_feed() as (feed, known):
            await known.until(lambda: known.twins)
            asked = asyncio.create_task(feed.command("garage/1/cmd/stop", {"value": "Local"}))
            request = await talk.hear("ocpp-twin/garage/1/cmd/stop")
            result = {"topic": "garage/1/cmd/stop", "request_id": request["request_id"], "status": "error", "code": "x"}
            await talk.say("ocpp-twin/garage/result", result)
            assert (await asked).code == "x"


async def test_frames_are_heard_while_a_twin_is_followed(mosquitto, a_feed):
    request = "ocpp-twin/bridge/main/request/trace"
    async with Talk(mosquitto.port, request) as talk:
        await show(talk)
        async with a_feed() as (feed, known):
            await known.until(lambda: known.nodes and known.twins)
            await feed.follow("garage")
            assert (await talk.hear(request))["for_s"] == 60.0
            await talk.say("ocpp-twin/garage/ocpp/sent", {"at": "", "frame": '[2,"1","Heartbeat",{}]'})
            await known.until(lambda: known.twins["garage"].frames)
            await talk.say("ocpp-twin/bridge/main/availability", "offline", retain=True)
            await talk.say("ocpp-twin/bridge/main/availability", "online", retain=True)
            assert (await talk.hear(request))["for_s"] == 60.0
            await feed.unfollow()
            assert (await talk.hear(request))["for_s"] == 0


async def test_why_frames_do_not_come_is_known(mosquitto, a_feed):
    request = "ocpp-twin/bridge/main/request/trace"
    async with Talk(mosquitto.port, request) as talk:
        await show(talk)
        async with a_feed() as (feed, known):
            await known.until(lambda: known.nodes and known.twins)
            await feed.follow("garage")
            asked = await talk.hear(request)
            answer = {"request_id": asked["request_id"], "status": "error", "code": "not_allowed", "topic": "x"}
            await talk.say("ocpp-twin/bridge/main/response/trace", answer)
            await talk.say("ocpp-twin/garage/1/meter", {"power_w": 7})
            await known.until(lambda: feed.reach.trouble or known.twins["garage"].power_w == 7)
            await asyncio.sleep(0)
            assert "mqtt.allow" in feed.reach.trouble[0]


async def test_a_lost_broker_is_told_and_found_again_with_what_was_followed(mosquitto, a_feed, monkeypatch):
    monkeypatch.setattr(asking, "ANSWER_S", 0.05)
    monkeypatch.setattr(feeds, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(feeds, "_LONGEST_PAUSE_S", 0.05)
    async with a_feed() as (feed, known):
        async with Talk(mosquitto.port) as talk:
            await show(talk)
            await known.until(lambda: known.nodes and known.twins)
        await feed.follow("garage")
        mosquitto.stop()
        answer = await lost(feed)
        assert answer.detail == "there is no connection to the broker"
        assert feed.link.reason
        mosquitto.start()
        request = "ocpp-twin/bridge/main/request/trace"
        async with Talk(mosquitto.port, request) as talk:
            await show(talk, "shed")
            await known.until(lambda: "shed" in known.twins)
            assert (await talk.hear(request))["ids"] == ["garage"]
        assert (feed.link.state, feed.link.reason) == ("connected", "")


async def lost(feed):
    async with asyncio.timeout(LIMIT_S):
        while feed.link.state != "lost":
            await feed.command("garage/1/cmd/stop", {})
        return await feed.command("garage/1/cmd/stop", {})


async def test_a_broker_that_refuses_to_let_one_read_is_named():
    refused, closed = asyncio.Event(), asyncio.Event()

    async def serve(reader, writer):
        await reader.read(1000)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK
        filters = 0
        while (packet := await reader.read(1000)) and packet[0] == 0x82:
            writer.write(b"\x90\x03" + packet[2:4] + b"\x80")  # SUBACK: failure
            filters += 1
            if filters == len(wanted):
                refused.set()
        writer.close()
        closed.set()

    wanted = [*asking.filters("ocpp-twin"), *filters("ocpp-twin")]
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(LIMIT_S):
        url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        feed = Feed(MqttOptions(url=url, protocol="3.1.1"), Heard())
        task = asyncio.create_task(feed.run())
        await refused.wait()
        while not feed.link.reason:
            await feed.command("x/cmd/stop", {})
        assert feed.link.reason.endswith("does not let this user read " + ", ".join(wanted))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await closed.wait()
