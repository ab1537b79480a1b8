"""What operators see of a real daemon over HTTP: metrics that follow a car, health through outages, the command."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import pytest
from fakes.daemon import Daemon
from fakes.free import free_port
from fakes.scraping import ask, scrape
from fakes.witness import Witness


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def monitored(settings, port):
    """Make settings with HTTP on; `garage` has series of its own."""

    def make(url, **changes):
        return settings(url, http={"enabled": True, "port": port, "twin_metrics": ["garage"]}, **changes)

    return make


async def health(folder, *arguments):
    """Ask as a container's health check does; return the exit code and what was said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OCPP_TWIN__")}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bridge", "health", *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


async def test_metrics_follow_a_car(mosquitto, monitored, make_daemon, books, port):
    await make_daemon(monitored(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.until("garage/1/state", lambda state: state["status"] == "Available")
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        before = await scrape(port)
        assert (before("twins"), before("twins_connected"), before("mqtt_connected")) == (1, 1, 1)
        assert (before("evses", status="Available"), before("evses", status="Charging")) == (1, 0)
        assert (before("power_watts"), before("energy_joules_total")) == (0, 0)
        assert before("ocpp_sent_total", type="call", action="BootNotification") == 1
        assert before("ocpp_received_total", type="result", action="BootNotification") == 1
        assert before("evse_status", twin="garage", evse="1", status="Available") == 1

        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        await books.until("MeterValues")  # a second after the start: what was seen before is seen anew
        await books.until("MeterValues", after=books.mark())
        after = await scrape(port)
        assert (after("evses", status="Available"), after("evses", status="Charging")) == (0, 1)
        assert after("evses_charging") == 1
        assert after("power_watts") == after("evse_power_watts", twin="garage", evse="1") > 1_000
        assert after("energy_joules_total") > 1_000
        assert after("evse_energy_joules_total", twin="garage", evse="1") > 1_000
        assert after("events_total", type="transaction_accepted") == 1
        assert after("ocpp_sent_total", type="call", action="StartTransaction") == 1
        assert after("ocpp_call_duration_seconds_count") > before("ocpp_call_duration_seconds_count")
        assert after("store_commit_seconds_count") > before("store_commit_seconds_count")
        assert after("event_loop_lag_seconds_count") > before("event_loop_lag_seconds_count")

        assert (await witness.command("garage/1/cmd/fly", ""))["code"] == "unknown_command"
        assert (await scrape(port))("commands_refused_total", code="unknown_command") == 1


async def test_readiness_goes_with_the_broker_and_health_does_not(
    mosquitto, monitored, make_daemon, books, port, tmp_path
):
    daemon = await make_daemon(monitored(mosquitto.url))
    url = f"http://127.0.0.1:{port}"
    async with Witness(mosquitto.port) as witness:
        await witness.until("bridge/main/availability", lambda text: text == "online")
    assert (await ask(port, "/readyz")).content == {"status": "ready"}
    assert await health(tmp_path, "--config", "given.yaml", "--ready") == (0, "ready")

    mark = len(daemon.log)
    mosquitto.stop()
    await daemon.log.until(lambda line: line["event"] == "no_connection", "the loss of the broker", after=mark)
    away = await ask(port, "/readyz")
    assert (away.status, away.content["status"]) == (503, "not ready")
    assert (await ask(port, "/healthz")).content == {"status": "healthy"}
    assert (await scrape(port))("mqtt_connected") == 0
    code, said = await health(tmp_path, "--url", url, "--ready")
    assert (code, said.startswith("not ready: the broker: not connected")) == (1, True)
    assert await health(tmp_path, "--url", url) == (0, "healthy")

    mosquitto.start()
    async with Witness(mosquitto.port) as witness:
        await witness.until("bridge/main/availability", lambda text: text == "online")
    assert (await ask(port, "/readyz")).status == 200
    assert (await scrape(port))("mqtt_connects_total") == 2

    assert await daemon.stop() == 0
    code, said = await health(tmp_path, "--url", url)
    assert (code, "does the daemon run, with http.enabled?" in said) == (1, True)


async def test_a_taken_port_ends_the_start_before_any_twin_is_heard(mosquitto, monitored, tmp_path, books, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        daemon = Daemon(tmp_path, monitored(mosquitto.url))
        await daemon.start(wait=False)
        assert await daemon.ended() == 1
        (line,) = daemon.log
    assert line["reason"] == (
        f"http.port: another program listens on 127.0.0.1:{port}: end that one, or set http.port to a free port"
    )
    assert books.mark() == 0


async def test_whoever_may_read_from_outside_is_noted(mosquitto, settings, make_daemon, port):
    daemon = await make_daemon(settings(mosquitto.url, http={"enabled": True, "host": "0.0.0.0", "port": port}))
    notes = [line["text"] for line in daemon.log if line["event"] == "note"]
    assert notes == [f"http.host is 0.0.0.0: whoever reaches port {port} may read metrics and health"]
    assert (await ask(port, "/healthz")).status == 200
