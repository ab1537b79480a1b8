"""Node-RED between a person and the demo, each of them real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import chromium as browsers
from fakes import node_red as node_reds
from fakes.chromium import Chromium
from fakes.demo import Demo
from fakes.node_red import NodeRed
from fakes.witness import Witness

EXAMPLES = Path(__file__).parents[2] / "examples/node-red"


@pytest.fixture
def read():
    """Read a flow of the examples; with `port` its broker is looked for there, and not at the demo's own port."""

    def make(name, port=None):
        flow = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
        if port is not None:
            (broker,) = [node for node in flow if node["type"] == "mqtt-broker"]
            broker["port"] = port
        return flow

    return make


@pytest.fixture
async def red(tmp_path):
    """Be a Node-RED that was installed just now, with the dashboard."""
    if not (node_reds.CACHE / "installed.json").exists():
        pytest.fail(node_reds.MISSING)
    folder = tmp_path / "node-red"
    folder.mkdir()
    async with NodeRed(folder) as running:
        yield running


@pytest.fixture
async def demo(tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    async with Demo(folder) as running:
        yield running


@pytest.fixture
async def witness(demo):
    """Hear what the demo's daemon publishes; its twins are connected."""
    async with Witness(demo.port) as listening:
        for twin in ("garage", "office", "plaza"):
            await listening.until(f"{twin}/state", lambda state: state["registration"] == "Accepted")
        await listening.until("garage/1/state", lambda state: state["status"] == "Available")
        yield listening


@pytest.fixture
async def browser(tmp_path):
    if browsers.find() is None:
        pytest.fail("Chromium is not installed; `make test` installs it, or says how: .ci/node-red")
    folder = tmp_path / "chromium"
    folder.mkdir()
    async with Chromium(folder) as running:
        yield running
