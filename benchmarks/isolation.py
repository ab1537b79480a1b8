"""What others notice when something is done to one twin: their delay with it and without, in turn.

Others are asked for heartbeats, 500 a second; the delay lasts from the Central System's TriggerMessage until it hears
the Heartbeat. Meanwhile one twin is flooded with calls, not listened to, or sent 10 MB at a time over OCPP or MQTT.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.disturbing import KINDS
from benchmarks.fleet import configure, running, twin_ids, until
from benchmarks.processes import Scripted, mosquitto
from benchmarks.scene import Figures, Load, Scene
from benchmarks.watch import ROOT, Watch

_RATE = 500
_LARGE = b"x" * 10_000_000
_PAUSE_S = 1.0

DISTURBANCES = (*KINDS, "mqtt")


def isolation(count: int, load: Load, folder: Path) -> Figures:
    """Measure the delays of the others, without and with each disturbance."""
    with mosquitto(folder) as broker, Scripted("benchmarks.central", folder) as central, Watch(broker) as watch:
        url = f"ws://127.0.0.1:{central.hello['port']}/ocpp"
        with running(configure(folder / "fleet", broker, count, csms={"url": url})) as process:
            until(lambda: central.ask("counts")["accepted"] >= count, process, 30 + count / 100)
            time.sleep(load.settle_s)
            scene = Scene(process, central, watch, count, load)
            # Never asked, so that nobody waits for what it cannot say any more.
            central.ask("spare", twin_ids(count)[0])
            figures: Figures = {}
            for kind in DISTURBANCES:
                figures |= _compared(scene, kind, broker)
            return figures


def _compared(scene: Scene, kind: str, broker: int) -> Figures:
    alone: list[Figures] = []
    disturbed: list[Figures] = []
    seconds, sent, rate = max(0.4, scene.load.seconds / 4), 0.0, min(_RATE, scene.load.exchanges)
    for _ in range(scene.load.turns):
        alone.append(scene.central.ask("trigger", rate, seconds))
        with _disturbance(scene, kind, broker) as told:
            disturbed.append(scene.central.ask("trigger", rate, seconds))
        sent += told.get("sent", 0.0)
    figures = {f"{kind}_missing": sum(one["missing"] for one in disturbed), f"{kind}_sent": sent}
    for name in ("p50_ms", "p90_ms", "p99_ms", "max_ms"):
        figures[f"{kind}_{name}"] = statistics.median(one[name] for one in disturbed)
        figures[f"without_{kind}_{name}"] = statistics.median(one[name] for one in alone)
    return figures


@contextmanager
def _disturbance(scene: Scene, kind: str, broker: int) -> Iterator[Figures]:
    victim, told = twin_ids(scene.count)[0], Figures()
    if kind == "mqtt":
        with _large_payloads(broker, victim, told):
            yield told
    else:
        scene.central.ask("disturb", kind, victim)
        try:
            yield told
        finally:
            told |= scene.central.ask("leave")


@contextmanager
def _large_payloads(broker: int, twin: str, told: Figures) -> Iterator[None]:
    """Publish 10 MB to a twin each second, by a client of its own, so that nobody else has to wait for its socket."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker)
    client.loop_start()
    over = threading.Event()

    def publish() -> None:
        told["sent"] = 0.0
        while not over.is_set():
            client.publish(f"{ROOT}/{twin}/1/cmd/swipe", _LARGE, qos=1)
            told["sent"] += 1
            over.wait(_PAUSE_S)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        client.disconnect()
        client.loop_stop()
