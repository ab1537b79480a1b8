"""Traffic in virtual time: a day passes in no time."""

from __future__ import annotations

from fakes.virtual import VirtualLoop


def pytest_asyncio_loop_factories(config, item):
    return {"virtual": VirtualLoop}
