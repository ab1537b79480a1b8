from __future__ import annotations

import asyncio
import json

from fakes.virtual import settle
from msgspec.structs import replace

from bridge.actuating import building
from bridge.ports import Outgoing
from config.settings import Settings
from twin.model.terms import LimitSource, Registration

AMPERES = {"from": "garage/1/limit", "topic": "box/set", "payload": "{{ limit_a | int if allowed else 0 }}"}
CONFIRMED = {**AMPERES, "confirm": {"topic": "box/amp", "tolerance": 2, "timeout": "30s"}, "keepalive": "60s"}


async def test_what_stands_goes_out_with_the_first_broker_and_again_with_each_next(garage):
    here = garage(AMPERES)
    await here.limit(16)
    await here.connect()
    assert here.sent() == ["16"]
    here.publisher.disconnected([])
    await here.limit(10)
    await here.connect()
    assert here.sent() == ["10"]


async def test_outputs_come_before_what_waits_already(garage):
    here = garage(AMPERES)
    await here.connect()
    here.publisher.changed("garage", {("limit", 1), ("evse", 1)})
    here.fleet.views["garage", ("limit", 1)] = replace(here.fleet.view_of("garage", ("limit", 1)), limit_a=9.0)
    before = len(here.outlet.sent)
    here.publisher.urge(Outgoing("box/set", b"9", 1, retain=False))
    await settle()
    assert here.outlet.topics()[before:] == ["box/set", "ocpp-twin/garage/1/limit"]


async def test_many_changes_of_one_turn_are_one_message_and_what_says_nothing_new_is_none(garage):
    here = garage(AMPERES)
    await here.connect()
    for current_a in (6, 8, 10.4, 10.2):
        view = replace(here.fleet.view_of("garage", ("limit", 1)), allowed=True, limit_a=current_a)
        here.fleet.views["garage", ("limit", 1)] = view
        here.actuators.changed("garage", {("limit", 1)})
    await settle()
    assert here.sent() == ["0", "10"]
    await here.limit(10.8)
    assert here.sent() == ["0", "10"]


async def test_min_interval_keeps_more_waiting_and_the_newest_wins(garage):
    here = garage({**AMPERES, "min_interval": "10s"})
    await here.limit(6)
    await here.connect()
    await here.limit(10)
    await here.limit(16)
    assert here.sent() == ["6"]
    await asyncio.sleep(9)
    assert here.sent() == ["6"]
    await asyncio.sleep(2)
    assert here.sent() == ["6", "16"]


async def test_less_does_not_wait(garage):
    here = garage({**AMPERES, "min_interval": "10s"})
    await here.limit(16)
    await here.connect()
    await here.limit(10)
    await here.limit(0)
    assert here.sent() == ["16", "10", "0"]
    await here.limit(16)
    assert here.sent() == ["16", "10", "0"]
    await here.limit(0)
    await asyncio.sleep(30)
    assert here.sent() == ["16", "10", "0"]


async def test_keepalive_repeats_while_nothing_changes(garage):
    here = garage({**AMPERES, "keepalive": "30s", "retain": True, "qos": 0})
    await here.limit(16)
    await here.connect()
    await asyncio.sleep(95)
    assert here.sent() == ["16"] * 4
    message = next(message for message in here.outlet.sent if message.topic == "box/set")
    assert (message.retain, message.qos) == (True, 0)


async def test_without_a_template_the_whole_state_goes_out(garage):
    here = garage({"from": "office/*/state", "topic": "box/{twin}-{evse}"})
    await here.connect()
    found = json.loads(here.sent("box/office-2")[0])
    assert (found["status"], found["twin"], found["evse"]) == ("Available", "office", 2)
    assert here.sent("box/office-1")


async def test_below_min_and_away_together(garage):
    here = garage({**AMPERES, "below_min": "pause", "when_offline": "8A"})
    await here.limit(16)
    await here.connect()
    await here.link(connected=False)
    await here.limit(5)
    await here.link(connected=True)
    await here.limit(6)
    assert here.sent() == ["16", "8", "0", "6"]
    here.fleet.views["garage", ("station", 0)] = replace(
        here.fleet.view_of("garage", ("station", 0)), registration=Registration.REJECTED
    )
    await here.limit(16)
    assert here.sent()[-1] == "8"


async def test_a_template_that_fails_is_told_and_nothing_is_sent(garage):
    here = garage({**AMPERES, "payload": "{{ profile_id + 1 }}"})
    await here.connect()
    (error,) = here.outlet.on("ocpp-twin/bridge/main/error")
    assert (error["code"], error["topic"]) == ("template_error", "box/set")
    assert here.sent() == []


async def test_twins_come_change_and_go(garage):
    here = garage({**AMPERES, "from": "*/*/limit", "topic": "box/{twin}/{evse}/set", "keepalive": "30s"})
    await here.connect()
    assert here.sent("box/late/1/set") == []
    here.fleet.twins["late"] = 1
    here.actuators.changed("late", {("station", 0)})
    await settle()
    assert here.sent("box/late/1/set") == ["0"]
    here.fleet.twins["late"] = 2
    here.actuators.changed("late", {("limit", 1)})
    await settle()
    assert here.sent("box/late/2/set") == ["0"]
    del here.fleet.twins["late"]
    count = len(here.sent("box/late/1/set"))
    await asyncio.sleep(100)
    assert len(here.sent("box/late/1/set")) == count
    assert len(here.sent("box/garage/1/set")) == 4


# --- Confirmation -----------------------------------------------------------------------------------------------------


async def test_what_a_thing_shows_in_time_is_enough(garage):
    here = garage(CONFIRMED)
    await here.limit(16)
    await here.connect()
    await asyncio.sleep(29)
    assert await here.show("14.5")
    await asyncio.sleep(300)
    assert here.events() == []


async def test_what_it_does_not_show_is_told_once_and_tried_again(garage):
    here = garage(CONFIRMED)
    await here.limit(16)
    await here.connect()
    await here.show("6")
    await asyncio.sleep(31)
    (event,) = here.events()
    assert event["evse"] == 1
    assert event["data"]["topic"] == "box/set"
    assert "box/amp shows 6, not 16, within 30 s" in event["data"]["detail"]
    await asyncio.sleep(300)
    assert len(here.events()) == 1
    assert here.sent() == ["16"] * 6
    await here.show("16")
    await here.limit(10)
    await asyncio.sleep(31)
    assert len(here.events()) == 2


async def test_a_thing_that_does_something_else_later_is_told_too(garage):
    here = garage(CONFIRMED)
    await here.limit(10)
    await here.connect()
    await here.show("10")
    await asyncio.sleep(600)
    await here.show("16")
    await asyncio.sleep(29)
    assert here.events() == []
    await asyncio.sleep(2)
    assert len(here.events()) == 1


async def test_a_state_that_it_shows_already_needs_no_message(garage):
    here = garage(CONFIRMED)
    await here.limit(10)
    await here.connect()
    await here.show("10")
    await here.limit(16)
    await here.limit(10)
    await asyncio.sleep(100)
    assert here.events() == []


async def test_words_are_found_and_expected_as_the_settings_say(garage):
    relay = {
        "from": "garage/1/limit",
        "topic": "relay/set",
        "payload": "{{ 'ON' if allowed else 'OFF' }}",
        "confirm": {"topic": "relay/{evse}/state", "path": "output", "expect": "{{ allowed }}", "timeout": "5s"},
    }
    here = garage(relay)
    await here.limit(16)
    await here.connect()
    assert await here.show('{"output": true}', "relay/1/state")
    assert not await here.show('{"output": true}', "relay/1/state/more")
    await here.show('{"apower": 5}', "relay/1/state")  # says nothing
    await asyncio.sleep(60)
    assert here.events() == []
    await here.show("no JSON", "relay/1/state")
    await here.show('{"output": false}', "relay/1/state")
    await asyncio.sleep(6)
    assert len(here.events()) == 1


async def test_a_state_is_confirmed_by_its_echo(garage):
    switch = {
        "from": "garage/1/state",
        "topic": "lamp/set",
        "payload": "{{ 'on' if plugged else 'off' }}",
        "confirm": {"topic": "lamp/state", "value": "{{ value_json.state }}", "timeout": "5s"},
    }
    here = garage(switch)
    await here.connect()
    await here.show('{"state": "OFF"}', "lamp/state")
    await asyncio.sleep(60)
    assert here.events() == []
    await here.show("5", "lamp/state")
    assert here.outlet.on("ocpp-twin/bridge/main/error")[0]["code"] == "template_error"


async def test_physics_is_not_overruled(garage):
    here = garage({**AMPERES, "below_min": "min"})
    await here.limit(4)
    await here.connect()
    await here.limit(4, source=LimitSource.CABLE)
    assert here.sent() == ["6", "0"]


async def test_a_topic_may_be_a_template(garage):
    here = garage({**AMPERES, "topic": "{twin}-box/{{ 'go' if allowed else 'stop' }}", "payload": "now"})
    await here.connect()
    await here.limit(16)
    await here.limit(10)
    await here.limit(0)
    assert [topic for topic in here.outlet.topics() if "-box" in topic] == [
        "garage-box/stop",
        "garage-box/go",
        "garage-box/stop",
    ]


async def test_a_topic_that_a_template_leads_astray_is_told(garage):
    here = garage({**AMPERES, "topic": "box/{{ 'a/b' if allowed else '+' }}", "keepalive": "5s"})
    await here.connect()
    await here.limit(16)
    (error, *_) = here.outlet.on("ocpp-twin/bridge/main/error")
    assert error["code"] == "template_error"
    assert not [topic for topic in here.outlet.topics() if topic.startswith("box")]


async def test_where_nothing_is_expected_nothing_is_confirmed(garage):
    pilot = {"topic": "box/amp", "timeout": "5s", "expect": "{{ limit_a if allowed else '' }}"}
    here = garage({**AMPERES, "confirm": pilot})
    await here.limit(0)
    await here.connect()
    await here.show("6")
    await asyncio.sleep(60)
    assert here.events() == []
    await here.limit(16)
    await asyncio.sleep(6)
    assert len(here.events()) == 1
    await here.limit(0)
    await asyncio.sleep(60)
    assert len(here.events()) == 1


async def test_numbers_in_other_units_and_words_that_it_should_show(garage):
    amperes = {**AMPERES, "confirm": {"topic": "box/ma", "path": "ma", "scale": 0.001, "tolerance": 1, "timeout": "5s"}}
    relay = {**AMPERES, "confirm": {"topic": "relay", "path": "out", "value": "{{ allowed }}", "timeout": "5s"}}
    here = garage(amperes, relay)
    await here.limit(16)
    await here.connect()
    await here.show('{"ma": 15500}', "box/ma")
    await here.show('{"out": true}', "relay")
    await asyncio.sleep(60)
    assert here.events() == []
    await here.show('{"ma": "?"}', "box/ma")
    await here.show('{"out": false}', "relay")
    await asyncio.sleep(6)
    assert len(here.events()) == 2


async def test_other_rules_count_at_once(garage):
    here = garage({**AMPERES, "keepalive": "5s"})
    await here.limit(16)
    await here.connect()
    settings = Settings(outputs=[{**AMPERES, "topic": "other/set"}])
    here.actuators.replace(building.built(settings, here.fleet.twins)[0])
    await settle()
    assert here.sent("other/set") == ["16"]
    await asyncio.sleep(60)
    assert here.sent() == ["16"]


async def test_an_empty_payload_says_nothing_and_expects_nothing(garage):
    amperes = {"payload": "{{ limit_a | int if allowed else '' }}", "keepalive": "20s"}
    here = garage({**CONFIRMED, **amperes})
    await here.limit(16)
    await here.connect()
    await here.show("16")
    await here.limit(0)
    await asyncio.sleep(100)
    await here.show("6")
    await asyncio.sleep(100)
    assert (here.sent(), here.events()) == (["16"], [])
    await here.limit(16)
    await asyncio.sleep(21)
    assert here.sent() == ["16"] * 3
