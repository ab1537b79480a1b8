"""One round of each kind: the daemon with so many twins, and as many bare connections. Returns figures by name.

Times in seconds unless the name says otherwise. Memory is RSS over the same process with nothing to do.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import phases
from benchmarks.fleet import configure, running, twin_ids, until
from benchmarks.processes import Scripted, mosquitto
from benchmarks.quantiles import quantiles_ms
from benchmarks.scene import PHASES, Figures, Load, Scene, sample_interval, stall_ms
from benchmarks.watch import Watch


def bare(count: int, load: Load, folder: Path, *arguments: str) -> Figures:
    """Measure bare connections: idle, then echoing."""
    with Scripted("benchmarks.central", folder) as central, Scripted("benchmarks.bare", folder, *arguments) as client:
        empty = client.rss()
        took = client.ask("connect", f"ws://127.0.0.1:{central.hello['port']}", count)["seconds"]
        time.sleep(load.settle_s)
        figures = {"bare_connect_s": took, "bare_kib_each": (client.rss() - empty) / count / 1024}
        if load.phases & {"exchange", "commands", "meters"}:
            before = client.cpu()
            trips = central.ask("echo", load.exchanges, load.seconds)["sent"]
            figures["bare_echo_us"] = (client.cpu() - before) / trips * 1e6
        return figures


def daemon(count: int, load: Load, folder: Path) -> Figures:
    """Measure the daemon: empty, starting, idle, exchanging, commanded by MQTT, reloading, charging, stopping."""
    with mosquitto(folder) as broker, Scripted("benchmarks.central", folder) as central, Watch(broker) as watch:
        with running(configure(folder / "empty", broker, 0)) as process:
            until(watch.health, process, 30)
            time.sleep(load.settle_s)
            empty = process.rss()
        watch.forget()
        interval = f"{sample_interval(count, load)}s"
        configuration = configure(
            folder / "fleet",
            broker,
            count,
            csms={"url": f"ws://127.0.0.1:{central.hello['port']}/ocpp"},
            mqtt={"meter_interval": interval},
            twin={"keys": {"MeterValueSampleInterval": interval.removesuffix("s")}},
        )
        with running(configuration) as process:
            scene = Scene(process, central, watch, count, load)
            figures = _boot(scene)
            figures["kib_each"] = (process.rss() - empty) / count / 1024
            figures["empty_mib"] = empty / 2**20
            figures |= _phases(scene, configuration)
            figures["stop_s"] = process.stop()
        return figures


def _phases(scene: Scene, configuration: Path) -> Figures:
    figures: Figures = {}
    for name in PHASES:
        if name not in scene.load.phases:
            continue
        match name:
            case "idle":
                figures |= _idle(scene)
            case "exchange":
                figures |= _exchanging(scene)
            case "commands":
                figures |= _commanded(scene)
            case "reload":
                figures |= phases.reload(scene, configuration)
            case _:
                figures |= phases.meters(scene)
    return figures


def _boot(scene: Scene) -> Figures:
    process, central, count = scene.process, scene.central, scene.count
    cpu = process.cpu()
    until(lambda: central.ask("counts")["accepted"] >= count, process, 30 + count / 100)
    counts = central.ask("counts")
    said: list[dict[str, Any]] = []

    def quiet() -> bool:
        """Tell whether nothing is published any more but health: states are on their way for some time."""
        said.extend(scene.watch.health())
        return len(said) > 1 and said[-1]["mqtt_out_total"] - said[-2]["mqtt_out_total"] <= 1

    until(quiet, process, 60 + count / 100)
    used = process.cpu() - cpu
    time.sleep(scene.load.settle_s)
    discovered = scene.watch.discovered()
    return {
        "boot_s": counts["accepted_at"] - process.started_at,
        "handshakes_failed": max(counts["broken"], counts["dialled"] - count),
        "boot_cpu_s": used,
        "boot_stall_ms": stall_ms(scene, said),
        "discovered": len(discovered),
        "discovery_s": max(0.0, max(discovered, default=0.0) - counts["accepted_at"]),
    }


def _idle(scene: Scene) -> Figures:
    scene.watch.health()
    before, began = scene.process.cpu(), time.monotonic()
    time.sleep(scene.load.seconds)
    used, took = scene.process.cpu() - before, time.monotonic() - began
    return {"idle_us_per_s": used / took / scene.count * 1e6, "idle_stall_ms": stall_ms(scene)}


def _exchanging(scene: Scene) -> Figures:
    central, load = scene.central, scene.load
    scene.watch.health()
    before, exchanges = scene.process.cpu(), central.ask("counts")["exchanges"]
    # Each trigger is two exchanges: TriggerMessage, and the Heartbeat that it asks for.
    done = central.ask("trigger", load.exchanges // 2, load.seconds)
    used, exchanges = scene.process.cpu() - before, central.ask("counts")["exchanges"] - exchanges
    return {
        "exchange_us": used / exchanges * 1e6,
        "exchange_stall_ms": stall_ms(scene),
        "exchanges_missing": done["missing"],
    }


def _commanded(scene: Scene) -> Figures:
    central, process = scene.central, scene.process
    central.ask("statuses")
    scene.watch.health()
    before = process.cpu()
    told = scene.watch.plug(twin_ids(scene.count), scene.load.commands, scene.load.seconds)
    heard: list[tuple[str, float]] = []

    def complete() -> bool:
        heard.extend(central.ask("statuses"))
        return len(heard) >= len(told)

    missing = 0
    try:
        until(complete, process, 15)
    except TimeoutError:
        missing = len(told) - len(heard)
    used = process.cpu() - before
    quantiles = {f"command_{name}": value for name, value in quantiles_ms(list(_delays(told, heard))).items()}
    return quantiles | {
        "command_us": used / len(told) * 1e6,
        "command_stall_ms": stall_ms(scene),
        "commands_missing": missing,
    }


def _delays(told: Sequence[tuple[str, float]], heard: Sequence[tuple[str, float]]) -> Iterator[float]:
    """Join commands and the statuses that they caused: of each twin the first with the first, and so on."""
    waiting: dict[str, deque[float]] = defaultdict(deque)
    for twin, at in told:
        waiting[twin].append(at)
    for twin, at in heard:
        if waiting[twin]:
            yield at - waiting[twin].popleft()
