"""What stands in the file that a Central System gets when it asks for a log."""

from __future__ import annotations

import json
import zipfile

from fakes.twins import NOON, Bench

from twin.fleet import logfile
from twin.model.effects import Deliver
from twin.model.spec import TwinSpec
from twin.model.terms import LogKind


def test_sec_25_bounds_beyond_any_calendar_are_taken(tmp_path):
    """`0001-01-01` and `9999-12-31` are usual for "all of it"; on our clock they may be a little beyond that."""
    oldest, latest = -62_135_596_800.0 - 60, 253_402_300_799.0 + 60
    job = Deliver("j", "http://files.example/", "log.zip", LogKind.SECURITY, oldest, latest)
    path = tmp_path / "log.zip"
    view = Bench().twin.view(NOON)
    logfile.write(path, job, TwinSpec(id="cp1", identity="CP1"), view, [(NOON, b'{"event":"a"}')], NOON, lambda it: it)
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read("about.json"))
        assert json.loads(archive.read("log.jsonl"))["event"] == "a"
    assert (about["from"][:4], about["to"][:4]) == ("0001", "9999")
