"""The configuration of Prometheus, and its alerts: sound, about metrics that there are, and firing when they should."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from fakes.promql import groupings, selectors

from bridge.monitoring.catalogue import KINDS

FOLDER = Path(__file__).parents[2] / "docker/prometheus"
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
TEMPLATE = re.compile(r"\$labels\.([a-z_]+)")

OTHERS = {
    "up": {"job", "instance"},
    "process_start_time_seconds": {"job", "instance"},
    "process_open_fds": {"job", "instance"},
    "process_max_fds": {"job", "instance"},
}


def promtool(*arguments):
    program = shutil.which("promtool")
    assert program, "promtool is not installed; `make test` installs it, or says how"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_configuration_is_sound_with_its_rules():
    code, said = promtool("check", "config", str(FOLDER / "prometheus.yml"))
    assert (code, f"{len(RULES)} rules found" in said) == (0, True), said


def test_the_daemon_is_scraped_where_the_stack_has_it():
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    scraped = {job["job_name"]: job["static_configs"][0]["targets"] for job in configuration["scrape_configs"]}
    assert scraped["ocpp-twin"] == ["ocpp-twin:9580"]


def test_alerts_fire_when_they_should(tmp_path):
    bare = {"groups": [group | {"rules": [_bare(rule) for rule in group["rules"]]} for group in ALERTS["groups"]]}
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(bare))
    shutil.copy(Path(__file__).parent / "alerts.test.yaml", tmp_path)
    code, said = promtool("test", "rules", str(tmp_path / "alerts.test.yaml"))
    assert code == 0, said


def _bare(rule):
    return {name: value for name, value in rule.items() if name != "annotations"}


def test_each_alert_is_tested():
    cases = yaml.safe_load((Path(__file__).parent / "alerts.test.yaml").read_text(encoding="utf-8"))
    fired = {test["alertname"] for case in cases["tests"] for test in case["alert_rule_test"] if test["exp_alerts"]}
    assert fired == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics_and_labels_that_there_are(rule):
    known = {kind.name: {*kind.labels, "job", "instance"} for kind in KINDS.values()} | OTHERS
    histograms = {
        f"{kind.name}_bucket": {"le", "job", "instance"} for kind in KINDS.values() if kind.type == "histogram"
    }
    known |= histograms
    found = list(selectors(rule["expr"]))
    assert found
    for name, labels in found:
        assert name in known, rule["alert"]
        assert labels <= known[name]
    all_labels = set().union(*(known[name] for name, _ in found))
    assert groupings(rule["expr"]) <= all_labels
    assert set(TEMPLATE.findall(str(rule["annotations"]))) <= all_labels


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_what_to_do(rule):
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert all(len(text) > 20 for text in rule["annotations"].values())
