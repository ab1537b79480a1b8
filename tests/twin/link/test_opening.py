from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode

import pytest
from fakes.links import RecordingPeer, answering, central_system, frame, raw_server, read_frame, target_at, upgrade
from websockets.frames import CloseCode, Opcode

from twin.errors import LinkError
from twin.link.target import target
from twin.link.websocket import connect
from twin.model.spec import CsmsSpec, TwinSpec

WRONG_ACCEPT = (
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


async def refused(target, timeout_s=10.0):
    peer = RecordingPeer()
    with pytest.raises(LinkError) as caught:
        await connect(target, peer, timeout_s=timeout_s)
    assert peer.reasons == []
    return str(caught.value)


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


async def test_the_request_names_the_station_its_versions_and_its_password():
    requests = []

    async def script(reader, writer):
        requests.append(await upgrade(reader, writer))

    async with raw_server(script) as port:
        spec = TwinSpec("t", "CP 001/Ä", csms=CsmsSpec(url=f"ws://127.0.0.1:{port}/ocpp"))
        peer = RecordingPeer()
        await connect(target(spec, "pä:ss", ("ocpp2.0.1", "ocpp1.6")), peer, timeout_s=10)
        await peer.end()
    line, *lines = requests[0].strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert line == "GET /ocpp/CP%20001%2F%C3%84 HTTP/1.1"
    assert headers["Host"] == f"127.0.0.1:{port}"
    assert headers["Sec-WebSocket-Protocol"] == "ocpp2.0.1, ocpp1.6"
    assert headers["User-Agent"] == "ocpp-twin"
    assert b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == "CP 001/Ä:pä:ss"
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
        spec = TwinSpec("t", "CP1", csms=CsmsSpec(url=f"ws://127.0.0.1:{port}/ocpp"))
        connection = await connect(target(spec, "s3cret", ("ocpp1.6",)), peer := RecordingPeer(), timeout_s=10)
        connection.close()
        await peer.end()
    client = [record.getMessage() for record in caplog.records if record.name == "websockets.client"]
    assert not any("Authorization" in message for message in client)


@pytest.mark.parametrize("headers", ["", "Sec-WebSocket-Protocol: ocpp2.0.1\r\n", "Sec-WebSocket-Protocol: a, b\r\n"])
async def test_an_answer_without_our_version_is_refused_and_closed(headers):
    received = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        await upgrade(reader, writer, headers=headers)
        received.set_result(await reader.read())

    async with raw_server(script) as port:
        sentence = await refused(target_at(port))
        data = await received
    assert "of the subprotocols ocpp1.6: make it speak ocpp1.6" in sentence
    assert data == b"" or data[0] & 0x0F == Opcode.CLOSE


async def test_an_answer_without_any_version_gets_a_close_frame():
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
        assert "(HTTP 401): set csms.password" in await refused(target_at(port))
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
        assert why in await refused(target_at(port))


async def test_an_extension_that_was_not_offered_is_refused():
    async def script(reader, writer):
        headers = "Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        await upgrade(reader, writer, headers=headers)
        await reader.read()

    async with raw_server(script) as port:
        assert "no extensions supported" in await refused(target_at(port))


async def test_a_server_that_says_nothing_is_left_in_time():
    gone = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        gone.set_result(await reader.read())

    async with raw_server(script) as port:
        assert "did not answer within 0.05 s" in await refused(target_at(port), timeout_s=0.05)
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
async def test_compression_is_negotiated_only_where_it_is_asked_for(compression):
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


async def test_tls_with_an_own_authority(ca_file, server_context):
    async def handler(server):
        await server.send(await server.recv())
        await server.wait_closed()

    async with central_system(handler, host="localhost", context=server_context) as port:
        spec = TwinSpec("t", "CP1", csms=CsmsSpec(f"wss://localhost:{port}/ocpp", 2, ca_file=ca_file))
        connection = await connect(target(spec, "s3cret", ("ocpp1.6",)), peer := RecordingPeer(), timeout_s=10)
        connection.send("x" * 100_000)
        assert await peer.texts.get() == "x" * 100_000
        connection.close(1001)
        assert "(1001)" in await peer.end()


async def test_tls_older_than_1_2_is_refused(ca_file, server_context):
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        server_context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        server_context.maximum_version = ssl.TLSVersion.TLSv1_1
    server_context.set_ciphers("ALL:@SECLEVEL=0")
    async with central_system(wait_closed, host="localhost", context=server_context) as port:
        spec = TwinSpec("t", "CP1", csms=CsmsSpec(f"wss://localhost:{port}/ocpp", 2, ca_file=ca_file))
        assert "speaks TLS 1.2 or newer" in await refused(target(spec, None, ("ocpp1.6",)))
