import asyncio
import contextlib
import gc

import aiomqtt
import pytest
from fakes.free import free_port
from fakes.links import raw_server

from bridge.broker import HungUp, Silent
from bridge.entering import Entrant


def entrant(port: int) -> Entrant:
    return Entrant("127.0.0.1", port, timeout=0.5, protocol=aiomqtt.ProtocolVersion.V311)


async def why(port: int) -> aiomqtt.MqttError:
    client = entrant(port)
    with pytest.raises(aiomqtt.MqttError) as caught:
        await client.enter()
    assert client._client.socket() is None
    return caught.value


async def test_where_nothing_listens_the_cause_is_kept():
    assert isinstance((await why(free_port())).__cause__, ConnectionRefusedError)


async def test_a_broker_that_hangs_up():
    async def script(reader, _writer):
        await reader.readexactly(2)

    async with raw_server(script) as port:
        assert isinstance(await why(port), HungUp)


async def test_a_broker_that_does_not_answer():
    async def script(reader, _writer):
        await reader.read()

    async with raw_server(script) as port:
        assert isinstance(await why(port), Silent)


async def test_a_refusal_is_an_answer():
    async def script(reader, writer):
        await reader.readexactly(2)
        writer.write(b"\x20\x02\x00\x05")  # CONNACK: not authorized
        await reader.read()

    async with raw_server(script) as port:
        error = await why(port)
    assert isinstance(error, aiomqtt.MqttCodeError)
    assert error.__cause__ is None


async def test_an_end_that_comes_with_the_welcome_is_told(caplog):
    async def script(reader, writer):
        await reader.readexactly(2)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK: welcome

    async with raw_server(script) as port:
        error = await why(port)
    gc.collect()
    assert isinstance(error, aiomqtt.MqttCodeError)
    assert not caplog.records


async def test_nobody_needs_to_ask_why_an_aborted_connection_ended(caplog):
    entered, ended = asyncio.Event(), asyncio.Event()

    async def script(reader, writer):
        await reader.readexactly(2)
        writer.write(b"\x20\x02\x00\x00")
        await entered.wait()

    async with raw_server(script) as port:
        client = entrant(port)
        await client.enter()
        client._disconnected.add_done_callback(lambda _: ended.set())
        entered.set()
        await ended.wait()
        client.abort()
        del client
    gc.collect()
    assert not caplog.records


async def test_a_way_in_that_is_given_up_leaves_nothing_open():
    came = asyncio.Event()

    async def script(reader, _writer):
        await reader.readexactly(2)
        came.set()
        await reader.read()

    async with raw_server(script) as port:
        client = entrant(port)
        entering = asyncio.create_task(client.enter())
        await asyncio.wait_for(came.wait(), 10)
        entering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await entering
        assert client._client.socket() is None
