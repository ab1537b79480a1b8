"""The usual opening handshake (RFC 6455 §4), written and read without the library, as a client without extensions.

Usual is an answer that accepts at once and says nothing twice. Everything else is the library's to judge, so that it is
refused for the same reasons and in the same words as ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from websockets.headers import build_host
from websockets.uri import WebSocketURI
from websockets.utils import accept_key

END_OF_HEAD = b"\r\n\r\n"

_MAX_HEAD = 4096
_HEAD = re.compile(rb"HTTP/1\.1 101(?: [\t -~]*)?\r\n(?:[!#$%&'*+\-.0-9A-Z^_`a-z|~]+:[\t -~]*\r\n)+\r\n")


class Answer(NamedTuple):
    """Say what a server agreed to; `date` is when it said so (RFC 9110 §6.6.1), if it did."""

    subprotocol: str
    date: str | None


def request(uri: WebSocketURI, subprotocols: Sequence[str], key: str, extra: Sequence[tuple[str, str]]) -> bytes:
    """Return the request; `extra` are more headers."""
    headers = (
        ("Host", build_host(uri.host, uri.port, uri.secure)),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", ", ".join(subprotocols)),
        *extra,
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"GET {uri.resource_name} HTTP/1.1\r\n{lines}\r\n".encode()


def accepted(head: bytes, subprotocols: Sequence[str], key: str) -> Answer | None:
    """Return what was agreed; None if the library has to judge this answer, which ends with an empty line."""
    if len(head) > _MAX_HEAD or _HEAD.fullmatch(head) is None:
        return None
    lines = head.decode("ascii").split("\r\n")[1:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    subprotocol = headers.get("sec-websocket-protocol", "")
    usual = (
        len(headers) == len(lines)
        and headers.get("upgrade", "").lower() == "websocket"
        and headers.get("connection", "").lower() == "upgrade"
        and headers.get("sec-websocket-accept") == accept_key(key)
        and "sec-websocket-extensions" not in headers
        and subprotocol in subprotocols
    )
    return Answer(subprotocol, headers.get("date")) if usual else None
