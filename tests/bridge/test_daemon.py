from __future__ import annotations

import asyncio
import contextlib

import pytest
import structlog
from fakes.store import MemoryStore

from bridge.daemon import Daemon, files_folder
from bridge.supervisor import Supervisor
from config.settings import StoreSettings
from twin.errors import StoreError

TIMEOUT_S = 15
NO_BROKER = "mqtt: {url: 'mqtt://127.0.0.1:1', startup_wait: 0}"


def made(configuration, stop, load=None, store=None, contents=None):
    """Make a daemon on a store in memory."""
    store = store or MemoryStore()
    return Daemon(configuration, store, contents or store.load(), stop, load or (lambda: configuration), Supervisor())


async def test_a_lost_store_ends_the_daemon(configured, peer):
    store = MemoryStore()
    contents = store.load()
    store.failing = True
    configuration = configured(f"{{{NO_BROKER}, csms: {{url: '{peer.url}'}}, twins: [{{id: a}}]}}")
    daemon = made(configuration, asyncio.Event(), store=store, contents=contents)
    with pytest.raises(StoreError):
        await asyncio.wait_for(daemon.run(), TIMEOUT_S)


async def test_a_reload_that_is_asked_for_during_the_start_comes_after_it(configured, peer):
    text = f"{NO_BROKER}\ncsms: {{url: '{peer.url}'}}\ntwins: [{{id: a}}"
    before, after = configured(f"{text}]"), configured(f"{text}, {{id: b}}]")
    stop = asyncio.Event()
    daemon = made(before, stop, load=lambda: after)
    with structlog.testing.capture_logs() as lines:
        daemon.reload()
        task = asyncio.create_task(daemon.run())
        async with asyncio.timeout(TIMEOUT_S):
            while "/ocpp/b" not in peer.paths:
                peer.connected.clear()
                await peer.connected.wait()
        stop.set()
        await asyncio.wait_for(task, TIMEOUT_S)
    told = [line for line in lines if line["event"] in ("running", "reloaded")]
    assert [(line["event"], line.get("twins"), line.get("added")) for line in told] == [
        ("running", 1, None),
        ("reloaded", None, 1),
    ]
    assert sorted(peer.paths) == ["/ocpp/a", "/ocpp/b"]


async def test_an_end_that_is_asked_for_during_the_start_does_not_wait_for_all_twins(configured):
    stop = asyncio.Event()
    daemon = made(configured(f"{{{NO_BROKER}, twins: [{{id: 'a{{001..500}}'}}]}}"), stop)
    with structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(daemon.run())
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(task, TIMEOUT_S)
    assert [line["event"] for line in lines if line["event"] in ("running", "stopping", "stopped")] == [
        "stopping",
        "stopped",
    ]
    assert 0 < len(daemon._fleet.ids) < 500


class Awaited(asyncio.Event):
    """Be an event that shows when somebody waits for it."""

    def __init__(self):
        super().__init__()
        self.begun = asyncio.Event()

    async def wait(self):
        self.begun.set()
        return await super().wait()


async def test_a_daemon_that_is_cancelled_while_it_waits_for_the_broker_leaves_no_task(configured):
    stop = Awaited()
    task = asyncio.create_task(made(configured("mqtt: {url: 'mqtt://127.0.0.1:1', startup_wait: 1h}"), stop).run())
    async with asyncio.timeout(TIMEOUT_S):
        await stop.begun.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert task.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("store", "folder"),
    [
        ({"url": "sqlite:////var/lib/ocpp-twin/main.db"}, "/var/lib/ocpp-twin/main.files"),
        ({"url": "sqlite:///ocpp-twin.db"}, "ocpp-twin.files"),
        ({"url": "sqlite:///main.files"}, "main.files.files"),
        ({"url": "sqlite:///data/main"}, "data/main.files"),
        ({"url": "sqlite:///main.db", "files": "/srv/files"}, "/srv/files"),
    ],
)
def test_the_files_of_twins_lie_beside_the_database_or_where_they_are_told_to(store, folder):
    assert str(files_folder(StoreSettings(**store))) == folder
