from __future__ import annotations

import pytest
from fakes.fleet import FakeFleet
from fakes.monitored import sources
from fakes.scraping import Samples

from bridge.monitoring.census import CensusTaker
from bridge.monitoring.exposition import Exposition
from bridge.monitoring.options import HttpOptions

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture
async def exposition(tmp_path):
    fleet = FakeFleet()
    return Exposition(sources(fleet, tmp_path), CensusTaker(fleet), HttpOptions())


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/html", "text/plain; version=0.0.4"),
        ("application/openmetrics-text; version=abc", "text/plain; version=0.0.4"),
        ("text/plain; version=1.x", "text/plain; version=0.0.4"),
        (";;=,,", "text/plain; version=0.0.4"),
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0"),
        (
            f"{OPEN_METRICS};q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
            "application/openmetrics-text; version=1.0.0",
        ),
    ],
)
async def test_the_format_is_the_one_that_was_asked_for(exposition, accept, kind):
    page = await exposition.page(accept)
    assert page.status == 200
    assert page.kind.startswith(kind)
    assert page.body.endswith(b"# EOF\n") == ("openmetrics" in kind)


async def test_the_process_is_shown_beside_the_twins(exposition):
    found = Samples((await exposition.page("")).body.decode())
    assert found("twins") == 2
    names = found.names()
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"} <= names.keys()
    assert {"python_info", "python_gc_collections_total"} <= names.keys()


async def test_each_scrape_reads_anew(exposition):
    before = Samples((await exposition.page("")).body.decode())
    exposition._sources.router.in_total += 3
    after = Samples((await exposition.page("")).body.decode())
    assert (before("mqtt_received_total"), after("mqtt_received_total")) == (0, 3)
