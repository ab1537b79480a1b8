"""Which commands were taken in the last ten minutes, so that a second delivery is not done again.

The store keeps them across restarts; this is the part in memory, bounded in number and in time.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

from bridge.ports import Receipt
from twin.model.terms import Instant

_MAX = 100_000
_MAX_BYTES = 32 * 1024 * 1024
_QOS2 = "#qos2"


class Receipts:
    """Remember what was taken by topic and request id, with the data of its result."""

    def __init__(self, window_s: float, stored: Iterable[Receipt] = ()) -> None:
        self._window_s = window_s
        self._taken: OrderedDict[tuple[str, str], tuple[Instant, bytes]] = OrderedDict()
        self._bytes = 0
        for known in sorted(stored, key=lambda known: known.at):
            self.add(known)

    def find(self, topic: str, request_id: str, now: Instant) -> tuple[bool, Any]:
        """Return whether such a command was taken, and its result's data."""
        self._prune(now)
        found = self._taken.get((topic, request_id))
        return (False, None) if found is None else (True, msgspec.json.decode(found[1]))

    def add(self, taken: Receipt) -> None:
        """Remember a command as taken, or its result's data once that is known."""
        self.forget(taken.topic, taken.request_id)
        self._taken[taken.topic, taken.request_id] = (taken.at, taken.data)
        self._bytes += len(taken.data)
        while len(self._taken) > _MAX or self._bytes > _MAX_BYTES:
            self._drop_oldest()

    def forget(self, topic: str, request_id: str) -> None:
        """Forget a command that turned out not to have been taken."""
        _, data = self._taken.pop((topic, request_id), (0.0, b""))
        self._bytes -= len(data)

    def _prune(self, now: Instant) -> None:
        while self._taken and next(iter(self._taken.values()))[0] <= now - self._window_s:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, (_, data) = self._taken.popitem(last=False)
        self._bytes -= len(data)


def receipt(twin_id: str, topic: str, request_id: str, at: Instant, data: Any = None) -> Receipt:
    """Make a receipt whose data are JSON."""
    return Receipt(twin_id, topic, request_id, at, msgspec.json.encode(data))


def delivery_key(topic: str, mid: int, payload: bytes) -> tuple[str, str]:
    """Name a QoS 2 delivery that bears no request id.

    The broker repeats it after a crash that came between our commit and our PUBREC (MQTT 5 §4.3.3). No
    topic name holds a `#`, so these never meet a sender's request id.
    """
    return topic + _QOS2, f"{mid}:{zlib.crc32(payload):08x}"
