import asyncio
import io
import json
from dataclasses import replace

import pytest
from fakes.links import raw_server

from bridge.options import MqttOptions
from bridge.tool import NoBroker, Watch, publish, watch

TIMEOUT_S = 10


async def watched(url, wanted, **options):
    output = io.StringIO()
    seen = await asyncio.wait_for(watch(MqttOptions(url=url, **options), wanted, output), TIMEOUT_S)
    return seen, output.getvalue()


@pytest.mark.parametrize("protocol", ["auto", "5", "3.1.1"])
async def test_what_is_published_is_printed(mosquitto, protocol):
    options = MqttOptions(url=mosquitto.url, protocol=protocol)
    await publish(options, "a/b", '{"x": 1, "y": {"z": null}}', retain=True)
    seen, text = await watched(mosquitto.url, Watch(["a/#"], count=1), protocol=protocol)
    first, _, rest = text.partition(" {")
    assert seen == 1
    assert first.split(" ", 1)[1] == "a/b (retained)"
    assert json.loads("{" + rest) == {"x": 1, "y": {"z": None}}


async def test_lines_of_json_hold_everything(mosquitto):
    await publish(MqttOptions(url=mosquitto.url), "a/b", "ON", qos=1, retain=True)
    _, text = await watched(mosquitto.url, Watch(["#"], count=1, as_json=True))
    assert json.loads(text) == {"topic": "a/b", "payload": "ON", "qos": 1, "retain": True}


async def test_what_would_garble_the_terminal_is_escaped(mosquitto):
    await publish(MqttOptions(url=mosquitto.url), "a/b", "\x1b[2Jé\n", retain=True)
    _, text = await watched(mosquitto.url, Watch(["#"], count=1))
    assert text.endswith("a/b (retained) \\x1b[2Jé\\n\n")


async def test_it_ends_after_its_time_and_leaves_out_what_is_retained(mosquitto):
    await publish(MqttOptions(url=mosquitto.url), "a/b", "x", retain=True)
    assert await watched(mosquitto.url, Watch(["#"], timeout_s=0.2, retained=False)) == (0, "")


async def test_a_wrong_password_is_a_sentence(make_mosquitto):
    broker = make_mosquitto(anonymous=False)
    with pytest.raises(NoBroker, match=r"refuses the user 'me' .*check mqtt.username and mqtt.password"):
        await publish(MqttOptions(url=broker.url, username="me", password="wrong"), "a", "b")


async def test_a_missing_broker_is_a_sentence(mosquitto):
    options = MqttOptions(url=mosquitto.url)
    mosquitto.stop()
    with pytest.raises(NoBroker, match=r"nothing listens at .*: start the broker, or check mqtt\.url"):
        await publish(options, "a", "b")


async def test_a_broker_that_goes_away_ends_it(mosquitto):
    class Stopping(io.StringIO):
        def flush(self):
            mosquitto.stop()

    await publish(MqttOptions(url=mosquitto.url), "a/b", "x", retain=True)
    with pytest.raises(NoBroker):
        await asyncio.wait_for(watch(MqttOptions(url=mosquitto.url), Watch(["#"]), Stopping()), TIMEOUT_S)


async def test_a_broker_that_hangs_up_on_version_5_is_asked_for_3_1_1():
    versions = []

    async def serve(reader, writer):
        head = await reader.readexactly(12)
        versions.append(head[8])
        if head[8] == 4:
            await reader.read(1000)
            writer.write(b"\x20\x02\x00\x05")  # CONNACK: not authorized
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(NoBroker, match="refuses a client without a user name"):
            await publish(MqttOptions(url=url), "a", "b")
        with pytest.raises(NoBroker, match="hangs up before it answers"):
            await publish(replace(MqttOptions(url=url), protocol="5"), "a", "b")
    assert versions == [5, 4, 5]


@pytest.mark.parametrize("topic", ["a/#", ""])
async def test_a_topic_that_is_none_is_told(mosquitto, topic):
    with pytest.raises(ValueError, match="opic"):
        await publish(MqttOptions(url=mosquitto.url), topic, "b")


@pytest.mark.parametrize(
    ("protocol", "suback"), [("3.1.1", b"\x90\x03\x00\x01\x80"), ("5", b"\x90\x04\x00\x01\x00\x87")]
)
async def test_a_filter_that_the_broker_refuses_is_told(protocol, suback):
    connack = b"\x20\x02\x00\x00" if protocol == "3.1.1" else b"\x20\x03\x00\x00\x00"

    async def script(reader, writer):
        for answer in (connack, suback):
            head = await reader.readexactly(2)
            await reader.readexactly(head[1])
            writer.write(answer)
        await reader.read()

    async with raw_server(script) as port:
        with pytest.raises(NoBroker, match=r"refuses the filter 'a/#' .*: allow it in its access rules"):
            await watched(f"mqtt://127.0.0.1:{port}", Watch(["a/#"]), protocol=protocol)
