from __future__ import annotations

import json

import msgspec
import pytest
from fakes.fleet import EVSE, LIMIT, METER, STATION

from bridge import payloads, render
from bridge.refusals import Code, Complaint
from bridge.render import Outcome
from twin.fleet import Frame
from twin.model.effects import Note
from twin.model.view import SessionView

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("view", "model"),
    [
        (STATION, payloads.StationState),
        (EVSE, payloads.EvseState),
        (METER, payloads.Meter),
        (LIMIT, payloads.Limit),
        (SessionView(), payloads.Session),
        (SessionView(session_id="s", started_at=NOW, ended_at=NOW, energy_wh=1.0, active=False), payloads.Session),
    ],
    ids=["station", "evse", "meter", "limit", "no session", "session"],
)
def test_states_are_what_the_models_say(view, model):
    fields = json.loads(render.encode(render.state(view, mask_id_tags=False)))
    model.model_validate(fields)
    assert set(fields) == set(model.model_fields)


def test_numbers_have_three_decimals_and_times_milliseconds():
    fields = render.state(METER, mask_id_tags=False)
    assert (fields["energy_wh"], fields["power_w"], fields["at"]) == (1234.568, 0, "2023-11-14T22:13:20.000Z")
    large = render.state(msgspec.structs.replace(METER, energy_wh=9e11), mask_id_tags=False)
    assert b"900000000000" in render.encode(large)
    assert render.state(msgspec.structs.replace(METER, power_w=float("nan")), mask_id_tags=False)["power_w"] is None


@pytest.mark.parametrize(("at", "written"), [(1e12, "9999-12-31T23:59:59.000Z"), (-1e12, "0001-01-01T00:00:00.000Z")])
def test_a_time_beyond_the_calendar_is_its_end(at, written):
    view = msgspec.structs.replace(EVSE, reserved_until=at)
    assert render.state(view, mask_id_tags=False)["reserved_until"] == written


def test_secrets_and_id_tags_are_hidden():
    assert render.state(STATION, mask_id_tags=False)["csms_url"] == "ws://localhost:9000/ocpp/CP%201"
    view = msgspec.structs.replace(EVSE, id_tag="04A2", reserved_for="B")
    assert render.state(view, mask_id_tags=False)["id_tag"] == "04A2"
    hidden = render.state(view, mask_id_tags=True)
    assert (hidden["id_tag"], hidden["reserved_for"]) == ("***", "***")


def test_a_meter_that_only_grew_older_says_nothing_new():
    later = msgspec.structs.replace(METER, at=METER.at + 60)
    changed = msgspec.structs.replace(METER, power_w=1.0)
    assert render.mark(METER) == render.mark(later) != render.mark(changed)
    prints = []
    for view in (METER, later, changed):
        fields = render.state(view, mask_id_tags=False)
        prints.append(render.fingerprint(fields, render.encode(fields)))
    assert prints[0] == prints[1] != prints[2]


def test_events_have_all_their_keys():
    for name, keys in payloads.EVENT_DATA.items():
        fields = json.loads(render.encode(render.event(1, Note(name, {}, NOW), mask_id_tags=False)))
        payloads.Event.model_validate(fields)
        assert set(fields["data"]) == set(keys)


def test_an_event():
    note = Note("authorized", {"id_tag": "04A2", "until": NOW, "power_w": 1.23456}, NOW, evse=1, request_id="r")
    event = render.event(7, note, mask_id_tags=True)
    assert (event["seq"], event["evse"], event["request_id"], event["type"]) == (7, 1, "r", "authorized")
    assert event["data"]["id_tag"] == "***"
    assert event["data"]["until"] == "2023-11-14T22:13:20.000Z"
    assert event["data"]["power_w"] == 1.235


def test_a_changed_secret_is_hidden():
    note = Note("configuration_changed", {"key": "AuthorizationKey", "value": "s3cret"}, NOW)
    assert render.event(1, note, mask_id_tags=False)["data"]["value"] == "***"


def test_a_result():
    fields = render.result(Outcome("t", "error", "r", Code.STALE, "old", {"password": "x"}), NOW, mask_id_tags=False)
    payloads.Result.model_validate(fields)
    assert fields["data"] == {"password": "***"}


def test_an_error():
    complaint = Complaint("garage/1/cmd/swipe", Code.BAD_VALUE, "d", "/value", "04A2" * 6)
    payloads.Error.model_validate(render.error(complaint, mask_id_tags=False))
    assert render.error(complaint, mask_id_tags=True)["payload"] == "***"


@pytest.mark.parametrize("topic", ["garage/cmd/swip", "esphome/reader/tag", "bridge/main/request/cmd_many", "x"])
def test_an_error_does_not_tell_who_it_was(topic):
    complaint = Complaint(topic, Code.BAD_VALUE, "d", None, "04A2B3C4")
    assert render.error(complaint, mask_id_tags=True)["payload"] == "***"
    assert render.error(complaint, mask_id_tags=False)["payload"] == "04A2B3C4"
    level = Complaint("garage/1/set/power_w", Code.BAD_VALUE, "d", None, "many", level=True)
    assert render.error(level, mask_id_tags=True)["payload"] == "many"


def test_an_error_does_not_repeat_secrets():
    text = '{"action": "ChangeConfiguration", "payload": {"key": "AuthorizationKey", "value": "s3cret"}'
    for payload in (text, text + "}"):
        shown = render.error(Complaint("garage/cmd/call", Code.BAD_JSON, "d", None, payload), mask_id_tags=False)
        assert "s3cret" not in shown["payload"]


def test_a_trace():
    fields = render.trace(Frame('[2,"1","Authorize",{"idTag":"A"}]', "Authorize"), NOW, mask_id_tags=True)
    payloads.Trace.model_validate(fields)
    assert fields["frame"] == '[2,"1","Authorize",{"idTag":"***"}]'
