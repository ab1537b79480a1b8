from __future__ import annotations

import asyncio

import pytest
from fakes.fleet import FakeFleet
from fakes.outlet import FakeOutlet

from bridge.health import Health, LoopLag, NodeInfo, rss_bytes
from bridge.options import MqttOptions
from bridge.payloads import Health as HealthPayload
from bridge.payloads import Info
from bridge.publisher import Publisher
from bridge.router import Router

OPTIONS = MqttOptions()


@pytest.fixture
async def outlet():
    fleet = FakeFleet()
    publisher = Publisher(OPTIONS, now=lambda: 0.0)
    router = Router(OPTIONS, fleet, publisher, now=lambda: 0.0)
    taken = FakeOutlet()
    publisher.connected(taken)
    health = Health(
        OPTIONS, NodeInfo("1.2.3", 0.0), fleet=fleet, publisher=publisher, router=router, rss=lambda: 1_000_000
    )
    task = asyncio.create_task(health.run())
    await asyncio.sleep(0)
    publisher._hand_over()
    yield taken
    task.cancel()


async def test_both_are_published_at_once(outlet):
    (info,) = outlet.on("ocpp-twin/bridge/main/info")
    assert (Info.model_validate(info).twins, info["profile"]) == (2, "home")
    assert (info["contract"], info["version"], info["started_at"]) == (1, "1.2.3", "1970-01-01T00:00:00.000Z")
    (health,) = outlet.on("ocpp-twin/bridge/main/health")
    shown = HealthPayload.model_validate(health)
    assert (shown.twins, shown.connected, shown.queued_messages, shown.rss_bytes) == (2, 1, 7, 1_000_000)
    assert (shown.store_commit_ms, shown.dropped_total) == (1.235, 2)
    assert [(message.qos, message.retain) for message in outlet.sent if "health" in message.topic] == [(0, True)]


async def test_the_longest_lag_since_the_last_time(monkeypatch):
    loop = asyncio.get_running_loop()
    now = 100.0
    monkeypatch.setattr(loop, "time", lambda: now)
    lag = LoopLag()
    lag.start()
    for late in (0.2, 0.05):
        now += 0.1 + late
        lag.tick()
    assert lag.take_ms() == 200.0
    assert lag.take_ms() == 0.0
    lag.stop()


def test_memory_is_measured():
    assert rss_bytes() > 1_000_000


def test_memory_is_measured_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr("bridge.health._STATM", tmp_path / "missing")
    assert rss_bytes() > 1_000_000
