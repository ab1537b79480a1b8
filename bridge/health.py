"""What the node says of itself: who it is, and once a minute how it is doing.

Measures the loop and the process; everything else is counted by others.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge import render
from bridge.options import MqttOptions
from bridge.ports import Fleet
from bridge.publisher import Publisher
from bridge.router import Router
from bridge.topics import Topics
from twin.fleet import Histogram
from twin.model.terms import Instant

CONTRACT = 1
_TICK_S = 0.1
_LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_STATM = Path("/proc/self/statm")


class LoopLag:
    """Measure by how much the loop is late, on a 100 ms tick. Time in seconds; `spread` is since the start."""

    def __init__(self) -> None:
        self.spread = Histogram(_LAG_S)
        self._longest_s = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure; the running loop is meant."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + _TICK_S
        self._timer = loop.call_at(self._due, self.tick)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def tick(self) -> None:
        """Note how late this tick is, and arm the next one."""
        late_s = max(0.0, asyncio.get_running_loop().time() - self._due)
        self._longest_s = max(self._longest_s, late_s)
        self.spread.observe(late_s)
        self.start()

    def take_ms(self) -> float:
        """Return the longest lag since the last call, in ms."""
        longest, self._longest_s = self._longest_s, 0.0
        return round(longest * 1000, 3)


def rss_bytes() -> int:
    """Return the memory of this process that is resident; where /proc is missing, the most there ever was."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """Say who the node is (`bridge/<node>/info`); the clock's rate may change."""

    version: str
    started_at: Instant
    clock_rate: Callable[[], float] = lambda: 1.0


class Health:
    """Publish info and health; `run` is its task."""

    def __init__(
        self,
        options: MqttOptions,
        info: NodeInfo,
        *,
        fleet: Fleet,
        publisher: Publisher,
        router: Router,
        rss: Callable[[], int] = rss_bytes,
    ) -> None:
        self._topics = Topics(options.base_topic, options.node)
        self._interval_s = options.health_interval_s
        self._info = info
        self._fleet = fleet
        self._publisher = publisher
        self._router = router
        self._rss = rss
        self.lag = LoopLag()

    async def run(self) -> None:
        """Publish info once and health at once, then in each interval, for ever."""
        self.introduce()
        self.lag.start()
        try:
            while True:
                self.report()
                await asyncio.sleep(self._interval_s)
        finally:
            self.lag.stop()

    def introduce(self) -> None:
        """Publish the info; call it again when the number of twins or the clock has changed."""
        fields = {
            "contract": CONTRACT,
            "version": self._info.version,
            "node": self._topics.node,
            "started_at": render.iso(self._info.started_at),
            "twins": len(self._fleet.ids),
            "clock_rate": self._info.clock_rate(),
            "profile": self._publisher.output.profile,
        }
        self._publisher.document(self._topics.info, render.encode(fields), qos=1)

    def report(self) -> None:
        """Publish the health as it is now."""
        counters, publisher, router = self._fleet.counters, self._publisher, self._router
        fields = {
            "twins": len(self._fleet.ids),
            "connected": counters.connected,
            "charging": counters.charging,
            "queued_messages": counters.queued_messages,
            "rss_bytes": self._rss(),
            "loop_lag_ms": self.lag.take_ms(),
            "mqtt_in_total": router.in_total,
            "mqtt_out_total": publisher.sent_total,
            "ocpp_in_total": counters.ocpp_in_total,
            "ocpp_out_total": counters.ocpp_out_total,
            "commands_refused_total": router.refused_total,
            "protocol_errors_total": counters.protocol_errors_total,
            "dropped_total": publisher.dropped_total + counters.dropped_total,
            "store_commit_ms": round(counters.store_commit_ms, 3),
        }
        self._publisher.document(self._topics.health, render.encode(fields), qos=0)
