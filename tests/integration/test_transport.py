"""Brokers that want to know who is there: passwords, TLS, client certificates, WebSockets, and an access list."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import ssl
from pathlib import Path

import aiomqtt
import pytest
import trustme
from fakes.tls import written
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

ACL = Path(__file__).parents[2] / "docker/mosquitto.acl"
SALT = b"ocpp-twin ok"
USERS = ("ocpp-twin", "operator", "homeassistant", "watcher", "garage")


def hashed(user, password):
    """Return a line of Mosquitto's password file."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), SALT, 101)
    return f"{user}:$7$101${base64.b64encode(SALT).decode()}${base64.b64encode(digest).decode()}"


@pytest.fixture
def passwords(tmp_path):
    """Be lines of Mosquitto's configuration: everybody's password is his name, backwards."""
    path = tmp_path / "passwords"
    path.write_text("\n".join(hashed(user, user[::-1]) for user in USERS) + "\n")
    path.chmod(0o600)
    return ("user root", f"password_file {path}")


@pytest.fixture
def certificates(tmp_path):
    """Write a root, and certificates of a broker and of a client with their keys; return where they are."""
    authority = trustme.CA()
    server, client = authority.issue_cert("localhost"), authority.issue_cert("twins", common_name="twins")
    return {
        "ca_file": written(tmp_path / "ca.pem", authority.cert_pem),
        "server": written(tmp_path / "server.pem", *server.cert_chain_pems),
        "server_key": written(tmp_path / "server.key", server.private_key_pem),
        "cert_file": written(tmp_path / "client.pem", *client.cert_chain_pems),
        "key_file": written(tmp_path / "client.key", client.private_key_pem),
    }


@contextlib.asynccontextmanager
async def over_websockets(broker_port, context):
    """Let the broker be reached over WebSockets, too; yields the port. Mosquitto's own need what not every host has."""

    async def relay(connection):
        assert connection.subprotocol == "mqtt"
        reader, writer = await asyncio.open_connection("127.0.0.1", broker_port)

        async def back():
            while some := await reader.read(65536):
                await connection.send(some)
            await connection.close()

        answering = asyncio.create_task(back())
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                writer.write(message)
        writer.close()
        await asyncio.gather(answering, return_exceptions=True)

    async with serve(relay, "127.0.0.1", 0, subprotocols=["mqtt"], ssl=context) as server:
        yield next(iter(server.sockets)).getsockname()[1]


class Person:
    """Be somebody at the broker, who listens to everything that he may."""

    def __init__(self, port, name):
        self._client = aiomqtt.Client("127.0.0.1", port, username=name, password=name[::-1])

    async def __aenter__(self):
        await self._client.__aenter__()
        await self._client.subscribe("#", qos=1)
        return self

    async def __aexit__(self, *what):
        await self._client.__aexit__(*what)

    async def say(self, topic, payload, *, retain=False):
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def until(self, topic, wanted=lambda _: True):
        async for message in self._client.messages:
            if str(message.topic) == topic and message.payload and wanted(found := json.loads(message.payload)):
                return found
        raise AssertionError


def at_the_broker(line):
    return (line["event"], line.get("logger")) == ("connected", "mqtt")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_the_access_list_that_is_shipped_lets_everybody_do_his_work(
    make_mosquitto, settings, make_daemon, passwords, protocol
):
    mosquitto = make_mosquitto(*passwords, f"acl_file {ACL}", anonymous=False)
    given = settings(
        mosquitto.url,
        home_assistant={"enabled": True},
        inputs=[
            {"topic": "shellies/garage/power", "to": "garage/1/set/power_w"},
            {"topic": "esphome/reader/door/tag", "to": "garage/cmd/swipe"},
        ],
        outputs=[{"from": "garage/1/limit", "topic": "openevse/override/set", "payload": "{{ limit_a }}"}],
    )
    given["mqtt"] |= {"username": "ocpp-twin", "password": "niwt-ppco", "protocol": protocol, "trace": True}
    daemon = await make_daemon(given)
    async with (
        Person(mosquitto.port, "operator") as operator,
        Person(mosquitto.port, "homeassistant") as home,
        Person(mosquitto.port, "garage") as box,
        Person(mosquitto.port, "watcher") as watcher,
    ):
        await home.until("homeassistant/device/ocpp-twin_garage/config")
        await operator.until("ocpp-twin/garage/state", lambda state: state["connected"])
        await watcher.say("ocpp-twin/garage/1/set/fault", "GroundFailure")
        await box.say("ocpp-twin/garage/1/set/fault", "GroundFailure")
        await home.say("ocpp-twin/bridge/main/request/remove_twin", '{"id": "garage"}')
        await box.say("shellies/garage/power", "4321")
        await watcher.until("ocpp-twin/garage/1/meter", lambda meter: meter["power_w"] == 4321)
        await home.say("ocpp-twin/garage/1/set/plugged", "ON")
        await box.say("esphome/reader/door/tag", "04A2B3C4")
        await watcher.until("ocpp-twin/garage/1/state", lambda state: state["status"] == "Charging")
        await operator.say("ocpp-twin/bridge/main/request/list_twins", "{}")
        listed = await operator.until("ocpp-twin/bridge/main/response/list_twins")
        assert [twin["id"] for twin in listed["data"]["twins"]] == ["garage"]
        await operator.say("ocpp-twin/bridge/main/request/remove_twin", '{"id": "garage", "forget": true}')
        await operator.until("ocpp-twin/bridge/main/response/remove_twin", lambda result: result["status"] == "ok")
    assert await daemon.stop() == 0
    refused = {"publish_refused", "subscription_refused"}
    assert [line for line in daemon.log.since(0) if line["event"] in refused] == []


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_tls_with_a_client_certificate(make_mosquitto, settings, make_daemon, certificates, protocol):
    lines = (
        *("user root", "require_certificate true", "use_identity_as_username true"),
        *(f"cafile {certificates['ca_file']}", f"certfile {certificates['server']}"),
        f"keyfile {certificates['server_key']}",
    )
    mosquitto = make_mosquitto(*lines, anonymous=False)
    given = settings(f"mqtts://localhost:{mosquitto.port}")
    given["mqtt"] |= {name: certificates[name] for name in ("ca_file", "cert_file", "key_file")} | {
        "protocol": protocol
    }
    daemon = await make_daemon(given)
    await daemon.log.until(at_the_broker, "the broker")
    assert await daemon.stop() == 0


async def test_a_client_without_its_certificate_is_told_so(make_mosquitto, settings, make_daemon, certificates):
    lines = (
        *("user root", "require_certificate true", f"cafile {certificates['ca_file']}"),
        *(f"certfile {certificates['server']}", f"keyfile {certificates['server_key']}"),
    )
    mosquitto = make_mosquitto(*lines)
    given = settings(f"mqtts://localhost:{mosquitto.port}")
    given["mqtt"] |= {"ca_file": certificates["ca_file"], "startup_wait": "0s"}
    daemon = await make_daemon(given)
    await daemon.log.until(lambda line: line["event"] == "no_connection", "what is wrong")
    assert not any(at_the_broker(line) for line in daemon.log.since(0))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_websockets_with_a_password(
    make_mosquitto, settings, make_daemon, passwords, certificates, scheme, protocol
):
    mosquitto = make_mosquitto(*passwords, anonymous=False)
    context = None
    if scheme == "wss":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates["server"], certificates["server_key"])
    async with over_websockets(mosquitto.port, context) as port:
        given = settings(f"{scheme}://ocpp-twin:niwt-ppco@localhost:{port}/mqtt")
        given["mqtt"] |= {"protocol": protocol, "ca_file": certificates["ca_file"]}
        daemon = await make_daemon(given)
        await daemon.log.until(at_the_broker, "the broker")
        async with Person(mosquitto.port, "operator") as operator:
            await operator.until("ocpp-twin/garage/state", lambda state: state["connected"])
            await operator.say("ocpp-twin/garage/1/set/plugged", "ON")
            await operator.until("ocpp-twin/garage/1/state", lambda state: state["plugged"])
        assert await daemon.stop() == 0
    assert "niwt-ppco" not in json.dumps(list(daemon.log.since(0)))
