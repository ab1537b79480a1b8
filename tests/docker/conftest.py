"""The services of compose.yaml that run without containers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from fakes import compose
from fakes.compose import Passwords
from fakes.daemon import Daemon
from fakes.mosquitto import find

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def passwords(tmp_path):
    """Be the passwords as after the first start."""
    made = Passwords(tmp_path / "passwords")
    made.run("make")
    return made


@pytest.fixture
def broker(tmp_path, passwords):
    if find() is None:
        pytest.fail("Mosquitto is not installed; `make test` installs it, or says how")
    (tmp_path / "mosquitto").mkdir()
    running = compose.broker(tmp_path / "mosquitto", passwords)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def daemon(tmp_path, passwords, broker):
    """Make the daemon with the twins and the environment of compose.yaml; the test says where the Central System is."""

    def make(csms_url):
        environment = compose.environment("ocpp-twin")
        environment["OCPP_TWIN__MQTT__URL"] = broker.url
        secret = environment["OCPP_TWIN__MQTT__PASSWORD_FILE"].removeprefix("/secrets/")
        environment["OCPP_TWIN__MQTT__PASSWORD_FILE"] = str(passwords.folder("ocpp-twin") / secret)
        environment["OCPP_TWIN__CSMS__URL"] = csms_url
        environment["OCPP_TWIN__STORE__URL"] = f"sqlite:///{tmp_path}/main.db"
        twins = yaml.safe_load((compose.DOCKER / "ocpp-twin.yaml").read_text(encoding="utf-8"))
        return Daemon(tmp_path, twins, environment)

    return make


@pytest.fixture
def read():
    """Read a flow of the examples for Node-RED."""
    return lambda name: json.loads((EXAMPLES / f"node-red/{name}.json").read_text(encoding="utf-8"))
