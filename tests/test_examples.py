"""The examples: each configuration loads, each script sends what the daemon takes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bridge.demo.schemas import check_call
from bridge.mapping import building, patterns
from bridge.mapping.values import Said
from bridge.reading import read
from bridge.topics import CommandTopic, Topics, evse_number, parse
from bridge.translate import model_of
from config.loading import load

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
TIMEOUT_S = 30

# Stands in for Mosquitto's clients and for `sleep`: writes down what it was called with, and does nothing.
RECORDER = """#!/usr/bin/env python3
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv) + "\\n")
"""


def names(pattern):
    return sorted(path.name for path in EXAMPLES.glob(pattern))


@pytest.fixture
def calls(tmp_path):
    """Run a script of the examples and return what it called."""
    log = tmp_path / "calls"
    log.touch()
    for name in ("mosquitto_pub", "mosquitto_sub", "sleep"):
        program = tmp_path / name
        program.write_text(RECORDER.format(log=str(log)))
        program.chmod(0o755)

    def run(script, *arguments):
        environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run([EXAMPLES / script, *arguments], env=environment, check=True, timeout=TIMEOUT_S)
        return [json.loads(line) for line in log.read_text().splitlines()]

    return run


def understood(configuration, topic, payload):
    """Tell whether an input of a configuration makes something of a message."""
    configured = load([EXAMPLES / configuration], {})
    rules, wrong = building.built(configured.settings, {twin.id: len(twin.evses) for twin in configured.twins})
    assert wrong == []
    ways = [rule for rule in rules.inputs if patterns.matches(rule.pattern.filter, topic)]
    return any(rule.reader.read(Said(topic, payload.encode()), {}) for rule in ways)


def published(calls):
    for call in calls:
        if Path(call[0]).name == "mosquitto_pub":
            yield call[call.index("-t") + 1], call[call.index("-m") + 1]


@pytest.mark.parametrize("name", names("*.yaml"))
def test_a_configuration_loads(name, monkeypatch):
    monkeypatch.chdir(EXAMPLES)
    assert load([Path(name)], {}).twins


@pytest.mark.parametrize("name", [name for name in names("*.sh") if name != "watch.sh"])
def test_a_script_sends_what_the_daemon_takes(name, calls):
    topics = Topics("ocpp-twin", "main")
    for topic, payload in published(calls(name)):
        if topic.startswith("demo-csms/"):
            call = json.loads(payload)
            assert {"action", "payload", "request_id"} == set(call)
            check_call(call["action"], call["payload"])
            continue
        relative = topics.relative(topic)
        if relative is None:
            assert understood(Path(name).with_suffix(".yaml"), topic, payload)
            continue
        address = parse(relative)
        assert isinstance(address, CommandTopic)
        model = model_of(address.allowance, evse=address.evse is not None)
        assert model is not None
        assert address.evse is None or evse_number(address.evse)
        read(payload.encode(), model)


def test_a_card_that_charges_is_shown_twice(calls):
    sent = list(published(calls("charge.sh", "office", "2", "CAFE0001", "1")))
    assert [topic for topic, _ in sent] == [
        f"ocpp-twin/office/2/{name}" for name in ("set/plugged", "cmd/swipe", "cmd/swipe", "set/plugged")
    ]


def test_watching_covers_one_twin_or_all(calls):
    (every,) = calls("watch.sh")
    assert "ocpp-twin/+/event" in every
    assert "ocpp-twin/garage/event" in calls("watch.sh", "garage")[-1]
