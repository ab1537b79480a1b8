"""The driver's own MQTT client: reads the daemon's health, and plugs cables in and out at a steady rate."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

NODE = "bench"
ROOT = "ocpp-twin"
_TICK_S = 0.005


class Watch:
    """Be connected for the length of a `with`."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._health: list[dict[str, Any]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.max_queued_messages_set(0)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(f"{ROOT}/bridge/{NODE}/health")
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        del client, userdata
        if message.payload:
            with self._lock:
                self._health.append(json.loads(message.payload))

    def health(self) -> list[dict[str, Any]]:
        """Return what the daemon said of itself since the last call."""
        with self._lock:
            found, self._health = self._health, []
        return found

    def forget(self) -> None:
        """Clear what the broker keeps of an earlier daemon."""
        self._client.publish(f"{ROOT}/bridge/{NODE}/health", b"", retain=True).wait_for_publish(5)
        self.health()

    def plug(self, twins: Sequence[str], rate: int, seconds: float) -> list[tuple[str, float]]:
        """Plug cables in at one twin after the other, and out in the next round; return when which was told."""
        wanted, told = round(rate * seconds), list[tuple[str, float]]()
        steps = ((twin, word) for word in itertools.cycle(("ON", "OFF")) for twin in twins)
        began = time.monotonic()
        while len(told) < wanted:
            due = min(wanted, int((time.monotonic() - began) * rate) + 1)
            for twin, word in itertools.islice(steps, due - len(told)):
                told.append((twin, time.monotonic()))
                self._client.publish(f"{ROOT}/{twin}/1/set/plugged", word, qos=1)
            time.sleep(_TICK_S)
        return told
