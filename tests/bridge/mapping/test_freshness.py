import asyncio

import pytest
from fakes.fleet import FakeFleet
from fakes.sensors import BenchFleet, Sensors

from twin.errors import Rejected
from twin.model.inputs import ClearFault, PlugIn, ReportMeter, SetFault
from twin.model.terms import ErrorCode, Quantity, Status

POWER = {"topic": "meter/power", "to": "garage/1/set/power_w", "max_age": "60s"}


async def test_silence_is_told_once_and_the_value_held():
    sensors = Sensors(inputs=[POWER])
    sensors.real.start()
    for _ in range(5):
        sensors.say("meter/power", "100")
        await asyncio.sleep(50)
    assert sensors.events() == []
    await asyncio.sleep(600)
    (event,) = sensors.events()
    assert (event["type"], event["evse"]) == ("sensor_stale", 1)
    assert event["data"] == {
        "topic": "meter/power",
        "detail": "inputs[0] to garage/1/set/power_w: no value for 60 s; the last value stands",
    }
    assert len(sensors.commands) == 5
    sensors.say("meter/power", "100")
    await asyncio.sleep(61)
    assert len(sensors.events()) == 2


async def test_a_sensor_that_never_says_anything_is_stale_too():
    sensors = Sensors(inputs=[POWER])
    sensors.real.start()
    await asyncio.sleep(59)
    assert sensors.events() == []
    await asyncio.sleep(2)
    assert len(sensors.events()) == 1


@pytest.mark.parametrize("payload", ["much", "", "1e99"])
async def test_what_is_no_value_does_not_keep_it_fresh(payload):
    sensors = Sensors(inputs=[POWER])
    sensors.real.start()
    for _ in range(10):
        await asyncio.sleep(10)
        sensors.say("meter/power", payload)
    assert len(sensors.events()) == 1


async def test_what_the_broker_remembers_is_no_sign_of_life():
    sensors = Sensors(inputs=[POWER | {"on_stale": "fault"}])
    sensors.real.start()
    sensors.router.replay_begins()
    sensors.say("meter/power", "100", retain=True)
    sensors.router.replay_ends()
    await asyncio.sleep(61)
    assert len(sensors.events()) == 1
    taken = len(sensors.commands)
    sensors.router.replay_begins()  # the broker has lost our session, and says again what it knows
    sensors.say("meter/power", "100", retain=True)
    sensors.router.replay_ends()
    await asyncio.sleep(61)
    assert len(sensors.commands) == taken
    assert len(sensors.events()) == 1
    sensors.say("meter/power", "100", retain=True)
    assert isinstance(sensors.commands[-1], ClearFault)


async def test_other_inputs_are_expected_like_those_before():
    sensors = Sensors(inputs=[POWER])
    sensors.real.start()
    await asyncio.sleep(30)
    sensors.real.feed.replace(sensors.real.feed._rules)
    await asyncio.sleep(59)
    assert sensors.events() == []
    await asyncio.sleep(2)
    assert len(sensors.events()) == 1


async def test_zero():
    sensors = Sensors(inputs=[POWER | {"on_stale": "zero"}])
    sensors.say("meter/power", "100")
    await asyncio.sleep(61)
    assert [command.max_age_s for command in sensors.commands] == [60.0, 0.0]  # the twin knows how old it is
    assert sensors.commands[-1] == ReportMeter(evse=1, values={Quantity.POWER_W: 0.0}, max_age_s=0.0)


async def test_zero_of_a_meter_is_of_what_it_said():
    rule = {"topic": "em", "to": "garage/1/set/meter", "max_age": "60s", "on_stale": "zero"}
    sensors = Sensors(inputs=[rule])
    sensors.say("em", {"power_w": 100, "current_l1_a": 5, "energy_wh": 1000})
    await asyncio.sleep(61)
    assert sensors.commands[-1].values == {Quantity.POWER_W: 0.0, Quantity.CURRENT_L1_A: 0.0}


async def test_a_fault_that_ends_when_values_come_again():
    sensors = Sensors(BenchFleet(), inputs=[POWER | {"on_stale": "fault"}])
    sensors.say("meter/power", "100")
    await asyncio.sleep(61)
    fault = sensors.commands[-1]
    assert fault == SetFault(
        evse=1, code=ErrorCode.POWER_METER_FAILURE, fault_id="stale:power_w", info="no power_w for 60 s"
    )
    assert sensors.fleet.view_of("garage", ("evse", 1)).error_code is ErrorCode.POWER_METER_FAILURE
    sensors.say("meter/power", "100")
    assert sensors.commands[-1] == ClearFault(evse=1, fault_id="stale:power_w")
    assert sensors.fleet.view_of("garage", ("evse", 1)).status is Status.AVAILABLE
    sensors.say("meter/power", "100")
    assert isinstance(sensors.commands[-1], ReportMeter), "there is nothing more to mend"


async def test_a_fault_from_before_a_restart_ends_with_the_first_value():
    fleet = BenchFleet()
    before = Sensors(fleet, inputs=[POWER | {"on_stale": "fault"}])
    before.real.start()
    await asyncio.sleep(61)
    before.real.stop()
    after = Sensors(fleet, inputs=[POWER | {"on_stale": "fault"}])
    after.say("meter/power", "100")
    assert fleet.view_of("garage", ("evse", 1)).error_code is ErrorCode.NO_ERROR


async def test_a_silent_contact_is_no_fault_of_the_meter():
    rule = {"topic": "plug", "to": "garage/1/set/plugged", "max_age": "60s", "on_stale": "fault"}
    sensors = Sensors(inputs=[rule])
    sensors.say("plug", "ON")
    await asyncio.sleep(61)
    assert isinstance(sensors.commands[0], PlugIn)
    assert sensors.commands[-1].code is ErrorCode.OTHER_ERROR


async def test_each_twin_of_a_captured_topic_has_an_age_of_its_own():
    sensors = Sensors(inputs=[{"topic": "em/{bay}", "to": "{bay}/1/set/power_w", "max_age": "60s"}])
    sensors.real.start()
    sensors.say("em/garage", "1")
    await asyncio.sleep(30)
    sensors.say("em/office", "1")
    await asyncio.sleep(31)
    assert (len(sensors.events("garage")), len(sensors.events("office"))) == (1, 0)


async def test_nobody_is_told_of_a_twin_that_is_gone_or_refuses():
    sensors = Sensors(FakeFleet({"garage": 1}), inputs=[POWER | {"on_stale": "zero"}])
    sensors.say("meter/power", "1")
    sensors.fleet.refusal = Rejected("state_conflict", "no")
    await asyncio.sleep(61)
    assert len(sensors.events()) == 1
    sensors.fleet.refusal = None
    sensors.say("meter/power", "1")
    del sensors.fleet.twins["garage"]
    await asyncio.sleep(61)
    assert len(sensors.events()) == 1


async def test_other_inputs_take_back_the_faults_of_those_that_are_gone():
    sensors = Sensors(BenchFleet(), inputs=[POWER | {"on_stale": "fault"}])
    sensors.real.start()
    await asyncio.sleep(61)
    assert sensors.fleet.view_of("garage", ("evse", 1)).error_code is ErrorCode.POWER_METER_FAILURE
    sensors.real.replace(sensors.rules({"inputs": [{"topic": "other", "to": "garage/1/set/soc_pct"}]}))
    assert sensors.fleet.view_of("garage", ("evse", 1)).error_code is ErrorCode.NO_ERROR
    sensors.say("meter/power", "5")
    sensors.say("other", "50")
    assert sensors.commands[-1] == ReportMeter(evse=1, values={Quantity.SOC_PCT: 50.0})
    assert [error["topic"] for error in sensors.errors] == ["meter/power"]


async def test_the_same_inputs_again_change_nothing():
    sensors = Sensors(inputs=[POWER])
    sensors.real.start()
    await asyncio.sleep(50)
    sensors.real.replace(sensors.rules({"inputs": [POWER]}))
    await asyncio.sleep(11)
    assert len(sensors.events()) == 1, "it was not expected anew"
