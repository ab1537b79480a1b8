from __future__ import annotations

import pytest
from websockets.uri import parse_uri
from websockets.utils import accept_key

from twin.link import upgrade

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = f"Sec-WebSocket-Accept: {accept_key(KEY)}"
USUAL = ("Upgrade: WebSocket", "connection:upgrade", ACCEPT, "Sec-WebSocket-Protocol: ocpp1.6 ")


def accepted(*headers: str, status: str = "HTTP/1.1 101 Switching Protocols") -> upgrade.Answer | None:
    head = "".join(f"{line}\r\n" for line in (status, *headers, "")).encode("latin-1")
    return upgrade.accepted(head, ("ocpp2.0.1", "ocpp1.6"), KEY)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ws://central:9000/ocpp/CP%201?a=b", "central:9000"),
        ("ws://central/ocpp/CP%201?a=b", "central"),
        ("wss://central:443/ocpp/CP%201?a=b", "central"),
        ("ws://[::1]:9000/ocpp/CP%201?a=b", "[::1]:9000"),
    ],
)
def test_the_request_is_that_of_rfc_6455(url, host):
    asked = upgrade.request(parse_uri(url), ("ocpp2.0.1", "ocpp1.6"), KEY, [("User-Agent", "ocpp-twin")])
    assert asked.decode().split("\r\n") == [
        "GET /ocpp/CP%201?a=b HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6",
        "User-Agent: ocpp-twin",
        "",
        "",
    ]


def test_the_usual_answer_is_read_whatever_the_case_of_its_words():
    assert accepted(*USUAL) == ("ocpp1.6", None)
    date = "Mon, 05 Jan 2026 00:00:00 GMT"
    assert accepted(*USUAL, f"Date: {date}", "Server: x", status="HTTP/1.1 101") == ("ocpp1.6", date)


@pytest.mark.parametrize(
    "headers",
    [
        USUAL[:3],
        USUAL[1:],
        (USUAL[0], "Connection: keep-alive, Upgrade", *USUAL[2:]),
        (*USUAL[:2], "Sec-WebSocket-Accept: no", USUAL[3]),
        (*USUAL[:3], "Sec-WebSocket-Protocol: ocpp1.5"),
        (*USUAL[:3], "Sec-WebSocket-Protocol: ocpp1.6, ocpp2.0.1"),
        (*USUAL, USUAL[3]),
        (*USUAL, "Sec-WebSocket-Extensions: permessage-deflate"),
        (*USUAL, "no colon"),
        (*USUAL, "Bad Name: x"),
        (*USUAL, "Server: \x00"),
        (*USUAL, "Server: \xe4"),
        (*USUAL, f"X: {'x' * 5000}"),
    ],
)
def test_what_is_not_usual_is_left_to_the_library(headers):
    assert accepted(*headers) is None


def test_another_status_is_left_to_the_library():
    assert accepted(*USUAL, status="HTTP/1.1 1010 x") is None
    assert accepted(*USUAL, status="HTTP/1.0 101 x") is None
