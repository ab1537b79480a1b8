import asyncio
import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import version

import pytest
import structlog
import trustme

from bridge import app, tool
from bridge.daemon import CannotStart
from bridge.from_settings import discovery_options, mqtt_options
from bridge.homeassistant.options import DiscoveryOptions
from bridge.options import MqttOptions
from twin.store.sqlite import open_store

TIMEOUT_S = 15


@contextlib.asynccontextmanager
async def running(configuration):
    stop = asyncio.Event()
    task = asyncio.create_task(app.serve(configuration, stop))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, TIMEOUT_S)


async def retained(broker, *topics):
    """Return what stands on topics now."""
    found = []

    class Lines:
        def isatty(self):
            return False

        def write(self, text):
            if text.strip():
                found.append(json.loads(text))

        def flush(self):
            pass

    wanted = tool.Watch(topics, count=len(topics), timeout_s=TIMEOUT_S, as_json=True)
    await tool.watch(MqttOptions(url=broker.url), wanted, Lines())
    return {message["topic"]: message["payload"] for message in found}


async def test_the_daemon_runs_and_says_goodbye_to_both_sides(mosquitto, peer, configured):
    configuration = configured(
        f"{{mqtt: {{url: '{mosquitto.url}'}}, csms: {{url: '{peer.url}'}}, twins: [{{id: garage, identity: 'a/b'}}]}}"
    )
    async with running(configuration):
        await peer.connected.wait()
        found = await retained(mosquitto, "ocpp-twin/bridge/main/availability", "ocpp-twin/garage/availability")
        assert set(found.values()) == {"online"}
        info = (await retained(mosquitto, "ocpp-twin/bridge/main/info"))["ocpp-twin/bridge/main/info"]
        assert json.loads(info)["twins"] == 1
    found = await retained(mosquitto, "ocpp-twin/bridge/main/availability", "ocpp-twin/garage/availability")
    assert set(found.values()) == {"offline"}
    assert (peer.paths, peer.codes) == (["/ocpp/a%2Fb"], [1001])


async def test_twins_do_not_wait_for_ever_for_the_broker(peer, configured):
    configuration = configured(
        f"{{mqtt: {{url: 'mqtt://127.0.0.1:1', startup_wait: 50ms}}, csms: {{url: '{peer.url}'}}, twins: [{{id: a}}]}}"
    )
    with structlog.testing.capture_logs() as lines:
        async with running(configuration):
            await peer.connected.wait()
    assert "no_broker_yet" in [line["event"] for line in lines]
    assert peer.codes == [1001]


async def test_a_daemon_without_twins_runs(mosquitto, configured):
    async with running(configured(f"mqtt: {{url: '{mosquitto.url}'}}")):
        assert await retained(mosquitto, "ocpp-twin/bridge/main/info")


async def test_it_can_be_stopped_while_it_waits_for_the_broker(configured):
    async with running(configured("mqtt: {url: 'mqtt://127.0.0.1:1', startup_wait: 1h}")) as stop:
        await asyncio.sleep(0)
        stop.set()


def reason(capsys):
    return next(line["reason"] for line in map(json.loads, capsys.readouterr().err.splitlines()) if "reason" in line)


@pytest.fixture
def logging_restored():
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_restored")
async def test_a_locked_database_is_a_sentence_and_1(configured, capsys, tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/twins.db")
    assert await asyncio.to_thread(ended, configured("twins: []")) == 1
    await store.close()
    assert "another process uses it. Stop the other daemon" in reason(capsys)


@pytest.mark.usefixtures("logging_restored")
async def test_a_newer_database_is_a_sentence_and_1(configured, capsys, tmp_path):
    await open_store(f"sqlite:///{tmp_path}/twins.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "twins.db")) as database:
        database.execute("PRAGMA user_version = 99")
    assert await asyncio.to_thread(ended, configured("twins: []")) == 1
    assert "is newer than this program's" in reason(capsys)


def ended(configuration):
    """Run a daemon outside the main thread, where signals cannot be had, until it fails."""

    async def serve():
        await app.serve(configuration, asyncio.Event())

    return app.ended(serve, configuration.settings.logs)


async def test_too_few_files_are_a_sentence(configured, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (50, 50))
    with pytest.raises(CannotStart, match="3 twins need 67 open files"):
        await app.serve(configured("twins: [{id: 'a{1..3}'}]"), asyncio.Event())


async def test_a_certificate_that_is_none_is_a_sentence(configured, tmp_path):
    trustme.CA().issue_cert("x").private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert")
    configuration = configured(f"mqtt: {{url: 'mqtts://x', cert_file: '{tmp_path}/cert'}}")
    (tmp_path / "cert").write_text("nonsense")  # since it was checked
    with pytest.raises(CannotStart, match="certificates for the broker"):
        await app.serve(configuration, asyncio.Event())


def test_every_setting_of_mqtt_reaches_the_daemon(configured, tmp_path):
    (tmp_path / "secret").write_text("hunter2")
    trustme.CA().issue_cert("x").private_key_and_cert_chain_pem.write_to_path(tmp_path / "both")
    configuration = configured(
        f"""
        node: other
        mqtt:
          url: mqtt://h
          username: u
          password_file: {tmp_path}/secret
          cert_file: {tmp_path}/both
          key_file: {tmp_path}/both
          verify_hostname: false
          protocol: 5
          client_id: c
          keepalive: 31s
          connect_timeout: 11
          startup_wait: 12
          backoff: {{min: 1s, max: 20s}}
          session_expiry: 301
          base_topic: b
          subscribe: own
          allow: set/*
          trace: true
          mask_id_tags: true
          max_payload: 1KiB
          rate_limit: {{per_second: 7, burst: 8}}
          stale_after: 9
          duplicate_window: 10
          profile: fleet
          meter_interval: 2
          session_interval: 3
          health_interval: 4
          error_interval: 5
          max_backlog: 600
        """
    )
    options, default = mqtt_options(configuration.settings), MqttOptions()
    same = {field.name for field in fields(options) if getattr(options, field.name) == getattr(default, field.name)}
    assert same == {"ca_file"}
    assert (options.output.profile, options.output.meter_interval_s, options.output.session_interval_s) == (
        "fleet",
        2,
        3,
    )
    assert (options.password, options.protocol, options.trace) == ("hunter2", "5", ("*",))
    assert options.cars["vw-id3"].battery_kwh == 58


def test_every_setting_of_home_assistant_reaches_the_daemon(configured):
    configuration = configured(
        """
        node: other
        mqtt: {base_topic: b, mask_id_tags: true, allow: set/*, profile: quiet}
        """,
        home_assistant={"enabled": False, "prefix": "ha", "include": "a*", "exclude": ["b*"], "max_twins": 7},
    )
    options, default = discovery_options(configuration.settings), DiscoveryOptions()
    same = {field.name for field in fields(options) if getattr(options, field.name) == getattr(default, field.name)}
    assert same == {"all_or_none"}  # which is only the profile's to say
    assert (options.include, options.exclude, options.version) == (("a*",), ("b*",), version("ocpp-twin"))


@pytest.mark.parametrize(
    ("profile", "enabled", "found"),
    [
        ("home", None, (True, False)),
        ("fleet", None, (True, True)),
        ("quiet", None, (False, False)),
        ("home", False, (False, False)),
        ("fleet", True, (True, False)),
        ("quiet", True, (True, False)),
    ],
)
def test_what_is_set_of_discovery_wins_over_the_profile(configured, profile, enabled, found):
    own = {} if enabled is None else {"enabled": enabled}
    options = discovery_options(configured(f"mqtt: {{profile: {profile}}}", home_assistant=own).settings)
    assert (options.enabled, options.all_or_none) == found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_with_0_and_a_hangup_does_not(mosquitto, tmp_path, number):
    (tmp_path / "a.yaml").write_text(
        f"{{mqtt: {{url: '{mosquitto.url}'}}, twins: [{{id: a}}], logs: {{format: json}}}}"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "run", "--config", "a.yaml"),
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
    )

    async def until(event):
        async for line in process.stderr:
            if json.loads(line)["event"] == event:
                return

    async with asyncio.timeout(TIMEOUT_S):
        await until("running")
        process.send_signal(signal.SIGHUP)
        await until("reloaded")
        process.send_signal(number)
        await until("stopped")
        assert await process.wait() == 0
