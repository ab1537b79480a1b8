from __future__ import annotations

import msgspec
import pytest
from fakes.fleet import EVSE, METER, FakeFleet

from bridge.options import MqttOptions
from bridge.states import States
from bridge.topics import Topics


@pytest.fixture
async def fleet():
    return FakeFleet({"garage": 1})


@pytest.fixture
async def states(fleet):
    made = States(MqttOptions(), Topics("t", "main"))
    made.attach(fleet)
    return made


def drain(states: States) -> list[str]:
    topics = []
    while (message := states.next()) is not None:
        topics.append(message.topic)
    return topics


async def test_everything_in_order(states):
    assert [(message.topic, message.qos, message.retain) for message in states.everything()] == [
        ("t/garage/availability", 1, True),
        ("t/garage/state", 1, True),
        ("t/garage/1/state", 1, True),
        ("t/garage/1/limit", 1, True),
        ("t/garage/1/meter", 0, True),
        ("t/garage/1/session", 1, True),
    ]


async def test_ten_changes_are_one_message(states):
    for _ in range(10):
        states.changed("garage", {("evse", 1)}, 0.0)
    assert drain(states) == ["t/garage/1/state"]


async def test_what_says_nothing_new_is_left_out(states, fleet):
    list(states.everything())
    states.changed("garage", {("evse", 1)}, 0.0)
    assert drain(states) == []
    fleet.views["garage", ("evse", 1)] = msgspec.structs.replace(EVSE, plugged=True)
    states.changed("garage", {("evse", 1)}, 0.0)
    assert drain(states) == ["t/garage/1/state"]


async def test_a_change_that_waits_is_shown_as_it_is_then(states, fleet):
    states.changed("garage", {("evse", 1)}, 0.0)
    fleet.views["garage", ("evse", 1)] = msgspec.structs.replace(EVSE, plugged=True)
    message = states.next()
    assert message is not None
    assert b'"plugged":true' in message.payload


async def test_meters_keep_their_interval(states, fleet):
    states.changed("garage", {("meter", 1)}, 0.0)
    assert drain(states) == ["t/garage/1/meter"]
    fleet.views["garage", ("meter", 1)] = msgspec.structs.replace(METER, power_w=1.0)
    states.changed("garage", {("meter", 1)}, 0.5)
    assert drain(states) == []
    states.due(1.0)
    assert drain(states) == ["t/garage/1/meter"]


async def test_a_limit_comes_before_what_is_measured_under_it(states):
    states.changed("garage", {("meter", 1)}, 0.0)
    states.changed("garage", {("limit", 1)}, 0.0)
    assert drain(states) == ["t/garage/1/limit", "t/garage/1/meter"]


async def test_a_twin_that_is_gone_is_not_shown(states, fleet):
    states.changed("garage", {("evse", 1)}, 0.0)
    del fleet.twins["garage"]
    assert drain(states) == []
    assert list(states.everything()) == []


async def test_a_view_that_fails_does_not_stop_the_others(states, fleet):
    fleet.broken = True
    states.changed("garage", {("evse", 1)}, 0.0)
    assert drain(states) == []
    fleet.broken = False
    states.changed("garage", {("limit", 1)}, 0.0)
    assert drain(states) == ["t/garage/1/limit"]


async def test_goodbyes(states):
    assert [(message.topic, message.payload) for message in states.goodbyes()] == [
        ("t/garage/availability", b"offline")
    ]
