"""The page that Prometheus reads: our families, and those of the process, in the format that was asked for.

Values are read in the event loop, where they are consistent; the text is written in a thread, which for ten thousand
twins with series of their own takes a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bridge.monitoring.census import CensusTaker
from bridge.monitoring.families import families
from bridge.monitoring.options import HttpOptions
from bridge.monitoring.pages import Page
from bridge.monitoring.sources import Sources


class _Read(Collector):
    """Be a collector of what was read already."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


class Exposition:
    """Make the page; `census` is asked for what is to be seen by a look at all twins only."""

    def __init__(self, sources: Sources, census: CensusTaker, options: HttpOptions) -> None:
        self._sources = sources
        self._census = census
        self._options = options
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)

    async def page(self, accept: str) -> Page:
        """Return all metrics in the OpenMetrics or Prometheus format, as the Accept header says."""
        ours = await families(self._sources, await self._census.take(), self._options)
        write, kind = _encoder(accept)

        def text() -> bytes:
            return write(_Read([*ours, *self._process.collect()]))

        return Page(200, kind, await asyncio.to_thread(text))


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # the version that it names is none
        return choose_encoder("")
