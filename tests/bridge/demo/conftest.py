from __future__ import annotations

import pytest

from bridge.demo.broker import broker


@pytest.fixture(params=["mosquitto", "amqtt"])
async def running_broker(request, tmp_path):
    async with broker(18830, tmp_path, request.param) as running:
        yield running
