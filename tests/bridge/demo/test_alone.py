from __future__ import annotations

import asyncio
import signal
import sys

from fakes.mqtt import Talk
from fakes.station import FakeStation

from bridge.cli import main
from bridge.demo import alone


async def test_it_runs_alone_and_over_mqtt(running_broker):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"from bridge.demo import alone; raise SystemExit(alone.main(19070, {running_broker.url!r}))",
        stdout=asyncio.subprocess.PIPE,
    )
    url = (await process.stdout.readline()).decode().removeprefix("OCPP ").strip()
    async with FakeStation(url, "a b") as station, Talk(running_broker.port, "demo-csms/#") as talk:
        assert (await station.call("Heartbeat", {}))[0] == 3
        assert (await process.stdout.readline()).decode().endswith("  a b        → Heartbeat {}\n")
        frame = await talk.hear("demo-csms/a%20b/frames")
        assert frame["action"] == "Heartbeat"
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(5):
        await process.communicate()
    assert process.returncode == 0


def test_a_bad_address_of_a_broker_is_wrong_usage(capsys):
    assert alone.main(19080, "http://x") == 2
    assert "is no broker" in capsys.readouterr().err


def test_a_password_file_that_is_not_there_is_named(capsys, tmp_path):
    missing = tmp_path / "password"
    assert main(["csms", "--mqtt-url", "mqtt://demo-csms@localhost", "--mqtt-password-file", str(missing)]) == 1
    assert capsys.readouterr().err == f"ocpp-twin: {missing}: No such file or directory\n"


def test_an_address_that_is_none_of_this_machine_is_refused(capsys):
    assert main(["csms", "--host", "192.0.2.1", "--port", "19090"]) == 1
    assert "192.0.2.1" in capsys.readouterr().err
