"""Home Assistant itself looks at what it is told: by its schemas, and as a user who starts it beside the daemon."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from fakes.fleet import FakeFleet
from fakes.home_assistant import HomeAssistant
from fakes.home_assistant_install import VERSIONS, NoPython, python
from fakes.mqtt import Talk
from fakes.witness import Witness

from bridge import render
from bridge.demo.schemas import check_call
from bridge.homeassistant.device import device_message
from bridge.homeassistant.options import DiscoveryOptions
from twin.model.effects import Note
from twin.model.spec import EvseSpec, TwinSpec
from twin.model.terms import StopReason
from twin.model.view import SessionView

CARD = "04A2B3C4"
EXAMPLES = Path(__file__).parents[2] / "examples/home-assistant"
SCHEMAS = Path(__file__).parents[1] / "fakes/home_assistant_schemas.py"
GARAGE = {"id": "garage", "keys": {"MeterValueSampleInterval": 1}, "serial_number": "SN-1"}
OFFICE = {"id": "office", "evses": 2, "vendor": "Acme", "model": "Wall 22"}


@pytest.fixture(scope="module", params=VERSIONS)
def interpreter(request):
    try:
        return python(request.param)
    except NoPython as error:
        pytest.fail(str(error))


@pytest.fixture
def home(interpreter, tmp_path, mosquitto):
    return HomeAssistant(interpreter, tmp_path / "home-assistant", mosquitto.port)


@pytest.fixture
def given(settings, mosquitto):
    def make(*twins, **found):
        return settings(mosquitto.url, twins=list(twins), home_assistant={"enabled": True, **found})

    return make


def expected(spec, **options):
    """Return the components of a twin by unique_id."""
    message = device_message(spec, DiscoveryOptions(**options))
    return {component["unique_id"]: component for component in message["components"].values()}


def shown_by(twin_id):
    """Return what stands on a twin's topics, once with as much as possible and once with as little."""
    fleet = FakeFleet({twin_id: 1})
    busy = {"session": SessionView("s", 1, True, "CAFE", 1e9, 1e9, 0, 10, 10.5, 7.0, StopReason.LOCAL)}
    views = {kind: [fleet.view_of(twin_id, (kind, 1))] for kind in ("evse", "meter", "limit", "session")}
    found = {}
    for kind, shown in views.items():
        name = "state" if kind == "evse" else kind
        every = [*shown, *([busy[kind]] if kind in busy else [])]
        found[f"ocpp-twin/{twin_id}/1/{name}"] = [
            render.encode(render.state(view, mask_id_tags=False)).decode() for view in every
        ]
    station = render.encode(render.state(fleet.view_of(twin_id, ("station", 0)), mask_id_tags=False)).decode()
    told = [
        Note(name, {}, 1e9, evse) for name, evse in (("transaction_started", 1), ("security_event", None), ("x", 1))
    ]
    events = [render.encode(render.event(1, note, mask_id_tags=False)).decode() for note in told]
    return {**found, f"ocpp-twin/{twin_id}/state": [station], f"ocpp-twin/{twin_id}/event": events}


SPECS = [
    TwinSpec(id="garage", identity="garage"),
    TwinSpec(id="A_b-C", identity="x", evses=(EvseSpec(phases=1),), serial_number="1", firmware_version=None),
    TwinSpec(id="plaza", identity="p", evses=(EvseSpec(dc=True), EvseSpec(phases=2), EvseSpec())),
    TwinSpec(id="-", identity="-", evses=(EvseSpec(),) * 16),
]


def test_its_schemas_take_everything(interpreter):
    options = [DiscoveryOptions(), DiscoveryOptions(base_topic="home/öcpp_1", mask_id_tags=True)]
    messages = [
        device_message(spec, one, firmware_version="2.0", gone={"9_power": "sensor"})
        for spec in SPECS
        for one in options
    ]
    done = subprocess.run(
        [str(interpreter), str(SCHEMAS)],
        input=json.dumps({"messages": messages, "payloads": {**shown_by("garage"), **shown_by("plaza")}}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout) == [[]] * len(messages)


async def test_a_user_finds_everything_and_commands_work(home, given, make_daemon, mosquitto):
    await make_daemon(given(GARAGE, OFFICE))
    async with home:
        wanted = expected(TwinSpec(id="garage", identity="garage"))
        wanted |= expected(TwinSpec(id="office", identity="office", evses=(EvseSpec(), EvseSpec())))
        await home.until_registered(lambda found: found.keys() == wanted.keys(), "all entities")
        for unique_id, entity in (await home.entities()).items():
            component = wanted[unique_id]
            assert entity["entity_id"] == component["default_entity_id"]
            assert entity["original_name"] == component["name"]
            assert entity["entity_category"] == component.get("entity_category")
            assert entity["disabled_by"] is None
        devices = await home.devices()
        assert (devices["garage"]["serial_number"], devices["garage"]["sw_version"]) == ("SN-1", "1.0")
        assert (devices["office"]["manufacturer"], devices["office"]["model"]) == ("Acme", "Wall 22")

        states = await home.until_all(no_unavailable, "all states")
        assert {name: states[name]["state"] for name in AT_REST} == AT_REST
        assert states["sensor.office_connector_2_power"]["attributes"]["friendly_name"] == "office Connector 2 Power"
        energy = states["sensor.garage_energy"]["attributes"]
        assert (energy["device_class"], energy["state_class"]) == ("energy", "total_increasing")
        assert energy["unit_of_measurement"] == "kWh"

        await charge(home)
        await home.call("select.select_option", "select.garage_fault", option="GroundFailure")
        await home.until("binary_sensor.garage_problem", "on")
        await home.until("sensor.garage_status", "Faulted")
        await home.call("select.select_option", "select.garage_fault", option="NoError")
        await home.until("binary_sensor.garage_problem", "off")
        await home.call("switch.turn_off", "switch.garage_network")
        await home.until("binary_sensor.garage_central_system", "off")
        await home.call("switch.turn_on", "switch.garage_network")
        await home.until("binary_sensor.garage_central_system", "on")
        await home.call("button.press", "button.garage_reset")
        await home.until("sensor.garage_registration", "unknown")
        await home.until("sensor.garage_registration", "Accepted")
        assert (await home.states())["text.garage_swipe_card"]["state"] == ""
        assert await home.repairs() == []
    assert home.complaints() == []


async def test_it_is_all_there_again_after_each_restart(home, given, make_daemon, mosquitto):
    daemon = await make_daemon(given(GARAGE))
    async with home:
        await home.until("sensor.garage_status", "Available")
        await home.call("switch.turn_on", "switch.garage_cable")
        await home.until("sensor.garage_status", "Preparing")
        await home.stop()
        mark = len(home.lines)
        await home.start()
        await home.until("sensor.garage_status", "Preparing")
        assert no_unavailable(await home.states())
        await home.until_said("birth message sent", after=mark)  # it complains of a broker that goes before

        await asyncio.to_thread(mosquitto.restart)
        await home.until("sensor.garage_status", lambda state: state["state"] in ("unavailable", "Preparing"))
        await home.until("sensor.garage_status", "Preparing")
        await home.call("switch.turn_off", "switch.garage_cable")
        await home.until("sensor.garage_status", "Available")

        await daemon.stop()
        await home.until("sensor.garage_status", "unavailable")
        await daemon.start()
        await home.until("sensor.garage_status", "Available")
        await home.call("switch.turn_on", "switch.garage_cable")
        await home.until("binary_sensor.garage_plugged", "on")
        await charge(home)
        before = await home.entities()
        await daemon.kill()
        await home.until("sensor.garage_status", "unavailable")
        await daemon.start()
        await home.until("sensor.garage_status", "Available")
        assert (await home.entities()).keys() == before.keys()
    assert home.complaints() == []


async def test_what_is_removed_leaves_nothing(home, given, make_daemon, mosquitto, tmp_path):
    daemon = await make_daemon(given(GARAGE, OFFICE, {"id": "shed"}))
    async with home, Witness(mosquitto.port) as witness:
        await home.until("sensor.office_connector_2_status", "Available")
        await home.until("sensor.shed_status", "Available")
        one_connector = expected(TwinSpec(id="garage", identity="garage"))
        one_connector |= expected(TwinSpec(id="shed", identity="shed"))
        one_phase = one_connector.keys() - {
            f"ocpp-twin/garage/1/{kind}_l{line}" for kind in ("current", "voltage") for line in (2, 3)
        }

        assert (await witness.ask("remove_twin", id="office"))["status"] == "ok"
        await home.until_registered(lambda found: found.keys() == one_connector.keys(), "no office")
        assert "office" not in await home.devices()
        changed = {**GARAGE, "evses": [{"phases": 1}]}
        (tmp_path / "given.yaml").write_text(json.dumps(given(changed, {"id": "shed"})))
        assert (await witness.ask("reload"))["data"]["changed"] == ["garage"]
        await home.until_registered(lambda found: found.keys() == one_phase, "one phase")

        # Gone while the daemon was away.
        await daemon.stop()
        (tmp_path / "given.yaml").write_text(json.dumps(given(changed)))
        await daemon.start()
        await home.until_registered(lambda found: not any("/shed/" in name for name in found), "no shed")
        assert (await home.devices()).keys() == {"garage"}
        await daemon.stop()
        (tmp_path / "given.yaml").write_text(json.dumps(given(changed, enabled=False)))
        await daemon.start()
        await home.until_registered(lambda found: not found, "nothing at all")
        assert await home.devices() == {}
    assert home.complaints() == []


async def test_cards_are_hidden_where_the_settings_say_so(home, given, make_daemon):
    wanted = given(GARAGE)
    wanted["mqtt"]["mask_id_tags"] = True
    await make_daemon(wanted)
    async with home:
        await home.until("sensor.garage_status", "Available")
        await charge(home, card_shown="***")
        shown = json.dumps(await home.states())
        assert CARD not in shown
    assert home.complaints() == []


async def test_the_examples_work(home, given, make_daemon, mosquitto):
    blueprints = home.folder / "blueprints/automation/ocpp-twin"
    shutil.copytree(EXAMPLES / "blueprints", blueprints)
    configuration = home.folder / "configuration.yaml"
    configuration.write_text(configuration.read_text() + AUTOMATIONS)
    await make_daemon(given(GARAGE, OFFICE))
    async with home, Talk(mosquitto.port, "demo-csms/#") as central_system:
        dashboard = (EXAMPLES / "dashboard.yaml").read_text()
        shown = set(re.findall(r"entity: ([a-z0-9_]+\.[a-z0-9_]+)", dashboard))
        assert len(shown) > 30
        await home.until_all(lambda states: all_there(shown, states), f"all of {sorted(shown)}")
        await home.ask("lovelace/config/save", url_path=None, config=yaml.safe_load(dashboard))

        await home.call("select.select_option", "select.garage_fault", option="GroundFailure")
        await home.until("automation.notify", done)
        notices = {one["title"]: one["message"] for one in await home.ask("persistent_notification/get")}
        assert notices["garage: fault"] == "garage Problem: GroundFailure"
        await home.call("select.select_option", "select.garage_fault", option="NoError")

        await home.call("switch.turn_on", "switch.garage_cable")
        await home.until("binary_sensor.garage_plugged", "on")
        for exported, limit in ((9_000, 13.0), (3_000, 0.0), (90_000, 16.0)):
            await home.call("input_number.set_value", "input_number.export", value=exported)
            await home.call("automation.trigger", "automation.sun", skip_condition=False)
            found = None
            while found != limit:  # its own half minute may come in between
                call = await central_system.hear("demo-csms/garage/call")
                check_call(call["action"], call["payload"])
                assert call["action"] == "SetChargingProfile"
                (period,) = call["payload"]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
                found = period["limit"]
        assert await home.repairs() == []
    assert home.complaints() == []


AUTOMATIONS = """
input_number:
  export: {min: -100000, max: 100000, step: 1, mode: box}
automation:
  - id: notify
    alias: notify
    use_blueprint:
      path: ocpp-twin/notify_on_fault.yaml
      input: {problem: [binary_sensor.garage_problem]}
  - id: sun
    alias: sun
    use_blueprint:
      path: ocpp-twin/solar_charging.yaml
      input:
        export: input_number.export
        power: sensor.garage_power
        plugged: binary_sensor.garage_plugged
"""

AT_REST = {
    "binary_sensor.garage_central_system": "on",
    "binary_sensor.garage_charging": "off",
    "binary_sensor.garage_door": "off",
    "binary_sensor.garage_meter": "off",
    "binary_sensor.garage_plugged": "off",
    "binary_sensor.garage_problem": "off",
    "select.garage_fault": "NoError",
    "sensor.garage_energy": "0.0",
    "sensor.garage_firmware": "1.0",
    "sensor.garage_power": "0",
    "sensor.garage_registration": "Accepted",
    "sensor.garage_status": "Available",
    "sensor.garage_stop_reason": "unknown",
    "sensor.garage_voltage_l3": "230",
    "switch.garage_cable": "off",
    "switch.garage_ev_ready": "on",
    "switch.garage_mains": "on",
    "switch.garage_network": "on",
    "text.garage_swipe_card": "",
}


def done(automation):
    """Say whether an automation has run and is through."""
    return automation["attributes"]["last_triggered"] is not None and automation["attributes"]["current"] == 0


def all_there(names, states):
    return all(name in states and states[name]["state"] != "unavailable" for name in names)


def no_unavailable(states):
    ours = [state for name, state in states.items() if ".garage_" in name]
    return len(ours) > 30 and not any(state["state"] == "unavailable" for state in ours)


async def charge(home, card_shown=CARD):
    """Charge at the garage from plug to unplug."""
    await home.call("switch.turn_on", "switch.garage_cable")
    await home.until("binary_sensor.garage_plugged", "on")
    await home.call("text.set_value", "text.garage_swipe_card", value=CARD)
    await home.until("binary_sensor.garage_charging", "on")
    await home.until("sensor.garage_card", card_shown)
    await home.until("sensor.garage_power", lambda state: state["state"].isdigit() and int(state["state"]) > 1000)
    await home.until("sensor.garage_session_energy", lambda state: state["state"][0].isdigit())
    told = await home.until("event.garage_transaction", lambda state: state["attributes"].get("id_tag") == card_shown)
    assert told["attributes"]["event_type"] in ("transaction_started", "transaction_accepted")
    await home.call("button.press", "button.garage_stop")
    await home.until("sensor.garage_stop_reason", "Local")
    kind = "transaction_stopped"
    await home.until("event.garage_transaction", lambda state: state["attributes"]["event_type"] == kind)
    await home.call("switch.turn_off", "switch.garage_cable")
    await home.until("sensor.garage_status", "Available")
