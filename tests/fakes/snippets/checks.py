"""Checks of snippets that are no commands: configuration, payloads, units, diagrams."""

from __future__ import annotations

import configparser
import functools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import trustme
import yaml
from fakes.snippets.found import Snippet
from fakes.snippets.session import ROOT, Failed

from bridge import app, payloads
from bridge.reading import read
from bridge.refusals import Refused
from bridge.topics import CommandTopic, RequestTopic, Topics, parse
from bridge.translate import model_of
from config.problems import ConfigError

TWINS: list[dict[str, Any]] = [
    {"id": "garage", "template": "ac-11kw"},
    {"id": "office", "template": "ac-22kw-dual"},
    {"id": "plaza", "template": "dc-150kw"},
    {"id": "carport", "template": "ac-11kw"},
    {"id": "drive", "template": "ac-11kw"},
    {"id": "lot-{001..009}", "template": "ac-11kw"},
]
"""What a fragment of a configuration speaks of without naming it."""


def check(snippet: Snippet, folder: Path) -> None:
    """Check one; files that it names are looked for in the folder. Raises Failed."""
    match snippet.scene:
        case "config":
            _config(snippet, folder)
        case "compose":
            _compose(snippet)
        case "yaml" | "kubernetes" | "prometheus":
            _well_formed(snippet)
        case "home-assistant":
            _home_assistant(snippet)
        case "json" | "payload" | "command":
            _json(snippet)
        case "unit":
            _unit(snippet)
        case "generated":
            _generated(snippet)
        case "none":
            pass
        case other:
            raise Failed(f"nobody knows how to check {other!r}")


def _well_formed(snippet: Snippet) -> Any:
    try:
        return list(yaml.safe_load_all(snippet.text))
    except yaml.YAMLError as error:
        raise Failed(str(error)) from None


def _compose(snippet: Snippet) -> None:
    """See whether a fragment of a compose file adds to services that there are, or makes some of its own."""
    (tree,) = _well_formed(snippet)
    known = yaml.safe_load((ROOT / "docker/compose.yaml").read_text(encoding="utf-8"))["services"]
    for name, service in tree.get("services", {}).items():
        if name not in known and not {"image", "build"} & set(service):
            raise Failed(f"docker/compose.yaml has no service {name!r}, only {', '.join(known)}")


def _config(snippet: Snippet, folder: Path) -> None:
    (tree,) = _well_formed(snippet)
    if not isinstance(tree, dict):
        raise Failed("a configuration is a mapping")
    with tempfile.TemporaryDirectory() as name:
        tree = _with_files(tree, folder, Path(name))
        tree.setdefault("twins", TWINS)
        file = Path(name) / "ocpp-twin.yaml"
        file.write_text(json.dumps(tree), encoding="utf-8")
        try:
            app.configuration([file])
        except ConfigError as error:
            raise Failed(str(error)) from None


def _with_files(tree: Any, folder: Path, scratch: Path) -> Any:
    """Name the files of the folder in full, and invent those that are not there."""
    if isinstance(tree, list):
        return [_with_files(item, folder, scratch) for item in tree]
    if not isinstance(tree, dict):
        return tree
    found = {}
    for key, value in tree.items():
        found[key] = _with_files(value, folder, scratch)
        if str(key).endswith("_file") and isinstance(value, str):
            there = folder / value
            found[key] = str(there if there.exists() else _invented(key, scratch))
        if key == "preset" and str(value).startswith("./"):
            found[key] = str(ROOT / "config/presets/devices/tasmota-plug.yaml")
    return found


def _invented(setting: str, scratch: Path) -> Path:
    file = scratch / setting
    certificate, key = _pair()
    if setting == "key_file":
        file.write_bytes(key)
    elif setting.endswith(("ca_file", "cert_file", "certificate_file")):
        file.write_bytes(certificate)
    else:
        file.write_text("0123456789abcdef0123456789abcdef\n", encoding="utf-8")
    file.chmod(0o600)
    return file


@functools.cache
def _pair() -> tuple[bytes, bytes]:
    issued = trustme.CA().issue_cert("csms.example.org")
    return issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()


def _json(snippet: Snippet) -> None:
    try:
        payload = json.loads(snippet.text)
    except ValueError as error:
        raise Failed(f"no JSON: {error}") from None
    if snippet.scene == "payload":
        known = payloads.schemas()
        (name,) = snippet.words
        if name not in known:
            raise Failed(f"no payload {name!r}; there are {', '.join(known)}")
        _fits(payload, known[name])
        if name == "event" and (missing := set(payloads.EVENT_DATA[payload["type"]]) - set(payload["data"])):
            raise Failed(f"the data of {payload['type']} has {', '.join(sorted(missing))}, too")
    if snippet.scene == "command":
        (topic,) = snippet.words
        taken(topic, snippet.text)


def _fits(payload: Any, schema: Mapping[str, Any]) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    wrong = [
        str(error.message)
        for error in jsonschema.Draft202012Validator(schema, format_checker=checker).iter_errors(payload)
    ]
    if wrong:
        raise Failed("; ".join(wrong))


def taken(topic: str, payload: str) -> None:
    """See whether the daemon takes this there; the topic is below the root. Raises Failed."""
    address = parse(topic)
    try:
        match address:
            case CommandTopic():
                model = model_of(address.allowance, evse=address.evse is not None)
                if model is None:
                    raise Failed(f"no command {topic}")
                read(payload.encode(), model)
            case RequestTopic():
                schema = payloads.schemas().get(f"bridge/request/{address.verb}")
                if schema is None:
                    raise Failed(f"no request {topic}")
                _fits(json.loads(payload or "{}"), schema)
            case None:
                raise Failed(f"{topic} is no topic that is taken")
    except Refused as refused:
        raise Failed(f"{topic}: {refused}") from None


def _home_assistant(snippet: Snippet) -> None:
    topics = Topics("ocpp-twin", "main")
    for said in _mappings(_well_formed(snippet)):
        topic, payload = said.get("topic"), said.get("payload")
        if not isinstance(topic, str) or payload is None or "{{" in f"{topic}{payload}":
            continue
        relative = topics.relative(topic)
        if relative is not None:
            taken(relative, str(payload))


def _mappings(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _mappings(item)


def _unit(snippet: Snippet) -> None:
    """Lay a unit, or a drop-in for ours, over our unit and let systemd read it, where there is one."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(snippet.text)
    except configparser.Error as error:
        raise Failed(str(error)) from None
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    with tempfile.TemporaryDirectory() as name:
        unit = Path(name) / "ocpp-twin.service"
        ours = (ROOT / "docker/systemd/ocpp-twin.service").read_text(encoding="utf-8")
        unit.write_text(f"{ours}\n{snippet.text}", encoding="utf-8")
        done = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    # That nothing is installed in /opt here is not the page's fault.
    wrong = [line for line in done.stderr.splitlines() if re.search(r"Unknown|Invalid|Failed to parse|ignoring", line)]
    if wrong:
        raise Failed("\n".join(wrong))


def _generated(snippet: Snippet) -> None:
    text = snippet.file.read_text(encoding="utf-8")
    lines = text.splitlines()[: snippet.line]
    opened = [line for line in lines if re.match(r"<!-- (begin|end) ", line)]
    written = "Written by `make docs`" in text or "written by `make docs`" in "\n".join(lines[:6])
    if not written and not (opened and opened[-1].startswith("<!-- begin")):
        raise Failed("a diagram is written by `make docs`, between `begin` and `end`")
