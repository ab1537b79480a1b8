"""Each preset reads what its devices publish; the payloads were written down from the sources that each file names."""

import json
from pathlib import Path

import msgspec
import pytest

from bridge.mapping import building, patterns, templates
from bridge.mapping.feed import read_order
from bridge.mapping.trial import Names
from bridge.mapping.values import Said
from bridge.options import MqttOptions
from bridge.refusals import Refused
from config import devices
from config.problems import ConfigError
from config.sensors import DeviceSettings

FOLDER = Path(__file__).parent / "devices"
RECORDED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
FLEET = Names({"garage": 1})


def given(name):
    return {word: str(value) for word, value in RECORDED[name]["settings"].items()}


def commands(rules, message):
    """Return what a message comes to, without what is the same for all."""
    said, found = Said(message["topic"], message["payload"].encode()), []
    for rule in rules.inputs:
        if not patterns.matches(rule.pattern.filter, said.topic):
            continue
        try:
            text = rule.reader.read(said, {})
            if text is None:
                continue
            act = read_order(rule.address({}), text, FLEET, MqttOptions(), 0.0).act
        except Refused as refusal:
            found.append({"refused": str(refusal.code)})
        else:
            fields = msgspec.to_builtins(act)
            assert fields.pop("evse") == 1
            found.append({name: value for name, value in fields.items() if value is not None and name != "evses"})
    return found


def test_every_preset_has_recordings():
    assert set(RECORDED) == set(devices.names())


@pytest.mark.parametrize("name", RECORDED)
def test_what_a_device_says_is_understood(name):
    rules = building.alone(devices.preset(name), given(name), "garage/1")
    assert RECORDED[name]["source"]
    for message in RECORDED[name]["messages"]:
        assert commands(rules, message) == message["commands"], message["topic"]
    fed = {rule.target for rule in rules.inputs}
    assert any(message["commands"] for message in RECORDED[name]["messages"]), fed


@pytest.mark.parametrize("name", RECORDED)
def test_the_device_is_recognised_by_its_topics(name):
    kind = devices.preset(name)
    for message in RECORDED[name]["messages"]:
        if message["commands"]:
            found = devices.recognised(kind, {}, message["topic"])
            rules = building.alone(kind, found, "garage/1")
            assert any(patterns.matches(rule.pattern.filter, message["topic"]) for rule in rules.inputs)


@pytest.mark.parametrize("name", devices.names())
def test_outputs_are_data_that_can_be_used(name):
    kind = devices.preset(name)
    device = DeviceSettings(preset=name, evse="garage/1", **given(name))
    brought, wrong = devices.equipped(device, kind)
    assert wrong == []
    for output in brought.outputs:
        assert set(output) <= {"from", "topic", "payload", "min_interval", "keepalive", "below_min", "confirm"}
        assert {"from", "topic", "payload"} <= set(output)
        for allowed in (True, False):
            shown = {"allowed": allowed, "limit_a": 16.5 if allowed else 0.0}
            assert templates.compiled(output["payload"]).render(shown) or not allowed
            topic = templates.compiled(output["topic"]).render(shown)
            assert "{" not in topic
            # An output may not write to a topic that is an input.
            assert not any(patterns.matches(one.topic, topic) for one in brought.inputs)


def test_openevse_is_told_as_the_contract_shows():
    (output,) = devices.preset("openevse").outputs
    payload = templates.compiled(output["payload"])
    assert json.loads(payload.render({"allowed": True, "limit_a": 16.9})) == {"state": "active", "charge_current": 16}


def test_variables_are_replaced_in_texts_but_not_in_templates():
    values = {"topic": "box/1", "n": "2"}
    assert devices.replaced("{topic}/em:{n}/{other}", values) == "box/1/em:2/{other}"
    assert devices.replaced(['{{ topic }} {"a": {{ n }}}', {"x": "{n}"}, 5], values) == [
        '{{ topic }} {"a": {{ n }}}',
        {"x": "2"},
        5,
    ]


def test_a_file_that_is_no_preset_is_told(tmp_path):
    for text, said in (
        ("[", "is not YAML"),
        ("- a", "found"),
        ("{device: x, documentation: [], inputs: [{topic: a, to: b, vlaue: c}]}", 'did you mean "value"?'),
    ):
        file = tmp_path / f"{len(text)}.yaml"
        file.write_text(text)
        with pytest.raises(ConfigError) as caught:
            devices.preset(str(file))
        assert said in str(caught.value)
