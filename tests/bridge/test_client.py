from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import structlog
from fakes.fleet import FakeFleet
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from websockets import Subprotocol
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bridge.client import Client, _joined
from bridge.health import Health, NodeInfo
from bridge.homeassistant.announcer import Announcer
from bridge.homeassistant.device import device_message
from bridge.homeassistant.options import DiscoveryOptions
from bridge.options import MqttOptions
from bridge.ports import Outgoing, Outlet
from bridge.publisher import Publisher
from bridge.router import Router
from twin.model import inputs
from twin.model.effects import Note
from twin.model.spec import TwinSpec

NOW = 1_700_000_000.0


_waiting: set[asyncio.Event] = set()


def ring() -> None:
    """Let everybody who waits look again: something happened."""
    for news in _waiting:
        news.set()


async def until(condition: Callable[[], Any]) -> None:
    """Wait until something that happened has made a condition true."""
    news = asyncio.Event()
    _waiting.add(news)
    try:
        async with asyncio.timeout(5):
            while not condition():
                await news.wait()
                news.clear()
    finally:
        _waiting.discard(news)


@contextlib.contextmanager
def written() -> Iterator[list[Any]]:
    """Have the lines of the log, each of which rings."""

    def told(_logger: Any, _method: str, line: Any) -> Any:
        ring()
        return line

    with structlog.testing.capture_logs() as lines:
        structlog.get_config()["processors"].insert(0, told)
        yield lines


class Overheard:
    """Be a publisher whose comings, goings and confirmations ring."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def connected(self, outlet: Outlet) -> None:
        self._publisher.connected(outlet)
        ring()

    def disconnected(self, uncertain: list[Outgoing]) -> None:
        self._publisher.disconnected(uncertain)
        ring()

    def wake(self) -> None:
        self._publisher.wake()
        ring()


class Daemon:
    """The MQTT side of a daemon around a fake fleet."""

    def __init__(self, url: str, fleet: FakeFleet | None = None, **options: Any) -> None:
        settings = {"backoff_min_s": 0.02, "backoff_max_s": 0.1, "connect_timeout_s": 3.0, **options}
        self.options = MqttOptions(url=url, **settings)
        self.fleet = fleet or FakeFleet()
        self.fleet.heard = ring
        self.publisher = Publisher(self.options, now=lambda: NOW)
        self.publisher.attach(self.fleet)
        self.router = Router(self.options, self.fleet, self.publisher, now=lambda: NOW, stored=self.fleet.receipts)
        self.announcer = Announcer(DiscoveryOptions(), self.fleet, self.publisher, wait_s=lambda: 0.0)
        source = Overheard(self.publisher)
        self.client = Client(self.options, source, self.router, lambda: self.fleet.ids, self.announcer)
        self.health = Health(
            self.options, NodeInfo("0", NOW), fleet=self.fleet, publisher=self.publisher, router=self.router
        )

    @contextlib.asynccontextmanager
    async def running(self, *, graceful: bool = True) -> AsyncIterator[Daemon]:
        tasks = [asyncio.create_task(part.run()) for part in (self.publisher, self.client, self.health)]
        try:
            yield self
            if graceful:
                await asyncio.wait_for(self.publisher.farewell(), 5)
                await self.client.close()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Person:
    """Somebody with an MQTT client of version 5."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client

    async def send(self, topic: str, payload: str = "", *, qos: int = 1, retain: bool = False, **props: Any) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        for name, value in props.items():
            setattr(properties, name, value)
        await self.client.publish(topic, payload, qos=qos, retain=retain, properties=properties)

    async def hears(self, topic: str, payload: str | None = None) -> Any:
        """Return the next message on a topic (with this payload), bare or from JSON."""
        async with asyncio.timeout(5):
            async for message in self.client.messages:
                text = bytes(message.payload).decode()
                if str(message.topic) == topic and payload in (None, text):
                    return json.loads(text) if text.startswith("{") else text
        raise AssertionError("unreachable")


@contextlib.asynccontextmanager
async def person(port: int, *filters: str) -> AsyncIterator[Person]:
    at_once = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    version = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client("127.0.0.1", port, protocol=version, socket_options=at_once) as client:
        for name in filters:
            await client.subscribe(name, qos=2)
        yield Person(client)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_everything_is_published_and_a_command_is_taken(mosquitto, protocol):
    daemon = Daemon(mosquitto.url, protocol=protocol)
    async with daemon.running():
        assert await daemon.client.wait_subscribed(5)
        async with person(mosquitto.port, "ocpp-twin/#") as somebody:
            await somebody.hears("ocpp-twin/bridge/main/availability", "online")
            await somebody.send("ocpp-twin/garage/1/cmd/swipe", '{"value": "04A2B3C4", "request_id": "r1"}')
            result = await somebody.hears("ocpp-twin/garage/result")
            assert (result["status"], result["request_id"]) == ("ok", "r1")
        assert daemon.fleet.taken == [("garage", inputs.PresentToken(token="04A2B3C4", evse=1, request_id="r1"))]
    async with person(mosquitto.port, "ocpp-twin/#") as somebody:
        await somebody.hears("ocpp-twin/bridge/main/availability", "offline")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_home_assistant_hears_of_twins_and_of_those_that_are_gone(mosquitto, protocol):
    shed = "homeassistant/device/ocpp-twin_shed/config"
    garage = "homeassistant/device/ocpp-twin_garage/config"
    daemon = Daemon(mosquitto.url, protocol=protocol)
    async with person(mosquitto.port, "homeassistant/#") as somebody:
        old = device_message(TwinSpec(id="shed", identity="shed"), DiscoveryOptions())
        await somebody.send(shed, json.dumps(old), retain=True)
        async with daemon.running():
            await somebody.hears(shed, "")
            assert (await somebody.hears(garage))["device"]["name"] == "garage"
            await somebody.send("homeassistant/status", "online", qos=0)
            await somebody.hears(garage)
        async with Daemon(mosquitto.url, protocol=protocol).running():  # with the session that the broker kept
            await somebody.hears(garage)


class Broken:
    """Be a companion with a defect."""

    async def attend(self, line: Any) -> None:
        raise RuntimeError("broken on purpose")

    def hears(self, topic: str) -> bool:
        return False


async def test_a_companion_that_fails_is_logged_at_once_and_the_connection_stays(mosquitto):
    daemon = Daemon(mosquitto.url)
    daemon.client._companion = Broken()
    with written() as lines:
        async with daemon.running(), person(mosquitto.port, "ocpp-twin/garage/result") as somebody:
            await until(lambda: any(line["event"] == "task_failed" for line in lines))
            (failed,) = [line for line in lines if line["event"] == "task_failed"]
            assert (failed["task"], str(failed["exc_info"])) == ("companion attends", "broken on purpose")
            await somebody.send("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4")
            assert (await somebody.hears("ocpp-twin/garage/result"))["status"] == "ok"
    assert daemon.client.connects_total == 1


async def test_all_retained_topics_are_there_for_somebody_who_comes_later(mosquitto):
    daemon = Daemon(mosquitto.url)
    async with daemon.running():
        await daemon.client.wait_subscribed(5)
        async with person(mosquitto.port, "ocpp-twin/#") as somebody:
            seen: set[str] = set()
            async with asyncio.timeout(5):
                async for message in somebody.client.messages:
                    seen.add(str(message.topic).removeprefix("ocpp-twin/"))
                    if len(seen) == 3 + 3 * 4 + 2 * 2:
                        break
    assert seen == {
        *(f"bridge/main/{name}" for name in ("availability", "info", "health")),
        *(f"{twin}/{name}" for twin in ("garage", "office") for name in ("availability", "state")),
        *(
            f"{evse}/{name}"
            for evse in ("garage/1", "office/1", "office/2")
            for name in ("state", "meter", "limit", "session")
        ),
    }


async def test_a_response_topic_gets_the_result_with_the_correlation_data(mosquitto):
    daemon = Daemon(mosquitto.url)
    async with daemon.running(), person(mosquitto.port, "answers/#") as somebody:
        await daemon.client.wait_subscribed(5)
        where = {"ResponseTopic": "answers/me", "CorrelationData": b"7"}
        await somebody.send("ocpp-twin/garage/1/set/plugged", "ON", **where)
        async with asyncio.timeout(5):
            message = await anext(aiter(somebody.client.messages))
        assert str(message.topic) == "answers/me"
        assert message.properties is not None
        assert message.properties.CorrelationData == b"7"
        assert json.loads(bytes(message.payload))["status"] == "ok"


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_live_retained_edge_is_refused_and_levels_are_welcome(mosquitto, qos):
    daemon = Daemon(mosquitto.url)
    async with daemon.running(), person(mosquitto.port, "ocpp-twin/+/result") as somebody:
        await daemon.client.wait_subscribed(5)
        await somebody.send("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4", qos=qos, retain=True)
        result = await somebody.hears("ocpp-twin/garage/result")
        assert (result["status"], result["code"]) == ("error", "retained_command")
        await somebody.send("ocpp-twin/garage/1/set/plugged", "ON", qos=qos, retain=True)
        await until(lambda: daemon.fleet.taken)


async def test_retained_levels_and_edges_are_replayed_at_the_start(mosquitto):
    async with person(mosquitto.port, "ocpp-twin/+/result") as somebody:
        await somebody.send("ocpp-twin/garage/1/set/plugged", "ON", retain=True)
        await somebody.send("ocpp-twin/garage/1/cmd/stop", "PRESS", retain=True)
        daemon = Daemon(mosquitto.url)
        async with daemon.running():
            assert (await somebody.hears("ocpp-twin/garage/result"))["code"] == "retained_command"
            await until(lambda: daemon.fleet.taken)
            assert [type(command) for _, command in daemon.fleet.taken] == [inputs.PlugIn]


async def test_after_a_broker_restart_everything_retained_is_published_again(mosquitto):
    daemon = Daemon(mosquitto.url)
    async with daemon.running():
        await daemon.client.wait_subscribed(5)
        mosquitto.stop()
        await until(lambda: daemon.publisher._outlet is None)
        mosquitto.start()
        async with person(mosquitto.port, "ocpp-twin/#") as somebody:
            missing = {"bridge/main/availability", "bridge/main/info", "garage/availability", "garage/1/state"}
            async with asyncio.timeout(5):
                async for message in somebody.client.messages:
                    missing.discard(str(message.topic).removeprefix("ocpp-twin/"))
                    if not missing:
                        break


async def test_events_are_kept_while_the_broker_is_away(mosquitto):
    daemon = Daemon(mosquitto.url)
    async with daemon.running():
        await daemon.client.wait_subscribed(5)
        mosquitto.stop()
        await until(lambda: daemon.publisher._outlet is None)
        daemon.publisher.noted("garage", Note("plugged", {"ev": None}, NOW, evse=1))
        assert len(daemon.publisher._backlog) == 1
        mosquitto.start()
        await until(lambda: len(daemon.publisher._backlog) == 0)
        await until(lambda: daemon.client._session is not None and not daemon.client._session.uncertain)
    assert daemon.publisher.dropped_total == 0


async def test_the_will_speaks_when_the_daemon_dies(mosquitto):
    daemon = Daemon(mosquitto.url)
    async with person(mosquitto.port, "ocpp-twin/bridge/main/availability") as somebody:
        async with daemon.running(graceful=False):
            await somebody.hears("ocpp-twin/bridge/main/availability", "online")
        await somebody.hears("ocpp-twin/bridge/main/availability", "offline")


@pytest.mark.parametrize("qos", [1, 2])
async def test_a_command_sent_during_a_short_restart_arrives(mosquitto, qos):
    async with Daemon(mosquitto.url).running() as first:
        await first.client.wait_subscribed(5)
    async with person(mosquitto.port) as somebody:
        await somebody.send("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4", qos=qos)
    async with Daemon(mosquitto.url).running() as second:
        await until(lambda: second.fleet.taken)


@pytest.mark.parametrize("qos", [1, 2])
async def test_what_was_not_stored_is_delivered_again_after_a_crash(mosquitto, qos):
    first = Daemon(mosquitto.url, FakeFleet(held=True))
    async with first.running(graceful=False), person(mosquitto.port) as somebody:
        await first.client.wait_subscribed(5)
        await somebody.send("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4", qos=qos)
        await until(lambda: first.fleet.taken)
    async with Daemon(mosquitto.url).running() as second:
        await until(lambda: second.fleet.taken)


async def test_what_was_stored_but_not_acknowledged_is_not_done_again_at_qos_2(mosquitto):
    first = Daemon(mosquitto.url, FakeFleet(held=True))
    async with first.running(graceful=False), person(mosquitto.port) as somebody:
        await first.client.wait_subscribed(5)
        await somebody.send("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4", qos=2)
        await until(lambda: first.fleet.taken)
    fleet = FakeFleet()
    fleet.receipts = first.fleet.receipts
    async with person(mosquitto.port, "ocpp-twin/garage/result") as somebody, Daemon(mosquitto.url, fleet).running():
        result = await somebody.hears("ocpp-twin/garage/result")
        assert (result["status"], result["code"]) == ("ignored", "duplicate")
    assert fleet.taken == []


async def test_many_messages_of_all_qualities_arrive_in_order(mosquitto):
    daemon = Daemon(mosquitto.url, rate_burst=10_000)
    async with daemon.running(), person(mosquitto.port) as somebody:
        await daemon.client.wait_subscribed(5)
        for number in range(300):
            await somebody.send("ocpp-twin/garage/1/set/power_w", str(number), qos=number % 3)
        await until(lambda: len(daemon.fleet.taken) == 300)
        by_quality = [[], [], []]
        for _, command in daemon.fleet.taken:
            assert isinstance(command, inputs.ReportMeter)
            number = int(next(iter(command.values.values())))
            by_quality[number % 3].append(number)
        assert by_quality == [sorted(numbers) for numbers in by_quality]


def password_file(folder: Path) -> Path:
    users = folder / "users"
    users.write_text("twins:secret\n")
    subprocess.run(["mosquitto_passwd", "-U", users], check=True)
    users.chmod(0o644)
    return users


async def test_a_wrong_password_is_one_sentence_and_is_tried_again(make_mosquitto, tmp_path):
    users = password_file(tmp_path)
    broker = make_mosquitto("user root", f"password_file {users}", anonymous=False)
    with written() as logs:
        daemon = Daemon(broker.url, username="twins", password="wrong")
        async with daemon.running(graceful=False):
            assert not await daemon.client.wait_subscribed(0.5)
    said = [line["advice"] for line in logs if line["event"] == "no_connection"]
    assert len(said) == 1
    assert "'twins'" in said[0]
    assert "mqtt.password" in said[0]
    right = Daemon(broker.url, username="twins", password="secret")
    async with right.running():
        assert await right.client.wait_subscribed(5)


async def test_a_broker_that_is_not_there_yet_is_found_later(make_mosquitto):
    broker = make_mosquitto()
    broker.stop()
    with written() as logs:
        daemon = Daemon(broker.url)
        async with daemon.running():
            assert not await daemon.client.wait_subscribed(0.2)
            broker.start()
            assert await daemon.client.wait_subscribed(5)
    said = [line["advice"] for line in logs if line["event"] == "no_connection"]
    assert said == [f"nothing listens at 127.0.0.1:{broker.port}: start the broker, or check mqtt.url"]


async def test_two_daemons_with_one_client_id_slow_down_and_say_so_once(mosquitto):
    with written() as logs:
        first, second = (Daemon(mosquitto.url, backoff_min_s=0.05, backoff_max_s=30.0) for _ in range(2))
        async with first.running(graceful=False):
            assert await first.client.wait_subscribed(5)
            async with second.running(graceful=False):
                await until(lambda: first.client.connects_total + second.client.connects_total > 4)
    said = [line["advice"] for line in logs if line["event"] == "no_connection"]
    assert len(said) <= 2  # one for each
    assert all("the client id 'ocpp-twin-main'" in sentence for sentence in said)
    assert max(first.client._pause_s(), second.client._pause_s()) > 0.05 * 1.3


@pytest.mark.parametrize(("before", "after"), [("all", "own"), ("own", "all")])
async def test_the_filters_of_the_other_way_to_subscribe_are_given_up(mosquitto, before, after):
    async with Daemon(mosquitto.url, subscribe=before).running() as first:
        await first.client.wait_subscribed(5)
    daemon = Daemon(mosquitto.url, subscribe=after)
    async with daemon.running(), person(mosquitto.port) as somebody:
        await daemon.client.wait_subscribed(5)
        await somebody.send("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4")
        await somebody.send("ocpp-twin/elsewhere/1/cmd/swipe", "04A2B3C4")
        await somebody.send("ocpp-twin/garage/1/cmd/stop")
        await until(lambda: len(daemon.fleet.taken) == 2)
        assert daemon.router.in_total == (2 if after == "own" else 3)


async def test_the_filters_of_another_root_are_given_up_when_they_show(mosquitto):
    async with Daemon(mosquitto.url, base_topic="old/root").running() as first:
        await first.client.wait_subscribed(5)
    daemon = Daemon(mosquitto.url)
    with written() as logs:
        async with daemon.running(), person(mosquitto.port) as somebody:
            await daemon.client.wait_subscribed(5)
            await somebody.send("old/root/garage/1/cmd/swipe", "04A2B3C4")
            await until(lambda: any(line["event"] == "unsubscribed" for line in logs))
            await somebody.send("old/root/garage/1/cmd/swipe", "04A2B3C4")
            await somebody.send("ocpp-twin/garage/1/cmd/stop")
            await until(lambda: daemon.fleet.taken)
    assert [type(command) for _, command in daemon.fleet.taken] == [inputs.PressStop]
    assert daemon.router.in_total == 1


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for localhost, and its key."""
    crt, key = folder / "broker.crt", folder / "broker.key"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", crt]
    subprocess.run([*command, *name], check=True, capture_output=True)
    key.chmod(0o644)
    return crt, key


async def test_tls_with_a_client_certificate(make_mosquitto, tmp_path):
    crt, key = certificate(tmp_path)
    lines = [f"cafile {crt}", f"certfile {crt}", f"keyfile {key}", "require_certificate true"]
    broker = make_mosquitto("user root", *lines)
    files = {"ca_file": str(crt), "cert_file": str(crt), "key_file": str(key)}
    daemon = Daemon(f"mqtts://localhost:{broker.port}", **files)
    async with daemon.running():
        assert await daemon.client.wait_subscribed(5)


async def test_a_certificate_that_is_not_trusted_is_one_sentence(make_mosquitto, tmp_path):
    crt, key = certificate(tmp_path)
    broker = make_mosquitto("user root", f"certfile {crt}", f"keyfile {key}")
    with written() as logs:
        daemon = Daemon(f"mqtts://localhost:{broker.port}")
        async with daemon.running(graceful=False):
            await until(lambda: any(line["event"] == "no_connection" for line in logs))
    assert "mqtt.ca_file" in next(line["advice"] for line in logs if line["event"] == "no_connection")


class OldBroker:
    """A broker that does not know MQTT 5: it answers CONNECT with `refusal`, hangs up (empty) or is silent (None).

    `asked` holds the versions.
    """

    def __init__(self, refusal: bytes | None, acceptance: bytes) -> None:
        self.asked: list[int] = []
        self.port = 0
        self._answers = {5: refusal, 4: acceptance}
        self._peers = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers += 1
        length = (await reader.readexactly(2))[1]
        version = (await reader.readexactly(length))[6]
        self.asked.append(version)
        ring()
        answer = self._answers[version]
        writer.write(answer or b"")
        if answer != b"":
            await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self._peers -= 1
        ring()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield
            await until(lambda: self._peers == 0)


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b"", None], ids=["refused", "hung up", "silent"])
async def test_a_broker_that_does_not_know_version_5_is_spoken_to_in_3_1_1(refusal):
    broker = OldBroker(refusal, b"\x20\x02\x00\x00")
    async with broker.listening():
        daemon = Daemon(f"mqtt://127.0.0.1:{broker.port}", connect_timeout_s=0.2)
        async with daemon.running(graceful=False):
            await until(lambda: broker.asked == [5, 4])


async def test_a_broker_that_hangs_up_on_everybody_is_asked_again():
    broker = OldBroker(b"", b"")
    async with broker.listening(), Daemon(f"mqtt://127.0.0.1:{broker.port}").running(graceful=False):
        await until(lambda: broker.asked[:4] == [5, 4, 5, 4])


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_websockets_carry_mqtt_too(mosquitto, tmp_path, scheme):
    async def relay(peer: ServerConnection) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", mosquitto.port)

        async def back() -> None:
            while data := await reader.read(65536):
                await peer.send(data)

        returning = asyncio.create_task(back())
        with contextlib.suppress(ConnectionClosed):
            async for data in peer:
                assert isinstance(data, bytes)
                writer.write(data)
        returning.cancel()
        writer.close()
        await writer.wait_closed()

    crt, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    tls = context if scheme == "wss" else None
    async with serve(relay, "127.0.0.1", 0, subprotocols=[Subprotocol("mqtt")], ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        daemon = Daemon(f"{scheme}://localhost:{port}/mqtt", ca_file=str(crt))
        async with daemon.running():
            assert await daemon.client.wait_subscribed(5)


def test_filters_are_joined_so_that_nothing_comes_twice():
    assert _joined(["plug/status", "em/#"], ["plug/status", "em/lock", "lock"]) == (
        ["em/#", "plug/status", "lock"],
        ["em/#", "plug/status", "lock"],
    )
    assert _joined(["meter"], ["lock"]) == (["meter", "lock"], ["lock"])
