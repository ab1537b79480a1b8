from __future__ import annotations

import asyncio
import socket
import ssl
import struct

import pytest
import trustme
from fakes.links import RecordingPeer, central_system, raw_server, reach
from fakes.tls import alerting, mutual, old, weak

from twin.errors import LinkError
from twin.link import probe as module
from twin.link.probe import probe
from twin.link.websocket import connect
from twin.model.terms import LinkProblem

jumping = pytest.mark.asyncio(loop_factories=["jumping"])


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(module, "_known", {})


async def never(server):
    raise AssertionError("this connection should not have been opened")


async def refused(target):
    with pytest.raises(LinkError) as caught:
        await connect(target, RecordingPeer(), timeout_s=10)
    return caught.value.problem, str(caught.value)


def no_certificate(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return mutual(context, trustme.CA())


@pytest.mark.parametrize(
    ("spoil", "problem", "expected"),
    [
        (old, LinkProblem.TLS_VERSION, "speaks no TLS as new as 1.2 (closed by the other side)"),
        (weak, LinkProblem.CIPHER_SUITE, "no cipher suite in common (closed by the other side)"),
        (no_certificate, LinkProblem.UNAUTHORIZED, "does not accept the certificate of this side, or misses it"),
    ],
)
async def test_sec_06_a_server_that_hangs_up_without_a_word_is_understood(
    ca_file, server_context, spoil, problem, expected
):
    async with central_system(never, context=spoil(server_context)) as port:
        told = await refused(reach(f"wss://localhost:{port}/ocpp", ca_file=ca_file))
    assert told[0] == problem
    assert expected in told[1]


@pytest.mark.parametrize("linger", [(0, 0), (1, 0)], ids=["FIN", "RST"])
async def test_a_server_that_hangs_up_on_everybody_tells_nothing(ca_file, linger):
    async def script(reader, writer):
        await reader.readexactly(5)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", *linger))

    async with raw_server(script) as port:
        problem, sentence = await refused(reach(f"wss://127.0.0.1:{port}/ocpp", ca_file=ca_file))
    assert problem == LinkProblem.OTHER
    assert "(closed by the other side): check that this port speaks TLS 1.2" in sentence


@pytest.mark.parametrize("spoil", [old, weak])
async def test_no_weak_handshake_is_ever_completed(server_context, spoil):
    entered = []

    def enter(reader, writer):
        entered.append(writer)

    server = await asyncio.start_server(enter, "127.0.0.1", 0, ssl=spoil(server_context))
    async with server:
        assert await probe("localhost", server.sockets[0].getsockname()[1]) != LinkProblem.OTHER
    assert entered == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x16",
        b"\x16\x03\x01\x00\x10",
        b"\x16\x03\x03\x00\x01\x02",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/1.1 400 \r\n",
    ],
)
async def test_what_is_no_tls_tells_nothing(answer):
    async def script(reader, writer):
        await reader.read(1)
        writer.write(answer)

    async with raw_server(script) as port:
        assert await probe("127.0.0.1", port) == LinkProblem.OTHER


async def test_where_nothing_listens_nothing_is_told():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert await probe("127.0.0.1", port) == LinkProblem.OTHER


@jumping
async def test_a_whole_fleet_asks_once(server_context, monkeypatch):
    monkeypatch.setattr(module, "KNOWN_FOR_S", 5.0)
    asked = []
    shaking = alerting(old(server_context))

    async def script(reader, writer):
        asked.append(writer)
        await shaking(reader, writer)

    async with raw_server(script) as port:
        first = asyncio.create_task(probe("127.0.0.1", port))
        await asyncio.sleep(0)
        assert await probe("127.0.0.1", port) == LinkProblem.OTHER
        assert await first == LinkProblem.TLS_VERSION
        assert await probe("127.0.0.1", port) == LinkProblem.TLS_VERSION
        assert len(asked) == 1
        asyncio.get_running_loop().jump(6.0)
        assert await probe("127.0.0.1", port) == LinkProblem.TLS_VERSION
        assert len(asked) == 2


async def test_it_remembers_a_bounded_number_of_servers(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KNOWN", 2)
    for port in (1, 2, 3):
        await probe("127.0.0.1", port)
    assert list(module._known) == [("127.0.0.1", 3)]
