"""Broker, daemon, Central System and Node-RED as compose.yaml starts them, each of them real, without containers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import pytest
from fakes import compose
from fakes import node_red as node_reds
from fakes.free import free_port
from fakes.node_red import NodeRed
from fakes.record import PATIENCE_S

FLOWS = ("central-system", "charge", "dashboard", "faults", "fleet")


@pytest.fixture
async def csms(broker, passwords):
    """Be the service csms; its address."""
    command = compose.SERVICES["csms"]["command"]
    instead = {
        "0.0.0.0": "127.0.0.1",
        "9000": str(free_port()),
        "mqtt://demo-csms@mosquitto:1883": f"mqtt://demo-csms@127.0.0.1:{broker.port}",
        "/secrets/mqtt-password": str(passwords.folder("csms") / "mqtt-password"),
    }
    assert instead.keys() < set(command)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *(instead.get(word, word) for word in command)),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield (await process.stdout.readline()).decode().removeprefix("OCPP ").strip()
    finally:
        process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            await process.communicate()
        assert process.returncode == 0


@pytest.fixture
async def red(tmp_path, passwords, broker):
    """Be the service node-red."""
    if not (node_reds.CACHE / "installed.json").exists():
        pytest.fail(node_reds.MISSING)
    folder = tmp_path / "node-red"
    folder.mkdir()
    environment = compose.environment("node-red") | {
        "MQTT_BROKER": "127.0.0.1",
        "MQTT_PORT": str(broker.port),
        "NODE_RED_HOST": "127.0.0.1",
        "NODE_RED_USER_DIR": str(folder),
        "NODE_RED_EXAMPLES": str(compose.DOCKER.parent / "examples/node-red"),
        "NODE_RED_SECRETS": str(passwords.folder("node-red")),
    }
    settings = compose.DOCKER / "node-red/settings.js"
    async with NodeRed(folder, settings, environment, passwords.of("node-red")) as running:
        yield running


async def ran(*words, **environment):
    """Run a command to its end and return its exit code."""
    process = await asyncio.create_subprocess_exec(
        *words, env=os.environ | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        await process.communicate()
    return process.returncode


async def test_the_brokers_healthcheck_logs_in_by_itself(broker, passwords):
    program, *rest = [word.replace("$$", "$") for word in compose.SERVICES["mosquitto"]["healthcheck"]["test"][1:]]
    check = (program, "-p", str(broker.port), *rest)
    assert compose.environment("mosquitto") == {"XDG_CONFIG_HOME": "/secrets"}
    assert await ran(*check, XDG_CONFIG_HOME=str(passwords.folder("mosquitto"))) == 0
    assert await ran(*check, XDG_CONFIG_HOME="/nowhere") != 0


async def test_the_healthcheck_of_node_red_finds_its_editor(red):
    program, *rest = compose.SERVICES["node-red"]["healthcheck"]["test"][1:]
    assert program == "node"
    node = node_reds.CACHE / "node_modules/.bin/node"
    assert await ran(node, *(word.replace(":1880", f":{red.port}") for word in rest)) == 0
    assert await ran(node, *(word.replace(":1880", ":9") for word in rest)) == 1


async def test_the_healthcheck_of_the_central_system_finds_it_listening(csms):
    program, *rest = compose.SERVICES["csms"]["healthcheck"]["test"][1:]
    assert program == "python"
    port = csms.rsplit(":", 1)[1].split("/")[0]
    assert await ran(sys.executable, *(word.replace("9000", port) for word in rest)) == 0
    assert await ran(sys.executable, *(word.replace("9000", "9") for word in rest)) == 1


async def test_a_car_is_charged_from_a_flow_and_the_central_system_is_told(daemon, csms, red, read):
    async with daemon(csms) as running:
        await red.find(read("central-system"))
        await red.status("Status", lambda text: text == "Available")
        await red.press("Plug in a car")
        await red.press("Remote start")
        await red.status("Session", lambda text: text.startswith("transaction "))
        await red.debug("Frame", lambda text: text.startswith("← station StartTransaction"))
        await red.press("Default: 10 A")
        await red.status("Limit", lambda text: text == "10 A, TxDefaultProfile")
        assert await running.stop() == 0
    assert red.complaints == []
    refused = {"publish_refused", "subscription_refused"}
    assert [line for line in running.log.since(0) if line["event"] in refused] == []


async def test_all_flows_are_there_and_at_the_broker(red, read):
    for name in FLOWS:
        await red.find(read(name))
    tabs = [node["label"] for node in await red.ask("GET", "/flows") if node["type"] == "tab"]
    assert len(tabs) == len(FLOWS)
    assert red.complaints == []


async def test_node_red_stores_no_password_and_keeps_what_was_changed(red, passwords, tmp_path):
    known = [passwords.of(name) for name in ("operator", "node-red")]
    stored = [path.read_text() for path in (tmp_path / "node-red").rglob("*.js*")]
    assert [text for text in stored if any(password in text for password in known)] == []
    assert any("${MQTT_PASSWORD}" in text for text in stored)


async def test_the_editor_wants_a_password(red):
    red._token = ""
    with pytest.raises(Exception, match="401"):
        await red.ask("GET", "/flows")


async def test_a_flow_that_was_changed_is_kept(tmp_path, passwords, broker):
    folder = tmp_path / "node-red"
    folder.mkdir()
    (folder / "flows.json").write_text('[{"id": "1", "type": "tab", "label": "mine"}]')
    environment = {
        "MQTT_BROKER": "127.0.0.1",
        "NODE_RED_USER_DIR": str(folder),
        "NODE_RED_EXAMPLES": "/nowhere",
        "NODE_RED_HOST": "127.0.0.1",
        "NODE_RED_SECRETS": str(passwords.folder("node-red")),
    }
    async with contextlib.AsyncExitStack() as stack:
        settings = compose.DOCKER / "node-red/settings.js"
        red = await stack.enter_async_context(NodeRed(folder, settings, environment, passwords.of("node-red")))
        assert [node["label"] for node in await red.ask("GET", "/flows")] == ["mine"]
