from __future__ import annotations

import asyncio
import json

import pytest
from fakes.virtual import settle

from bridge.actuating import building
from bridge.actuating.actions import equipped
from config.settings import Settings
from twin.model.effects import Actuate
from twin.model.inputs import Actuated
from twin.model.spec import Actuator, EvseSpec, TwinSpec
from twin.model.terms import Action

UNLOCK = {
    "from": "garage/1/unlock",
    "topic": "box/lock/set",
    "payload": "UNLOCK {{ connector_id }}",
    "confirm": {"topic": "box/lock", "expect": "unlocked", "timeout": "10s"},
}


async def unlock(here) -> None:
    await here.ask(Action.UNLOCK, connector_id=1)


async def test_done_when_the_thing_says_so(garage):
    here = garage(UNLOCK)
    await here.connect()
    await unlock(here)
    assert here.sent("box/lock/set") == ["UNLOCK 1"]
    await here.show("locked", "box/lock")
    assert here.told == []
    await here.show("Unlocked", "box/lock")
    assert here.told == [Actuated("1", ok=True)]
    await asyncio.sleep(60)
    assert (here.events(), len(here.told)) == ([], 1)


async def test_what_it_showed_before_is_no_confirmation(garage):
    here = garage(UNLOCK)
    await here.connect()
    await here.show("unlocked", "box/lock")
    await unlock(here)
    await asyncio.sleep(11)
    (event,) = here.events()
    assert event["data"]["topic"] == "box/lock/set"
    assert "box/lock shows nothing, not unlocked, within 10 s" in event["data"]["detail"]
    ((told),) = here.told
    assert not told.ok


async def test_it_is_repeated_until_then_where_a_keepalive_says_so(garage):
    here = garage({**UNLOCK, "keepalive": "3s"})
    await here.connect()
    await unlock(here)
    await asyncio.sleep(11)
    assert here.sent("box/lock/set") == ["UNLOCK 1"] * 4
    await asyncio.sleep(60)
    assert here.sent("box/lock/set") == ["UNLOCK 1"] * 4


async def test_without_a_broker_it_fails_at_once(garage):
    here = garage(UNLOCK)
    await unlock(here)
    ((told),) = here.told
    assert not told.ok
    await here.connect()
    assert len(here.events()) == 1


async def test_what_is_given_up_is_told_to_nobody(garage):
    here = garage(UNLOCK)
    await here.connect()
    await here.ask(Action.UNLOCK, job_id="1", connector_id=1)
    await here.ask(Action.UNLOCK, job_id="2", connector_id=1)
    here.actuators.cancel("garage", "1")
    here.actuators.cancel("garage", "unknown")
    await here.show("unlocked", "box/lock")
    assert here.told == [Actuated("2", ok=True)]
    await here.ask(Action.UNLOCK, job_id="3", connector_id=1)
    here.actuators.abandon("garage")
    await asyncio.sleep(60)
    assert len(here.told) == 1


async def test_an_action_of_several_things_is_done_when_all_have_done_it(garage):
    other = {**UNLOCK, "topic": "flap/set", "confirm": {"topic": "flap", "timeout": "20s"}}
    here = garage(UNLOCK, other)
    await here.connect()
    await unlock(here)
    await here.show("unlocked", "box/lock")
    await here.show("no", "flap")
    assert here.told == []
    await here.show("open", "flap")
    assert here.told == [Actuated("1", ok=True)]
    await unlock(here)
    await here.show("open", "flap")
    await asyncio.sleep(11)
    assert [one.ok for one in here.told] == [True, False]


async def test_many_at_the_same_time_end_each_by_its_own(garage):
    start = {
        "from": "office/*/remote_start",
        "topic": "box/{evse}/start",
        "payload": "{{ id_tag }}",
        "confirm": {"topic": "box/{evse}/state", "expect": "started"},
    }
    here = garage(start)
    await here.connect()
    for evse in (1, 2):
        job = Action.REMOTE_START
        here.actuators.begin("office", _job(str(evse), job, evse), here.told.append)
    await settle()
    assert here.sent("box/1/start") == here.sent("box/2/start") == ["CARD"]
    await here.show("started", "box/2/state")
    assert [told.job_id for told in here.told] == ["2"]


def _job(job_id: str, action: Action, evse: int):

    return Actuate(job_id, action, evse, {"id_tag": "CARD", "connector_id": evse})


async def test_a_station_hears_of_its_evses_and_an_evse_of_its_station(garage):
    here = garage({"from": "office/2/availability", "topic": "two"}, {"from": "office/availability", "topic": "all"})
    await here.connect()
    fields = {"connector_id": 0, "type": "Inoperative"}

    for number in (0, 1, 2):
        job = Actuate(str(number), Action.AVAILABILITY, number, {**fields, "connector_id": number})
        here.actuators.begin("office", job, here.told.append)
        await settle()
    assert [json.loads(one)["connector_id"] for one in here.sent("all")] == [0, 1, 2]
    assert [json.loads(one)["connector_id"] for one in here.sent("two")] == [0, 2]
    assert [told.ok for told in here.told] == [True] * 3


async def test_a_template_that_fails_is_an_action_that_fails(garage):
    here = garage({**UNLOCK, "payload": "{{ connector_id.x }}"})
    await here.connect()
    await unlock(here)
    ((told),) = here.told
    assert not told.ok
    assert len(here.events()) == 1


async def test_a_job_that_no_output_does_fails(garage):
    here = garage(UNLOCK)
    await here.connect()
    await here.ask(Action.RESET, 0, type="Soft")
    ((told),) = here.told
    assert not told.ok


@pytest.mark.parametrize(
    ("source", "actuated"),
    [
        ("garage/1/unlock", (Actuator(Action.UNLOCK, 1, 12.0),)),
        ("garage/reset", (Actuator(Action.RESET, 0, 12.0),)),
        ("*/*/unlock", (Actuator(Action.UNLOCK, 1, 12.0),)),
        ("office/1/unlock", ()),
    ],
)
def test_a_twin_knows_what_of_it_is_real(source, actuated):
    settings = Settings(outputs=[{**UNLOCK, "from": source, "payload": "do it"}])
    rules, _ = building.built(settings, {"garage": 1, "office": 2})
    spec = TwinSpec(id="garage", identity="garage", evses=(EvseSpec(),))
    assert equipped(rules, 1.0, spec).actuated == actuated


async def test_what_the_broker_says_again_after_a_connect_is_no_confirmation(garage):
    here = garage(UNLOCK)
    await here.connect()
    await unlock(here)
    here.publisher.disconnected([])
    await here.connect()
    await here.show("unlocked", "box/lock", retain=True)
    assert here.told == []
    await asyncio.sleep(3)
    await here.show("unlocked", "box/lock", retain=True)
    assert here.told == [Actuated("1", ok=True)]
