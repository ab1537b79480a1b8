"""Metrics and health of one daemon over HTTP: there before its twins, gone after them, nothing where it is off.

What is heavy is loaded when it is needed: the server with the start, Prometheus' client with the first scrape.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import structlog

from bridge.monitoring.address import address, is_loopback
from bridge.monitoring.census import CensusTaker
from bridge.monitoring.conditions import Conditions
from bridge.monitoring.options import HttpOptions
from bridge.monitoring.pages import Page, healthz, readyz
from bridge.monitoring.sources import Sources

if TYPE_CHECKING:
    from bridge.monitoring.exposition import Exposition
    from bridge.monitoring.server import Server

_log = structlog.get_logger("http")


class Monitor:
    """Serve them as an async context manager, which is entered before the twins are loaded."""

    def __init__(self, options: HttpOptions, sources: Sources) -> None:
        self._options = options
        self._sources = sources
        self._census = CensusTaker(sources.fleet, options.twins)
        self._conditions = Conditions(
            store_lost=lambda: sources.fleet.tally.store_lost,
            broker_connected=lambda: sources.publisher.is_connected,
        )
        self._server: Server | None = None
        self._exposition: Exposition | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen, if that is wanted. Raises CannotListen."""
        if self._options.enabled:
            await self._listen(self._options)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def _listen(self, options: HttpOptions) -> None:
        from bridge.monitoring.server import Server  # noqa: PLC0415 - not where HTTP is off

        pages = {
            "/metrics": self._metrics,
            "/healthz": healthz(self._conditions),
            "/readyz": readyz(self._conditions),
        }
        server = Server(options, pages)
        await server.start()
        self._server = server
        _log.info("listening", url=address(options.host, options.port))
        if not is_loopback(options.host):
            text = f"http.host is {options.host}: whoever reaches port {options.port} may read metrics and health"
            _log.info("note", text=text)

    async def loaded(self) -> None:
        """Learn that all twins are there; energy is counted from here."""
        self._conditions.loaded = True
        if self._server is not None:
            await self._census.begin()

    def stopping(self) -> None:
        """Learn that the daemon ends."""
        self._conditions.stopping = True

    async def _metrics(self, accept: str) -> Page:
        if self._exposition is None:
            exposition = await asyncio.to_thread(_exposition)
            self._exposition = exposition(self._sources, self._census, self._options)
        return await self._exposition.page(accept)


def _exposition() -> type[Exposition]:
    from bridge.monitoring.exposition import Exposition  # noqa: PLC0415 - takes a third of a second

    return Exposition
