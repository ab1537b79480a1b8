from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import intake
from bridge.intake import EVSE, MODELS, STATION
from bridge.reading import pointer, read, request_id_of
from bridge.refusals import Code, Refused


def refused(payload, model) -> Refused:
    with pytest.raises(Refused) as caught:
        read(payload if isinstance(payload, bytes) else payload.encode(), model)
    return caught.value


def test_bare_and_json_mean_the_same():
    assert read(b"ON", intake.Plugged) == read(b'{"value": "ON"}', intake.Plugged) == read(b" true ", intake.Plugged)
    assert read(b"7360", intake.PowerLevel).value == read(b'{"value": 7360}', intake.PowerLevel).value == 7360


@pytest.mark.parametrize("payload", [b"", b"PRESS", b"{}", b'{"request_id": "r"}', b'{"value": null}'])
def test_an_edge_without_a_value(payload):
    for model in (intake.EvsePress, intake.StationPress, intake.Stop, intake.PressReset):
        assert read(payload, model).value is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("payload", "model", "code", "where"),
    [
        ("{", intake.Plugged, Code.BAD_JSON, None),
        ('{"value": "ON"} x', intake.Plugged, Code.BAD_JSON, None),
        ("maybe", intake.Plugged, Code.BAD_VALUE, None),
        ('{"value": "maybe"}', intake.Plugged, Code.BAD_VALUE, "/value"),
        ("{}", intake.Plugged, Code.BAD_VALUE, "/value"),
        ('{"value": "ON", "ev": {"soc_pct": 101}}', intake.Plugged, Code.OUT_OF_RANGE, "/ev/soc_pct"),
        ('{"value": "ON", "ev": {"soc": 10}}', intake.Plugged, Code.BAD_VALUE, "/ev/soc"),
        ('{"value": "ON", "connector": 2}', intake.Plugged, Code.OUT_OF_RANGE, "/connector"),
        ('{"value": "ON", "requestid": "x"}', intake.Plugged, Code.BAD_VALUE, "/requestid"),
        ('{"value": "ON", "at": "soon"}', intake.Plugged, Code.BAD_VALUE, "/at"),
        ("NaN", intake.PowerLevel, Code.BAD_VALUE, None),
        ('{"value": NaN}', intake.PowerLevel, Code.BAD_VALUE, "/value"),
        ("10000001", intake.PowerLevel, Code.OUT_OF_RANGE, None),
        ('{"value": {"power_w": 1e8}}', intake.MeterLevel, Code.OUT_OF_RANGE, "/value/power_w"),
        ('{"power_w": 1e8}', intake.MeterLevel, Code.OUT_OF_RANGE, "/power_w"),
        ("7", intake.MeterLevel, Code.BAD_VALUE, None),
        ("hello", intake.PlaceCall, Code.BAD_JSON, None),
        ('{"action": "Heartbeat", "payload": []}', intake.PlaceCall, Code.BAD_VALUE, "/payload"),
        ('{"confirm": false}', intake.EmptyQueue, Code.BAD_VALUE, "/confirm"),
        ("", intake.EmptyQueue, Code.BAD_VALUE, "/confirm"),
        ("", intake.EvseSwipe, Code.BAD_VALUE, None),
        ("x" * 21, intake.EvseSwipe, Code.BAD_VALUE, None),
        ('{"value": "A", "evses": [1, 0]}', intake.StationSwipe, Code.OUT_OF_RANGE, "/evses/1"),
        ("Broken", intake.EvseFault, Code.BAD_VALUE, None),
        ('{"value": "ON", "request_id": "' + "x" * 65 + '"}', intake.Plugged, Code.BAD_VALUE, "/request_id"),
        ('{"value": "\\ud800"}', intake.EvseSwipe, Code.BAD_JSON, None),
        (b"\xff", intake.EvseSwipe, Code.BAD_VALUE, None),
        ("[" * 100_000, intake.PlaceCall, Code.BAD_JSON, None),
        ('{"value": ' + "[" * 100_000, intake.Plugged, Code.BAD_JSON, None),
    ],
)
def test_where_it_is_wrong(payload, model, code, where):
    error = refused(payload, model)
    assert (error.code, error.pointer) == (code, where)
    assert error.detail


def test_the_nearest_name_is_told():
    assert "did you mean 'request_id'" in refused('{"value": "ON", "requestid": "x"}', intake.Plugged).detail
    assert "did you mean 'GroundFailure'" in refused("GroundFault", intake.EvseFault).detail


def test_details_are_written_as_a_payload_would_be():
    assert refused('{"confirm": false}', intake.EmptyQueue).detail == "confirm must be true"
    assert "10000000" in refused('{"power_w": 1e8}', intake.MeterLevel).detail


def test_pointers_are_escaped():
    assert pointer(("a/b", "c~d", 0)) == "/a~1b/c~0d/0"


def test_a_frame_keeps_its_text():
    assert read(b' [2,"1"] ', intake.SendFrame).value == ' [2,"1"] '
    assert read(b'{"value": "{"}', intake.SendFrame).value == "{"


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b'{"request_id": "r1", "value": 7', None),
        (b'{"request_id": "r1"}', "r1"),
        (b'{"request_id": 7}', None),
        (b'{"request_id": "' + b"x" * 65 + b'"}', None),
        (b"\xff", None),
        (b"[]", None),
        (b'{"request_id": "r1", "x": "' + b"x" * 2_000_000 + b'"}', None),
    ],
)
def test_the_request_id_of_a_refused_message(payload, found):
    assert request_id_of(payload) == found


@given(st.sampled_from(sorted(MODELS)), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_payload_raises_anything_else(name, payload):
    with contextlib.suppress(Refused):
        read(payload, MODELS[name])


def test_every_command_of_the_contract_is_known():
    assert {name for name in EVSE if name.startswith("cmd")} == {
        f"cmd/{name}" for name in ("swipe", "stop", "emergency_stop", "unplug_ev_side")
    }
    assert set(STATION) == {
        *(f"set/{name}" for name in ("fault", "powered", "network", "door_open", "firmware_outcome", "reset_fails")),
        *(f"cmd/{name}" for name in ("swipe", "emergency_stop", "reset", "drop_link", "boot", "call", "frame")),
        *(f"cmd/{name}" for name in ("security_event", "clear_queue")),
    }
