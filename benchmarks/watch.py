"""The driver's own MQTT client: reads what the daemon says of itself, plugs cables in and out, and swipes cards."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

NODE = "bench"
ROOT = "ocpp-twin"
CARD = "04A2B3C4"
_DISCOVERY = "homeassistant/device/+/config"
_TICK_S = 0.005


class Watch:
    """Be connected for the length of a `with`."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._health: list[dict[str, Any]] = []
        self._discovered: list[float] = []
        self._reloads: list[dict[str, Any]] = []
        self._node = f"{ROOT}/bridge/{NODE}"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(1000)
        self._client.on_message = self._on_message
        filters = [(name, 0) for name in (f"{self._node}/health", f"{self._node}/response/reload", _DISCOVERY)]
        self._client.on_connect = lambda client, *_: client.subscribe(filters)
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        del client, userdata
        with self._lock:
            if message.topic.endswith("/config"):
                self._discovered.append(time.monotonic())
            elif message.topic.endswith("/reload"):
                self._reloads.append(json.loads(message.payload))
            elif message.payload:
                self._health.append(json.loads(message.payload))

    def health(self) -> list[dict[str, Any]]:
        """Return what the daemon said of its health since the last call."""
        with self._lock:
            found, self._health = self._health, []
        return found

    def reload(self, timeout_s: float) -> dict[str, Any]:
        """Have the daemon read its configuration again; return its answer. Raises TimeoutError."""
        end = time.monotonic() + timeout_s
        self._client.publish(f"{self._node}/request/reload", b"{}", qos=1)
        while time.monotonic() < end:
            with self._lock:
                if self._reloads:
                    return self._reloads.pop()
            time.sleep(_TICK_S)
        raise TimeoutError("the daemon did not read its configuration again")

    def discovered(self) -> list[float]:
        """Return when Home Assistant was told of twins."""
        with self._lock:
            return list(self._discovered)

    def forget(self) -> None:
        """Clear what the broker keeps of an earlier daemon."""
        self._client.publish(f"{self._node}/health", b"", retain=True).wait_for_publish(5)
        self.health()

    def plug(self, twins: Sequence[str], rate: int, seconds: float) -> list[tuple[str, float]]:
        """Plug cables in at one twin after the other, and out in the next round; return when which was told."""
        steps = ((twin, "1/set/plugged", word) for word in itertools.cycle(("ON", "OFF")) for twin in twins)
        return self._paced(itertools.islice(steps, round(rate * seconds)), rate)

    def charge(self, twins: Sequence[str], rate: int) -> None:
        """Have all twins charge at their first EVSE."""
        words = (("1/set/plugged", "ON"), ("1/cmd/swipe", CARD))
        self._paced(((twin, topic, word) for twin in twins for topic, word in words), rate * len(words))

    def _paced(self, steps: Iterable[tuple[str, str, str]], rate: int) -> list[tuple[str, float]]:
        told: list[tuple[str, float]] = []
        began, waiting = time.monotonic(), iter(steps)
        while True:
            due = int((time.monotonic() - began) * rate) + 1
            some = list(itertools.islice(waiting, due - len(told))) if due > len(told) else None
            if some is not None and not some:
                return told
            for twin, topic, word in some or ():
                told.append((twin, time.monotonic()))
                self._client.publish(f"{ROOT}/{twin}/{topic}", word, qos=1)
            time.sleep(_TICK_S)
