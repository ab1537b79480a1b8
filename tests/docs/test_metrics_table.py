"""The page of metrics says what the endpoint says."""

import re

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from bridge.monitoring.catalogue import KINDS
from docs.metrics_table import PROCESS, text


def test_each_metric_has_a_row():
    rows = re.findall(r"^\| `([a-z_]+)` \| (gauge|counter|histogram) \|", text(), re.MULTILINE)
    assert dict(rows).items() >= {(kind.name, kind.type) for kind in KINDS.values()}
    assert len(rows) == len(dict(rows))


def test_the_rows_of_the_process_are_those_that_there_are():
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    found = {f"{one.name}_total" if one.type == "counter" else one.name: one.type for one in registry.collect()}
    assert found == {kind.name: kind.type for kind in PROCESS}


def test_words_do_not_break_the_table():
    assert all(line.count(" |") == 4 for line in text().splitlines() if line.startswith("| `ocpp_twin_"))
