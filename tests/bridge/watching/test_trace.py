from __future__ import annotations

import asyncio
import io
import json
from contextlib import asynccontextmanager

import pytest
from fakes.mqtt import Talk

from bridge.options import MqttOptions
from bridge.visitor import NoBroker
from bridge.watching import asking, trace
from bridge.watching.trace import NothingToSee, Wanted

REQUEST = "ocpp-twin/bridge/main/request/trace"
LIMIT_S = 15


class Node:
    """A daemon with the twins `garage` and `lot-1`, as far as `trace` sees one. `code`: what it refuses with."""

    def __init__(self, talk, code=None):
        self.asked = asyncio.Queue()
        self._talk = talk
        self._code = code

    async def run(self):
        await self._talk.say("ocpp-twin/bridge/main/availability", "online", retain=True)
        async for message in self._talk._client.messages:
            fields = json.loads(message.payload)
            verb = str(message.topic).rpartition("/")[2]
            await self._talk.say(f"ocpp-twin/bridge/main/response/{verb}", self._answer(verb, fields))
            if verb == "trace":
                self.asked.put_nowait((fields["ids"], fields["for_s"]))
                if fields["for_s"]:
                    await self.frames()

    async def frames(self):
        trace = {"at": "2026-03-01T12:00:00.000Z", "action": "Heartbeat", "frame": '[2,"1","Heartbeat",{}]'}
        answer = {"at": "2026-03-01T12:00:00.009Z", "action": None, "frame": '[3,"1",{}]'}
        for twin in ("office", "garage"):
            await self._talk.say(f"ocpp-twin/{twin}/ocpp/sent", trace)
            await self._talk.say(f"ocpp-twin/{twin}/ocpp/received", answer)

    def _answer(self, verb, fields):
        said = {
            "topic": f"bridge/main/request/{verb}",
            "request_id": fields.get("request_id"),
        }
        if verb == "list_twins":
            return said | {"status": "ok", "data": {"total": 2, "twins": [{"id": "garage"}, {"id": "lot-1"}]}}
        if self._code is not None:
            return said | {"status": "error", "code": self._code, "detail": "because"}
        ids = fields["ids"]
        matched = [twin for twin in ("garage", "lot-1") if twin in ids or (ids, twin) == ("lot-*", "lot-1")]
        unknown = [] if isinstance(ids, str) else [twin for twin in ids if twin not in matched]
        until = "2026-03-01T12:10:00.000Z" if fields["for_s"] else None
        return said | {"status": "ok", "data": {"matched": len(matched), "until": until, "unknown": unknown}}


@pytest.fixture
def a_node(mosquitto):
    @asynccontextmanager
    async def run(code=None):
        async with Talk(mosquitto.port, "ocpp-twin/bridge/main/request/#") as talk:
            node = Node(talk, code)
            task = asyncio.create_task(node.run())
            yield node
            task.cancel()

    return run


class Screen(io.StringIO):
    def isatty(self):
        return True


async def traced(mosquitto, *words, protocol="auto", screen=False, **wanted):
    output, said = Screen() if screen else io.StringIO(), []
    options = MqttOptions(url=mosquitto.url, protocol=protocol)
    async with asyncio.timeout(LIMIT_S):
        await trace.trace(options, Wanted(words, **wanted), output, said.append)
    return output.getvalue().splitlines(), said


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_frames_are_asked_for_printed_and_asked_for_no_longer(mosquitto, a_node, protocol):
    async with a_node() as node:
        lines, said = await traced(mosquitto, "garage", protocol=protocol, count=2)
        async with asyncio.timeout(LIMIT_S):
            assert await node.asked.get() == (["garage"], 60.0)
            assert await node.asked.get() == (["garage"], 0)
    assert [line.split()[1:6] for line in lines] == [
        ["garage", "→", "Heartbeat", "CALL", "{}"],
        ["garage", "←", "Heartbeat", "RESULT", "9"],
    ]
    assert said == []


async def test_a_screen_that_is_still_empty_says_what_it_waits_for(mosquitto, a_node):
    async with a_node():
        _, said = await traced(mosquitto, "garage", "lot-*", screen=True, count=1)
    assert said == ["ocpp-twin: frames of garage, lot-* appear here as they come; Ctrl-C ends"]


async def test_json_has_a_line_a_frame(mosquitto, a_node):
    async with a_node():
        lines, _ = await traced(mosquitto, "garage", count=1, as_json=True)
    assert json.loads(lines[0])["action"] == "Heartbeat"


async def test_it_ends_after_its_time(mosquitto, a_node):
    async with a_node():
        lines, said = await traced(mosquitto, "lot-*", "nobody-*", timeout_s=0.3)
    assert lines == []
    assert said == ["ocpp-twin: no twin matches 'nobody-*' at main"]


async def test_a_misspelt_twin_is_said_with_the_nearest(mosquitto, a_node):
    async with a_node():
        with pytest.raises(NothingToSee, match=r"there is no twin 'garaeg' at main; did you mean 'garage'\?"):
            await traced(mosquitto, "garaeg")


async def test_who_may_not_ask_still_sees_what_the_settings_name(mosquitto, a_node):
    async with a_node("not_allowed") as node:

        async def publish():
            await node.asked.get()
            await node.frames()

        publishing = asyncio.create_task(publish())
        lines, said = await traced(mosquitto, "garage", count=1)
        await publishing
    assert len(lines) == 1
    assert 'add "request/trace" to its setting mqtt.allow' in said[0]
    assert said[1] == "ocpp-twin: only frames of twins that mqtt.trace names will be seen"


async def test_without_a_daemon_it_says_what_to_check(mosquitto, monkeypatch):
    monkeypatch.setattr(trace, "_NODES_S", 0.2)
    with pytest.raises(NothingToSee, match=r"no daemon is known .*mqtt\.base_topic 'ocpp-twin'"):
        await traced(mosquitto, "garage")
    with pytest.raises(NothingToSee, match="no daemon 'second' is known"):
        await traced(mosquitto, "garage", node="second")
    async with Talk(mosquitto.port) as talk:
        await talk.say("ocpp-twin/bridge/main/availability", "offline", retain=True)
    with pytest.raises(NothingToSee, match="the daemon 'main' is offline"):
        await traced(mosquitto, "garage")


async def test_a_daemon_that_does_not_answer_is_said(mosquitto, monkeypatch):
    monkeypatch.setattr(asking, "ANSWER_S", 0.2)
    async with Talk(mosquitto.port) as talk:
        await talk.say("ocpp-twin/bridge/main/availability", "online", retain=True)
    with pytest.raises(NothingToSee, match=r"node main: no answer within 0\.2 s"):
        await traced(mosquitto, "garage")


async def test_a_broker_that_goes_away_ends_it(mosquitto, a_node):
    async with a_node() as node:
        tracing = asyncio.create_task(traced(mosquitto, "lot-1"))
        await node.asked.get()
        mosquitto.stop()
        with pytest.raises(NoBroker):
            await tracing


async def test_what_another_has_ended_and_a_daemon_that_starts_anew_are_asked_again(mosquitto, a_node):
    async with a_node() as node, Talk(mosquitto.port) as other:
        tracing = asyncio.create_task(traced(mosquitto, "lot-1"))
        async with asyncio.timeout(LIMIT_S):
            assert await node.asked.get() == (["lot-1"], 60.0)
            await other.say(REQUEST, {"ids": "*", "for_s": 0})
            assert await node.asked.get() == ("*", 0)
            assert await node.asked.get() == (["lot-1"], 60.0)
            for word in ("offline", "online"):
                await other.say("ocpp-twin/bridge/main/availability", word, retain=True)
            assert await node.asked.get() == (["lot-1"], 60.0)
        tracing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tracing
        async with asyncio.timeout(LIMIT_S):
            assert await node.asked.get() == (["lot-1"], 0)


async def test_an_access_list_that_is_in_the_way_is_named(make_mosquitto, tmp_path):
    rules = tmp_path / "acl"
    rules.write_text("topic deny #\n")
    broker = make_mosquitto(f"acl_file {rules}", "user root")
    with pytest.raises(NothingToSee):
        await traced(broker, "garage", timeout_s=1)
