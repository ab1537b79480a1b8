"""One round of each kind: the daemon with so many twins, and as many bare connections. Returns figures by name.

Times in seconds unless the name says otherwise. Memory is RSS over the same process with nothing to do.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.processes import Failed, Process, Scripted, mosquitto
from benchmarks.watch import NODE, Watch

Figures: TypeAlias = dict[str, float]

_POLL_S = 0.1
_HEALTH_S = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """Say how much is asked for: exchanges and plugs a second, for how many seconds each, after how long a rest."""

    exchanges: int = 2000
    plugs: int = 1000
    seconds: float = 8.0
    settle_s: float = 3.0


def bare(count: int, load: Load, folder: Path, *arguments: str) -> Figures:
    """Measure bare connections: idle, then echoing."""
    with Scripted("benchmarks.central", folder) as central, Scripted("benchmarks.bare", folder, *arguments) as client:
        empty = client.rss()
        took = client.ask("connect", f"ws://127.0.0.1:{central.hello['port']}", count)["seconds"]
        time.sleep(load.settle_s)
        memory, before = client.rss() - empty, client.cpu()
        trips = central.ask("echo", load.exchanges, load.seconds)["sent"]
        return {
            "connect_s": took,
            "kib_each": memory / count / 1024,
            "echo_us": (client.cpu() - before) / trips * 1e6,
        }


def daemon(count: int, load: Load, folder: Path) -> Figures:
    """Measure the daemon: empty, starting, idle, exchanging, plugged by MQTT, stopping."""
    with mosquitto(folder) as broker, Scripted("benchmarks.central", folder) as central, Watch(broker) as watch:
        port = central.hello["port"]
        with _running(folder / "empty", broker, port, 0) as process:
            _until(watch.health, process, 30)
            time.sleep(load.settle_s)
            empty = process.rss()
        watch.forget()
        with _running(folder / "fleet", broker, port, count) as process:
            figures = _boot(process, central, watch, count, load)
            figures["kib_each"] = (process.rss() - empty) / count / 1024
            figures["empty_mib"] = empty / 2**20
            figures |= _idle(process, watch, count, load)
            figures |= _exchanging(process, central, watch, load)
            figures |= _plugged(process, central, watch, count, load)
            figures["stop_s"] = process.stop()
        return figures


def twin_ids(count: int) -> list[str]:
    """Return the ids of the twins, as the configuration's range makes them."""
    return [f"t-{number:05d}" for number in range(1, count + 1)]


@contextmanager
def _running(folder: Path, broker: int, central: int, count: int) -> Iterator[Process]:
    folder.mkdir()
    twins = f'[{{id: "t-{{00001..{count:05d}}}", evses: 2, max_a: 32}}]' if count else "[]"
    configuration = folder / "ocpp-twin.yaml"
    configuration.write_text(
        f"node: {NODE}\n"
        f"mqtt: {{url: 'mqtt://127.0.0.1:{broker}', health_interval: {_HEALTH_S:g}s}}\n"
        f"csms: {{url: 'ws://127.0.0.1:{central}/ocpp'}}\n"
        f"store: {{url: 'sqlite:///{folder}/twins.db'}}\n"
        f"twins: {twins}\n"
    )
    # As a module, so that what is measured is the checkout that the benchmark lies in.
    command = [sys.executable, "-m", "bridge", "run", "--config", str(configuration)]
    with Process(command, folder / "daemon.log") as process:
        yield process


def _boot(process: Process, central: Scripted, watch: Watch, count: int, load: Load) -> Figures:
    cpu = process.cpu()
    _until(lambda: central.ask("counts")["accepted"] >= count, process, 30 + count / 100)
    took = central.ask("counts")["accepted_at"] - process.started_at
    said: list[dict[str, Any]] = []

    def quiet() -> bool:
        """Tell whether nothing is published any more but health: states are on their way for some time."""
        said.extend(watch.health())
        return len(said) > 1 and said[-1]["mqtt_out_total"] - said[-2]["mqtt_out_total"] <= 1

    _until(quiet, process, 60 + count / 100)
    used = process.cpu() - cpu
    time.sleep(load.settle_s)
    return {"boot_s": took, "boot_cpu_s": used, "boot_stall_ms": _stall(watch, said)}


def _idle(process: Process, watch: Watch, count: int, load: Load) -> Figures:
    watch.health()
    before, began = process.cpu(), time.monotonic()
    time.sleep(load.seconds)
    used, took = process.cpu() - before, time.monotonic() - began
    return {"idle_us_per_s": used / took / count * 1e6, "idle_stall_ms": _stall(watch)}


def _exchanging(process: Process, central: Scripted, watch: Watch, load: Load) -> Figures:
    watch.health()
    before, exchanges = process.cpu(), central.ask("counts")["exchanges"]
    # Each trigger is two exchanges: TriggerMessage, and the Heartbeat that it asks for.
    done = central.ask("trigger", load.exchanges // 2, load.seconds)
    used, exchanges = process.cpu() - before, central.ask("counts")["exchanges"] - exchanges
    return {
        "exchange_us": used / exchanges * 1e6,
        "exchange_stall_ms": _stall(watch),
        "exchanges_missing": done["missing"],
    }


def _plugged(process: Process, central: Scripted, watch: Watch, count: int, load: Load) -> Figures:
    central.ask("statuses")
    watch.health()
    before = process.cpu()
    told = watch.plug(twin_ids(count), load.plugs, load.seconds)
    heard: list[tuple[str, float]] = []

    def complete() -> bool:
        heard.extend(central.ask("statuses"))
        return len(heard) >= len(told)

    missing = 0
    try:
        _until(complete, process, 15)
    except TimeoutError:
        missing = len(told) - len(heard)
    used = process.cpu() - before
    delays = sorted(_delays(told, heard))
    cuts = statistics.quantiles(delays, n=100) if len(delays) > 1 else [float("nan")] * 99
    return {
        "plug_us": used / len(told) * 1e6,
        "plug_p50_ms": cuts[49] * 1e3,
        "plug_p99_ms": cuts[98] * 1e3,
        "plug_stall_ms": _stall(watch),
        "plugs_missing": missing,
    }


def _delays(told: Sequence[tuple[str, float]], heard: Sequence[tuple[str, float]]) -> Iterator[float]:
    """Join commands and the statuses that they caused: of each twin the first with the first, and so on."""
    waiting: dict[str, deque[float]] = defaultdict(deque)
    for twin, at in told:
        waiting[twin].append(at)
    for twin, at in heard:
        if waiting[twin]:
            yield at - waiting[twin].popleft()


def _stall(watch: Watch, before: Sequence[dict[str, Any]] = ()) -> float:
    time.sleep(1.5 * _HEALTH_S)  # until the daemon has told of the last moments, too
    return max((float(health["loop_lag_ms"]) for health in (*before, *watch.health())), default=float("nan"))


def _until(condition: Callable[[], object], process: Process, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        process.check()
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(_POLL_S)


__all__ = ["Failed", "Figures", "Load", "bare", "daemon"]
