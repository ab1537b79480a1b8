import sqlite3

import pytest

from twin.errors import StoreError
from twin.store.schema import Condition, explain, look
from twin.store.sqlite import SqliteStore


async def test_the_conditions_of_a_database(tmp_path):
    path = tmp_path / "main.db"
    assert look(path) is Condition.NEW
    assert not path.exists()
    store = SqliteStore(path)
    store.load()
    assert look(path) is Condition.IN_USE
    await store.close()
    assert look(path) is Condition.READY
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert look(path) is Condition.OLDER


@pytest.mark.parametrize(
    ("statement", "said"),
    [("PRAGMA user_version = 99", "is newer than this program's"), ("PRAGMA application_id = 7", "another program")],
)
async def test_a_database_that_is_of_no_use(tmp_path, statement, said):
    path = tmp_path / "main.db"
    await SqliteStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(StoreError, match=said):
        look(path)


def test_what_is_no_database(tmp_path):
    (tmp_path / "main.db").write_bytes(b"twins: []\n" * 1000)
    with pytest.raises(StoreError, match="damaged or no SQLite database"):
        look(tmp_path / "main.db")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (sqlite3.SQLITE_FULL, "the disk is full. Free some space"),
        (sqlite3.SQLITE_IOERR, "Look whether it is full, limited (ulimit -f, a quota) or failing"),
        (sqlite3.SQLITE_READONLY, "it cannot be written"),
        (sqlite3.SQLITE_BUSY, "another process uses it"),
        (sqlite3.SQLITE_NOMEM, "check the disk and the file"),
    ],
)
def test_what_an_error_of_sqlite_means(tmp_path, code, said):
    error = sqlite3.OperationalError("some words")
    error.sqlite_errorcode = code
    assert said in explain(error, tmp_path)
