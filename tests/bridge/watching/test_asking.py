from __future__ import annotations

import asyncio
import json

import aiomqtt
import pytest

from bridge.watching import asking
from bridge.watching.asking import Desk


class Broker:
    """Keep what is published; `answer` is called for each question, to answer it."""

    def __init__(self):
        self.published = []
        self.answer = lambda _topic, _fields: None
        self.error = None
        self.refusal = None
        self.desk = Desk("root/", self.publish)

    async def publish(self, topic, payload):
        if self.error is not None:
            raise self.error
        fields = json.loads(payload)
        self.published.append((topic, fields))
        self.answer(topic, fields)
        return self.refusal


@pytest.fixture
def broker():
    return Broker()


async def test_the_answer_with_the_same_id_is_taken(broker):
    def answer(_topic, fields):
        other = {"request_id": "of somebody else", "status": "error", "topic": "x"}
        assert broker.desk.heard(json.dumps(other).encode()).topic == "x"
        assert broker.desk.heard(json.dumps({**fields, "status": "ok", "data": 7}).encode()) is None
        assert broker.desk.heard(json.dumps({**fields, "status": "ok", "data": 8}).encode()) is None

    broker.answer = answer
    found = await broker.desk.ask("garage/1/cmd/stop", {"value": "Local"})
    assert (found.status, found.data) == ("ok", 7)
    ((topic, fields),) = broker.published
    assert topic == "root/garage/1/cmd/stop"
    assert fields == {"value": "Local", "request_id": fields["request_id"]}


async def test_no_answer_is_an_answer_too(broker, monkeypatch):
    monkeypatch.setattr(asking, "ANSWER_S", 0.01)
    found = await broker.desk.ask("garage/1/cmd/stop", {})
    assert (found.status, found.code) == ("error", "no_answer")
    assert "publish to root/garage/1/cmd/stop" in found.detail


async def test_a_lost_connection_is_said(broker):
    broker.error = aiomqtt.MqttError("gone")
    found = await broker.desk.ask("garage/1/cmd/stop", {})
    assert (found.code, found.detail) == ("no_answer", "there is no connection to the broker")


async def test_a_broker_that_refuses_the_question_is_named(broker):
    broker.refusal = "Not authorized"
    found = await broker.desk.ask("garage/1/cmd/stop", {})
    assert found.code == "no_answer"
    assert found.detail.startswith("the broker refuses root/garage/1/cmd/stop (Not authorized): allow it")


async def test_what_is_no_answer_is_nobodys(broker):
    assert broker.desk.heard(b"nonsense") is None


async def test_questions_do_not_disturb_each_other(broker):
    questions, complete = [], asyncio.Event()

    def take(_topic, fields):
        questions.append(fields)
        if len(questions) == 2:
            complete.set()

    broker.answer = take
    both = asyncio.gather(broker.desk.ask("a", {"n": 1}), broker.desk.ask("b", {"n": 2}))
    await complete.wait()
    for fields in reversed(questions):
        broker.desk.heard(
            json.dumps({"request_id": fields["request_id"], "status": "ok", "data": fields["n"]}).encode()
        )
    assert [answer.data for answer in await both] == [1, 2]
