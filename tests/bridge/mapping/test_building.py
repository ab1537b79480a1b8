import pytest

from bridge import app
from bridge.cli import main
from bridge.mapping import building
from config.problems import ConfigError
from config.settings import Settings

TWINS = "twins: [{id: garage}, {id: office, evses: 2}]\n"


@pytest.fixture
def problems(tmp_path):
    """Return what is said of a configuration, without the folder."""

    def find(text):
        file = tmp_path / "a.yaml"
        file.write_text(TWINS + text)
        with pytest.raises(ConfigError) as caught:
            app.configuration([file])
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return find


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("to: garage/1/set/power_w", "inputs[0].topic: this setting is required"),
        ("topic: a", "inputs[0].to: this setting is required"),
        ("topic: a, to: garage/1/set/power_w, scael: 2", 'inputs[0].scael: unknown; did you mean "scale"?'),
        ("topic: a/#/b, to: garage/1/set/power_w", "inputs[0].topic: found"),
        ("topic: a, to: garaeg/1/set/power_w", 'twin "garaeg" is unknown; did you mean "garage"?'),
        ("topic: a, to: office/3/set/power_w", 'inputs[0].to: found "office/3/set/power_w"; "office" has 2 EVSE'),
        ("topic: a, to: garage/1/set/powr_w", '"set/powr_w" is unknown; did you mean "set/power_w"?'),
        ("topic: a, to: garage/set/power_w", 'did you mean "garage/1/set/power_w"?'),
        ("topic: a, to: garage/1/cmd/reset", 'did you mean "garage/cmd/reset"?'),
        ("topic: a, to: garage/cmd/call", '"cmd/call" is unknown'),
        ("topic: a, to: garage", "allowed: the topic of a level or an edge"),
        ("topic: 'a/{bay}', to: '{by}/1/set/power_w'", '{by} is unknown; did you mean "bay"?'),
        ("topic: a, to: '{bay}/1/set/power_w'", "{bay} is no name of the topic"),
        ("topic: a, to: garage/1/set/power_w, path: a..b", 'inputs[0].path: found "a..b"; allowed: a path such as'),
        ("topic: a, to: garage/1/set/power_w, path: a, value: b", "inputs[0].path: found"),
        ("topic: a, to: garage/1/set/power_w, value: '{{ 1 | flaot }}'", "filter named 'flaot'. Did you mean 'float'?"),
        ("topic: a, to: garage/1/set/power_w, value: '{{ valeu }}'", 'valeu is unknown; did you mean "value"?'),
        ("topic: a, to: garage/1/set/power_w, value: '{{ value'", "inputs[0].value: found"),
        ("topic: a, to: garage/1/set/power_w, max_age: 5 weeks", "inputs[0].max_age: found"),
        ("topic: a, to: garage/1/set/power_w, on_stale: zero", "allowed: zero and fault only together with max_age"),
        ("topic: a, to: garage/1/set/soc_pct, max_age: 5s, on_stale: zero", "only power and current can be zero"),
        ("topic: a, to: garage/1/set/power_w, debounce: 5s", "inputs[0].debounce: found 5.0; it is for edges"),
        ("topic: a, to: garage/cmd/swipe, max_age: 5s", "inputs[0].max_age: found 5.0; a level has an age"),
        ("topic: ocpp-twin/garage/1/meter, to: garage/1/set/power_w", "a topic outside ocpp-twin/"),
        ("topic: $share/a/b, to: garage/1/set/power_w", "the topic itself"),
        ("topic: '#', to: garage/1/set/power_w", "does not take in commands"),
        ("topic: '+/+/set/x', to: garage/1/set/power_w", "does not take in commands"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_input(problems, rule, said):
    (line,) = problems(f"inputs: [{{{rule}}}]")
    assert line.startswith("a.yaml: inputs[0]")
    assert said in line


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("evse: garage/1", "infer[0]: found"),
        ("evse: garage/2, unplugged: {below: 5W}", 'infer[0].evse: found "garage/2"; allowed: a twin and the number'),
        ("evse: garag/1, unplugged: {below: 5W}", 'twin "garag" is unknown; did you mean "garage"?'),
        ("evse: garage, unplugged: {below: 5W}", "infer[0].evse: found"),
        ("evse: garage/1, charging: {for: 5s}", "infer[0].charging.above: this setting is required"),
        ("evse: garage/1, charging: {above: 5W, below: 6W}", "infer[0].charging.below: found"),
        ("evse: garage/1, charging: {above: 5W, fro: 6s}", 'infer[0].charging.fro: unknown; did you mean "for"?'),
        ("evse: garage/1, charging: {above: 5W}, unplugged: {below: 6W}", "unplugged.below not over the bounds"),
        ("evse: garage/1, unplugged: {below: much}", 'infer[0].unplugged.below: found "much"; allowed: a power in W'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_inference(problems, rule, said):
    (line,) = problems(f"infer: [{{{rule}}}]")
    assert said in line


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("preset: shely-em, evse: garage/1", 'devices[0].preset: found "shely-em": unknown; did you mean "shelly-em"?'),
        ("preset: shelly-em, evse: garage/1", "devices[0].device: this setting is required: the device's name"),
        ("preset: shelly-em, evse: garage/9, device: x", 'devices[0].evse: found "garage/9"'),
        ("preset: shelly-em, evse: garage/1, device: x, chanel: 1", 'chanel: unknown; did you mean "channel"?'),
        ("preset: shelly-em, evse: garage/1, device: a/#", 'devices[0].device: found "a/#"'),
        ("preset: ./nowhere.yaml, evse: garage/1", "devices[0].preset: cannot be read: no such file or directory"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_device(problems, rule, said):
    (line,) = problems(f"devices: [{{{rule}}}]")
    assert said in line


def test_all_of_it_is_told_at_once_and_ends_with_exit_code_2(problems, tmp_path, capsys):
    text = "inputs: [{topic: a, to: x/1/set/power_w}, {topic: b, to: garage/1/set/power_w, path: '['}]"
    assert [line.split(": ")[1] for line in problems(text)] == ["inputs[0].to", "inputs[1].path"]
    assert main(["check-config", "--config", str(tmp_path / "a.yaml")]) == 2
    assert "inputs[1].path" in capsys.readouterr().err


def test_the_example_of_the_contract():
    rules, wrong = building.built(
        Settings.model_validate(
            {
                "inputs": [
                    {
                        "topic": "shellies/garage/status/em:0",
                        "to": "garage/1/set/power_w",
                        "value": "{{ value_json.total_act_power }}",
                        "max_age": "60s",
                        "on_stale": "fault",
                    },
                    {
                        "topic": "esphome/reader/+/tag",
                        "to": "garage/cmd/swipe",
                        "value": "{{ value | upper }}",
                        "debounce": "3s",
                    },
                ],
                "infer": [
                    {
                        "evse": "garage/1",
                        "charging": {"above": "200W", "for": "10s"},
                        "unplugged": {"below": "5W", "for": "30min"},
                    }
                ],
            }
        ),
        {"garage": 1},
    )
    assert wrong == []
    assert [(rule.max_age_s, rule.on_stale, rule.debounce_s) for rule in rules.inputs] == [
        (60, "fault", 0),
        (None, "hold", 3),
    ]
    (rule,) = rules.infer
    assert (rule.suspended.bound_w, rule.unplugged.for_s) == (100, 1800)


def test_a_device_brings_its_inputs_and_may_say_how_old_they_may_be():
    device = {
        "preset": "shelly-em",
        "evse": "garage/1",
        "device": "em-1",
        "channel": 1,
        "max_age": "30s",
        "on_stale": "fault",
    }
    rules, wrong = building.built(Settings.model_validate({"devices": [device]}), {"garage": 1})
    assert wrong == []
    assert [(rule.name, rule.pattern.filter, rule.max_age_s, rule.on_stale) for rule in rules.inputs] == [
        ("devices[0] set/power_w", "shellies/em-1/emeter/1/power", 30, "fault"),
        ("devices[0] set/energy_wh", "shellies/em-1/emeter/1/total", None, "hold"),
        ("devices[0] set/voltage_l1_v", "shellies/em-1/emeter/1/voltage", None, "hold"),
        ("devices[0] set/current_l1_a", "shellies/em-1/emeter/1/current", None, "hold"),
    ]


def test_a_preset_may_be_a_file_of_ones_own(tmp_path):
    file = tmp_path / "box.yaml"
    file.write_text(
        "{device: My box, documentation: [], variables: {name: {about: its name}}, "
        "inputs: [{topic: 'box/{name}/w', to: set/power_w}], infer: {unplugged: {below: 3W}}}"
    )
    device = {"preset": str(file), "evse": "garage/1", "name": "left"}
    rules, wrong = building.built(Settings.model_validate({"devices": [device]}), {"garage": 1})
    assert wrong == []
    assert rules.inputs[0].pattern.filter == "box/left/w"
    assert (rules.infer[0].twin, rules.infer[0].evse) == ("garage", 1)
    file.write_text("{device: My box, inputs: [{topic: x}]}")
    from config.devices import preset

    preset.cache_clear()
    _, wrong = building.built(Settings.model_validate({"devices": [device]}), {"garage": 1})
    assert [text for _, text in wrong] == [
        "documentation: this setting is required",
        "inputs.0.to: this setting is required",
    ]
