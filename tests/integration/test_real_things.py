"""Sensors on a real broker become a charge point at a real Central System."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import aiomqtt
import pytest
import yaml
from fakes.witness import Witness

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

INPUTS = [
    {"topic": "shellies/garage/status/em:0", "to": "garage/1/set/power_w", "path": "total_act_power", "max_age": "60s"},
    {"topic": "shellies/garage/status/emdata:0", "to": "garage/1/set/energy_wh", "path": "total_act"},
    {"topic": "esphome/reader/+/tag", "to": "garage/cmd/swipe", "value": "{{ value | upper }}", "debounce": "3s"},
    {"topic": "esphome/box/plug", "to": "garage/1/set/plugged"},
]


@pytest.fixture
async def sensors(mosquitto):
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        yield client


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_meter_a_reader_and_a_contact_are_a_charge_point(
    mosquitto, settings, make_daemon, books, sensors, protocol
):
    await sensors.publish("esphome/box/plug", "OFF", qos=1, retain=True)
    async with Witness(mosquitto.port) as witness:
        given = settings(mosquitto.url, inputs=INPUTS)
        given["mqtt"] |= {"protocol": protocol}
        daemon = await make_daemon(given)
        await witness.until("garage/1/state", lambda state: state["status"] == "Available")
        await sensors.publish("shellies/garage/status/emdata:0", '{"total_act": 659724.6}', qos=1)
        await sensors.publish("esphome/box/plug", "ON", qos=1, retain=True)
        await witness.until("garage/1/state", lambda state: state["status"] == "Preparing")
        for _ in range(3):  # the card lies on the reader
            await sensors.publish("esphome/reader/door/tag", "04a2b3c4", qos=2)
        start = await books.until("StartTransaction")
        await sensors.publish("shellies/garage/status/em:0", '{"total_act_power": 7360.5}', qos=0)
        await witness.until("garage/1/meter", lambda meter: meter["power_w"] == 7360.5)
        await sensors.publish("shellies/garage/status/emdata:0", '{"total_act": 661724.6}', qos=1)
        await witness.until("garage/1/session", lambda session: (session["energy_wh"] or 0) >= 2000)

        await sensors.publish("shellies/garage/status/em:0", '{"total": 1}', qos=1)
        error = await witness.until("bridge/main/error")
        assert (error["topic"], error["code"]) == ("shellies/garage/status/em:0", "template_error")
        assert error["pointer"] == "/total_act_power"
        await sensors.publish("esphome/box/plug", "OFF", qos=1, retain=True)
        stop = await books.until("StopTransaction")
        assert await daemon.stop() == 0
        results = [result["status"] for result in witness.payloads("garage/result")]

    assert (start["idTag"], stop["reason"]) == ("04A2B3C4", "EVDisconnected")
    assert 2000 <= stop["meterStop"] - start["meterStart"] < 2100
    assert results == ["ok"]


async def test_a_retained_value_counts_at_the_start_and_a_retained_card_does_not(
    mosquitto, settings, make_daemon, sensors
):
    await sensors.publish("esphome/box/plug", "ON", qos=1, retain=True)
    await sensors.publish("esphome/reader/door/tag", "04a2b3c4", qos=1, retain=True)
    async with Witness(mosquitto.port) as witness:
        await make_daemon(settings(mosquitto.url, inputs=INPUTS))
        await witness.until("garage/1/state", lambda state: state["plugged"])
        error = await witness.until("bridge/main/error")
        assert (error["topic"], error["code"]) == ("esphome/reader/door/tag", "retained_command")
        assert all(not state["authorized"] for state in witness.payloads("garage/1/state"))


async def test_a_plug_is_inferred_from_power(mosquitto, settings, make_daemon, sensors):
    infer = [
        {
            "evse": "garage/1",
            "charging": {"above": "200W", "for": "200ms"},
            "unplugged": {"below": "5W", "for": "500ms"},
        }
    ]
    async with Witness(mosquitto.port) as witness:
        await make_daemon(settings(mosquitto.url, inputs=INPUTS, infer=infer))
        await witness.until("garage/1/state", lambda state: state["status"] == "Available")
        await sensors.publish("shellies/garage/status/em:0", '{"total_act_power": 2000}', qos=1)
        await witness.until("garage/1/state", lambda state: state["plugged"])
        mark = witness.mark()
        await sensors.publish("shellies/garage/status/em:0", '{"total_act_power": 0}', qos=1)
        await witness.until("garage/1/state", lambda state: not state["plugged"], after=mark)
        await witness.event("garage", "unplugged", after=mark)


# Stands in for Mosquitto's client, which a machine with the broker need not have.
PUBLISH = """#!{python}
import sys
from bridge.cli import main
given = sys.argv[1:]
flags = ["--retain"] if "-r" in given else []
sys.exit(main(["pub", "--url", {url!r}, *flags, given[given.index("-t") + 1], given[given.index("-m") + 1]]))
"""


async def test_the_example_charges(mosquitto, settings, make_daemon, books, tmp_path):
    tools = {
        "mosquitto_pub": PUBLISH.format(python=sys.executable, url=mosquitto.url),
        "sleep": "#!/bin/sh\nexec /bin/sleep 1.6\n",
    }
    # Two turns of the script take as long as a card has to be away to be another swipe.
    for name, text in tools.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    example = yaml.safe_load((EXAMPLES / "sensors.yaml").read_text())
    async with Witness(mosquitto.port) as witness:
        await make_daemon(settings(mosquitto.url, **example))
        await witness.until("carport/1/state", lambda state: state["status"] == "Available")
        playing = await asyncio.create_subprocess_exec(
            EXAMPLES / "sensors.sh",
            env=os.environ
            | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert await playing.wait() == 0
        stop = await books.until("StopTransaction", identity="carport")
        await books.until("StatusNotification", lambda told: told["status"] == "Finishing", identity="carport")
    (start,) = books.all("StartTransaction", identity="carport")
    assert (start["idTag"], stop["idTag"], stop.get("reason", "Local")) == ("04A2B3C4", "04A2B3C4", "Local")
    assert stop["meterStop"] - start["meterStart"] >= 360


async def test_a_reload_follows_other_inputs_at_once(mosquitto, settings, make_daemon, sensors, tmp_path):
    given = settings(mosquitto.url, inputs=INPUTS[:1])
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given)
        await sensors.publish("shellies/garage/status/em:0", '{"total_act_power": 100}', qos=1)
        await witness.until("garage/1/meter", lambda meter: meter["power_w"] == 100)
        (tmp_path / "given.yaml").write_text(json.dumps(given | {"inputs": INPUTS[3:]}))
        reloaded = await witness.ask("reload")
        assert (reloaded["status"], reloaded["data"]["needs_restart"]) == ("ok", [])
        await sensors.publish("shellies/garage/status/em:0", '{"total_act_power": 200}', qos=1)
        # The subscription follows the answer, and brings what is retained.
        await sensors.publish("esphome/box/plug", "ON", qos=1, retain=True)
        await witness.until("garage/1/state", lambda state: state["plugged"])
        assert all(meter["power_w"] != 200 for meter in witness.payloads("garage/1/meter"))
        (tmp_path / "given.yaml").write_text(
            json.dumps(given | {"inputs": [INPUTS[0] | {"to": "nobody/1/set/power_w"}]})
        )
        refused = await witness.ask("reload")
        assert refused["status"] == "error"
        assert 'inputs[0].to: found "nobody/1/set/power_w"' in refused["detail"]
