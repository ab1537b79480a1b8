from __future__ import annotations

import asyncio
from base64 import b64decode

import pytest
from fakes.links import (
    RecordingPeer,
    answering,
    central_system,
    frame,
    raw_server,
    reach,
    read_frame,
    target_at,
    upgrade,
)
from websockets.frames import CloseCode, Opcode

from twin.errors import LinkError
from twin.link.websocket import connect
from twin.model.spec import Access
from twin.model.terms import LinkProblem

WRONG_ACCEPT = (
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


async def refused(target, timeout_s=10.0):
    peer = RecordingPeer()
    with pytest.raises(LinkError) as caught:
        await connect(target, peer, timeout_s=timeout_s)
    assert peer.reasons == []
    return caught.value


async def wait_closed(server):
    await server.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_it_connects_and_speaks_ocpp(host):
    async with central_system(wait_closed, host=host) as port:
        url_host = f"[{host}]" if ":" in host else host
        connection = await connect(target_at(port, host=url_host), peer := RecordingPeer(), timeout_s=10)
        assert connection.subprotocol == "ocpp1.6"
        connection.close()
        assert "(1000)" in await peer.end()


async def test_t_02_t_03_sec_03_sec_04_the_request_names_the_station_its_versions_and_its_password():
    requests = []

    async def script(reader, writer):
        requests.append(await upgrade(reader, writer))

    async with raw_server(script) as port:
        access = Access(1, b"p\xe4:\x00\xff")
        versions = ("ocpp2.0.1", "ocpp1.6")
        there = reach(f"ws://127.0.0.1:{port}/ocpp", identity="CP 001/Ä", access=access, subprotocols=versions)
        peer = RecordingPeer()
        await connect(there, peer, timeout_s=10)
        await peer.end()
    line, *lines = requests[0].strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert line == "GET /ocpp/CP%20001%2F%C3%84 HTTP/1.1"
    assert headers["Host"] == f"127.0.0.1:{port}"
    assert headers["Sec-WebSocket-Protocol"] == "ocpp2.0.1, ocpp1.6"
    assert headers["User-Agent"] == "ocpp-twin"
    user, _, password = b64decode(headers["Authorization"].removeprefix("Basic ")).partition(b":")
    assert (user.decode(), password) == ("CP 001/Ä", b"p\xe4:\x00\xff")
    assert "Sec-WebSocket-Extensions" not in headers


async def test_without_a_password_no_credentials_are_sent():
    async def script(reader, writer):
        assert "Authorization" not in await upgrade(reader, writer)
        writer.write(frame(Opcode.TEXT, b"none"))

    async with raw_server(script) as port:
        peer = RecordingPeer()
        await connect(target_at(port), peer, timeout_s=10)
        assert await peer.texts.get() == "none"
        await peer.end()


async def test_no_password_is_logged(caplog):
    caplog.set_level("DEBUG")
    async with central_system(wait_closed) as port:
        there = reach(f"ws://127.0.0.1:{port}/ocpp", access=Access(1, b"s3cret"))
        connection = await connect(there, peer := RecordingPeer(), timeout_s=10)
        connection.close()
        await peer.end()
    client = [record.getMessage() for record in caplog.records if record.name == "websockets.client"]
    assert not any("Authorization" in message for message in client)


@pytest.mark.parametrize("headers", ["", "Sec-WebSocket-Protocol: ocpp2.0.1\r\n", "Sec-WebSocket-Protocol: a, b\r\n"])
async def test_t_04_an_answer_without_our_version_is_refused_and_closed(headers):
    received = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        await upgrade(reader, writer, headers=headers)
        received.set_result(await reader.read())

    async with raw_server(script) as port:
        error = await refused(target_at(port))
        data = await received
    assert "of the subprotocols ocpp1.6: make it speak ocpp1.6" in str(error)
    assert error.problem == LinkProblem.SUBPROTOCOL
    assert data == b"" or data[0] & 0x0F == Opcode.CLOSE


async def test_t_04_an_answer_without_any_version_gets_a_close_frame():
    frames = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        await upgrade(reader, writer, headers="")
        frames.set_result(await read_frame(reader))

    async with raw_server(script) as port:
        await refused(target_at(port))
        opcode, data = await frames
    assert opcode == Opcode.CLOSE
    assert int.from_bytes(data[:2], "big") == CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("status", [b"HTTP/1.1 401 Unauthorized", b"HTTP/1.0 401 Unauthorized", b"HTTP/1.1 401 "])
async def test_a_refusal_is_told_though_its_body_never_ends(status):
    release = asyncio.Event()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for byte in status:
            writer.write(bytes([byte]))
            await writer.drain()
        writer.write(b"\r\nContent-Length: 100\r\n\r\nendless")
        await release.wait()

    async with raw_server(script) as port:
        assert "(HTTP 401): set csms.password" in str(await refused(target_at(port)))
        release.set()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", "does not answer like a WebSocket server"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "of the subprotocols"),
        (WRONG_ACCEPT, "Sec-WebSocket-Accept"),
        (b"HTTP/1.1 101 X\r\nX: " + bytes(100_000), "does not answer like a WebSocket server"),
        (b"HTTP/1.1 101 X\r\nbroken header\r\n\r\n", "does not answer like a WebSocket server"),
        (b"HTTP/1.1 101 X\r\nUpgr", "closed during the handshake"),
        (b"", "closed during the handshake"),
    ],
)
async def test_what_is_no_websocket_server_is_told(answer, why):
    async with raw_server(answering(answer)) as port:
        assert why in str(await refused(target_at(port)))


async def test_an_extension_that_was_not_offered_is_refused():
    async def script(reader, writer):
        headers = "Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        await upgrade(reader, writer, headers=headers)
        await reader.read()

    async with raw_server(script) as port:
        assert "no extensions supported" in str(await refused(target_at(port)))


async def test_a_server_that_says_nothing_is_left_in_time():
    gone = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        gone.set_result(await reader.read())

    async with raw_server(script) as port:
        error = await refused(target_at(port), timeout_s=0.05)
        assert "did not answer within 0.05 s" in str(error)
        assert error.problem == LinkProblem.TIMEOUT  # somebody was there, who may not like what he saw
        assert await gone == b""


async def test_a_cancelled_attempt_leaves_nothing_open():
    asked, gone = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        gone.set_result(await reader.read())

    async with raw_server(script) as port:
        attempt = asyncio.create_task(connect(target_at(port), RecordingPeer(), timeout_s=10))
        await asked.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        assert await gone == b""


@pytest.mark.parametrize("compression", [True, False])
async def test_t_12_compression_is_negotiated_only_where_it_is_asked_for(compression):
    accepted = []

    async def handler(server):
        accepted.append(server.response.headers.get("Sec-WebSocket-Extensions"))
        async for text in server:
            await server.send(text)

    async with central_system(handler, compression="deflate") as port:
        connection = await connect(target_at(port, compression=compression), peer := RecordingPeer(), timeout_s=10)
        connection.send("x" * 10_000)
        assert await peer.texts.get() == "x" * 10_000
        connection.close()
        await peer.end()
    assert (accepted[0] is not None) == compression
