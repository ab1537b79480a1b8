from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.actuating import building
from bridge.mapping import building as mapping
from config import devices
from config.loading import load
from config.settings import Settings

TWINS = {"garage": 1, "office": 2, "lot-1": 1, "lot-2": 1}
EXAMPLE = Path(__file__).parents[3] / "examples" / "outputs.yaml"
GOOD = {"from": "garage/1/limit", "topic": "box/set"}


def built(*outputs, inputs=(), **settings):
    return building.built(Settings(outputs=list(outputs), **settings), TWINS, inputs)


@pytest.mark.parametrize(
    ("source", "twins", "evse", "what"),
    [
        ("garage/1/limit", ["garage"], 1, "limit"),
        ("garage/state", ["garage"], 0, "station"),
        ("office/*/state", ["office"], None, "evse"),
        ("office/+/session", ["office"], None, "session"),
        ("lot-{1..2}/1/meter", ["lot-1", "lot-2"], 1, "meter"),
        ("lot-*/1/limit", ["lot-1", "lot-2", "lot-3"], 1, "limit"),
        ("garage/1/unlock", ["garage"], 1, "unlock"),
        ("garage/remote_start", ["garage"], 0, "remote_start"),
        ("garage/availability", ["garage"], 0, "availability"),
        ("garage/reset", ["garage"], 0, "reset"),
    ],
)
def test_where_outputs_come_from(source, twins, evse, what):
    (rule,), wrong = built({"from": source, "topic": "box/{twin}"})
    assert not wrong
    assert [twin for twin in (*TWINS, "lot-3") if rule.concerns(twin)] == twins
    assert (rule.evse, rule.what) == (evse, what)


@pytest.mark.parametrize(
    ("output", "path", "words"),
    [
        ({"from": "garage"}, ("from",), "allowed: a state or an action"),
        ({"from": "garage/1/2/limit"}, ("from",), "allowed: a state or an action"),
        ({"from": "garage/limit"}, ("from",), 'did you mean "garage/1/limit"?'),
        ({"from": "garage/1/reset"}, ("from",), 'did you mean "garage/reset"?'),
        ({"from": "garage/1/limits"}, ("from",), "limit"),
        ({"from": "garaje/1/limit"}, ("from",), "garage"),
        ({"from": "lot-{1..3}/1/limit"}, ("from",), "lot-3"),
        ({"from": "lot-{3..1}/1/limit"}, ("from",), "range"),
        ({"from": "garage/2/limit"}, ("from",), "1 to 1"),
        ({"from": "garage/01/limit"}, ("from",), "1 to 1"),
        ({"topic": "box/+/set"}, ("topic",), "without + and #"),
        ({"topic": "box/{number}"}, ("topic",), "number"),
        ({"topic": "box/{}"}, ("topic",), "allowed: a topic"),
        ({"topic": "ocpp-twin/garage/1/set/power_w"}, ("topic",), "outside ocpp-twin/"),
        ({"topic": "{twin}/garage/1/set/power_w"}, ("topic",), "write its first level out"),
        ({"payload": "{{ limt_a }}"}, ("payload",), "limit_a"),
        ({"payload": "{{ limit_a "}, ("payload",), "line 1"),
        ({"confirm": {"topic": "box/set"}}, ("confirm", "topic"), "confirm itself"),
        ({"confirm": {"topic": "box/#"}}, ("confirm", "topic"), "without + and #"),
        ({"confirm": {"topic": "b", "path": "a..b"}}, ("confirm", "path"), "a path such as"),
        ({"confirm": {"topic": "b", "value": "{{ val }}"}}, ("confirm", "value"), "val"),
        ({"confirm": {"topic": "b", "value": "{{ value", "expect": "1"}}, ("confirm", "value"), "beside expect"),
        ({"confirm": {"topic": "b", "value": "on", "expect": "1"}}, ("confirm", "value"), "beside expect"),
        ({"confirm": {"topic": "b", "value": "{{ value }}", "path": "a"}}, ("confirm", "path"), "either this or"),
        ({"topic": "box/{{ limt_a }}"}, ("topic",), "limit_a"),
        ({"topic": "box/{{ limit_a }}/+"}, ("topic",), "without + and #"),
        ({"confirm": {"topic": "b", "expect": "{{ limt }}"}}, ("confirm", "expect"), "limit_a"),
        ({"from": "garage/1/state", "below_min": "pause"}, ("below_min",), "only a limit"),
        ({"from": "garage/1/state", "when_offline": "pause"}, ("when_offline",), "only a limit"),
        ({"from": "garage/1/unlock", "retain": True}, ("retain",), "happens once"),
        ({"from": "garage/1/unlock", "min_interval": 5}, ("min_interval",), "at once"),
        ({"from": "garage/1/unlock", "keepalive": 5}, ("keepalive",), "confirm"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(output, path, words):
    _, wrong = built(GOOD, {**GOOD, "topic": "other/set", **output})
    assert wrong, output
    where, text = wrong[0]
    assert where == ("outputs", 1, *path)
    assert words in text


@pytest.mark.parametrize("topic", ["box/set", "box/{{ 'a/b' if allowed else 'set' }}"])
@pytest.mark.parametrize("input_filter", ["box/set", "box/+", "#", "+/set"])
def test_an_output_to_an_input_is_a_loop(topic, input_filter):
    _, wrong = built({**GOOD, "topic": topic}, inputs=["other", input_filter])
    assert [(where, "loop" in text) for where, text in wrong] == [(("outputs", 0, "topic"), True)]


@pytest.mark.parametrize("topic", ["homeassistant/status", "homeassistant/device/{twin}/config"])
def test_an_output_to_what_is_read_of_home_assistant_is_a_loop(topic):
    _, wrong = built({**GOOD, "topic": topic})
    assert [(where, "loop" in text) for where, text in wrong] == [(("outputs", 0, "topic"), True)]
    assert built({**GOOD, "topic": topic}, home_assistant={"enabled": False})[1] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"when_offline": "stop"}, "keep, pause, or a current"),
        ({"below_min": "stop"}, "'pause', 'min' or 'pass'"),
        ({"min_interval": "5 parsec"}, "a duration"),
        ({"form": "x"}, "Extra inputs"),
    ],
)
def test_settings_say_what_is_allowed(wrong, words):
    with pytest.raises(ValidationError, match=words):
        Settings(outputs=[{**GOOD, **wrong}])


def test_the_example_of_the_contract_is_taken():
    example = {
        "from": "garage/1/limit",
        "topic": "openevse/override/set",
        "payload": ('{"state": "{{ "active" if allowed else "disabled" }}", "charge_current": {{ limit_a | int }}}'),
        "min_interval": "10s",
        "keepalive": "30s",
        "below_min": "pause",
        "confirm": {"topic": "openevse/amp", "tolerance": 2, "timeout": "30s"},
    }
    (rule,), wrong = built(example)
    assert not wrong
    assert rule.payload is not None
    assert rule.payload.render({"allowed": True, "limit_a": 13.7}) == '{"state": "active", "charge_current": 13}'


def test_outputs_that_a_device_brings_are_told_with_the_device():
    where = ("devices", 0, "outputs", 0)
    rules, wrong = building.built(Settings(), TWINS, ["sensor"], [(where, {"from": "garage/1/limit", "topic": "set"})])
    assert ([rule.name for rule in rules], wrong) == (["devices[0].outputs[0]"], [])
    _, wrong = building.built(Settings(), TWINS, ["sensor"], [(where, {"from": "garage/1/limit", "topic": "sensor"})])
    assert [path for path, _ in wrong] == [(*where, "topic")]
    _, wrong = building.built(Settings(), TWINS, (), [(where, {"from": "garage/1/limit", "tpic": "set"})])
    assert {path for path, _ in wrong} == {(*where, "topic"), (*where, "tpic")}


def test_the_example_is_fine():
    found = load([EXAMPLE], {})
    rules, wrong = building.built(found.settings, {twin.id: len(twin.evses) for twin in found.twins})
    assert (len(rules), wrong) == (3, [])


@pytest.mark.parametrize("name", devices.names())
def test_what_presets_bring_is_fine(name):
    given = {variable: variable for variable, one in devices.preset(name).variables.items() if one.default is None}
    settings = Settings(devices=[{"preset": name, "evse": "garage/1", **given}])
    rules, wrong = mapping.built(settings, TWINS)
    assert not wrong
    heard = [rule.pattern.filter for rule in rules.inputs]
    made, wrong = building.built(settings, TWINS, heard, rules.outputs)
    assert (len(made), wrong) == (len(rules.outputs), [])
