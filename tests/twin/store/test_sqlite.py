from __future__ import annotations

import asyncio
import itertools
import sqlite3
from importlib import resources
from pathlib import Path

import pytest
from fakes.store import MemoryStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.errors import StoreError
from twin.store.port import (
    Change,
    ClockMark,
    DropAdded,
    Entries,
    ForgetReceipts,
    ForgetTwin,
    PruneJournal,
    PutAdded,
    PutJournal,
    PutNode,
    Receipt,
    Store,
    StoredTwin,
)
from twin.store.schema import APPLICATION_ID
from twin.store.sqlite import SqliteStore, open_store
from twin.turn import DropReport, DropState, PutReport, PutState


async def commit(store: Store, *batch: Change) -> StoreError | None:
    future: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
    store.commit(list(batch), future.set_result)
    return await future


async def read(store: Store, twin_id: str) -> StoredTwin | StoreError:
    future: asyncio.Future[StoredTwin | StoreError] = asyncio.get_running_loop().create_future()
    store.read(twin_id, future.set_result)
    return await future


async def journal(store: Store, twin_id: str, kind: str, oldest=None, latest=None) -> Entries | StoreError:
    future: asyncio.Future[Entries | StoreError] = asyncio.get_running_loop().create_future()
    store.read_journal(twin_id, kind, oldest, latest, future.set_result)
    return await future


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "main.db"


async def test_a_fresh_store_is_empty_and_counts_its_starts(path):
    store = SqliteStore(path)
    contents = store.load()
    assert (contents.twins, contents.receipts, contents.clock, contents.added, contents.starts) == ({}, [], None, {}, 1)
    await store.close()
    store = SqliteStore(path)
    assert store.load().starts == 2
    await store.close()


async def test_everything_is_back_after_a_restart(path):
    store = SqliteStore(path)
    receipt = Receipt("garage", "garage/1/cmd/swipe", "r1", 100.0, b"null")
    error = await commit(
        store,
        ("garage", PutState("station", b"{}")),
        ("garage", PutState("evse/1", b"old")),
        ("garage", PutState("evse/1", b"new")),
        ("garage", PutReport(2, b"two")),
        ("garage", PutReport(1, b"one")),
        receipt,
        ClockMark(100.0, 160.0),
        PutAdded("late", b"{'id': 'late'}"),
        PutNode("cleared", b"1"),
        PutNode("cleared", b"2"),
    )
    assert error is None
    await store.close()

    store = SqliteStore(path)
    contents = store.load()
    assert contents.twins == {
        "garage": StoredTwin({"station": b"{}", "evse/1": b"new"}, [(1, b"one"), (2, b"two")]),
    }
    assert contents.receipts == [receipt]
    assert contents.clock == ClockMark(100.0, 160.0)
    assert contents.added == {"late": b"{'id': 'late'}"}
    assert contents.node == {"cleared": b"2"}
    await store.close()


async def test_within_a_batch_the_order_counts(path):
    store = SqliteStore(path)
    await commit(store, ("a", PutState("x", b"1")), ("a", PutReport(1, b"1")))
    await commit(
        store,
        ("a", PutState("x", b"2")),
        ("b", PutState("x", b"2")),
        ForgetTwin("a"),
        ("a", PutState("y", b"3")),
        ("b", DropState("x")),
        ("b", DropReport(9)),
        PutAdded("c", b"c"),
        DropAdded("c"),
    )
    contents = store.load()
    assert contents.twins == {"a": StoredTwin({"y": b"3"})}
    assert contents.added == {}
    await store.close()


async def test_reading_sees_every_batch_committed_before(path):
    store = SqliteStore(path)
    store.commit([("a", PutState("x", b"1")), ("a", PutReport(3, b"r"))], lambda _: None)
    assert await read(store, "a") == StoredTwin({"x": b"1"}, [(3, b"r")])
    assert await read(store, "nobody") == StoredTwin()
    await store.close()


async def test_sec_21_a_log_is_kept_in_the_order_of_time_and_read_by_window(path):
    store = SqliteStore(path)
    entries = [(1.0, 7, b"a"), (2.0, 8, b"b"), (2.0, 9, b"c"), (3.0, 1, b"d")]
    puts = [PutJournal("garage", "Security", *entry) for entry in entries]
    others = [PutJournal("garage", "Diagnostics", 2.0, 8, b"other"), PutJournal("office", "Security", 2.0, 8, b"other")]
    assert await commit(store, *reversed(puts), *others) is None
    await store.close()

    store = SqliteStore(path)
    assert await journal(store, "garage", "Security") == [(at, entry) for at, _, entry in entries]
    assert await journal(store, "garage", "Security", 2.0, 2.0) == [(2.0, b"b"), (2.0, b"c")]
    assert await journal(store, "garage", "Security", oldest=2.5) == [(3.0, b"d")]
    assert await journal(store, "garage", "Security", latest=1.5) == [(1.0, b"a")]
    await commit(store, PutJournal("garage", "Security", 4.0, 1, b"e"), PruneJournal("garage", "Security", 2))
    assert await journal(store, "garage", "Security") == [(3.0, b"d"), (4.0, b"e")]
    assert await journal(store, "garage", "Diagnostics") == [(2.0, b"other")]
    await commit(store, PutJournal("garage", "Security", 5.0, 1, b"f"), ForgetTwin("garage"))
    assert await journal(store, "garage", "Security") == []
    assert await journal(store, "office", "Security") == [(2.0, b"other")]
    await store.close()


async def test_a_database_of_the_first_version_is_brought_up_to_date(path):
    first = (resources.files("twin.store") / "schema" / "0001_first.sql").read_text(encoding="utf-8")
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.executescript(
            f"{first}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
            "INSERT INTO part VALUES ('garage', 'station', x'7b7d'); UPDATE clock SET starts = 6;"
        )
    connection.close()
    store = SqliteStore(path)
    contents = store.load()
    assert (contents.twins, contents.starts) == ({"garage": StoredTwin({"station": b"{}"})}, 7)
    assert await commit(store, PutJournal("garage", "x", 1.0, 1, b"entry")) is None
    assert await journal(store, "garage", "x") == [(1.0, b"entry")]
    await store.close()


async def test_old_receipts_are_forgotten(path):
    store = SqliteStore(path)
    old, new = (Receipt("a", "a/cmd/swipe", name, at, b"") for name, at in (("old", 1.0), ("new", 2.0)))
    await commit(store, old, new, ForgetReceipts(before=2.0))
    assert store.load().receipts == [new]
    await store.close()


async def test_callbacks_run_in_the_loop_and_in_order(path):
    store = SqliteStore(path)
    loop = asyncio.get_running_loop()
    seen: list[int] = []
    finished = loop.create_future()

    def done(number: int) -> None:
        assert asyncio.get_running_loop() is loop
        seen.append(number)
        if number == 9:
            finished.set_result(None)

    for number in range(10):
        store.commit([("a", PutState("x", b"%d" % number))], lambda _, number=number: done(number))
    await finished
    assert seen == list(range(10))
    await store.close()


@pytest.mark.parametrize("unstorable", [("a", PutReport(2**64, b"")), Receipt("a", "t", "\ud800", 1.0, b"")])
async def test_a_batch_is_stored_whole_or_not_at_all(path, unstorable):
    store = SqliteStore(path)
    await commit(store, ("a", PutState("x", b"1")))
    error = await commit(store, ("a", PutState("x", b"2")), unstorable)
    assert isinstance(error, StoreError)
    assert "cannot store a value" in str(error)
    assert await read(store, "a") == StoredTwin({"x": b"1"})
    await store.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_defect_in_the_writer_is_told_and_does_not_hang(path):
    store = SqliteStore(path)
    error = await commit(store, object())  # type: ignore[arg-type]
    assert isinstance(error, StoreError)
    assert "writer failed" in str(error)
    await store.close()


async def test_a_commit_that_fails_twice_is_told_with_a_sentence(path, monkeypatch):
    monkeypatch.setattr("twin.store.sqlite.RETRY_AFTER_S", 0.0)
    store = SqliteStore(path)
    store._connection.execute("PRAGMA max_page_count = 10")
    error = await commit(store, ("a", PutState("x", bytes(100_000))))
    assert isinstance(error, StoreError)
    assert "the disk is full" in str(error)
    assert await commit(store, ("a", PutState("x", b"small"))) is None
    await store.close()


async def test_a_commit_that_fails_once_is_tried_again(path, monkeypatch):
    monkeypatch.setattr("twin.store.sqlite.RETRY_AFTER_S", 0.0)
    store = SqliteStore(path)
    store._connection.execute("PRAGMA max_page_count = 10")
    real, attempts = store._transact, []

    def transact(batch: list[Change]) -> None:
        attempts.append(len(attempts))
        if len(attempts) == 2:
            store._connection.execute("PRAGMA max_page_count = 10000")
        real(batch)

    monkeypatch.setattr(store, "_transact", transact)
    assert await commit(store, ("a", PutState("x", bytes(100_000)))) is None
    assert attempts == [0, 1]
    await store.close()


async def test_a_second_process_is_refused(path):
    store = SqliteStore(path)
    with pytest.raises(StoreError, match="another process uses it"):
        SqliteStore(path)
    await store.close()
    second = SqliteStore(path)
    await second.close()


def test_a_database_that_is_locked_is_refused(path):
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="Stop the other daemon"):
        SqliteStore(path)
    other.close()


async def test_a_database_newer_than_the_program_is_refused(path):
    await SqliteStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"its schema 99 is newer than this program's \d+\. Install"):
        SqliteStore(path)


def test_another_programs_database_is_refused(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StoreError, match="belongs to another program"):
        SqliteStore(path)


def test_a_file_that_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"twins: []\n" * 1000)
    with pytest.raises(StoreError, match="damaged or no SQLite database"):
        SqliteStore(path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot open the database .*is a file and no folder: correct store\.url"):
        SqliteStore(tmp_path / "file" / "main.db")
    with pytest.raises(StoreError, match=r"Is a directory\. Name a file in this folder in store\.url"):
        SqliteStore(tmp_path)
    with pytest.raises(StoreError, match=r"Give the daemon's user write access"):
        SqliteStore(Path("/proc/none/main.db"))


async def test_the_file_is_for_its_owner_only(path):
    store = SqliteStore(path)
    store.load()
    assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}
    await store.close()
    await store.close()


@pytest.mark.parametrize("url", ["", "main.db", "sqlite://", "sqlite:///", "postgres:///x", "sqlite:/x"])
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(StoreError, match="is not understood"):
        open_store(url)


async def test_a_url_names_an_absolute_or_a_relative_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for url in (f"sqlite:///{tmp_path}/absolute.db", "sqlite:///folder/relative.db"):
        await open_store(url).close()
    assert (tmp_path / "absolute.db").is_file()
    assert (tmp_path / "folder" / "relative.db").is_file()


TWIN = st.sampled_from(["a", "b"])
NAME = st.sampled_from(["x", "y"])
DATA = st.sampled_from([b"", b"1", b"2"])
SEQ = st.integers(1, 3)
CHANGE = st.one_of(
    st.tuples(TWIN, st.builds(PutState, NAME, DATA)),
    st.tuples(TWIN, st.builds(DropState, NAME)),
    st.tuples(TWIN, st.builds(PutReport, SEQ, DATA)),
    st.tuples(TWIN, st.builds(DropReport, SEQ)),
    st.builds(Receipt, TWIN, NAME, NAME, st.sampled_from([1.0, 2.0]), DATA),
    st.builds(ForgetReceipts, st.sampled_from([1.5, 2.5])),
    st.builds(ForgetTwin, TWIN),
    st.builds(PutAdded, TWIN, DATA),
    st.builds(DropAdded, TWIN),
    st.builds(ClockMark, st.sampled_from([1.0, 2.0]), st.just(3.0)),
    st.builds(PutJournal, TWIN, NAME, st.sampled_from([1.0, 2.0]), SEQ, DATA),
    st.builds(PruneJournal, TWIN, NAME, st.integers(0, 2)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(CHANGE, max_size=6), max_size=4))
def test_it_stores_what_the_store_in_memory_stores(tmp_path_factory, batches):
    path: Path = tmp_path_factory.mktemp("store") / "main.db"

    async def run() -> None:
        sqlite, memory = SqliteStore(path), MemoryStore()
        for batch in batches:
            assert await commit(sqlite, *batch) is None
            assert await commit(memory, *batch) is None
        left, right = sqlite.load(), memory.load()
        assert left.twins == {twin_id: stored for twin_id, stored in right.twins.items() if stored != StoredTwin()}
        assert sorted(left.receipts, key=repr) == sorted(right.receipts, key=repr)
        assert (left.clock, left.added) == (right.clock, right.added)
        for twin_id, kind in itertools.product("ab", "xy"):
            assert await journal(sqlite, twin_id, kind) == await journal(memory, twin_id, kind)
        await sqlite.close()

    asyncio.run(run())
