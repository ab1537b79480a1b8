from __future__ import annotations

import subprocess
import sys

import pytest
from fakes.fleet import FakeFleet
from fakes.free import free_port
from fakes.monitored import sources
from fakes.outlet import FakeOutlet
from fakes.scraping import ask, scrape

from bridge.monitoring.monitor import Monitor
from bridge.monitoring.options import HttpOptions


@pytest.fixture
async def made(tmp_path):
    """A monitor that listens, and what it reads from."""
    options = HttpOptions(enabled=True, port=free_port())
    read = sources(FakeFleet(), tmp_path)
    async with Monitor(options, read) as monitor:
        yield monitor, read, options.port


async def test_health_and_readiness_through_a_life(made):
    monitor, read, port = made
    assert (await ask(port, "/healthz")).status == 200
    early = await ask(port, "/readyz")
    assert early.status == 503
    assert [reason.partition(":")[0] for reason in early.content["missing"]] == ["the twins", "the broker"]
    await monitor.loaded()
    read.publisher.connected(FakeOutlet())
    assert (await ask(port, "/readyz")).content == {"status": "ready"}
    read.publisher.disconnected([])
    assert (await ask(port, "/readyz")).status == 503
    assert (await ask(port, "/healthz")).status == 200
    monitor.stopping()
    assert (await ask(port, "/readyz")).content["missing"] == ["the daemon: it is ending"]
    read.fleet.tally.store_lost = True
    assert (await ask(port, "/healthz")).status == 503


async def test_metrics(made):
    _, read, port = made
    read.router.in_total = 7
    assert (await scrape(port))("mqtt_received_total") == 7


async def test_nothing_listens_where_it_is_off(tmp_path):
    port = free_port()
    async with Monitor(HttpOptions(port=port), sources(FakeFleet(), tmp_path)) as monitor:
        await monitor.loaded()
        monitor.stopping()
        with pytest.raises(OSError, match="Cannot connect"):
            await ask(port, "/healthz")


async def test_nothing_listens_any_more_after_the_end(tmp_path):
    options = HttpOptions(enabled=True, port=free_port())
    async with Monitor(options, sources(FakeFleet(), tmp_path)):
        assert (await ask(options.port, "/healthz")).status == 200
    with pytest.raises(OSError, match="Cannot connect"):
        await ask(options.port, "/healthz")


def test_a_daemon_that_serves_no_http_loads_nothing_for_it():
    script = "import sys; import bridge.app; print(sorted({'aiohttp', 'prometheus_client'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() == "[]"
