"""The doctor beside a real daemon, broker and Central System: it sees them, and they do not notice."""

from __future__ import annotations

import io
import json
import socket

from fakes.free import free_port
from fakes.witness import Witness

from bridge import app
from bridge.doctor.examination import examine
from bridge.doctor.report import Report


async def examined(given, tmp_path, *, connect=False):
    """Return what is found, by what was looked at; the last of each."""
    file, output = tmp_path / "doctor.yaml", io.StringIO()
    file.write_text(json.dumps(given))
    report = Report(output, as_json=True)
    await examine(app.configuration([file]), report, connect=connect)
    report.end()
    found = json.loads(output.getvalue())
    return found["ok"], {finding["what"]: finding["said"] for finding in found["findings"]}


async def test_before_the_daemon_runs(mosquitto, settings, tmp_path, books):
    fine, found = await examined(settings(mosquitto.url), tmp_path)
    assert fine
    assert found["daemon"] == "none runs with this configuration"
    assert "opens a WebSocket for garage, with ocpp1.6" in found["central system"]
    assert books.all("BootNotification") == []


async def test_while_it_runs(mosquitto, settings, make_daemon, tmp_path, books):
    async with Witness(mosquitto.port) as witness:
        await make_daemon(settings(mosquitto.url))
        await witness.until("garage/state", lambda state: state["registration"] == "Accepted")
        mark = witness.mark()
        fine, found = await examined(settings(mosquitto.url), tmp_path)
        assert fine
        assert found["daemon"] == "'main' runs"
        assert "a daemon uses it" in found["database"]
        assert found["central system"] == "garage is connected and accepted"
        await witness.ok("garage/1/set/plugged", "ON")
        # Nothing was refused, nobody was disconnected.
        assert witness.payloads("bridge/main/error", after=mark) == []
        assert [e for e in witness.payloads("garage/event", after=mark) if e["type"] == "disconnected"] == []


async def test_the_port_for_metrics(mosquitto, settings, make_daemon, tmp_path):
    given = settings(mosquitto.url, http={"enabled": True, "port": free_port()})
    _, found = await examined(given, tmp_path)
    assert found["http"] == f"127.0.0.1:{given['http']['port']} is free"
    daemon = await make_daemon(given)
    fine, found = await examined(given, tmp_path)
    assert fine
    assert "/healthz" not in found["http"]
    await daemon.stop()
    with socket.create_server(("127.0.0.1", given["http"]["port"])):
        fine, found = await examined(given, tmp_path)
    assert not fine
    assert "another program listens on" in found["http"]


async def test_another_daemon_with_our_name(mosquitto, settings, make_daemon, tmp_path):
    await make_daemon(settings(mosquitto.url))
    other = settings(mosquitto.url, store={"url": f"sqlite:///{tmp_path}/other.db"})
    _, found = await examined(other, tmp_path)
    assert found["daemon"] == "a node 'main' is online at this broker, but nobody uses this database"
    _, found = await examined(settings(mosquitto.url, node="other"), tmp_path)
    assert found["daemon"] == "one uses this database, but no node 'other' is online at this broker"
