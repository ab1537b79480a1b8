"""The demo from outside, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import sys
import textwrap
from contextlib import asynccontextmanager

import psutil
import pytest
from fakes.mqtt import Talk

LIMIT_S = 30


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OCPP_TWIN__")}
    return kept | {"OCPP_TWIN__MQTT__URL": "mqtt://nowhere.invalid", "PYTHONPATH": os.pathsep.join(sys.path)}


def program(kind, *arguments):
    """Return a command line; for amqtt it is that of a machine without Mosquitto."""
    hide = "" if kind == "mosquitto" else "from bridge.demo import broker; broker.mosquitto_program = lambda: None"
    script = f"""
        import sys
        {hide}
        from bridge.cli import main
        sys.exit(main({list(arguments)!r}))
    """
    return [sys.executable, "-c", textwrap.dedent(script)]


class Process:
    def __init__(self, process):
        self._process = process
        self.lines = []
        self.pid = process.pid

    async def line(self, pattern):
        async with asyncio.timeout(LIMIT_S):
            while text := (await self._process.stdout.readline()).decode():
                self.lines.append(text.rstrip("\n"))
                if found := re.search(pattern, self.lines[-1]):
                    return found
        raise AssertionError(f"{pattern} is not in\n" + "\n".join(self.lines))

    async def end(self, number):
        """End it and return the exit code and what it still said."""
        self._process.send_signal(number)
        async with asyncio.timeout(5):
            rest, _ = await self._process.communicate()
        return self._process.returncode, rest.decode()


@asynccontextmanager
async def running(*command):
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(),
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
async def test_a_car_is_charged(kind, tmp_path):
    demo_command = program(
        kind, "demo", "--mqtt-port", "18840", "--csms-port", "19040", "--data", str(tmp_path / "a/b")
    )
    async with running(*demo_command) as demo:
        port = int((await demo.line(r"^MQTT mqtt://127\.0\.0\.1:(\d+)$"))[1])
        await demo.line(r"^OCPP ws://127\.0\.0\.1:\d+/ocpp$")
        await demo.line(r"^FILES http://127\.0\.0\.1:\d+$")
        async with Talk(port, "demo-csms/+/result") as talk:
            await demo.line("garage .* → StatusNotification")
            await talk.say("ocpp-twin/garage/1/set/plugged", "ON")
            await demo.line("garage/1 .*Available → Preparing")
            await talk.say("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4")
            await demo.line("transaction 1 is accepted")
            await talk.say(
                "demo-csms/garage/call", {"action": "RemoteStopTransaction", "payload": {"transactionId": 1}}
            )
            assert (await talk.hear("demo-csms/garage/result"))["payload"] == {"status": "Accepted"}
            await demo.line("transaction 1 ends: Remote")
        brokers = psutil.Process(demo.pid).children()
        code, rest = await demo.end(signal.SIGINT)
        assert (code, "Traceback" in rest) == (0, False)
        assert psutil.wait_procs(brokers, 5)[1] == []
    with sqlite3.connect(tmp_path / "a/b/demo.db") as database:
        assert database.execute("select count(*) from sqlite_master").fetchone()[0]
    database.close()


async def test_taken_ports_are_moved_and_sigterm_ends_it():
    ports = ("--mqtt-port", "18850", "--csms-port", "19050", "--files-port", "19150")
    async with running(*program("mosquitto", "demo", *ports)) as first:
        await first.line("^FILES")
        async with running(*program("mosquitto", "demo", *ports)) as second:
            await second.line("^Port 18850 is taken: the broker listens on 1885")
            await second.line("^Port 19050 is taken: the Central System listens on 1905")
            await second.line("^Port 19150 is taken: the server of files listens on 1915")
            await second.line("^FILES")
            assert (await second.end(signal.SIGTERM))[0] == 0
        assert (await first.end(signal.SIGTERM))[0] == 0


async def test_a_broker_that_dies_ends_the_demo_with_a_sentence():
    async with running(*program("mosquitto", "demo", "--mqtt-port", "18860", "--csms-port", "19060")) as demo:
        await demo.line("^OCPP")
        (broker,) = psutil.Process(demo.pid).children()
        broker.kill()
        await demo.line("^ocpp-twin: The MQTT broker ended")
        assert not any("Traceback" in line for line in demo.lines)


async def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    async with running(*program("mosquitto", "demo", "--data", str(tmp_path / "file"))) as demo:
        await demo.line(r"^ocpp-twin: the folder .*file cannot be made \(File exists\): name another one with --data")
        assert not any("Traceback" in line for line in demo.lines)


async def test_a_database_that_is_none_is_said(tmp_path):
    (tmp_path / "demo.db").write_bytes(b"no database at all" * 100)
    command = program("mosquitto", "demo", "--mqtt-port", "18870", "--csms-port", "19079", "--data", str(tmp_path))
    async with running(*command) as demo:
        await demo.line("^ocpp-twin: .*demo.db")
        assert not any("Traceback" in line for line in demo.lines)
