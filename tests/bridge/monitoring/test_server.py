from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from fakes.free import free_port
from fakes.scraping import ask

from bridge.monitoring import server as module
from bridge.monitoring.address import CannotListen
from bridge.monitoring.options import HttpOptions
from bridge.monitoring.pages import Page
from bridge.monitoring.server import Server

HANGING = asyncio.Event()


async def hello(accept):
    return Page(200, "text/plain; charset=utf-8", f"hello {accept}".encode())


async def hang(accept):
    await HANGING.wait()


async def fail(accept):
    raise RuntimeError("broken on purpose")


@pytest.fixture
async def port():
    options = HttpOptions(port=free_port())
    server = Server(options, {"/hello": hello, "/hang": hang, "/fail": fail})
    await server.start()
    yield options.port
    await server.stop()


async def raw(port, sent):
    """Send bytes and return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer.decode()


async def test_a_page_is_served(port):
    reply = await ask(port, "/hello", Accept="text/x")
    assert (reply.status, reply.text) == (200, "hello text/x")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (reply.headers["Server"], reply.headers["Cache-Control"]) == ("ocpp-twin", "no-store")


async def test_head_is_served_without_the_body(port):
    reply = await ask(port, "/hello", "HEAD", Accept="text/x")
    assert (reply.status, reply.text, reply.headers["Content-Length"]) == (200, "", "12")


@pytest.mark.parametrize("path", ["/", "/hello/", "/hello/x", "/..%2Fhello", "/metrics", "/favicon.ico"])
async def test_other_paths_tell_which_there_are(port, path):
    reply = await ask(port, path)
    assert (reply.status, reply.content["pages"]) == (404, ["/fail", "/hang", "/hello"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_pages_can_only_be_read(port, method):
    reply = await ask(port, "/hello", method)
    assert (reply.status, reply.headers["Allow"], reply.content["methods"]) == (405, "GET, HEAD", ["GET", "HEAD"])


async def test_a_query_changes_nothing(port):
    assert (await ask(port, "/hello?x=1", Accept="y")).text == "hello y"


@pytest.mark.parametrize(
    "sent",
    [
        b"garbage\r\n\r\n",
        b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: x\r\n" % number for number in range(200)) + b"\r\n",
    ],
    ids=["no http", "a long line", "a long field", "many fields"],
)
async def test_what_is_too_much_or_no_http_is_refused_without_versions(port, sent):
    answer = await raw(port, sent)
    assert answer.startswith(("HTTP/1.0 400", "HTTP/1.1 400"))
    assert "Server: ocpp-twin\r\n" in answer
    assert "aiohttp" not in answer
    assert "Python" not in answer


async def test_a_page_that_takes_too_long_is_given_up(port, monkeypatch):
    monkeypatch.setattr(module, "_ANSWER_S", 0.05)
    reply = await ask(port, "/hang")
    assert (reply.status, "took longer than" in reply.content["error"]) == (503, True)


async def test_a_page_that_fails_tells_nothing_of_the_inside(port, caplog):
    reply = await ask(port, "/fail")
    assert reply.status == 500
    assert "broken on purpose" not in reply.text
    assert reply.headers["Server"] == "ocpp-twin"
    assert "broken on purpose" in caplog.text
    assert (await ask(port, "/hello")).status == 200


async def test_who_says_nothing_is_shown_the_door(monkeypatch):
    monkeypatch.setattr(module, "_IDLE_S", 0.05)
    options = HttpOptions(port=free_port())
    server = Server(options, {"/hello": hello})
    await server.start()
    assert await raw(options.port, b"") == ""
    assert await raw(options.port, b"GET /hel") == ""
    await server.stop()


async def test_the_end_does_not_wait_for_those_who_hang():
    options = HttpOptions(port=free_port())
    server = Server(options, {"/hang": hang})
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
    writer.write(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()
    async with asyncio.timeout(5):
        await server.stop()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", options.port)


async def test_a_taken_port_is_told():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = Server(HttpOptions(port=port), {})
        with pytest.raises(CannotListen, match=rf"another program listens on 127\.0\.0\.1:{port}: end that one"):
            await server.start()
        await server.stop()


async def test_an_address_of_another_machine_is_told():
    server = Server(HttpOptions(host="192.0.2.1", port=free_port()), {})
    with pytest.raises(CannotListen, match=r"'192\.0\.2\.1' is no address of this machine"):
        await server.start()
    await server.stop()
