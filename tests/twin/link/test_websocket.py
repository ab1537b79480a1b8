from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from fakes.links import RecordingPeer, central_system, frame, raw_server, reach, read_frame, target_at, upgrade
from websockets.frames import Close, CloseCode, Opcode

from twin.errors import LinkError
from twin.link.opening import CLOSE_TIMEOUT_S
from twin.link.target import Target
from twin.link.websocket import MAX_UNSENT_BYTES, PONG_TIMEOUT_S, connect

jumping = pytest.mark.asyncio(loop_factories=["jumping"])


@asynccontextmanager
async def linked(script, **fields):
    """Connect to a server that does as the script says once it has taken the handshake."""

    async def run(reader, writer):
        await upgrade(reader, writer)
        await script(reader, writer)

    async with raw_server(run) as port:
        peer = RecordingPeer()
        connection = await connect(target_at(port, **fields), peer, timeout_s=10)
        try:
            yield connection, peer
        finally:
            connection.abort("the test is over")
            await peer.end()


def sending(data):
    """Send these bytes, then see what comes back until the client has closed; the future gets the frames."""
    answered = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        writer.write(data)
        frames = []
        while not frames or frames[-1][0] != Opcode.CLOSE:
            frames.append(await read_frame(reader))
        answered.set_result(frames)

    return script, answered


async def silent(reader, writer):
    await reader.read()


def closing(code, reason=""):
    return Opcode.CLOSE, Close(code, reason).serialize()


async def test_texts_go_both_ways_in_order():
    async def handler(server):
        async for text in server:
            await server.send(text)

    texts = [f"[2,{n},{{}}]" * n for n in (1, 2, 1000, 3)] + ["", "grün € 😀"]
    async with central_system(handler) as port:
        connection = await connect(target_at(port), peer := RecordingPeer(), timeout_s=10)
        for text in texts:
            connection.send(text)
        assert [await peer.texts.get() for _ in texts] == texts
        connection.close()
        assert await peer.end() == "The connection was closed by this side (1000)."


async def test_what_comes_with_the_handshake_is_delivered_after_it():
    async def script(reader, writer):
        await upgrade(reader, writer, then=frame(Opcode.TEXT, b"early") + frame(Opcode.CLOSE, b"\x03\xe8"))

    async with raw_server(script) as port:
        peer = RecordingPeer()
        await connect(target_at(port), peer, timeout_s=10)
        assert peer.texts.empty()
        assert "1000 (OK)" in await peer.end()
        assert peer.texts.get_nowait() == "early"


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "maintenance"), (4000, "bye")])
async def test_a_close_by_the_peer_is_echoed_and_told(code, reason):
    script, answered = sending(frame(*closing(code, reason)))
    async with linked(script) as (connection, peer):
        told = await peer.end()
        connection.send("too late")
    assert told.startswith(f"The Central System closed the connection: {code} (")
    assert reason in told
    assert await answered == [closing(code, reason)]


async def test_a_connection_that_ends_without_a_word_is_told():
    async def script(reader, writer):
        writer.write(frame(Opcode.TEXT, b"last words"))

    async with linked(script) as (_, peer):
        assert "without a closing handshake" in await peer.end()
        assert peer.texts.get_nowait() == "last words"


async def test_a_connection_that_breaks_is_told():
    async def script(reader, writer):
        writer.transport.abort()

    async with linked(script) as (_, peer):
        assert await peer.end()


@pytest.mark.parametrize("reason", ["", "x" * 200, "ü" * 200])
async def test_closing_tells_the_code_and_as_much_of_the_reason_as_fits(reason):
    codes = asyncio.get_running_loop().create_future()

    async def handler(server):
        await server.wait_closed()
        codes.set_result((server.close_code, server.close_reason))

    async with central_system(handler) as port:
        connection = await connect(target_at(port), peer := RecordingPeer(), timeout_s=10)
        connection.close(1001, reason)
        connection.close(1000)
        connection.send("too late")
        assert await peer.end() == "The connection was closed by this side (1001)."
        code, told = await codes
    assert code == 1001
    assert reason.startswith(told)
    assert len(told.encode()) >= min(len(reason), 122)


async def test_nothing_is_delivered_after_closing():
    script, answered = sending(frame(Opcode.TEXT, b"crossing"))
    async with linked(script) as (connection, peer):
        connection.close()
        await answered
        await peer.end()
        assert peer.texts.empty()


async def test_the_peer_may_close_while_it_is_told_something():
    class Quitter(RecordingPeer):
        def on_text(self, text):
            super().on_text(text)
            self.connection.close(1001)

    async def script(reader, writer):
        await upgrade(reader, writer)
        await reader.readexactly(6)
        writer.write(frame(Opcode.TEXT, b"one") + frame(Opcode.TEXT, b"two"))
        await reader.read(4)

    async with raw_server(script) as port:
        peer = Quitter()
        peer.connection = await connect(target_at(port), peer, timeout_s=10)
        peer.connection.send("")
        assert "(1001)" in await peer.end()
        assert (peer.texts.get_nowait(), peer.texts.empty()) == ("one", True)


async def test_breaking_the_connection_takes_no_closing_handshake():
    received = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        received.set_result(await reader.read())

    async with linked(script) as (connection, peer):
        connection.abort("The link was dropped.")
        connection.abort("again")
        connection.close()
        connection.send("too late")
        assert peer.reasons == []
        assert await peer.end() == "The link was dropped."
        assert await received == b""


async def test_t_09_pings_are_answered_in_order():
    script, answered = sending(frame(Opcode.PING, b"a") + frame(Opcode.PING, b"") + frame(*closing(1000)))
    async with linked(script) as (_, peer):
        await peer.end()
    assert await answered == [(Opcode.PONG, b"a"), (Opcode.PONG, b""), closing(1000)]


async def test_a_message_in_fragments_is_one_message():
    smiley = "😀".encode()
    pieces = [
        frame(Opcode.TEXT, b"a" + smiley[:1], fin=False),
        frame(Opcode.PING, b"between"),
        frame(Opcode.CONT, b"", fin=False),
        frame(Opcode.CONT, smiley[1:] + b"b"),
        frame(Opcode.TEXT, b"", fin=False),
        frame(Opcode.CONT, b""),
        frame(Opcode.TEXT, b"whole"),
        frame(*closing(1000)),
    ]
    script, answered = sending(b"".join(pieces))
    async with linked(script) as (_, peer):
        assert [await peer.texts.get() for _ in range(3)] == ["a😀b", "", "whole"]
        await peer.end()
    assert (await answered)[0] == (Opcode.PONG, b"between")


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (frame(Opcode.BINARY, b"x"), CloseCode.UNSUPPORTED_DATA, "text messages only"),
        (
            frame(Opcode.BINARY, b"x", fin=False) + frame(Opcode.CONT, b"y"),
            CloseCode.UNSUPPORTED_DATA,
            "text messages only",
        ),
        (frame(Opcode.TEXT, b"\xff"), CloseCode.INVALID_DATA, "not UTF-8"),
        (frame(Opcode.TEXT, b"\xf0\x9f", fin=False) + frame(Opcode.CONT, b""), CloseCode.INVALID_DATA, "not UTF-8"),
        (frame(Opcode.TEXT, b"x" * 1001), CloseCode.MESSAGE_TOO_BIG, "1000"),
        (b"\x81\x7f" + (2**62).to_bytes(8, "big"), CloseCode.MESSAGE_TOO_BIG, "1000"),
        (
            frame(Opcode.TEXT, b"x" * 600, fin=False) + frame(Opcode.CONT, b"x" * 401),
            CloseCode.MESSAGE_TOO_BIG,
            "1000",
        ),
        (frame(Opcode.CONT, b"x"), CloseCode.PROTOCOL_ERROR, "continuation"),
        (frame(Opcode.TEXT, b"x", fin=False) + frame(Opcode.TEXT, b"y"), CloseCode.PROTOCOL_ERROR, "continuation"),
        (b"\x81\x81mask!", CloseCode.PROTOCOL_ERROR, "mask"),
        (b"\xc1\x00", CloseCode.PROTOCOL_ERROR, "reserved bits"),
        (b"\x83\x00", CloseCode.PROTOCOL_ERROR, "opcode"),
        (b"\x89\x7e\x00\x7e" + b"x" * 126, CloseCode.PROTOCOL_ERROR, "control frame"),
        (frame(Opcode.CLOSE, b"\x03\xed"), CloseCode.PROTOCOL_ERROR, "status code"),
    ],
)
async def test_what_breaks_the_protocol_is_refused_with_a_code(data, code, told):
    script, answered = sending(frame(Opcode.TEXT, b"before") + data + frame(Opcode.TEXT, b"after"))
    async with linked(script, max_message_size=1000) as (_, peer):
        assert await peer.texts.get() == "before"
        reason = await peer.end()
        assert peer.texts.empty()
    assert told in reason
    assert reason.startswith("The Central System broke the WebSocket protocol")
    ((opcode, payload),) = await answered
    assert (opcode, int.from_bytes(payload[:2], "big")) == (Opcode.CLOSE, code)


async def test_a_message_of_the_largest_size_is_taken():
    script, _ = sending(frame(Opcode.TEXT, b"x" * 1000) + frame(*closing(1000)))
    async with linked(script, max_message_size=1000) as (_, peer):
        await peer.end()
        assert peer.texts.get_nowait() == "x" * 1000


async def test_what_unpacks_to_more_than_the_largest_size_is_refused():
    codes = asyncio.get_running_loop().create_future()

    async def handler(server):
        await server.send("x" * 100_000)
        await server.wait_closed()
        codes.set_result(server.close_code)

    async with central_system(handler, compression="deflate") as port:
        limited = target_at(port, compression=True, max_message_size=10_000)
        await connect(limited, peer := RecordingPeer(), timeout_s=10)
        assert "10000" in await peer.end()
        assert await codes == CloseCode.MESSAGE_TOO_BIG


async def test_a_peer_that_stops_reading_is_left():
    release = asyncio.Event()

    async def script(reader, writer):
        writer.transport.pause_reading()
        await release.wait()

    async with linked(script) as (connection, peer):
        sent = 0
        while not peer.reasons:
            connection.send("x" * 100_000)
            sent += 100_000
            await asyncio.sleep(0)
        release.set()
        assert await peer.end() == "The Central System stopped reading what it is sent."
        assert sent > MAX_UNSENT_BYTES


async def test_text_that_utf_8_cannot_carry_does_no_harm():
    received = asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        received.set_result(await read_frame(reader))

    async with linked(script) as (connection, _):
        connection.send("a\ud800b")
        assert await received == (Opcode.TEXT, b"a?b")


async def test_without_an_interval_no_ping_is_due():
    async with linked(silent) as (connection, _):
        assert connection.next_deadline() is None
        connection.set_ping_interval(30)
        assert connection.next_deadline() is not None
        connection.set_ping_interval(0)
        assert connection.next_deadline() is None


@jumping
async def test_pings_go_out_at_their_interval_and_pongs_are_awaited():
    pings = asyncio.Queue()

    async def script(reader, writer):
        while True:
            opcode, data = await read_frame(reader)
            assert opcode == Opcode.PING
            pings.put_nowait(data)
            writer.write(frame(Opcode.PONG, data) + frame(Opcode.TEXT, b"answered"))

    async with linked(script) as (connection, peer):
        start = asyncio.get_running_loop().time()
        connection.set_ping_interval(30)
        due = connection.next_deadline()
        assert due == pytest.approx(start + 30, abs=5)
        connection.tick(due - 1)
        for _ in range(5):
            connection.tick(due)
            await pings.get()
            assert connection.next_deadline() == due + PONG_TIMEOUT_S
            assert await peer.texts.get() == "answered"
            assert connection.next_deadline() == due + 30
            due += 30
        assert pings.empty()


@jumping
async def test_setting_the_same_interval_again_delays_no_ping():
    async with linked(silent) as (connection, _):
        connection.set_ping_interval(30)
        due = connection.next_deadline()
        asyncio.get_running_loop().jump(10)
        connection.set_ping_interval(30)
        assert connection.next_deadline() == due
        connection.set_ping_interval(60)
        assert connection.next_deadline() == pytest.approx(due + 40, abs=5)


@pytest.mark.parametrize("interval_s", [1, 300])
@pytest.mark.parametrize("pong", [b"", frame(Opcode.PONG, b"not ours") + frame(Opcode.TEXT, b"still here")])
async def test_t_10_a_link_that_is_half_open_is_broken_in_bounded_time(interval_s, pong):
    pinged, received = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def script(reader, writer):
        await read_frame(reader)
        pinged.set()
        writer.write(pong)
        received.set_result(await reader.read())

    async with linked(script) as (connection, peer):
        connection.set_ping_interval(interval_s)
        first = connection.next_deadline()
        connection.tick(first)
        await pinged.wait()
        if pong:
            await peer.texts.get()
        while connection.next_deadline() < first + PONG_TIMEOUT_S:
            connection.tick(connection.next_deadline())
        connection.tick(first + PONG_TIMEOUT_S - 0.1)
        assert peer.reasons == []
        connection.tick(first + PONG_TIMEOUT_S)
        assert await peer.end() == "The Central System did not answer a ping within 20 s."
        assert connection.next_deadline() is None
        connection.tick(first + 1000)
        assert await received == b""  # no second ping while the first was awaited


@jumping
@pytest.mark.parametrize("first", [b"", frame(*closing(1001)), frame(Opcode.BINARY, b"x")])
async def test_closing_takes_bounded_time_though_the_peer_never_ends_it(first):
    release, answered = asyncio.Event(), asyncio.Event()

    async def script(reader, writer):
        writer.write(first)
        assert (await read_frame(reader))[0] == Opcode.CLOSE
        answered.set()
        await release.wait()

    async with linked(script) as (connection, peer):
        if not first:
            connection.close()
        await answered.wait()
        assert peer.reasons == []
        asyncio.get_running_loop().jump(CLOSE_TIMEOUT_S)
        assert await peer.end()
        release.set()


async def test_tls_that_ends_without_a_word_is_told(ca_file, server_context):
    async def script(reader, writer):
        await upgrade(reader, writer)
        await reader.readexactly(6)

    async with raw_server(script, context=server_context) as port:
        there = reach(f"wss://127.0.0.1:{port}/ocpp", ca_file=ca_file)
        connection = await connect(there, peer := RecordingPeer(), timeout_s=10)
        connection.send("")
        assert await peer.end()


async def test_a_tls_peer_that_stops_reading_is_left(ca_file, server_context):
    release = asyncio.Event()

    async def script(reader, writer):
        await upgrade(reader, writer)
        writer.transport.pause_reading()
        await release.wait()

    async with raw_server(script, context=server_context) as port:
        there = reach(f"wss://127.0.0.1:{port}/ocpp", ca_file=ca_file)
        connection = await connect(there, peer := RecordingPeer(), timeout_s=10)
        while not peer.reasons:
            connection.send("x" * 100_000)
            await asyncio.sleep(0)
        release.set()
        assert await peer.end() == "The Central System stopped reading what it is sent."


async def test_an_address_that_is_none_is_a_link_error():
    for url in ("http://localhost/", "ws://localhost:99999/", "ws://user@localhost/"):
        with pytest.raises(LinkError, match="usable address"):
            await connect(Target(url, ("ocpp1.6",)), RecordingPeer(), timeout_s=1)


async def test_many_connections_need_no_task_each():
    async def handler(server):
        await server.wait_closed()

    async with central_system(handler) as port:
        peers = [RecordingPeer() for _ in range(20)]
        connections = [await connect(target_at(port), peer, timeout_s=10) for peer in peers]
        mine = [task for task in asyncio.all_tasks() if "twin.link" in str(task.get_coro())]
        assert mine == []
        for connection in connections:
            connection.close()
        for peer in peers:
            await peer.end()
