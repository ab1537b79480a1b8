"""What a service manager hears of a real daemon, and how that ends and reloads it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal

import pytest
from fakes.daemon import Daemon
from fakes.service_manager import ServiceManager

from bridge.demo.ports import HOST, free_port

WATCHDOG_S = 0.4


@pytest.fixture
async def manager(tmp_path):
    async with ServiceManager(tmp_path) as listening:
        yield listening


@pytest.fixture
async def supervised(tmp_path, manager):
    """Start daemons under the service manager, without waiting; all are gone after the test."""
    async with contextlib.AsyncExitStack() as daemons:

        async def start(settings, watchdog_s=None):
            daemon = Daemon(tmp_path, settings, manager.environment(watchdog_s))
            await daemon.start(wait=False)
            daemons.push_async_exit(daemon)
            return daemon

        yield start


async def test_ready_comes_when_the_broker_is_subscribed_to(mosquitto, settings, manager, supervised):
    # A broker that nobody listens to yet: the port is known, and nothing is there.
    mosquitto.stop()
    given = settings(mosquitto.url)
    given["mqtt"]["startup_wait"] = "1h"
    daemon = await supervised(given)
    await manager.until("EXTEND_TIMEOUT_USEC")
    await daemon.log.until(lambda line: line["event"] == "no_connection", "the loss")
    assert manager.count("READY") == 0
    mosquitto.start()
    await manager.until("READY", "1")
    ready = manager.position("READY")
    shown = await manager.until("STATUS", "1 twin, 1 connected to their Central Systems, broker connected")
    assert shown
    assert manager.told[0].keys() == {"EXTEND_TIMEOUT_USEC"}
    assert manager.position("STATUS", "starting, twins to load: 1") < ready
    mosquitto.stop()
    await manager.until("STATUS", "1 twin, 1 connected to their Central Systems, broker not connected")


async def test_ready_comes_without_a_broker_when_the_wait_is_over(settings, manager, supervised):
    given = settings(f"mqtt://{HOST}:{free_port(18990)}")
    given["mqtt"]["startup_wait"] = "100ms"
    await supervised(given)
    await manager.until("READY", "1")
    await manager.until("STATUS", "1 twin, 1 connected to their Central Systems, broker not connected")


async def test_the_end_is_told_and_the_exit_code_is_0(mosquitto, settings, manager, supervised):
    daemon = await supervised(settings(mosquitto.url))
    await manager.until("READY", "1")
    assert await daemon.stop() == 0
    manager.take()
    assert manager.told[-1] == {"STOPPING": "1"}


async def test_a_daemon_that_is_ended_before_it_is_ready_is_never_ready(settings, manager, supervised):
    given = settings(f"mqtt://{HOST}:{free_port(18990)}")
    given["mqtt"]["startup_wait"] = "1h"
    daemon = await supervised(given)
    await daemon.log.until(lambda line: line["event"] == "no_connection", "the loss")
    assert await daemon.stop() == 0
    manager.take()
    assert manager.told[-1] == {"STOPPING": "1"}
    assert manager.count("READY") == 0


async def test_a_loop_that_stands_still_gives_no_sign_of_life(mosquitto, settings, manager, supervised):
    daemon = await supervised(settings(mosquitto.url), WATCHDOG_S)
    await manager.until("READY", "1")
    for _ in range(2):
        await manager.until("WATCHDOG", "1", after=len(manager.told))
    pid = daemon._process.pid
    daemon.send(signal.SIGSTOP)
    await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    mark = len(manager.take())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3 * WATCHDOG_S):
            await manager.until("WATCHDOG", after=mark)
    daemon.send(signal.SIGCONT)
    await manager.until("WATCHDOG", "1", after=mark)


async def test_what_a_watchdog_kills_says_where_it_stood(mosquitto, settings, manager, supervised):
    daemon = await supervised(settings(mosquitto.url))
    await manager.until("READY", "1")
    daemon.send(signal.SIGABRT)
    assert await daemon.ended() == -signal.SIGABRT
    said = [line["text"] for line in daemon.log if "text" in line]
    assert "Fatal Python error: Aborted" in said
    assert any("bridge/app.py" in line for line in said)


async def test_a_reload_is_told_from_its_begin_to_its_end(mosquitto, settings, manager, supervised, tmp_path):
    given = settings(mosquitto.url)
    daemon = await supervised(given)
    await manager.until("READY", "1")
    given["twins"].append({"id": "carport"})
    (tmp_path / "given.yaml").write_text(json.dumps(given))
    mark = len(manager.told)
    daemon.send(signal.SIGHUP)
    began = await manager.until("RELOADING", "1", after=mark)
    assert int(began["MONOTONIC_USEC"]) > 0
    await manager.until("READY", "1", after=mark)
    assert manager.position("RELOADING", after=mark) < manager.position("READY", after=mark)
    await manager.until("STATUS", "2 twins, 2 connected to their Central Systems, broker connected", after=mark)


async def test_a_reload_that_failed_is_in_the_status_until_one_succeeds(
    mosquitto, settings, manager, supervised, tmp_path
):
    given = settings(mosquitto.url)
    daemon = await supervised(given)
    await manager.until("STATUS", "1 twin, 1 connected to their Central Systems, broker connected")
    mark = len(manager.told)
    (tmp_path / "given.yaml").write_text(json.dumps(given | {"twinns": []}))
    daemon.send(signal.SIGHUP)
    await manager.until("READY", "1", after=mark)
    failed = await manager.until("STATUS", after=mark)
    assert "; the last reload failed: " in failed["STATUS"]
    assert "twinns: unknown" in failed["STATUS"]
    mark = len(manager.told)
    (tmp_path / "given.yaml").write_text(json.dumps(given))
    daemon.send(signal.SIGHUP)
    await manager.until("STATUS", "1 twin, 1 connected to their Central Systems, broker connected", after=mark)


async def test_no_hangup_is_lost_while_another_is_carried_out(mosquitto, settings, manager, supervised, tmp_path):
    given = settings(mosquitto.url)
    daemon = await supervised(given)
    await manager.until("READY", "1")
    for number in range(5):
        given["twins"].append({"id": f"lot-{number}"})
        # Not in place: the daemon may be reading it.
        (tmp_path / "new.yaml").write_text(json.dumps(given))
        (tmp_path / "new.yaml").replace(tmp_path / "given.yaml")
        daemon.send(signal.SIGHUP)
        await asyncio.sleep(0)
    await manager.until("STATUS", "6 twins, 6 connected to their Central Systems, broker connected")


async def test_an_end_during_a_reload_is_clean(mosquitto, settings, manager, supervised):
    daemon = await supervised(settings(mosquitto.url))
    await manager.until("READY", "1")
    daemon.send(signal.SIGHUP)
    assert await daemon.stop() == 0
    assert [line for line in daemon.log if line.get("level") not in ("info", "warning")] == []
