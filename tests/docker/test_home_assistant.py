"""Home Assistant as compose.yaml starts it: the broker is set up before anybody has opened it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import stat

import pytest
from fakes import compose
from fakes.home_assistant import HomeAssistant
from fakes.home_assistant_install import VERSIONS, NoPython, python

FOLDER = compose.DOCKER / "home-assistant"
EXAMPLES = compose.DOCKER.parent / "examples/home-assistant"
BROKER = {"broker": "mosquitto", "port": 1883, "username": "homeassistant", "password": "secret"}
CONFIGURATION = (FOLDER / "configuration.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def start():
    spec = importlib.util.spec_from_file_location("start", FOLDER / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=VERSIONS)
def home(request, tmp_path):
    """Be Home Assistant with what compose.yaml mounts; not yet started, and its broker not yet set up."""
    try:
        interpreter = python(request.param)
    except NoPython as error:
        pytest.fail(str(error))
    folder = tmp_path / "home-assistant"
    made = HomeAssistant(interpreter, folder, configuration=CONFIGURATION)
    assert compose.mounts("home-assistant")["/config/ocpp-twin/dashboard.yaml"].endswith("/dashboard.yaml")
    (folder / "ocpp-twin").mkdir()
    shutil.copy(EXAMPLES / "dashboard.yaml", folder / "ocpp-twin")
    shutil.copytree(EXAMPLES / "blueprints", folder / "blueprints/automation/ocpp-twin")
    return made


async def test_devices_appear_and_take_commands_without_a_hand_on_it(home, start, daemon, broker, passwords):
    secret = (passwords.folder("home-assistant") / "mqtt-password").read_text().rstrip("\n")
    start.prepare(home.folder, BROKER | {"broker": "127.0.0.1", "port": broker.port, "password": secret})
    async with daemon("ws://127.0.0.1:9/ocpp") as running, home:
        (entry,) = [one for one in await home.ask("config_entries/get") if one["domain"] == "mqtt"]
        assert (entry["entry_id"], entry["state"]) == (start.ENTRY_ID, "loaded")
        await home.until("switch.garage_cable", "off")
        assert {"garage", "office", "plaza"} <= (await home.devices()).keys()
        await home.call("switch.turn_on", "switch.garage_cable")
        await home.until("switch.garage_cable", "on")
        assert (await home.ask("lovelace/config", url_path="ocpp-twin"))["views"]
        assert {"ocpp-twin/solar_charging.yaml"} <= (await home.ask("blueprint/list", domain="automation")).keys()
        await home.stop()
        assert home.complaints(["is logging too frequently"]) == []  # it is told to be loud
        refused = {"publish_refused", "subscription_refused"}
        assert [line for line in running.log.since(0) if line["event"] in refused] == []
    # Home Assistant has stored the entry in its own way; ours is still known, and a new password gets into it.
    start.prepare(home.folder, BROKER | {"password": "new"})
    kept = stored(home.folder)["data"]
    assert kept.pop("protocol", "5") == "5"  # newer releases change over by themselves
    assert kept == BROKER | {"password": "new"}


def stored(folder):
    """Return the MQTT integration that Home Assistant would find."""
    text = (folder / ".storage/core.config_entries").read_text(encoding="utf-8")
    (found,) = [entry for entry in json.loads(text)["data"]["entries"] if entry["domain"] == "mqtt"]
    return found


def test_nothing_changes_at_the_second_start(start, tmp_path):
    start.prepare(tmp_path, BROKER)
    store = tmp_path / ".storage/core.config_entries"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    (tmp_path / "automations.yaml").write_text("- mine\n")
    before = store.stat().st_mtime_ns
    start.prepare(tmp_path, BROKER)
    assert store.stat().st_mtime_ns == before
    assert (tmp_path / "automations.yaml").read_text() == "- mine\n"


def test_other_integrations_are_left_alone(start):
    other = {"domain": "sun", "entry_id": "1"}
    kept = {"version": 1, "minor_version": 9, "key": "core.config_entries", "data": {"entries": [other], "new": 1}}
    found = start.with_broker(kept, BROKER)
    assert found["minor_version"] == 9
    assert found["data"]["new"] == 1
    assert found["data"]["entries"][0] == other
    assert found["data"]["entries"][1]["data"] == BROKER
    assert kept["data"]["entries"] == [other]


def test_a_broker_that_somebody_set_up_by_hand_is_left_alone(start):
    kept = {"data": {"entries": [{"domain": "mqtt", "entry_id": "by hand", "data": {"broker": "elsewhere"}}]}}
    assert start.with_broker(kept, BROKER) is kept


def test_what_it_has_learned_of_the_broker_is_kept(start):
    mine = start.with_broker(None, BROKER)["data"]["entries"][0]
    entry = mine | {"options": {"discovery_prefix": "x"}, "data": mine["data"] | {"protocol": "5"}}
    (found,) = start.with_broker({"data": {"entries": [entry]}}, BROKER | {"password": "new"})["data"]["entries"]
    assert found["options"] == {"discovery_prefix": "x"}
    assert found["data"] == BROKER | {"protocol": "5", "password": "new"}
