"""What takes a longer story with a running daemon: a reload, and a fleet that charges and tells its meter values."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.fleet import twin_ids, until
from benchmarks.processes import Failed
from benchmarks.scene import Figures, Scene, sample_interval, stall_ms

_START_S = 60
_CATCH_UP_S = 15


def reload(scene: Scene, configuration: Path) -> Figures:
    """Add a twin to the configuration and have it read again, until the daemon says that it is done; and back."""
    before = configuration.read_text(encoding="utf-8")
    scene.watch.health()
    grown = _reloaded(scene, configuration, before.replace('"twins": [', '"twins": [\n  {"id": "late"},'))
    shrunk = _reloaded(scene, configuration, before)
    return {"reload_s": max(grown, shrunk), "reload_stall_ms": stall_ms(scene)}


def _reloaded(scene: Scene, configuration: Path, text: str) -> float:
    configuration.write_text(text, encoding="utf-8")
    began = time.monotonic()
    answer = scene.watch.reload(_START_S)
    if len(answer["data"]["added"]) + len(answer["data"]["removed"]) != 1:
        raise Failed(f"the configuration was not read again: {answer}")
    return time.monotonic() - began


def meters(scene: Scene) -> Figures:
    """Have all twins charge, and measure while each sends meter values in its interval, with all that goes with it."""
    twins, load = twin_ids(scene.count), scene.load
    scene.watch.health()
    scene.watch.charge(twins, load.commands)

    def all_charge() -> bool:
        return any(health["charging"] >= scene.count for health in scene.watch.health())

    until(all_charge, scene.process, _START_S)
    _catch_up(scene)
    first = _last_health(scene)
    before, exchanges, began = scene.process.cpu(), scene.central.ask("counts")["exchanges"], time.monotonic()
    # Whole intervals, so that each twin has told the same number of times.
    time.sleep(max(load.seconds, 2 * sample_interval(scene.count, load)))
    used, took = scene.process.cpu() - before, time.monotonic() - began
    exchanges = scene.central.ask("counts")["exchanges"] - exchanges
    last, stall = _last_health(scene), stall_ms(scene)
    told = last["ocpp_out_total"] - first["ocpp_out_total"]
    return {
        "meters_us": used / exchanges * 1e6,
        "meters_per_s": exchanges / took,
        "meters_of_due": exchanges / took / (scene.count / sample_interval(scene.count, load)),
        "meters_messages_each": (last["mqtt_out_total"] - first["mqtt_out_total"]) / told,
        "meters_stall_ms": max(stall, last["loop_lag_ms"]),
        "meters_waiting": last["queued_messages"],
    }


def _catch_up(scene: Scene) -> None:
    """Wait until what the start of all these sessions caused is told, or so long that it obviously never will be."""
    until_s = time.monotonic() + _CATCH_UP_S
    while _last_health(scene)["queued_messages"] > scene.count / 100 and time.monotonic() < until_s:
        scene.process.check()
    time.sleep(scene.load.settle_s)


def _last_health(scene: Scene) -> dict[str, float]:
    found: list[dict[str, float]] = []

    def told() -> bool:
        found.extend(scene.watch.health())
        return bool(found)

    until(told, scene.process, 10)
    return found[-1]
