"""What a newcomer meets first, each for real: whatever fails says why and what to do, once, where its user looks."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from fakes.free import free_port
from fakes.links import answering, central_system, context_for, raw_server, upgrade
from fakes.witness import Witness

TIMEOUT_S = 30
ODD = "CP 1/ä%"
ENCODED = "CP%201%2F%C3%A4%25"


# --- The command line -------------------------------------------------------------------------------------------------


def cli(folder: Path, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program as its user would, and wait for its end; `before` is done in its process first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OCPP_TWIN__")}
    script = f"import sys; {before or 'pass'}; from bridge.cli import main; sys.exit(main({list(arguments)!r}))"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=kept | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, ["a command is missing", "ocpp-twin demo"]),
        (("demmo",), 2, ["unknown command 'demmo'", "did you mean 'demo'?"]),
        (("run", "my.yaml"), 2, ["a configuration file is named by --config my.yaml"]),
        (("run", "--config", "none.yaml"), 2, ["none.yaml: cannot be read: no such file or directory"]),
        (("run", "--config", "."), 2, ["is a directory; name the file in it"]),
        (("check-config", "--config", "latin.yaml"), 2, ["is not text in UTF-8", "save it with this encoding"]),
        (("check-config", "--config", "tabs.yaml"), 2, ["tabs.yaml", "line 2", "indent with spaces, not with tabs"]),
        (("pub", "--url", "localhost:1883", "a", "b"), 2, ["such as mqtt://localhost:1883"]),
        (("pub", "--url", "mqtt://h:99999", "a", "b"), 2, ["is no broker: write mqtt://"]),
        (("sub", "--url", "mqtt://none.invalid"), 1, ["cannot be resolved: check mqtt.url"]),
        (("demo", "--data", "latin.yaml"), 1, ["the folder latin.yaml cannot be made", "with --data"]),
    ],
)
def test_wrong_usage_and_wrong_files(tmp_path, arguments, code, words):
    (tmp_path / "latin.yaml").write_bytes(b"node: Z\xe4hler")
    (tmp_path / "tabs.yaml").write_text("mqtt:\n\turl: mqtt://h\n")
    done = cli(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


# --- The store --------------------------------------------------------------------------------------------------------


def _stopped_by(done: subprocess.CompletedProcess[str]) -> str:
    """Return the sentence with which a daemon ended."""
    failed = [line for line in map(json.loads, done.stderr.splitlines()) if line["event"] == "failed"]
    assert (done.returncode, len(failed)) == (1, 1)
    return str(failed[0]["reason"])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("folder", ["Is a directory", "Name a file in this folder in store.url"]),
        ("text.db/twins.db", ["is a file and no folder: correct store.url"]),
        ("text.db", ["damaged or no SQLite database", "Restore a backup"]),
    ],
)
def test_a_store_that_is_none(tmp_path, url, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text("no database\n" * 1000)
    (tmp_path / "ocpp-twin.yaml").write_text(f"store: {{url: 'sqlite:///{url}'}}\nlogs: {{format: json}}\ntwins: []")
    reason = _stopped_by(cli(tmp_path, "run"))
    assert all(word in reason for word in words), reason


def test_no_room_at_the_start(tmp_path):
    (tmp_path / "ocpp-twin.yaml").write_text("logs: {format: json}\ntwins: [{id: garage}]")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))"
    reason = _stopped_by(cli(tmp_path, "run", before=limit))
    assert "Look whether it is full, limited (ulimit -f, a quota) or failing" in reason


async def test_no_room_left_ends_the_daemon_with_a_sentence(mosquitto, settings, make_daemon, tmp_path):
    daemon = await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.ok("garage/1/set/plugged", "ON")
        process = daemon._process
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        for number in range(100):
            await witness.say("garage/cmd/swipe", f"CARD{number}")
        assert await daemon.ended() == 1
    (failed,) = [line for line in daemon.log if line["event"] == "failed"]
    assert "Look whether it is full" in failed["reason"]


# --- The broker -------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificates(tmp_path) -> Iterator[dict[str, str]]:
    """Be the files of an authority, of another one, and of a server that the first has signed."""
    authority, leaf = trustme.CA(), None
    leaf = authority.issue_cert("localhost")
    files = {
        "ca": authority.cert_pem,
        "other": trustme.CA().cert_pem,
        "key": leaf.private_key_pem,
        "cert": leaf.cert_chain_pems[0],
    }
    for name, blob in files.items():
        blob.write_to_path(tmp_path / f"{name}.pem")
    return {name: str(tmp_path / f"{name}.pem") for name in files}


async def why(make_daemon, settings, url, **mqtt) -> str:
    """Start a daemon that cannot reach its broker; return the only sentence that it says of that."""
    given = settings(url)
    given["mqtt"] |= {"startup_wait": "100ms", "connect_timeout": "500ms", **mqtt}
    given["twins"] = []
    daemon = await make_daemon(given)
    await daemon.log.until(lambda line: line["event"] == "no_connection", "why there is no broker")
    assert await daemon.stop() == 0
    (said,) = [line["advice"] for line in daemon.log if line["event"] == "no_connection"]
    assert not [line for line in daemon.log if line["level"] == "error"]
    return str(said)


async def test_nothing_listens(settings, make_daemon):
    said = await why(make_daemon, settings, f"mqtt://127.0.0.1:{free_port()}")
    assert said.endswith(": start the broker, or check mqtt.url")


async def test_who_may_not_come_in(make_mosquitto, settings, make_daemon):
    broker = make_mosquitto(anonymous=False)
    assert "refuses a client without a user name" in await why(make_daemon, settings, broker.url)
    said = await why(make_daemon, settings, broker.url, username="me", password="wrong")
    assert "refuses the user 'me'" in said
    assert "check mqtt.username and mqtt.password" in said


async def test_tls_where_there_is_none_and_the_reverse(make_mosquitto, mosquitto, settings, make_daemon, certificates):
    said = await why(make_daemon, settings, mosquitto.url.replace("mqtt:", "mqtts:"))
    assert "is that its TLS port" in said
    secure = make_mosquitto("user root", f"certfile {certificates['cert']}", f"keyfile {certificates['key']}")
    assert "does it want TLS (mqtts://)" in await why(make_daemon, settings, secure.url)
    there = f"mqtts://localhost:{secure.port}"
    assert "set mqtt.ca_file to the authority that issued it" in await why(make_daemon, settings, there)
    said = await why(make_daemon, settings, there, ca_file=certificates["other"])
    assert "is not trusted" in said
    said = await why(make_daemon, settings, f"mqtts://127.0.0.1:{secure.port}", ca_file=certificates["ca"])
    assert "is not for '127.0.0.1'" in said


async def test_websockets_where_there_are_none(mosquitto, settings, make_daemon):
    said = await why(make_daemon, settings, mosquitto.url.replace("mqtt:", "ws:"))
    assert "speaks no MQTT over WebSockets" in said


async def test_access_rules_that_forbid_what_the_daemon_does(make_mosquitto, settings, make_daemon, tmp_path):
    (tmp_path / "acl").write_text("topic read #\n")
    broker = make_mosquitto(f"acl_file {tmp_path}/acl", "user root")
    daemon = await make_daemon(settings(broker.url))
    line = await daemon.log.until(lambda line: line["event"] == "publish_refused", "the refusal")
    assert (line["reason"], line["advice"]) == ("Not authorized", "check the broker's ACL")
    assert await daemon.stop() == 0
    assert len([line for line in daemon.log if line["event"] == "publish_refused"]) == 1


# --- The Central System -----------------------------------------------------------------------------------------------


async def reads_and_closes(reader, _writer):
    await reader.readuntil(b"\r\n\r\n")


async def refuses_subprotocol(reader, writer):
    await upgrade(reader, writer, headers="")
    await reader.read()


async def speaks_another(reader, writer):
    await upgrade(reader, writer, headers="Sec-WebSocket-Protocol: ocpp2.0.1\r\n")
    await reader.read()


async def speaks_ssh(reader, writer):
    writer.write(b"SSH-2.0-OpenSSH_9\r\n")
    await reader.read()


def http(status: int, *headers: str) -> object:
    return answering("\r\n".join([f"HTTP/1.1 {status} X", *headers, "", ""]).encode())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (reads_and_closes, ["closed during the handshake", "wants wss://"]),
        (refuses_subprotocol, ["chose none of the subprotocols ocpp1.6", "or correct csms.url"]),
        (speaks_another, ["chose ocpp2.0.1 of the subprotocols ocpp1.6"]),
        (speaks_ssh, ["does not answer like a WebSocket server", "check csms.url"]),
        (http(200, "Content-Type: text/html"), ["is a web page, no OCPP-J endpoint (HTTP 200)"]),
        (http(301, "Location: wss://new/ocpp"), ["has moved (HTTP 301)", "wss://new/ocpp"]),
        (http(401), ["asks for a password (HTTP 401): set csms.password"]),
        (http(403), ["(HTTP 403): check the identity"]),
        (http(404), ["(HTTP 404): add the identity there"]),
        (http(426), ["wants no WebSocket (HTTP 426)", "passes WebSockets on"]),
        (http(500), ["(HTTP 500): look into its log"]),
    ],
)
async def test_why_there_is_no_link_is_told_on_mqtt_once(mosquitto, settings, make_daemon, script, words):
    came, enough = 0, asyncio.Event()

    async def counted(reader, writer):
        nonlocal came
        came += 1
        if came == 3:
            enough.set()
        await script(reader, writer)

    async with raw_server(counted) as port, Witness(mosquitto.port) as witness:
        url = f"ws://127.0.0.1:{port}/ocpp"
        csms = settings(mosquitto.url)["csms"] | {"url": url}
        await make_daemon(settings(mosquitto.url, csms=csms, twins=[{"id": "garage", "identity": ODD}]))
        event = await witness.event("garage", "disconnected")
        await asyncio.wait_for(enough.wait(), TIMEOUT_S)
        told = [event for event in witness.payloads("garage/event") if event["type"] == "disconnected"]
    assert event["data"]["url"] == f"{url}/{ENCODED}"
    assert all(word in event["data"]["reason"] for word in words), event["data"]["reason"]
    assert len(told) == 1


async def test_a_central_system_that_takes_a_twin_and_drops_it(mosquitto, settings, make_daemon):
    async def drops(reader, writer):
        await upgrade(reader, writer)

    async with raw_server(drops) as port, Witness(mosquitto.port) as witness:
        csms = settings(mosquitto.url)["csms"] | {"url": f"ws://127.0.0.1:{port}/ocpp"}
        await make_daemon(settings(mosquitto.url, csms=csms))
        event = await witness.event("garage", "disconnected")
    assert "It had not said anything yet: check whether it knows the identity" in event["data"]["reason"]


async def test_tls_on_ws_and_a_certificate_that_is_not_trusted(
    mosquitto, settings, make_daemon, certificates, tmp_path
):
    async def never(reader, _writer):
        await reader.read()

    authority = trustme.CA()
    async with (
        raw_server(never, context=context_for(authority.issue_cert("localhost"))) as port,
        Witness(mosquitto.port) as witness,
    ):
        twins = [
            {"id": "plain", "csms": {"url": f"ws://127.0.0.1:{port}/ocpp"}},
            {"id": "stranger", "csms": {"url": f"wss://localhost:{port}/ocpp", "ca_file": certificates["other"]}},
        ]
        await make_daemon(settings(mosquitto.url, twins=twins))
        plain = (await witness.event("plain", "disconnected"))["data"]["reason"]
        stranger = (await witness.event("stranger", "disconnected"))["data"]["reason"]
    assert "wants wss://" in plain
    assert "is not trusted" in stranger


@pytest.mark.parametrize("status", ["Rejected", "Pending"])
async def test_a_boot_notification_that_is_not_accepted_is_seen_on_mqtt(mosquitto, settings, make_daemon, status):
    async def answers(server):
        async for text in server:
            _, message_id, _, _ = json.loads(text)
            payload = {"status": status, "interval": 86_400, "currentTime": "2026-01-01T00:00:00Z"}
            await server.send(json.dumps([3, message_id, payload]))

    async with central_system(answers) as port, Witness(mosquitto.port) as witness:
        csms = settings(mosquitto.url)["csms"] | {"url": f"ws://127.0.0.1:{port}/ocpp"}
        await make_daemon(settings(mosquitto.url, csms=csms))
        event = await witness.event("garage", "registration_changed")
        assert event["data"] == {"status": status, "interval_s": 86_400}
        await witness.until("garage/state", lambda state: state["registration"] == status)


async def test_a_boot_notification_that_is_never_answered_is_seen_on_mqtt(mosquitto, settings, make_daemon):
    async def mute(server):
        async for _ in server:
            pass

    async with central_system(mute) as port, Witness(mosquitto.port) as witness:
        csms = settings(mosquitto.url)["csms"] | {"url": f"ws://127.0.0.1:{port}/ocpp"}
        await make_daemon(settings(mosquitto.url, csms=csms, twins=[{"id": "garage", "keys": {"MessageTimeout": 1}}]))
        event = await witness.event("garage", "message_dropped")
    assert event["data"] == {"action": "BootNotification", "reason": "no answer came in time"}


async def test_a_central_system_with_another_clock_is_seen_on_mqtt(mosquitto, settings, make_daemon):
    async def answers(server):
        async for text in server:
            _, message_id, action, _ = json.loads(text)
            payload = {"status": "Accepted", "interval": 300, "currentTime": "2035-01-01T00:00:00Z"}
            await server.send(json.dumps([3, message_id, payload if action == "BootNotification" else {}]))

    async with central_system(answers) as port, Witness(mosquitto.port) as witness:
        csms = settings(mosquitto.url)["csms"] | {"url": f"ws://127.0.0.1:{port}/ocpp"}
        await make_daemon(settings(mosquitto.url, csms=csms))
        said = await witness.said.until(
            lambda said: "SettingSystemTime" in str(said.payload) and said.topic == "garage/event", "the new time"
        )
    assert said.payload["data"]["tech_info"].startswith("Set by +")


async def test_an_identity_with_odd_characters_works(mosquitto, settings, make_daemon, csms, books):
    twins = [{"id": "garage", "identity": ODD}]
    async with Witness(mosquitto.port) as witness:
        await make_daemon(settings(mosquitto.url, twins=twins))
        await books.until("BootNotification", identity=ODD)
        event = await witness.event("garage", "connected")
    assert event["data"]["url"] == f"{csms.url}/{ENCODED}"


# --- A typo in a topic ------------------------------------------------------------------------------------------------


async def test_pub_shows_what_the_daemon_objects_to(mosquitto, settings, make_daemon, tmp_path):
    await make_daemon(settings(mosquitto.url))

    def pub(topic: str, payload: str) -> subprocess.CompletedProcess[str]:
        return cli(tmp_path, "pub", "--url", mosquitto.url, topic, payload, "--wait", "10")

    done = await asyncio.to_thread(pub, "ocpp-twin/garage/1/set/pluged", "ON")
    assert (done.returncode, done.stdout) == (1, "")
    assert "ocpp-twin: unknown_command: " in done.stderr
    assert "plugged" in done.stderr
    done = await asyncio.to_thread(pub, "ocpp-twin/garag/cmd/swipe", "04A2B3C4")
    assert "unknown_twin: " in done.stderr
    done = await asyncio.to_thread(pub, "ocpp-twin/garage/cmd/swipe", "04A2B3C4")
    assert (done.returncode, done.stderr) == (0, "")
