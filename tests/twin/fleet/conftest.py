"""All tests of the fleet run in virtual time, but those that move real files."""

from __future__ import annotations

import asyncio

import pytest
from fakes.virtual import VirtualLoop
from fakes.world import World


def pytest_asyncio_loop_factories(config, item):
    marker = item.get_closest_marker("asyncio")
    if marker is not None and marker.kwargs.get("loop_factories"):
        return {"real": asyncio.SelectorEventLoop}
    return {"virtual": VirtualLoop}


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)
