"""Figures as a table for people and as JSON for programs, with the machine they come from, but not its name."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.processes import mosquitto_program
from benchmarks.rounds import Figures, Load

_PACKAGES = ("ocpp-twin", "aiomqtt", "msgspec", "paho-mqtt", "pydantic", "uvloop", "websockets")


@dataclass(frozen=True, slots=True)
class Row:
    """Be a line of the table: the daemon's figure, and the bare connections' beside it where there is one."""

    title: str
    unit: str
    name: str
    bare: str | None = None


_ROWS = (
    Row("memory of a twin / of a bare connection", "KiB", "kib_each", "kib_each"),
    Row("processor time of an OCPP exchange / of a bare echo", "µs", "exchange_us", "echo_us"),
    Row("the same, with an MQTT command, its row on disk and its states on MQTT", "µs", "plug_us", "echo_us"),
    Row("MQTT command until OCPP frame, median", "ms", "plug_p50_ms"),
    Row("MQTT command until OCPP frame, 99 %", "ms", "plug_p99_ms"),
    Row("process start until all are accepted", "s", "boot_s"),
    Row("processor time of the start", "s", "boot_cpu_s"),
    Row("end of the process", "s", "stop_s"),
    Row("idle twin, processor time in a second", "µs", "idle_us_per_s"),
    Row("longest stall of the loop, starting", "ms", "boot_stall_ms"),
    Row("longest stall of the loop, idle", "ms", "idle_stall_ms"),
    Row("longest stall of the loop, exchanging", "ms", "exchange_stall_ms"),
    Row("longest stall of the loop, commanded", "ms", "plug_stall_ms"),
    Row("exchanges that did not come", "", "exchanges_missing"),
    Row("commands whose status did not come", "", "plugs_missing"),
    Row("memory of a daemon without twins", "MiB", "empty_mib"),
)


def document(rounds: Mapping[int, Mapping[str, Sequence[Figures]]], load: Load) -> dict[str, Any]:
    """Return everything that is known of a run; `rounds` by the number of twins and by the kind."""
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": _machine(),
        "versions": _versions(),
        "load": {"exchanges_per_s": load.exchanges, "plugs_per_s": load.plugs, "seconds": load.seconds},
        "twins": {str(count): _summary(kinds) for count, kinds in rounds.items()},
    }


def table(found: Mapping[str, Any]) -> str:
    """Return the table in Markdown; ratios are those of medians."""
    counts = list(found["twins"])
    heads = [f"{int(count):,} twins | bare | ratio" for count in counts]
    lines = ["| | " + " | ".join(heads) + " |", "| --- |" + " ---: | ---: | ---: |" * len(counts)]
    for row in _ROWS:
        cells = [cell for count in counts for cell in _cells(row, found["twins"][count]["median"])]
        title = f"{row.title}, {row.unit}" if row.unit else row.title
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def page(found: Mapping[str, Any]) -> str:
    """Return the table with what it was measured on."""
    machine, load = found["machine"], found["load"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    rounds = max(len(figures["rounds"]["daemon"]) for figures in found["twins"].values())
    return (
        f"# {found['at']}\n\n"
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']}. "
        f"{versions}.\n\nTwo EVSEs a twin, no TLS, durable store, MQTT on; {load['exchanges_per_s']:,} exchanges and "
        f"{load['plugs_per_s']:,} commands a second, {load['seconds']:g} s each. "
        f"Medians of {rounds} round(s).\n\n{table(found)}"
    )


def write(found: Mapping[str, Any], folder: Path) -> Path:
    """Write both forms into a folder and return the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found['at']}.md"
    path.write_text(page(found), encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return path


def _summary(kinds: Mapping[str, Sequence[Figures]]) -> dict[str, Any]:
    medians = {
        kind: {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
        for kind, rounds in kinds.items()
    }
    return {"median": medians, "rounds": kinds}


def _cells(row: Row, medians: Mapping[str, Figures]) -> list[str]:
    ours = medians["daemon"].get(row.name, math.nan)
    theirs = math.nan if row.bare is None else medians["bare"][row.bare]
    # Processor time comes in ticks of 10 ms: a run that is too short has used none.
    return [_number(ours), _number(theirs), f"{ours / theirs:.2f}" if theirs > 0 else ""]


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


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
