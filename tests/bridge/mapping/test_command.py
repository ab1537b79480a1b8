import io
import sys

import pytest

from bridge.cli import main
from config import devices

CONFIG = """
twins: [{id: garage}]
inputs:
  - {topic: 'em/{bay}', to: '{bay}/1/set/power_w', path: power, scale: 1000, max_age: 60s, on_stale: fault}
  - {topic: reader/tag, to: garage/cmd/swipe, value: '{{ value | upper }}'}
  - {topic: em/#, to: garage/1/set/soc_pct, path: soc, optional: true}
"""


@pytest.fixture
def tried(tmp_path, capsys):
    """Try a message on a configuration; return the exit code and what was said."""
    file = tmp_path / "ocpp-twin.yaml"
    file.write_text(CONFIG)

    def run(*arguments, source=None):
        code = main(["map", "test", source or str(file), *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_each_step_is_said(tried):
    code, said = tried("em/garage", '{"power": 7.36}')
    assert code == 0
    assert said.splitlines() == [
        "inputs[0]: em/{bay} matches",
        "  captured: bay=garage",
        "  to: garage/1/set/power_w (a level)",
        "  path power: '7.36'",
        "  scale by 1000: '7360.0'",
        '  command: ReportMeter {"evse": 1, "values": {"power_w": 7360.0}}',
        "  stale after 60 s of silence: fault",
        "inputs[2]: em/# matches",
        "  to: garage/1/set/soc_pct (a level)",
        "  soc is not in the payload",
        "  says nothing: no command (optional)",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("em/nowhere", '{"power": 1}'), "refused: unknown_twin: there is no twin 'nowhere'"),
        (("em/garage", "{}"), "refused: template_error: power is not in the payload, at /power"),
        (("em/garage", '{"power": 1e9}'), "refused: out_of_range: value must be at most 10000000"),
        (("reader/tag", "x", "--retain"), "refused: retained_command"),
        (("reader/tgg", "x"), "no input waits for reader/tgg\n  inputs[1] waits for reader/tag"),
    ],
)
def test_why_not(tried, arguments, said):
    code, text = tried(*arguments)
    assert code == 1
    assert said in text


def test_an_edge(tried):
    code, said = tried("reader/tag", "04a2")
    assert code == 0
    assert '  command: PresentToken {"token": "04A2"' in said
    assert "the same again within 1 s would be the same event" in said


def test_the_payload_may_come_from_standard_input(tried, monkeypatch):
    class Input:
        buffer = io.BytesIO(b'{"power": 1}')

    monkeypatch.setattr(sys, "stdin", Input)
    assert tried("em/garage", "-")[0] == 0


def test_a_preset_is_tried_by_its_name(tried):
    code, said = tried("go-eCharger/012345/car", "2", source="go-e")
    assert code == 0
    assert said.startswith("with topic=go-eCharger/012345\n")
    assert "command: PlugIn" in said
    code, said = tried("mine/car", "2", "--set", "topic=mine", source="go-e")
    assert code == 0
    code, said = tried("shellies/em/emeter/1/power", "2", "--set", "channel=0", source="shelly-em")
    assert code == 1


def test_a_preset_is_tried_from_its_file(tried, tmp_path):
    file = tmp_path / "preset.yaml"
    file.write_text("{device: Box, documentation: [], inputs: [{topic: box/w, to: set/power_w}]}")
    code, said = tried("box/w", "5", source=str(file))
    assert (code, "garage/1/set/power_w" in said) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "source", "said"),
    [
        (("a", "b"), "shely-em", 'did you mean "shelly-em"?'),
        (("a", "b"), "./nowhere.yaml", "cannot be read: no such file"),
        (("a", "b", "--set", "x"), "go-e", '--set: found "x"; allowed: NAME=VALUE'),
        (("a", "b", "--set", "x=1"), "go-e", "x: unknown"),
        (("a", "b", "--set", "x=1"), None, "--set: is for presets"),
    ],
)
def test_what_cannot_be_tried(tried, arguments, source, said):
    code, text = tried(*arguments, source=source)
    assert code == 2
    assert said in text


def test_a_configuration_with_a_mistake(tried, tmp_path):
    (tmp_path / "ocpp-twin.yaml").write_text("inputs: [{topic: a, to: b}]")
    code, said = tried("a", "b")
    assert code == 2
    assert "inputs[0].to" in said


def test_presets_are_listed(capsys):
    assert main(["map", "presets"]) == 0
    said = capsys.readouterr().out
    assert all(f"{name}: " in said for name in devices.names())
    assert "device: the device's name in its topics, such as shellyem-B9F355 (required)" in said
