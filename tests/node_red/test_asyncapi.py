"""The AsyncAPI document, read by the parser of the standard; it runs on the Node.js that is there for Node-RED."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from fakes import node_red as node_reds
from fakes.record import PATIENCE_S

DOCUMENT = Path(__file__).parents[2] / "config/schemas/asyncapi.json"
ERROR, WARNING = 0, 1
SCRIPT = """
const { Parser } = require('@asyncapi/parser');
const text = require('fs').readFileSync(process.argv[1], 'utf8');
new Parser().parse(text).then(({ document, diagnostics }) => console.log(JSON.stringify({
    channels: document === undefined ? 0 : document.channels().all().length,
    diagnostics,
})));
"""


async def parsed(path):
    """Return what the parser makes of a document."""
    if not (node_reds.CACHE / "installed.json").exists():
        pytest.fail(node_reds.MISSING)
    process = await asyncio.create_subprocess_exec(
        *(node_reds.CACHE / "node_modules/.bin/node", "-e", SCRIPT, path),
        cwd=node_reds.CACHE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(6 * PATIENCE_S):
        said, _ = await process.communicate()
    return json.loads(said)


async def test_the_parser_has_nothing_against_it():
    found = await parsed(DOCUMENT)
    assert found["channels"] == len(json.loads(DOCUMENT.read_text())["channels"])
    assert [item for item in found["diagnostics"] if item["severity"] in (ERROR, WARNING)] == []


async def test_a_broken_document_is_found_out(tmp_path):
    document = json.loads(DOCUMENT.read_text())
    next(iter(document["operations"].values()))["action"] = "shout"
    broken = tmp_path / "asyncapi.json"
    broken.write_text(json.dumps(document))
    assert [item for item in (await parsed(broken))["diagnostics"] if item["severity"] == ERROR] != []
