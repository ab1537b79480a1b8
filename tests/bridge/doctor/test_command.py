import json

import pytest
from fakes.free import free_port

from bridge import cli
from config import loading


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the doctor here on a configuration, which may be none."""
    monkeypatch.chdir(tmp_path)

    def call(text, *arguments):
        if text is not None:
            (tmp_path / "ocpp-twin.yaml").write_text(text)
        code = cli.main(["doctor", *arguments])
        return code, capsys.readouterr().out

    return call


def test_a_wrong_configuration_is_2_and_the_machine_is_looked_at_all_the_same(run):
    code, out = run("{nod: x, mqtt: {url: 'tcp://h'}}")
    assert code == 2
    lines = out.splitlines()
    assert lines[0].startswith("wrong configuration   ocpp-twin.yaml: mqtt.url: found")
    assert lines[1].startswith("wrong configuration   ocpp-twin.yaml: nod: unknown")
    assert lines[3].startswith("ok    clock ")


def test_no_configuration_is_2_and_it_is_said_where_to_begin(run, monkeypatch):
    monkeypatch.setattr(loading, "DEFAULT_FILES", loading.DEFAULT_FILES[:1])
    code, out = run(None)
    assert code == 2
    assert out.startswith("wrong configuration   there is no ocpp-twin.yaml; name a file with --config FILE, or begin")


def test_what_is_away_is_1(run):
    text = f"""
    mqtt: {{url: 'mqtt://127.0.0.1:{free_port()}'}}
    csms: {{url: 'ws://127.0.0.1:{free_port()}/ocpp'}}
    twins: [{{id: garage}}]
    """
    code, out = run(text)
    assert code == 1
    assert "-> start the broker, or check mqtt.url" in out
    assert "-> start the Central System, or correct csms.url" in out
    assert "ok    configuration   ocpp-twin.yaml: 1 twin with 1 EVSE\n" in out
    assert "\n2 wrong, 0 to note, " in out


def test_json(run, mosquitto):
    code, out = run(f"mqtt: {{url: '{mosquitto.url}'}}", "--json")
    found = json.loads(out)
    assert (code, found["ok"]) == (0, True)
    assert {"what": "configuration", "verdict": "note"} in [
        {name: finding[name] for name in ("what", "verdict")} for finding in found["findings"]
    ]
