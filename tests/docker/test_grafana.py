"""The dashboard of Grafana: its queries are PromQL about metrics that there are, and its provisioning finds it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from fakes.promql import groupings, selectors

from bridge.monitoring.catalogue import KINDS
from twin.model.terms import Status

FOLDER = Path(__file__).parents[2] / "docker/grafana"
DASHBOARD = json.loads((FOLDER / "dashboards/ocpp-twin.json").read_text(encoding="utf-8"))
PANELS = [inner for panel in DASHBOARD["panels"] for inner in (panel, *panel.get("panels", ()))]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel.get("targets", ())]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}

_EVERYWHERE = {"job", "instance"}
_OTHERS = {
    "up": set(),
    "ALERTS": {"alertname", "alertstate", "severity"},
    "process_start_time_seconds": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
}
KNOWN = {name: labels | _EVERYWHERE for name, labels in _OTHERS.items()}
for _kind in KINDS.values():
    names = [_kind.name]
    if _kind.type == "histogram":
        names = [f"{_kind.name}_{part}" for part in ("bucket", "sum", "count")]
    KNOWN |= {name: {*_kind.labels, *_EVERYWHERE, "le"} for name in names}


def plain(expression):
    """Return a query as Prometheus gets it."""
    return re.sub(r"\$__(rate_interval|range)", "5m", expression).replace("$instance", "a").replace("$twin", "b")


def test_every_query_is_promql(tmp_path):
    annotations = [("annotation", found["expr"]) for found in DASHBOARD["annotations"]["list"] if "expr" in found]
    rules = [
        {"record": f"query_{number}", "expr": plain(expr)} for number, (_, expr) in enumerate(QUERIES + annotations)
    ]
    (tmp_path / "queries.yaml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    program = shutil.which("promtool")
    assert program, "promtool is not installed; `make test` installs it, or says how"
    command = [program, "check", "rules", str(tmp_path / "queries.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("title", "query"), QUERIES, ids=[f"{title} {number}" for number, (title, _) in enumerate(QUERIES)]
)
def test_a_query_is_about_metrics_and_labels_that_there_are(title, query):
    found = list(selectors(plain(query)))
    assert found
    for name, labels in found:
        assert name in KNOWN
        assert labels <= KNOWN[name]
    assert groupings(query) <= set().union(*(KNOWN[name] for name, _ in found))
    assert "$instance" in query or "ALERTS" in query


def test_every_metric_is_looked_at_or_of_little_interest():
    shown = {name for _, query in QUERIES for name, _ in selectors(plain(query))}
    left_out = {kind.name for kind in KINDS.values() if not any(name.startswith(kind.name) for name in shown)}
    assert left_out == {
        *("ocpp_twin_start_time_seconds", "ocpp_twin_clock_rate", "ocpp_twin_home_assistant_twins"),
        "ocpp_twin_evse_meter_stale",
    }


def test_the_variables_are_those_that_queries_use():
    used = set(re.findall(r"\$([a-z]+)\b", " ".join(query for _, query in QUERIES)))
    assert used <= VARIABLES.keys()
    assert VARIABLES["datasource"]["query"] == "prometheus"
    for name in ("instance", "twin"):
        metric, label = re.match(
            r"label_values\(([a-z_]+)(?:\{.*\})?, ([a-z]+)\)", VARIABLES[name]["definition"]
        ).groups()
        assert label in KNOWN[metric]
    sources = {panel["datasource"]["uid"] for panel in PANELS if panel["type"] != "row"}
    assert sources == {"${datasource}"}


def test_each_panel_has_a_place_of_its_own():
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + column, place["y"] + line) for column in range(place["w"]) for line in range(place["h"])}
        assert taken.isdisjoint(cells), panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_status_has_a_colour():
    (panel,) = [panel for panel in PANELS if panel["title"] == "EVSEs by status"]
    named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    assert named == {str(status) for status in Status}


def test_the_provisioning_finds_data_and_dashboard():
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/ocpp-twin.yaml").read_text())["providers"]
    mounted = (FOLDER.parent / "compose.yaml").read_text()
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounted
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in mounted
