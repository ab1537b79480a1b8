from __future__ import annotations

import asyncio
import json

import aiomqtt
import pytest

from bridge.watching import asking, tracing
from bridge.watching.asking import Desk
from bridge.watching.shapes import Answer
from bridge.watching.tracing import Reach, Tracer, ends_tracing, is_glob


class Nodes:
    """Nodes with twins; they answer at once, unless their `code` is one that refuses, or `silence`."""

    def __init__(self, **nodes):
        self.twins = nodes
        self.codes = {}
        self.asked = []
        self.news = asyncio.Event()
        self.desk = Desk("root", self.publish)

    async def publish(self, topic, payload):
        fields = json.loads(payload)
        node = topic.split("/")[2]
        self.asked.append((node, fields["ids"], fields["for_s"]))
        self.news.set()
        code = self.codes.get(node)
        if code == "lost":
            raise aiomqtt.MqttError("gone")
        if code is None:
            ids = fields["ids"]
            unknown = [] if isinstance(ids, str) else [twin for twin in ids if twin not in self.twins[node]]
            found = [twin for twin in self.twins[node] if twin.startswith("lot")] if isinstance(ids, str) else ids
            answer = {"status": "ok", "data": {"matched": len(found), "until": "x", "unknown": unknown}}
        else:
            answer = {"status": "error", "code": code, "detail": "because"}
        if code != "silence":
            self.desk.heard(json.dumps(answer | {"request_id": fields.get("request_id")}).encode())

    def tracer(self, *words):
        return Tracer(self.desk, words, lambda: list(self.twins))


async def test_ids_go_in_one_list_and_globs_alone():
    nodes = Nodes(main=["garage", "lot-1"])
    assert await nodes.tracer("garage", "lot-*", "lot-1").ask() == Reach()
    assert nodes.asked == [("main", ["garage", "lot-1"], 60.0), ("main", "lot-*", 60.0)]


async def test_a_word_is_unknown_when_no_node_knows_it():
    nodes = Nodes(main=["garage"], second=["shed"])
    assert (await nodes.tracer("garage", "shed", "attic").ask()).unknown == ("attic",)
    assert (await nodes.tracer("lot-*").ask()).unknown == ("lot-*",)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("not_allowed", 'add "request/trace" to its setting mqtt.allow'),
        ("unknown_command", "too old to trace on request: name the twin in its setting mqtt.trace"),
        ("bad_value", "node main does not trace: because"),
    ],
)
async def test_refusals_say_what_to_do(code, said):
    nodes = Nodes(main=["garage"])
    nodes.codes["main"] = code
    reach = await nodes.tracer("garage", "lot-*").ask()
    assert len(reach.trouble) == 1
    assert said in reach.trouble[0]
    assert not reach.silent


async def test_silence_is_noticed(monkeypatch):
    monkeypatch.setattr(asking, "ANSWER_S", 0.01)
    nodes = Nodes(main=["garage"])
    nodes.codes["main"] = "silence"
    reach = await nodes.tracer("garage").ask()
    assert reach.silent
    assert "access list" in reach.trouble[0]


async def test_it_is_asked_again_in_time_and_at_once_when_needed(monkeypatch):
    nodes = Nodes(main=["garage"])
    tracer = nodes.tracer("garage")
    keeping = asyncio.create_task(tracer.keep())
    async with asyncio.timeout(5):
        await asyncio.sleep(0)
        assert nodes.asked == []
        tracer.again()
        await nodes.news.wait()
        nodes.news.clear()
        monkeypatch.setattr(tracing, "RENEW_S", 0.01)
        tracer.again()
        while len(nodes.asked) < 4:
            await nodes.news.wait()
            nodes.news.clear()
    keeping.cancel()
    assert all(asked == ("main", ["garage"], 60.0) for asked in nodes.asked)


async def test_the_end_is_told_and_may_fail():
    nodes = Nodes(main=["garage"])
    await nodes.tracer("garage", "lot-*").end()
    assert [asked[2] for asked in nodes.asked] == [0, 0]
    nodes.codes["main"] = "lost"
    await nodes.tracer("garage").end()


def test_the_end_of_somebody_elses_tracing_is_recognised():
    topic = "bridge/main/request/trace"
    assert ends_tracing(Answer(topic, "x", "ok", data={"matched": 1, "until": None}))
    assert not ends_tracing(Answer(topic, "x", "ok", data={"matched": 1, "until": "2026"}))
    assert not ends_tracing(Answer(topic, "x", "error"))
    assert not ends_tracing(Answer("garage/1/cmd/stop", "x", "ok", data={}))


def test_globs():
    assert [word for word in ("garage", "lot-*", "lot-?", "[ab]") if is_glob(word)] == ["lot-*", "lot-?", "[ab]"]
