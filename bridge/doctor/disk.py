"""Where the store lies: can it be written there, is there room, is the database ours, and does a daemon use it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bridge.doctor.findings import Finding, note, ok, wrong
from twin.errors import StoreError
from twin.store.schema import Condition, look

_LITTLE_BYTES = 100 * 1024**2
_TOO_LITTLE_BYTES = 5 * 1024**2
_MIB = 1024**2

_SAID = {
    Condition.NEW: "there is none yet; the first start makes it",
    Condition.READY: "is ours and up to date; no daemon uses it",
    Condition.OLDER: "is ours; the next start brings its schema up to date",
    Condition.IN_USE: "a daemon uses it, which is fine if that is the one you mean",
}


def examined(database: Path, files: Path) -> tuple[list[Finding], bool]:
    """Look at the database and the folder of files; tell also whether a daemon uses them."""
    findings = list(_folder("store", database.parent.absolute()))
    if files.parent != database.parent:  # else it lies beside the database
        findings += _folder("files", files.absolute())
    try:
        condition = look(database)
    except StoreError as error:
        return [*findings, _damaged(str(error))], False
    except OSError as error:
        return [*findings, wrong("database", f"{database}: {error.strerror}", "correct store.url")], False
    if database.exists() and not os.access(database, os.R_OK | os.W_OK):
        remedy = "let the user who runs the daemon read and write it"
        findings.append(wrong("database", f"{database} cannot be written by this user", remedy))
    findings.append(ok("database", f"{database}: {_SAID[condition]}"))
    return findings, condition is Condition.IN_USE


def _damaged(sentence: str) -> Finding:
    said, _, remedy = sentence.partition(". ")
    return wrong("database", said, remedy or None)


def _folder(what: str, folder: Path) -> Iterator[Finding]:
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path("/"))
    if not there.is_dir():
        yield wrong(what, f"{there} is a file and no folder", f"correct store.{'url' if what == 'store' else 'files'}")
        return
    if not os.access(there, os.W_OK | os.X_OK):
        who = "this user" if os.geteuid() else "anybody: the file system is read-only"
        remedy = "give the user who runs the daemon write access, or set store.url to another place"
        yield wrong(what, f"{there} cannot be written by {who}", remedy)
        return
    free = shutil.disk_usage(there).free
    said = f"{folder}: {free / _MIB:.0f} MiB are free"
    if free < _TOO_LITTLE_BYTES:
        yield wrong(what, said, "free some space: a daemon whose database cannot grow ends")
    elif free < _LITTLE_BYTES:
        yield note(what, said, "free some space soon: a daemon whose database cannot grow ends")
    else:
        yield ok(what, said)
