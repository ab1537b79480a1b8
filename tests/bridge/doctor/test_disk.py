import os
import shutil
from typing import NamedTuple

import pytest

from bridge.doctor import disk
from bridge.doctor.findings import Verdict
from twin.store.sqlite import SqliteStore


class Usage(NamedTuple):
    """What `shutil.disk_usage` returns, as far as it is read."""

    free: int


def look(path, files=None):
    findings, in_use = disk.examined(path, files or path.with_suffix(".files"))
    return {finding.what: finding for finding in findings}, in_use


async def test_a_database_that_is_not_there_yet_and_one_that_is(tmp_path):
    path = tmp_path / "new" / "main.db"
    found, in_use = look(path)
    assert (found["database"].verdict, in_use) == (Verdict.OK, False)
    assert "the first start makes it" in found["database"].said
    assert not path.parent.exists()
    await SqliteStore(path).close()
    assert "up to date" in look(path)[0]["database"].said


async def test_a_database_that_a_daemon_uses(tmp_path):
    store = SqliteStore(tmp_path / "main.db")
    found, in_use = look(tmp_path / "main.db")
    assert in_use
    assert found["database"].verdict is Verdict.OK
    assert "a daemon uses it" in found["database"].said
    await store.close()


def test_what_is_no_database(tmp_path):
    (tmp_path / "main.db").write_bytes(b"twins: []\n" * 1000)
    found = look(tmp_path / "main.db")[0]["database"]
    assert found.verdict is Verdict.WRONG
    assert found.remedy.startswith("Restore a backup")


def test_a_folder_that_is_a_file_or_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    found = look(tmp_path / "file" / "main.db")[0]
    assert (found["store"].verdict, found["store"].remedy) == (Verdict.WRONG, "correct store.url")
    monkeypatch.setattr(os, "access", lambda *_: False)  # for root everything is writable
    found = look(tmp_path / "main.db")[0]
    assert found["store"].verdict is Verdict.WRONG
    assert "write access" in found["store"].remedy


def test_files_have_a_line_where_they_lie_elsewhere(tmp_path):
    assert set(look(tmp_path / "main.db")[0]) == {"store", "database"}
    assert set(look(tmp_path / "main.db", tmp_path / "a" / "b")[0]) == {"store", "files", "database"}


@pytest.mark.parametrize(("mib", "verdict"), [(1, "wrong"), (50, "note"), (500, "ok")])
def test_a_disk_that_fills_up(tmp_path, monkeypatch, mib, verdict):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(mib * 1024**2))
    assert look(tmp_path / "main.db")[0]["store"].verdict == verdict
