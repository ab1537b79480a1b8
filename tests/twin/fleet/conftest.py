"""All tests of the fleet run in virtual time."""

from __future__ import annotations

import pytest
from fakes.virtual import VirtualLoop
from fakes.world import World


def pytest_asyncio_loop_factories():
    return {"virtual": VirtualLoop}


@pytest.fixture
def world() -> World:
    return World()
