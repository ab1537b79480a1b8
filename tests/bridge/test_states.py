from __future__ import annotations

import msgspec
import pytest
from fakes.fleet import EVSE, METER, FakeFleet

from bridge.options import MqttOptions
from bridge.profiles import ProfileName, output
from bridge.states import States
from bridge.topics import Topics
from twin.model.terms import Part

NOW = 1_700_000_000.0


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


def states_with(fleet: FakeFleet, profile: ProfileName, **intervals: float) -> States:
    made = States(MqttOptions(output=output(profile, **intervals)), Topics("t", "main"))
    made.attach(fleet)
    list(made.everything())
    return made


def set_view(states: States, fleet: FakeFleet, part: Part, now: float = 0.0, **changes: object) -> list[str]:
    view = fleet.view_of("garage", part)
    fleet.views["garage", part] = msgspec.structs.replace(view, **changes)
    states.changed("garage", {part}, now)
    return drain(states)


async def test_quiet_shows_neither_meters_nor_limits(fleet):
    states = States(MqttOptions(output=output("quiet")), Topics("t", "main"))
    states.attach(fleet)
    assert [message.topic for message in states.everything()] == [
        "t/garage/availability",
        "t/garage/state",
        "t/garage/1/state",
        "t/garage/1/session",
    ]
    assert set_view(states, fleet, ("meter", 1), power_w=7360.0) == []
    assert set_view(states, fleet, ("limit", 1), limit_a=16.0) == []
    assert set_view(states, fleet, ("evse", 1), plugged=True) == ["t/garage/1/state"]


async def test_quiet_tells_of_a_session_when_it_begins_is_accepted_and_ends(fleet):
    states = states_with(fleet, "quiet")
    session: Part = ("session", 1)
    assert set_view(states, fleet, session, active=True, session_id="s", energy_wh=0.0) == ["t/garage/1/session"]
    assert set_view(states, fleet, session, transaction_id=7) == ["t/garage/1/session"]
    assert set_view(states, fleet, session, energy_wh=500.0, duration_s=60.0) == []
    states.due(1e6)
    assert drain(states) == []
    assert set_view(states, fleet, session, active=False, energy_wh=900.0) == ["t/garage/1/session"]


@pytest.mark.parametrize("profile", ["fleet", "quiet"])
async def test_what_flows_on_waits_for_its_interval(fleet, profile):
    states = states_with(fleet, profile)
    assert set_view(states, fleet, ("station", 0), queued_messages=3) == []
    assert set_view(states, fleet, ("station", 0), last_heartbeat_at=NOW) == []
    due = states.next_due()
    assert due is not None
    states.due(due)
    assert drain(states) == ["t/garage/state"]
    assert states.next_due() is None
    assert set_view(states, fleet, ("station", 0), queued_messages=4) == []
    assert set_view(states, fleet, ("station", 0), connected=False) == ["t/garage/state"]


async def test_home_waits_for_nothing_but_meters(fleet):
    states = states_with(fleet, "home")
    assert set_view(states, fleet, ("station", 0), queued_messages=3) == ["t/garage/state"]
    assert set_view(states, fleet, ("session", 1), active=True, energy_wh=1.0) == ["t/garage/1/session"]
    assert set_view(states, fleet, ("session", 1), energy_wh=2.0) == ["t/garage/1/session"]


async def test_a_meter_of_a_fleet_shows_at_once_that_a_car_charges_no_more(fleet):
    states = states_with(fleet, "fleet")
    set_view(states, fleet, ("meter", 1), now=0.0, power_w=1.0)
    assert set_view(states, fleet, ("meter", 1), now=1.0, power_w=7360.0) == []
    assert set_view(states, fleet, ("evse", 1), charging=True) == ["t/garage/1/state", "t/garage/1/meter"]
    fleet.views["garage", ("meter", 1)] = METER
    assert set_view(states, fleet, ("evse", 1), charging=False) == ["t/garage/1/state", "t/garage/1/meter"]


async def test_a_fleet_shows_limits_when_they_change(fleet):
    states = states_with(fleet, "fleet")
    assert set_view(states, fleet, ("limit", 1), limit_a=16.0) == ["t/garage/1/limit"]


async def test_an_interval_that_is_set_wins(fleet):
    states = states_with(fleet, "quiet", meter_interval_s=5.0)
    assert set_view(states, fleet, ("meter", 1), now=0.0, power_w=1.0) == ["t/garage/1/meter"]
    assert set_view(states, fleet, ("meter", 1), now=1.0, power_w=2.0) == []
    states.due(5.0)
    assert drain(states) == ["t/garage/1/meter"]
