"""The benchmark measures something, with a handful of twins; its figures are looked at, not their size."""

import math

import pytest

from benchmarks import report, rounds
from benchmarks.rounds import Load

LOAD = Load(exchanges=100, plugs=50, seconds=0.4, settle_s=0.1)
COUNT = 5


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    kinds = {
        "bare": [rounds.bare(COUNT, LOAD, tmp_path_factory.mktemp("bare"))],
        "daemon": [rounds.daemon(COUNT, LOAD, tmp_path_factory.mktemp("daemon"))],
    }
    return report.document({COUNT: kinds}, LOAD)


def test_nothing_is_missing(found):
    figures = found["twins"][str(COUNT)]["median"]["daemon"]
    assert figures["exchanges_missing"] == figures["plugs_missing"] == 0
    assert all(math.isfinite(value) for value in figures.values())


def test_every_row_of_the_table_has_a_figure(found):
    lines = report.table(found).splitlines()
    assert lines[0] == "| | 5 twins | bare | ratio |"
    assert all(line.split("|")[2].strip() for line in lines[2:])


def test_the_page_names_versions_but_no_machine(found, tmp_path):
    path = report.write(found, tmp_path)
    for text in (path.read_text(), path.with_suffix(".json").read_text()):
        assert "websockets" in text
        assert "/" not in text.replace(" / ", "").replace("µs/", "").replace("Linux/", "")


def test_each_command_is_joined_with_the_status_that_it_caused():
    told = [("a", 1.0), ("b", 2.0), ("a", 3.0)]
    heard = [("b", 2.5), ("a", 1.25), ("x", 9.0), ("a", 4.0)]
    assert list(rounds._delays(told, heard)) == [0.5, 0.25, 1.0]
