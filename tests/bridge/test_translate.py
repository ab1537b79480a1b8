from __future__ import annotations

import pytest

from bridge import intake, translate
from bridge.intake import PlaceCall, SendFrame
from bridge.refusals import Code, Refused
from bridge.translate import Scene
from twin.model import inputs
from twin.model.spec import EvSpec
from twin.model.terms import ErrorCode, FirmwareOutcome, MeterSource, Quantity, ResetKind, StopReason

NOW = 1_700_000_000.0
CARS = {"zoe": EvSpec(name="zoe", battery_kwh=52.0)}


def order(name: str, payload: str, evse: int = 1):
    model = translate.model_of(name, evse=evse > 0)
    assert model is not None
    return translate.order(name, model, payload.encode(), Scene(evse, 2, NOW, CARS))


@pytest.mark.parametrize(
    ("name", "payload", "command"),
    [
        ("set/plugged", "ON", inputs.PlugIn(evse=1)),
        ("set/plugged", "OFF", inputs.Unplug(evse=1)),
        ("set/plugged", '{"value": 1, "ev": "zoe"}', inputs.PlugIn(evse=1, ev=CARS["zoe"])),
        ("set/plugged", '{"value": 1, "ev": {"max_a": 10}}', inputs.PlugIn(evse=1, ev=EvSpec(max_a=10.0))),
        ("set/ev_ready", "off", inputs.SetEvReady(evse=1, ready=False)),
        ("set/power_w", "7360", inputs.ReportMeter(evse=1, values={Quantity.POWER_W: 7360.0})),
        ("set/meter", '{"soc_pct": 50}', inputs.ReportMeter(evse=1, values={Quantity.SOC_PCT: 50.0})),
        ("set/meter", '{"value": {"soc_pct": 5}}', inputs.ReportMeter(evse=1, values={Quantity.SOC_PCT: 5.0})),
        ("set/meter_source", "simulated", inputs.UseMeterSource(evse=1, source=MeterSource.SIMULATED)),
        ("set/fault", "GroundFailure", inputs.SetFault(evse=1, code=ErrorCode.GROUND_FAILURE)),
        ("set/fault", "NoError", inputs.ClearFault(evse=1)),
        ("set/fault", '{"value": "NoError", "id": "x"}', inputs.ClearFault(evse=1, fault_id="x")),
        ("set/lock_jammed", "true", inputs.JamLock(evse=1, jammed=True)),
        ("cmd/swipe", "04A2B3C4", inputs.PresentToken(token="04A2B3C4", evse=1)),
        ("cmd/stop", "", inputs.PressStop(evse=1)),
        ("cmd/stop", "Other", inputs.PressStop(evse=1, reason=StopReason.OTHER)),
        ("cmd/emergency_stop", "PRESS", inputs.EmergencyStop(evse=1)),
        ("cmd/unplug_ev_side", "{}", inputs.UnplugEvSide(evse=1)),
    ],
)
def test_at_an_evse(name, payload, command):
    assert order(name, payload).act == command


@pytest.mark.parametrize(
    ("name", "payload", "command"),
    [
        ("set/fault", "OtherError", inputs.SetFault(evse=0, code=ErrorCode.OTHER_ERROR)),
        ("set/powered", "OFF", inputs.SetPowered(powered=False)),
        ("set/network", "0", inputs.SetNetwork(network=False)),
        ("set/door_open", "1", inputs.SetDoorOpen(open=True)),
        (
            "set/firmware_outcome",
            "installation_failed",
            inputs.SetFirmwareOutcome(outcome=FirmwareOutcome.INSTALLATION_FAILED),
        ),
        (
            "set/firmware_outcome",
            '{"value": "ok", "version": "2.1.0"}',
            inputs.SetFirmwareOutcome(outcome=FirmwareOutcome.OK, version="2.1.0"),
        ),
        ("set/reset_fails", "ON", inputs.SetResetFails(fails=True)),
        (
            "cmd/security_event",
            '{"type": "MemoryExhaustion", "tech_info": "flash"}',
            inputs.RaiseSecurityEvent(kind="MemoryExhaustion", tech_info="flash"),
        ),
        ("cmd/security_event", '{"type": "X"}', inputs.RaiseSecurityEvent(kind="X")),
        ("cmd/swipe", "A", inputs.PresentToken(token="A")),
        ("cmd/swipe", '{"value": "A", "evses": [2]}', inputs.PresentToken(token="A", evses=(2,))),
        ("cmd/emergency_stop", "", inputs.EmergencyStop()),
        ("cmd/reset", "", inputs.PressReset()),
        ("cmd/reset", "Hard", inputs.PressReset(kind=ResetKind.HARD)),
        ("cmd/drop_link", "", inputs.DropLink()),
        ("cmd/boot", "", inputs.Boot()),
        ("cmd/clear_queue", '{"confirm": true}', inputs.ClearQueue()),
    ],
)
def test_at_the_station(name, payload, command):
    assert order(name, payload, evse=0).act == command


def test_the_request_id_goes_along_everywhere():
    for evse, models in ((1, intake.EVSE), (0, intake.STATION)):
        for name in models:
            values = {
                "set/meter": '"power_w": 1',
                "cmd/call": '"action": "Heartbeat"',
                "cmd/clear_queue": '"confirm": true',
                "cmd/security_event": '"type": "X"',
            }
            plain = {
                "cmd/swipe": '"value": "A"',
                "set/fault": '"value": "OtherError"',
                "set/meter_source": '"value": "external"',
                "set/firmware_outcome": '"value": "ok"',
            }
            pressed = '"value": ""' if name.startswith("cmd/") else '"value": 1'
            fields = (values | plain | {"cmd/frame": '"value": "x"'}).get(name, pressed)
            found = order(name, f'{{{fields}, "request_id": "r"}}', evse)
            assert found.request_id == "r"
            if not isinstance(found.act, PlaceCall | SendFrame):
                assert found.act.request_id == "r"


def test_a_time_to_come_is_now():
    found = order("set/power_w", f'{{"value": 1, "at": {NOW + 60}}}')
    assert found.at == NOW
    assert found.act.at == NOW  # type: ignore[union-attr]
    assert order("set/power_w", "1").at is None


@pytest.mark.parametrize(
    ("name", "payload", "evse", "code", "where"),
    [
        ("set/plugged", '{"value": 1, "ev": "zoo"}', 1, Code.BAD_VALUE, "/ev"),
        ("set/meter", "{}", 1, Code.BAD_VALUE, ""),
        ("cmd/swipe", '{"value": "A", "evses": [1, 3]}', 0, Code.OUT_OF_RANGE, "/evses/1"),
        ("cmd/call", '{"action": "X", "payload": {"a": NaN}}', 0, Code.BAD_VALUE, "/payload"),
        ("cmd/call", '{"action": "X", "payload": {"a": 1e999}}', 0, Code.BAD_VALUE, "/payload"),
        ("set/firmware_outcome", '{"value": "broken"}', 0, Code.BAD_VALUE, "/value"),
        ("set/firmware_outcome", f'{{"value": "ok", "version": "{"1" * 51}"}}', 0, Code.BAD_VALUE, "/version"),
        ("set/reset_fails", '{"value": "maybe"}', 0, Code.BAD_VALUE, "/value"),
        ("cmd/security_event", "FirmwareUpdated", 0, Code.BAD_JSON, None),
        ("cmd/security_event", "", 0, Code.BAD_VALUE, "/type"),
        ("cmd/security_event", f'{{"type": "{"X" * 51}"}}', 0, Code.BAD_VALUE, "/type"),
        ("cmd/security_event", f'{{"type": "X", "tech_info": "{"X" * 256}"}}', 0, Code.BAD_VALUE, "/tech_info"),
    ],
)
def test_what_is_refused(name, payload, evse, code, where):
    with pytest.raises(Refused) as caught:
        order(name, payload, evse)
    assert (caught.value.code, caught.value.pointer) == (code, where)


def test_the_nearest_car_is_told():
    with pytest.raises(Refused, match="did you mean 'zoe'"):
        order("set/plugged", '{"value": 1, "ev": "zoo"}')


def test_calls_and_frames_are_no_commands():
    assert isinstance(order("cmd/call", '{"action": "Heartbeat"}', 0).act, PlaceCall)
    assert order("cmd/frame", "[]", 0).act == SendFrame(value="[]")
    assert translate.model_of("cmd/call", evse=True) is None


def test_some_values_may_come_from_elsewhere_than_others():
    source = '{"value": "external", "values": ["power_w"], "fallback": true}'
    assert order("set/meter_source", source).act == inputs.UseMeterSource(
        evse=1, source=MeterSource.EXTERNAL, values=(Quantity.POWER_W,), fallback=True
    )
    aged = inputs.ReportMeter(evse=1, values={Quantity.POWER_W: 7.0}, max_age_s=60.0)
    assert order("set/power_w", '{"value": 7, "max_age_s": 60}').act == aged
    assert order("set/meter", '{"power_w": 7, "max_age_s": 60}').act == aged


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ('{"value": "simulated", "fallback": true}', "/fallback"),
        ('{"value": "external", "values": ["power"]}', "/values/0"),
        ('{"value": "external", "values": []}', "/values"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(payload, pointer):
    with pytest.raises(Refused) as refused:
        order("set/meter_source", payload)
    assert refused.value.pointer == pointer
