"""Start Home Assistant with its MQTT integration set up, as `compose.yaml` does.

Home Assistant knows brokers by what somebody has entered in its user interface, which it keeps in
`.storage/core.config_entries`. This writes one such entry before Home Assistant starts, and brings its address and
password up to date at each start. Whatever else stands there is left alone; an MQTT integration that somebody has set
up by hand is, too. Runs on Home Assistant's own Python, and needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

ENTRY_ID = "01JDVQ0CPPTW1N0000000000MQ"
"""Our entry's name there: a ULID, as all of them have."""

# The oldest forms that know all of these fields. Home Assistant brings older ones up to date, and refuses newer ones.
STORE_VERSION, STORE_MINOR_VERSION = 1, 5
ENTRY_VERSION, ENTRY_MINOR_VERSION = 1, 2
CREATED_AT = "2026-01-01T00:00:00+00:00"

INCLUDED = {"automations.yaml": "[]\n", "scripts.yaml": "{}\n", "scenes.yaml": "[]\n"}
"""Files that configuration.yaml includes and the user interface writes."""


def main() -> None:
    """Prepare the folder, and become Home Assistant."""
    given = _arguments()
    password = given.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    prepare(given.config, {"broker": given.broker, "port": given.port, "username": given.user, "password": password})
    os.execv(sys.executable, [sys.executable, "-m", "homeassistant", "--config", str(given.config)])  # noqa: S606


def prepare(folder: Path, broker: dict[str, Any]) -> None:
    """Make what Home Assistant finds in its folder: the MQTT integration, and files that are included."""
    for name, text in INCLUDED.items():
        file = folder / name
        if not file.exists():
            file.write_text(text, encoding="utf-8")
    store = folder / ".storage/core.config_entries"
    store.parent.mkdir(exist_ok=True)
    kept = json.loads(store.read_text(encoding="utf-8")) if store.exists() else None
    wanted = with_broker(kept, broker)
    if wanted != kept:
        _write(store, json.dumps(wanted, indent=2))


def with_broker(kept: dict[str, Any] | None, broker: dict[str, Any]) -> dict[str, Any]:
    """Return the stored entries with ours among them; unchanged if there is an MQTT integration that is not ours."""
    if kept is None:
        kept = {
            "version": STORE_VERSION,
            "minor_version": STORE_MINOR_VERSION,
            "key": "core.config_entries",
            "data": {"entries": []},
        }
    entries = kept["data"]["entries"]
    there = [entry for entry in entries if entry["domain"] == "mqtt"]
    if not there:
        changed = [*entries, _entry(broker)]
    elif there[0]["entry_id"] == ENTRY_ID:
        changed = [entry | {"data": entry["data"] | broker} if entry is there[0] else entry for entry in entries]
    else:
        return kept
    return kept | {"data": kept["data"] | {"entries": changed}}


def _entry(broker: dict[str, Any]) -> dict[str, Any]:
    return {
        "created_at": CREATED_AT,
        "modified_at": CREATED_AT,
        "data": broker,
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "mqtt",
        "entry_id": ENTRY_ID,
        "minor_version": ENTRY_MINOR_VERSION,
        "options": {},
        "pref_disable_new_entities": None,
        "pref_disable_polling": None,
        "source": "user",
        "subentries": [],
        "title": broker["broker"],
        "unique_id": None,
        "version": ENTRY_VERSION,
    }


def _write(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o600)  # the password is in it
    new.replace(file)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start Home Assistant with its MQTT integration set up.")
    parser.add_argument("--config", type=Path, default=Path("/config"))
    parser.add_argument("--broker", default="mosquitto")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--user", default="homeassistant")
    parser.add_argument("--password-file", type=Path, default=Path("/secrets/mqtt-password"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
