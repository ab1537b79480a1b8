import asyncio
import time

import pytest
from fakes.fleet import FakeFleet
from fakes.sensors import BenchFleet, Sensors

from bridge.options import MqttOptions
from twin.errors import Rejected
from twin.model.inputs import PlugIn, PresentToken, ReportMeter, Unplug
from twin.model.terms import MeterSource, Quantity

POWER = {"topic": "meter/power", "to": "garage/1/set/power_w"}
CARD = {"topic": "reader/tag", "to": "garage/cmd/swipe", "value": "{{ value | upper }}", "debounce": "3s"}


async def test_a_value_becomes_a_level():
    sensors = Sensors(inputs=[POWER])
    sensors.say("meter/power", "7360")
    assert sensors.commands == [ReportMeter(evse=1, values={Quantity.POWER_W: 7360.0})]
    assert (sensors.errors, sensors.acknowledged) == ([], 1)
    assert sensors.on("ocpp-twin/garage/result") == []


async def test_a_card_becomes_a_swipe_with_a_result():
    sensors = Sensors(inputs=[CARD])
    sensors.say("reader/tag", "04a2b3c4")
    assert sensors.commands == [PresentToken(token="04A2B3C4")]
    (result,) = sensors.on("ocpp-twin/garage/result")
    assert (result["topic"], result["status"], result["code"]) == ("garage/cmd/swipe", "ok", None)


async def test_captures_lead_to_the_twin_and_the_evse():
    sensors = Sensors(
        inputs=[{"topic": "lot/{bay}/{n}/power", "to": "{bay}/{n}/set/power_w", "value": "{{ value | float * 2 }}"}]
    )
    sensors.say("lot/office/2/power", "100")
    assert sensors.fleet.taken == [("office", ReportMeter(evse=2, values={Quantity.POWER_W: 200.0}))]
    sensors.say("lot/nowhere/1/power", "100")
    sensors.say("lot/office/7/power", "100")
    assert [error["code"] for error in sensors.errors] == ["unknown_twin", "unknown_evse"]
    assert len(sensors.commands) == 1


async def test_one_message_may_feed_several_inputs_and_is_acknowledged_once():
    fleet = FakeFleet()
    fleet.held = True
    sensors = Sensors(
        fleet,
        inputs=[
            {"topic": "em/status", "to": "garage/1/set/power_w", "path": "power"},
            {"topic": "em/+", "to": "garage/1/set/plugged", "value": "{{ value_json.power > 5 }}"},
        ],
    )
    sensors.say("em/status", {"power": 7}, qos=1)
    assert [type(command) for command in sensors.commands] == [ReportMeter, PlugIn]
    assert sensors.acknowledged == 0, "nothing is stored yet"
    fleet.release()
    assert sensors.acknowledged == 1


async def test_what_no_input_waits_for_is_left_to_others():
    sensors = Sensors(inputs=[POWER])
    sensors.say("ocpp-twin/garage/1/set/plugged", "ON")
    sensors.say("meter/energy", "1")
    assert sensors.commands == [PlugIn(evse=1)]
    assert [error["topic"] for error in sensors.errors] == ["meter/energy"]


async def test_a_wildcard_does_not_take_what_the_daemon_publishes_itself():
    sensors = Sensors(inputs=[{"topic": "+/garage/1/meter", "to": "garage/1/set/power_w", "path": "power_w"}])
    sensors.say("ocpp-twin/garage/1/meter", {"power_w": 5})
    assert (sensors.commands, sensors.errors, sensors.acknowledged) == ([], [], 1)


# --- What speaks against it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "payload", "code", "said", "pointer"),
    [
        ({}, "much", "bad_value", "must be a number", None),
        ({}, "1e9", "out_of_range", "at most", None),
        ({"path": "emeters[0].power"}, {"emeters": []}, "template_error", "is not in the payload", "/emeters/0/power"),
        ({"value": "{{ value_json.power }}"}, {"p": 1}, "template_error", "has no attribute 'power'", None),
        ({"value": "{{ value_json.power }}"}, "x", "template_error", "not JSON", None),
        ({"value": '{"value": 1, "nope": 2}'}, "x", "bad_value", "nope is not known here", "/nope"),
        ({"value": "{ {{ value }}"}, "x", "bad_json", "is not JSON", None),
        ({}, "x" * 65_537, "too_large", "65537 bytes", None),
        ({}, b"\xff", "bad_value", "not UTF-8", None),
    ],
)
async def test_what_is_refused_is_told_with_code_and_pointer(rule, payload, code, said, pointer):
    sensors = Sensors(inputs=[POWER | rule])
    sensors.say("meter/power", payload)
    (error,) = sensors.errors
    assert (error["topic"], error["code"], error["pointer"]) == ("meter/power", code, pointer)
    assert error["detail"].startswith("inputs[0] to garage/1/set/power_w: ")
    assert said in error["detail"]
    assert (sensors.commands, sensors.acknowledged, sensors.router.refused_total) == ([], 1, 1)


async def test_where_cards_are_masked_a_template_that_does_not_fit_does_not_tell_them():
    sensors = Sensors(inputs=[CARD | {"value": "{{ value | int }}"}], options=MqttOptions(mask_id_tags=True))
    sensors.say("reader/tag", "04A2B3C4")
    (error,) = sensors.errors
    assert (error["code"], error["payload"]) == ("template_error", "***")
    (result,) = sensors.on("ocpp-twin/garage/result")
    assert "04A2B3C4" not in error["detail"] + result["detail"]


async def test_what_the_twin_refuses_is_told():
    sensors = Sensors(inputs=[CARD])
    sensors.fleet.refusal = Rejected("state_conflict", "there is no power")
    sensors.say("reader/tag", "A")
    assert [(error["code"], error["detail"]) for error in sensors.errors] == [
        ("state_conflict", "inputs[0] to garage/cmd/swipe: there is no power")
    ]
    assert [result["code"] for result in sensors.on("ocpp-twin/garage/result")] == ["state_conflict"]


async def test_a_failure_stops_nothing():
    sensors = Sensors(inputs=[POWER])
    sensors.fleet.broken = True
    sensors.say("meter/power", "1")
    sensors.fleet.broken = False
    sensors.say("meter/power", "2")
    assert len(sensors.commands) == 1
    assert sensors.acknowledged == 2


async def test_a_flood_is_limited():
    sensors = Sensors(options=MqttOptions(rate_per_s=0.001, rate_burst=2), inputs=[POWER])
    for watts in range(4):
        sensors.say("meter/power", watts)
    assert len(sensors.commands) == 2
    assert [error["code"] for error in sensors.errors] == ["rate_limited"]


async def test_thousands_of_bad_payloads_are_told_once_and_counted():
    sensors = Sensors(inputs=[POWER])
    for number in range(5_000):
        sensors.say("meter/power", b"\x00\xff{" * (number % 7) + b"!")
    sensors.say("meter/power", "5")
    assert len(sensors.commands) == 1
    assert {error["code"] for error in sensors.errors} == {"bad_value"}
    await asyncio.sleep(11)
    assert sum(error["count"] for error in sensors.errors) == 5_000
    assert sensors.router.refused_total == 5_000


async def test_the_allow_list_is_for_commands_of_others():
    sensors = Sensors(options=MqttOptions(allow=()), inputs=[POWER])
    sensors.say("meter/power", "1")
    assert len(sensors.commands) == 1


# --- Retained, repeated, delivered twice ------------------------------------------------------------------------------


async def test_retained_levels_are_welcome_and_retained_edges_refused():
    sensors = Sensors(inputs=[POWER, CARD])
    sensors.router.replay_begins()
    sensors.say("meter/power", "1", retain=True)
    sensors.say("reader/tag", "A", retain=True)
    assert len(sensors.commands) == 1
    assert [error["code"] for error in sensors.errors] == ["retained_command"]


async def test_a_replayed_value_does_not_replace_a_live_one():
    sensors = Sensors(inputs=[POWER])
    sensors.say("meter/power", "2")
    sensors.router.replay_begins()
    sensors.say("meter/power", "1", retain=True)
    sensors.router.replay_ends()
    assert [command.values[Quantity.POWER_W] for command in sensors.commands] == [2.0]


async def test_a_cleared_topic_says_nothing():
    sensors = Sensors(inputs=[POWER, CARD])
    sensors.say("meter/power", "", retain=True)
    sensors.say("meter/power", "")
    sensors.say("reader/tag", "")
    assert (sensors.commands, sensors.errors, sensors.acknowledged) == ([], [], 3)


async def test_a_card_that_lies_on_its_reader_is_one_swipe():
    sensors = Sensors(inputs=[CARD])
    for _ in range(5):
        sensors.say("reader/tag", "a")
        await asyncio.sleep(1)
    sensors.say("reader/tag", "b")
    await asyncio.sleep(3)
    sensors.say("reader/tag", "a")
    assert [command.token for command in sensors.commands] == ["A", "B", "A"]
    assert sensors.acknowledged == 7


async def test_a_swipe_that_comes_twice_by_two_filters_is_one():
    plain = {"topic": "reader/tag", "to": "garage/cmd/swipe"}
    sensors = Sensors(inputs=[plain])
    sensors.say("reader/tag", "A")
    sensors.say("reader/tag", "A")
    await asyncio.sleep(1.5)
    sensors.say("reader/tag", "A")
    assert len(sensors.commands) == 2
    eager = Sensors(inputs=[plain | {"debounce": 0}])
    eager.say("reader/tag", "A")
    eager.say("reader/tag", "A")
    assert len(eager.commands) == 2


async def test_a_second_delivery_at_qos_2_is_known_across_a_restart():
    sensors = Sensors(inputs=[CARD])
    sensors.say("reader/tag", "A", qos=2, mid=7)
    again = Sensors(sensors.fleet, inputs=[CARD])
    again.say("reader/tag", "A", qos=2, mid=7, dup=True)
    assert len(again.commands) == 1


# --- With a real twin -------------------------------------------------------------------------------------------------


async def test_a_register_that_starts_anew_does_not_lower_the_twins():
    sensors = Sensors(
        BenchFleet(),
        inputs=[{"topic": "plug/energy", "to": "garage/1/set/energy_wh", "scale": 1000}],
    )
    shown = []
    for kwh in ("12.5", "13", "0", "0.25", "0.1", "1"):
        sensors.say("plug/energy", kwh)
        shown.append(sensors.fleet.view_of("garage", ("meter", 1)).energy_wh)
    assert shown == [12_500, 13_000, 13_000, 13_250, 13_250, 14_150]
    assert sensors.errors == []


async def test_where_only_power_is_measured_energy_is_integrated():
    fleet = BenchFleet()
    sensors = Sensors(fleet, inputs=[POWER, {"topic": "plug", "to": "garage/1/set/plugged"}, CARD])
    fleet.bench.accept()
    sensors.say("plug", "ON")
    sensors.say("meter/power", "3600")
    before = fleet.view_of("garage", ("meter", 1)).energy_wh
    fleet.bench.now += 600
    sensors.say("meter/power", "0")
    fleet.bench.now += 600
    meter = fleet.view_of("garage", ("meter", 1))
    assert meter.power_w == 0
    assert meter.energy_wh - before == pytest.approx(600)
    assert fleet.view_of("garage", ("evse", 1)).meter_source is MeterSource.MIXED
    sensors.say("plug", "OFF")
    assert isinstance(sensors.commands[-1], Unplug)


async def test_thousands_of_inputs_are_matched_fast():
    fleet = FakeFleet({f"t{number}": 1 for number in range(3_000)})
    sensors = Sensors(
        fleet,
        inputs=[
            {"topic": f"em{number}/status", "to": f"t{number}/1/set/power_w", "path": "power"}
            for number in range(3_000)
        ],
    )
    began = time.perf_counter()
    for number in range(3_000):
        sensors.say(f"em{number}/status", b'{"power": 5}')
    assert len(sensors.commands) == 3_000
    assert time.perf_counter() - began < 2
