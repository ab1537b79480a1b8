import asyncio
import os
import socket
import time

import pytest
from fakes.service_manager import ServiceManager

from bridge.supervisor import Supervisor, how_it_is


@pytest.fixture
async def manager(tmp_path):
    async with ServiceManager(tmp_path) as listening:
        yield listening


@pytest.fixture
def given(monkeypatch):
    """Set what a service manager puts into the environment, and nothing else."""

    def put(**environment):
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    put()
    return put


async def test_without_a_service_manager_nothing_happens(given):
    given(WATCHDOG_USEC="1000000")
    with Supervisor() as supervisor:
        supervisor.describe(lambda: pytest.fail("nobody asked"), 0.01)
        supervisor.changed()
        supervisor.ready()
        supervisor.stopping()
        assert supervisor._timers == {}


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the library lets go of it without closing it
async def test_a_socket_that_is_gone_is_no_reason_not_to_run(given, tmp_path):
    given(NOTIFY_SOCKET=str(tmp_path / "nobody"), WATCHDOG_USEC="1000000")
    with Supervisor() as supervisor:
        supervisor.ready()
        assert supervisor._timers == {}


async def test_one_that_went_away_meanwhile_does_not_matter(given, tmp_path):
    async with ServiceManager(tmp_path) as manager:
        given(**manager.environment())
        supervisor = Supervisor()
    with supervisor:
        supervisor.ready()


async def test_an_abstract_socket_will_do(given):
    name = f"ocpp-twin-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.setblocking(False)
        given(NOTIFY_SOCKET=f"@{name}")
        with Supervisor() as supervisor:
            supervisor.ready()
            assert listening.recv(100).startswith(b"EXTEND_TIMEOUT_USEC=")
            assert listening.recv(100) == b"READY=1"


async def test_a_start_asks_for_time_until_it_is_ready(given, manager):
    given(**manager.environment())
    with Supervisor() as supervisor:
        (first,) = manager.take()
        assert int(first["EXTEND_TIMEOUT_USEC"]) > 90_000_000
        supervisor._extend()  # as the timer does
        assert manager.count("EXTEND_TIMEOUT_USEC") == 1
        manager.take()
        assert manager.count("EXTEND_TIMEOUT_USEC") == 2
        supervisor.ready()
        supervisor._extend()
        assert manager.take()[-1] == {"READY": "1"}


async def test_a_reload_says_when_it_began(given, manager):
    given(**manager.environment())
    with Supervisor() as supervisor:
        before = time.monotonic_ns() // 1000
        supervisor.reloading()
    told = manager.take()[-1]
    assert told["RELOADING"] == "1"
    assert before <= int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


async def test_a_status_is_one_line_and_told_once(given, manager):
    given(**manager.environment())
    with Supervisor() as supervisor:
        for _ in range(2):
            supervisor.status("one\nREADY=1\n" + "x" * 1000)
    found = [told["STATUS"] for told in manager.take() if "STATUS" in told]
    assert len(found) == 1
    assert found[0].startswith("one READY=1 xxx")
    assert len(found[0]) == 500
    assert manager.count("READY") == 0


async def test_what_is_described_is_told_again_when_it_changes(given, manager):
    given(**manager.environment())
    described = iter(["one", "two", "three"])
    with Supervisor() as supervisor:
        supervisor.changed()  # nothing to describe yet
        supervisor.describe(lambda: next(described), 0.01)
        supervisor.changed()
        await manager.until("STATUS", "three")
        supervisor.stopping()
        supervisor.changed()  # as when the broker goes
    assert [told.get("STATUS") for told in manager.take() if "STATUS" in told] == ["one", "two", "three"]


async def test_signs_of_life_come_twice_in_the_time(given, manager):
    given(**manager.environment(watchdog_s=0.2), WATCHDOG_PID=str(os.getpid()))
    loop = asyncio.get_running_loop()
    with Supervisor():
        await manager.until("WATCHDOG")
        began, mark = loop.time(), len(manager.told)
        await manager.until("WATCHDOG", after=mark)
        assert loop.time() - began >= 0.09
    mark = len(manager.told)
    assert len(manager.take()) == mark  # its timers ended with it


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}],
)
async def test_no_sign_of_life_where_nobody_waits_for_ours(given, manager, environment):
    given(**manager.environment(), **environment)
    with Supervisor() as supervisor:
        supervisor.ready()
    assert [*map(list, manager.take())] == [["EXTEND_TIMEOUT_USEC"], ["READY"]]


@pytest.mark.parametrize(
    ("twins", "connected", "broker", "sentence"),
    [
        (1000, 998, True, "1000 twins, 998 connected to their Central Systems, broker connected"),
        (1, 0, False, "1 twin, 0 connected to their Central Systems, broker not connected"),
    ],
)
def test_how_a_fleet_is_doing(twins, connected, broker, sentence):
    assert how_it_is(twins, connected, broker_connected=broker) == sentence
