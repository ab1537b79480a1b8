"""Figures as tables for people and as JSON for programs, with the machine they come from, but not its name."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks import goals
from benchmarks.goals import Medians, number
from benchmarks.isolation import DISTURBANCES
from benchmarks.processes import mosquitto_program
from benchmarks.scene import Figures, Load

_PACKAGES = ("ocpp-twin", "aiomqtt", "msgspec", "orjson", "paho-mqtt", "pydantic", "uvloop", "websockets")

_GROWTH = (
    ("memory of a twin, KiB", "kib_each"),
    ("memory of a bare connection, KiB", "bare_kib_each"),
    ("CPU of an exchange, µs", "exchange_us"),
    ("CPU of a bare echo, µs", "bare_echo_us"),
    ("CPU of an MQTT command, µs", "command_us"),
    ("MQTT command until OCPP frame, p50, ms", "command_p50_ms"),
    ("MQTT command until OCPP frame, p99, ms", "command_p99_ms"),
    ("idle twin, CPU in a second, µs", "idle_us_per_s"),
    ("start until all are accepted, s", "boot_s"),
    ("CPU of the start, s", "boot_cpu_s"),
    ("failed handshakes", "handshakes_failed"),
    ("longest stall, starting, ms", "boot_stall_ms"),
    ("longest stall, idle, ms", "idle_stall_ms"),
    ("longest stall, exchanging, ms", "exchange_stall_ms"),
    ("longest stall, commanded, ms", "command_stall_ms"),
    ("longest stall, charging, ms", "meters_stall_ms"),
    ("longest stall, reloading, ms", "reload_stall_ms"),
    ("meter values, exchanges a second", "meters_per_s"),
    ("of those that were due", "meters_of_due"),
    ("MQTT messages for each of them", "meters_messages_each"),
    ("CPU of each, µs", "meters_us"),
    ("twins announced to Home Assistant", "discovered"),
    ("which took after the last was accepted, s", "discovery_s"),
    ("reload, s", "reload_s"),
    ("end of the process, s", "stop_s"),
    ("exchanges that did not come", "exchanges_missing"),
    ("commands whose status did not come", "commands_missing"),
    ("memory of a daemon without twins, MiB", "empty_mib"),
)
"""What is shown for each number of twins."""

_DONE_TO_ONE = {
    "flood": "flooded with calls",
    "slow": "not listened to",
    "large": "10 MB over OCPP",
    "mqtt": "10 MB over MQTT",
}


def document(rounds: Mapping[str, Sequence[Figures]], load: Load, busy: Sequence[float] = ()) -> dict[str, Any]:
    """Return all that is known of a run: the rounds of each part, and how `busy` the machine was before and after."""
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": _machine() | {"load_average": [round(one, 1) for one in busy]},
        "versions": _versions(),
        "load": {"exchanges_per_s": load.exchanges, "commands_per_s": load.commands, "seconds": load.seconds},
        "parts": {name: _part(found) for name, found in rounds.items() if found[0]},
    }


def _part(rounds: Sequence[Figures]) -> dict[str, Any]:
    medians = {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
    return {"median": medians, "rounds": list(rounds)}


def page(found: Mapping[str, Any], plots: Sequence[str] = ()) -> str:
    """Return the tables with what they were measured on; `plots` are names of files beside it."""
    medians, load = goals.medians(found), found["load"]
    text = (
        f"# {found['at']}\n\n{conditions(found)}\n\n"
        f"Two EVSEs a twin, TLS only where it is named, durable store, MQTT on; {load['exchanges_per_s']:,} exchanges "
        f"and {load['commands_per_s']:,} commands a second, {load['seconds']:g} s each. "
        f"[What is measured how](../README.md).\n\n{goals.table(medians)}"
    )
    if counts := goals.counted(medians, "fleet"):
        text += f"\n## By the number of twins\n\n{growth(medians, counts)}"
    if counts := goals.counted(medians, "isolation"):
        text += f"\n## What others notice\n\n{_isolation(medians, counts[-1])}"
    return text + "".join(f"\n![{Path(name).stem}]({name})\n" for name in plots)


def conditions(found: Mapping[str, Any]) -> str:
    """Say what a run was measured on, in a sentence or two."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    rounds = {len(part["rounds"]) for part in found["parts"].values()}
    several = "–".join(map(str, sorted({min(rounds, default=0), max(rounds, default=0)})))
    several += " round" if several == "1" else " rounds"
    busy = " and ".join(f"{one:g}" for one in machine["load_average"])
    load = f" Load average before and after: {busy}." if busy else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']}. "
        f"{versions}. Medians of {several}.{load}"
    )


def growth(medians: Medians, counts: Sequence[int]) -> str:
    """Return the table with a column for each number of twins."""
    lines = ["| twins | " + " | ".join(f"{count:,}" for count in counts) + " |", "| --- |" + " ---: |" * len(counts)]
    for title, name in _GROWTH:
        cells = [number(medians[f"fleet/{count}"].get(name, math.nan)) for count in counts]
        if any(cells):
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _isolation(medians: Medians, count: int) -> str:
    figures = medians[f"isolation/{count}"]
    lines = [
        f"Delay of the others' heartbeats, while one of {count:,} twins is treated like this; medians of rounds.\n",
        "| | p50 without, ms | with | p99 without, ms | with | ratio | longest with, ms | lost |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in DISTURBANCES:
        values = {name: figures[f"{kind}_{name}"] for name in ("p50_ms", "p99_ms", "max_ms", "missing")}
        before, after = figures[f"without_{kind}_p50_ms"], figures[f"without_{kind}_p99_ms"]
        cells = [before, values["p50_ms"], after, values["p99_ms"], values["p99_ms"] / after]
        cells += [values["max_ms"], values["missing"]]
        lines.append(f"| {_DONE_TO_ONE[kind]} | " + " | ".join(map(number, cells)) + " |")
    return "\n".join(lines) + "\n"


def write(found: Mapping[str, Any], folder: Path, plots: Sequence[str] = ()) -> Path:
    """Write both forms into a folder and return the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found['at']}.md"
    path.write_text(page(found, plots), encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return path


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )


def _versions() -> dict[str, str]:
    said = subprocess.run([mosquitto_program(), "-h"], capture_output=True, text=True, check=False).stdout.split()
    broker = said[2] if len(said) > 2 else "unknown"
    return {"Python": platform.python_version()} | {name: version(name) for name in _PACKAGES} | {"Mosquitto": broker}
