import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import cli

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 20


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder, and no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OCPP_TWIN__")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command here; return its exit code and what it wrote."""

    def call(*arguments):
        code = cli.main(arguments)
        return code, *capsys.readouterr()

    return call


def usage_error(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_version_is_printed_and_loads_nothing_heavy():
    script = (
        "import sys; from bridge.cli import main; main(['version']); "
        "print(sorted({'pydantic', 'yaml', 'aiomqtt', 'asyncio', 'bridge.app'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    version, loaded = done.stdout.splitlines()
    assert version[0].isdigit()
    assert loaded == "[]"


def test_a_daemon_that_moves_no_files_loads_nothing_for_it():
    script = "import sys; import bridge.app; print(sorted({'aiohttp', 'aioftp', 'amqtt'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["run"],
        ["demo"],
        ["csms"],
        ["check-config"],
        ["print-schemas"],
        ["version"],
        ["pub"],
        ["sub"],
        ["map"],
        ["health"],
    ],
)
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"])
    assert caught.value.code == 0
    assert "ocpp-twin" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["demo", "--mqtt-port", "0"],
        ["demo", "--csms-port", "x"],
        ["demo", "--files-port", "70000"],
        ["pub"],
        ["sub", "--count", "0"],
        ["sub", "--url", "mqtt://x", "--config", "y"],
        ["print-schemas", "openapi"],
    ],
)
def test_wrong_usage_is_2(capsys, arguments):
    assert "usage: ocpp-twin" in usage_error(capsys, *arguments)


def test_a_good_configuration_is_summed_up(run, folder, monkeypatch):
    (folder / "a.yaml").write_text(
        "{node: home, mqtt: {url: 'mqtt://me:hunter2@host'}, twins: [{id: 'x{1..3}', evses: 2}]}"
    )
    (folder / "b.yaml").write_text("{home_assistant: {enabled: false}}")
    monkeypatch.setenv("OCPP_TWIN__CSMS__PASSWORD", "hunter2")
    code, out, err = run("check-config", "--config", "a.yaml", "--config", "b.yaml")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "configuration: a.yaml, b.yaml, environment",
        "node: home",
        "broker: mqtt://host",
        "store: sqlite:///ocpp-twin.db",
        "twins: 3 with 6 EVSEs",
        "OK",
    ]


@pytest.mark.parametrize("command", ["run", "check-config", "sub", "pub x"])
def test_a_bad_configuration_is_2_and_no_traceback(run, folder, command):
    (folder / "a.yaml").write_text("{nod: x, twins: [{id: g, evses: 0, keys: {HeartbeatInterval: soon}}, {id: 'a b'}]}")
    code, out, err = run(*command.split(), "--config", "a.yaml")
    assert (code, out) == (2, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == ["twins[0].evses", "twins[1].id", "nod"]


def test_a_bad_value_of_an_ocpp_key_is_found(run, folder):
    (folder / "a.yaml").write_text("{twins: [{id: g, keys: {heartbeatinterval: soon, Mine: whatever}}]}")
    code, _, err = run("check-config", "--config", "a.yaml")
    assert code == 2
    assert err.startswith('a.yaml: twins[0].keys.heartbeatinterval: found "soon"; ')
    assert len(err.splitlines()) == 1


def test_no_configuration_is_2_for_the_daemon(run, monkeypatch):
    from config import loading

    monkeypatch.setattr(loading, "DEFAULT_FILES", loading.DEFAULT_FILES[:1])
    code, out, err = run("run")
    assert (code, out) == (2, "")
    assert err.startswith("configuration: there is no ocpp-twin.yaml; name a file with --config FILE, or begin with")
    assert "`ocpp-twin demo`, which needs none" in err


def test_windows_is_told_where_it_runs(run, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    code, out, err = run("version")
    assert (code, out) == (1, "")
    assert "On Windows, run it in WSL 2 or in a container" in err


def test_schemas_are_printed_as_json(run):
    code, out, _ = run("print-schemas")
    assert code == 0
    assert set(json.loads(out)) == {"asyncapi", "config", "payloads"}
    assert json.loads(run("print-schemas", "asyncapi")[1])["asyncapi"] == "3.0.0"


def test_schemas_are_written_to_a_folder(run, folder):
    assert run("print-schemas", "--dir", "new/folder") == (0, "", "")
    assert sorted(path.name for path in (folder / "new" / "folder").iterdir()) == [
        "asyncapi.json",
        "config.json",
        "payloads.json",
    ]
    (folder / "file").touch()
    assert run("print-schemas", "--dir", "file")[0] == 1


def test_pub_and_sub_need_no_daemon(run, mosquitto):
    assert run("pub", "--url", mosquitto.url, "--retain", "a/b", "ON") == (0, "", "")
    code, out, _ = run("sub", "--url", mosquitto.url, "--count", "1", "a/#")
    assert code == 0
    assert out.endswith(" a/b (retained) ON\n")


def test_pub_and_sub_take_the_broker_from_the_configuration(run, mosquitto, folder, monkeypatch):
    (folder / "ocpp-twin.yaml").write_text(f"mqtt: {{url: '{mosquitto.url}', base_topic: home}}")
    assert run("pub", "-r", "home/x", "1")[0] == 0
    assert run("pub", "-r", "elsewhere", "1")[0] == 0
    assert run("sub", "--json", "--timeout", "0.3")[1].splitlines() == [
        json.dumps({"topic": "home/x", "payload": "1", "qos": 1, "retain": True})
    ]
    monkeypatch.setenv("OCPP_TWIN__MQTT__URL", "mqtt://127.0.0.1:1")
    assert run("pub", "x")[0] == 1


def test_pub_says_what_is_wrong(run, mosquitto):
    code, _, err = run("pub", "--url", mosquitto.url, "a/#", "x")
    assert (code, err) == (2, "ocpp-twin: Publish topic cannot contain wildcards.\n")
    code, _, err = run("pub", "--url", "http://x", "a", "x")
    assert code == 2
    assert "is no broker: write mqtt://" in err
    mosquitto.stop()
    code, _, err = run("pub", "--url", mosquitto.url, "a", "x")
    assert code == 1
    assert "nothing listens at" in err


def test_a_reader_that_has_seen_enough_is_no_fault_of_the_broker(mosquitto):
    command = [sys.executable, "-m", "bridge", "sub", "--url", mosquitto.url, "a/#"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert cli.main(["pub", "--url", mosquitto.url, "--retain", "a/b", "ON"]) == 0
    assert process.stdout.readline().rstrip().endswith("ON")
    process.stdout.close()  # as `head -1` does
    assert cli.main(["pub", "--url", mosquitto.url, "a/b", "OFF"]) == 0
    assert process.stderr.read() == ""
    assert process.wait(TIMEOUT_S) == 0
    process.stderr.close()


def test_pub_tells_what_a_daemon_objects_to_where_it_is_asked_to(run, mosquitto):
    url = ("--url", mosquitto.url)
    assert run("pub", *url, "ocpp-twin/garage/1/set/plugged", "ON", "--wait", "0.1") == (0, "", "")
    code, out, err = run("pub", *url, "garage/1/set/plugged", "ON", "--wait", "0.1")
    assert (code, out) == (0, "")
    assert err == "ocpp-twin: did you mean ocpp-twin/garage/1/set/plugged? Topics are written in full\n"


def test_python_m_works_and_ctrl_c_is_no_traceback(mosquitto):
    command = [sys.executable, "-m", "bridge", "sub", "--url", mosquitto.url, "a/#"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert cli.main(["pub", "--url", mosquitto.url, "--retain", "a/b", "ON"]) == 0
    assert process.stdout.readline().rstrip().endswith("ON")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out, err) == (0, "", "")
