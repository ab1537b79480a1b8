"""The daemon between a broker and a Central System, each of them real."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from fakes.books import Books
from fakes.daemon import Daemon

from bridge.demo.csms import CentralSystem


@pytest.fixture
async def csms():
    async with CentralSystem() as running:
        yield running


@pytest.fixture
def books(csms):
    return Books(csms)


@pytest.fixture
def settings(tmp_path, csms):
    """Make the settings of a daemon with one twin, `garage`, that is quick to come back."""

    def make(broker_url: str, **changes: Any) -> dict[str, Any]:
        quick = {"min": "100ms", "max": "300ms"}
        return {
            "mqtt": {"url": broker_url, "meter_interval": "100ms", "health_interval": "1s", "backoff": quick},
            "csms": {"url": csms.url, "backoff": quick},
            "store": {"url": f"sqlite:///{tmp_path}/twins.db"},
            "home_assistant": {"enabled": False},
            "logs": {"format": "json"},
            "twins": [{"id": "garage", "keys": {"MeterValueSampleInterval": 1, "AllowOfflineTxForUnknownId": True}}],
        } | changes

    return make


@pytest.fixture
async def make_daemon(tmp_path):
    """Make daemons that are gone after the test."""
    async with contextlib.AsyncExitStack() as daemons:

        async def make(settings: dict[str, Any]) -> Daemon:
            return await daemons.enter_async_context(Daemon(tmp_path, settings))

        yield make


@pytest.fixture
def away(csms):
    """Let the Central System be gone for a while; it comes back on the same port."""

    @contextlib.asynccontextmanager
    async def leave():
        await csms.__aexit__(None, None, None)
        try:
            yield
        finally:
            await csms.__aenter__()

    return leave
