"""Opens a database file and brings it to the newest schema, or says in a sentence why that cannot be.

The schema stands in numbered files beside this one; `user_version` holds the number of the last one applied.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from enum import StrEnum
from importlib import resources
from pathlib import Path

from twin.errors import StoreError

APPLICATION_ID = 0x4F545754
"""Marks a file as ours ("OTWT") in SQLite's header."""

BUSY_TIMEOUT_S = 1.0


def open_database(path: Path) -> sqlite3.Connection:
    """Open `path` for this process alone, creating folder and file where missing; raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Passwords (AuthorizationKey) are in there; SQLite gives its -wal file the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"cannot open the database {path}: {error.strerror}. {_remedy(error)}.") from error
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(explain(error, path)) from error
    except StoreError:
        connection.close()
        raise
    return connection


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EISDIR:
            return "Name a file in this folder in store.url"
        case errno.EEXIST | errno.ENOTDIR:
            return "A part of this path is a file and no folder: correct store.url"
        case errno.EROFS:
            return "Let the file system be writable, or set store.url to a place that is"
        case errno.ENOSPC | errno.EDQUOT:
            return "Free some space and start the daemon again"
        case _:
            return "Give the daemon's user write access to this file and its folder, or set store.url to another place"


class Condition(StrEnum):
    """Say in which condition a database is that could be opened."""

    NEW = "new"
    """There is none yet: the first start makes it."""
    READY = "ready"
    OLDER = "older"
    """Its schema is older than this program's: the next start brings it up to date."""
    IN_USE = "in use"
    """A daemon has it open."""


def look(path: Path) -> Condition:
    """Say in which condition a database is, and change nothing; raises StoreError for one that is of no use."""
    if not path.exists() or not path.stat().st_size:
        return Condition.NEW
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
        with closing(connection):
            version = _checked_version(connection, path)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return Condition.IN_USE
        raise StoreError(explain(error, path)) from error
    return Condition.READY if version == len(_scripts()) else Condition.OLDER


def explain(error: sqlite3.Error, path: Path) -> str:
    """Say what an error of SQLite means to the operator."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            why = "another process uses it. Stop the other daemon, or give this one a store.url of its own"
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            why = "it is damaged or no SQLite database. Restore a backup, or move the file away to start afresh"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            why = "it cannot be written. Give the daemon's user write access to this file and its folder"
        case sqlite3.SQLITE_FULL:
            why = "the disk is full. Free some space and start the daemon again"
        case sqlite3.SQLITE_IOERR:
            why = "the disk refuses it. Look whether it is full, limited (ulimit -f, a quota) or failing"
        case _:
            why = "check the disk and the file"
    return f"cannot use the database {path}: {why} (SQLite: {error})."


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Exclusive mode before the first access: the file stays locked until we close it or die, kill -9 included.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    version = _checked_version(connection, path)
    for number, script in list(enumerate(_scripts(), start=1))[version:]:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {number};\nCOMMIT;"
        )


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        raise StoreError(
            f"cannot use the database {path}: it belongs to another program. Set store.url to a file of our own."
        )
    known = len(_scripts())
    if version > known:
        raise StoreError(
            f"cannot use the database {path}: its schema {version} is newer than this program's {known}. "
            f"Install the newer version again, or set store.url to another file."
        )
    return int(version)


def _scripts() -> list[str]:
    folder = resources.files("twin.store") / "schema"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [file.read_text(encoding="utf-8") for file in files]
