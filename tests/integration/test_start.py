"""How a daemon starts, and what it says when it cannot."""

from __future__ import annotations

import sqlite3

import pytest
from fakes.daemon import Daemon

from bridge.demo.ports import HOST, free_port

LOT = [f"lot-{number:02}" for number in range(1, 11)]


async def test_ten_twins_boot_without_a_broker(settings, make_daemon, books):
    given = settings(f"mqtt://{HOST}:{free_port(18980)}", twins=[{"id": "lot-{01..10}"}])
    given["mqtt"]["startup_wait"] = "100ms"
    daemon = await make_daemon(given)
    for identity in LOT:
        await books.until("BootNotification", identity=identity)
        await books.until("StatusNotification", identity=identity)
    assert [line["twins"] for line in daemon.log if line["event"] == "running"] == [10]
    assert await daemon.stop() == 0


async def refused(daemon):
    """Return the only sentence of a daemon that did not start."""
    mark = len(daemon.log)
    await daemon.start(wait=False)
    assert await daemon.ended() == 1
    (line,) = daemon.log.since(mark)
    assert (line["event"], line["level"]) == ("failed", "error")
    return line["reason"]


async def test_one_database_is_for_one_daemon(mosquitto, settings, make_daemon, books, tmp_path):
    await make_daemon(settings(mosquitto.url))
    (tmp_path / "other").mkdir()
    other = Daemon(tmp_path / "other", settings(mosquitto.url, node="other"))
    said = await refused(other)
    assert f"{tmp_path}/twins.db" in said
    assert "another" in said
    await books.until("BootNotification")


async def test_a_newer_database_is_left_alone(mosquitto, settings, make_daemon, tmp_path):
    daemon = await make_daemon(settings(mosquitto.url))
    await daemon.stop()
    with sqlite3.connect(tmp_path / "twins.db") as database:
        database.execute("pragma user_version = 999")
    database.close()
    said = await refused(daemon)
    assert "schema 999 is newer" in said
    assert "Install the newer version" in said


@pytest.mark.parametrize("made", ["folder", "text"])
async def test_a_database_that_is_none(mosquitto, settings, tmp_path, made):
    path = tmp_path / "twins.db"
    if made == "folder":
        path.mkdir()
    else:
        path.write_text("no database at all " * 100)
    assert str(path) in await refused(Daemon(tmp_path, settings(mosquitto.url)))
