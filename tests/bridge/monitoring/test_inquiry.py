from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.free import free_port

from bridge.monitoring.inquiry import ask
from bridge.monitoring.options import HttpOptions
from bridge.monitoring.pages import Page, document
from bridge.monitoring.server import Server


async def asked(page, path="/healthz", prefix=""):
    """Ask a server that answers with a page."""

    async def make(accept):
        return page

    options = HttpOptions(port=free_port())
    server = Server(options, {f"{prefix}/healthz": make})
    await server.start()
    try:
        return await asyncio.to_thread(ask, f"http://127.0.0.1:{options.port}{prefix}", path)
    finally:
        await server.stop()


async def test_a_healthy_daemon():
    assert await asked(document(200, {"status": "healthy"})) == (True, "healthy")


async def test_a_daemon_behind_a_prefix():
    assert await asked(document(200, {"status": "healthy"}), prefix="/twins") == (True, "healthy")


async def test_reasons_are_in_the_sentence():
    page = document(503, {"status": "not ready", "missing": ["the twins: they come", "the broker: away"]})
    assert await asked(page) == (False, "not ready: the twins: they come; the broker: away")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'{"no": "status"}', b'{"status": 1, "reasons": 2}', b""])
async def test_somebody_else_on_the_port(body):
    healthy, sentence = await asked(Page(200, "text/html", body))
    assert not healthy
    assert sentence.endswith("/healthz is no page of ocpp-twin (HTTP 200)")


async def test_another_page():
    healthy, sentence = await asked(document(200, {"status": "healthy"}), path="/readyz")
    assert (healthy, "HTTP 404" in sentence) == (False, True)


def test_nobody_is_there():
    healthy, sentence = ask(f"http://127.0.0.1:{free_port()}", "/healthz")
    assert not healthy
    assert "cannot be asked (connection refused); does the daemon run, with http.enabled?" in sentence


def test_somebody_who_says_nothing():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert ask(url, "/readyz", 0.05) == (False, f"no answer: {url}readyz said nothing within 0.05 s")


def test_somebody_who_speaks_no_http():
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen()
        odd.settimeout(5)

        def answer():
            peer, _ = odd.accept()
            with peer:
                peer.sendall(b"SSH-2.0-OpenSSH_9\r\n")

        with ThreadPoolExecutor() as pool:
            pool.submit(answer)
            healthy, sentence = ask(f"http://127.0.0.1:{odd.getsockname()[1]}", "/healthz")
    assert (healthy, sentence.startswith("no answer: ")) == (False, True)


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "127.0.0.1:9580", "https://x", "http://", "http://x:0", "http://x:99999", "http://x:y"),
        *(
            "http://user:secret@x",
            "http://x/?a",
            "http://x/#a",
            "http://x y",
            "http://x/\r\nHost: y",
            "http://ä",
            "http://[::1",
        ),
    ],
)
def test_what_is_no_url(url):
    with pytest.raises(ValueError, match="is no URL such as http://127"):
        ask(url, "/healthz")
