"""The benchmark measures something, with a handful of twins; its figures are looked at, not their size."""

import math
from importlib.util import find_spec

import pytest

from benchmarks import report
from benchmarks.__main__ import Step, arguments, measured, plan
from benchmarks.goals import GOALS, medians
from benchmarks.parts import PARTS
from benchmarks.scene import PHASES, Load

LOAD = Load(exchanges=100, commands=50, seconds=0.4, settle_s=0.1, turns=1)
FEW = Load(exchanges=100, commands=50, seconds=0.4, settle_s=0.1, phases=frozenset({"exchange"}))
STEPS = [Step("fleet", 2, FEW), *(Step(name, 5, LOAD) for name in PARTS)]


@pytest.fixture(scope="module")
def found():
    return report.document(measured(STEPS, 1, 1.0), LOAD, [0.5, 1.5])


def test_every_goal_has_a_figure(found):
    no_figure = {goal.title for goal in GOALS if math.isnan(goal.measured(medians(found))[0])}
    assert no_figure == (set() if find_spec("benchmarks.day") else {"1,000 twins' day in virtual time, CPU"})


def test_nothing_is_lost(found):
    figures = medians(found)
    fleet, isolation = figures["fleet/5"], figures["isolation/5"]
    assert fleet["exchanges_missing"] == fleet["commands_missing"] == fleet["handshakes_failed"] == 0
    assert all(isolation[f"{kind}_missing"] == 0 for kind in ("flood", "slow", "large", "mqtt"))
    assert all(isolation[f"{kind}_sent"] > 0 for kind in ("flood", "slow", "large", "mqtt"))


def test_a_sample_has_its_state_on_mqtt(found):
    assert medians(found)["fleet/5"]["meters_messages_each"] >= 0.9


def test_the_page_names_versions_but_no_machine(found, tmp_path):
    path = report.write(found, tmp_path)
    for text in (path.read_text(), path.with_suffix(".json").read_text()):
        assert "websockets" in text
        assert "/home" not in text
        assert "/tmp" not in text
    assert "not measured" not in path.read_text().replace("day in virtual time, CPU, s | not measured", "")
    assert "Load average before and after: 0.5 and 1.5." in path.read_text()


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ("--only codec", [("codec", 0)]),
        ("--only memory,boot", [("fleet", 100), ("fleet", 1000), ("fleet", 3000), ("fleet", 10_000)]),
        ("--only idle --twins 500 --sweep 50", [("fleet", 50), ("fleet", 500)]),
        ("--only tls,day --twins 500", [("tls", 500), ("day", 100)]),
    ],
)
def test_parts_are_chosen(words, steps):
    assert [(step.part, step.count) for step in plan(arguments(words.split()))] == steps


def test_memory_alone_needs_no_traffic():
    assert {step.load.phases for step in plan(arguments(["--only", "memory"]))} == {frozenset()}
    assert plan(arguments(["--only", "fleet"]))[-1].load.phases == frozenset(PHASES)


def test_an_unknown_part_is_told(capsys):
    with pytest.raises(SystemExit):
        arguments(["--only", "speed"])
    assert "speed" in capsys.readouterr().err
