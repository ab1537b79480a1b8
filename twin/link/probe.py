"""Why a server hangs up in the middle of a TLS handshake without a word, as many do instead of sending an alert.

Asks it with a ClientHello that offers everything there is, reads which version and suite it would choose, and leaves:
no handshake is ever completed, and nothing is said on such a connection. Decides nothing about real connections.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from twin.link.tls import CIPHER_NUMBERS
from twin.model.terms import LinkProblem

TIMEOUT_S = 5.0
KNOWN_FOR_S = 60.0
"""How long an answer holds: a whole fleet that is turned away asks once."""

_MOST_KNOWN = 256
_HANDSHAKE = 22
_SERVER_HELLO = 2
_TLS_1_2 = b"\x03\x03"
# RFC 5246 §7.4.1.3: type, length (3), version (2), random (32), session id (1 + up to 32), cipher suite (2)
_VERSION = slice(4, 6)
_SESSION_ID_LENGTH = 38
_HELLO_BYTES = 73

_known: dict[tuple[str, int], tuple[float, LinkProblem]] = {}


async def probe(host: str, port: int) -> LinkProblem:
    """Return what keeps the server from talking to us.

    TLS_VERSION and CIPHER_SUITE are what it chooses; where that is good enough, only our certificate, or that we have
    none, can be the reason (UNAUTHORIZED). OTHER where it does not answer as TLS does.
    """
    now = asyncio.get_running_loop().time()
    until, problem = _known.get((host, port), (now, LinkProblem.OTHER))
    if until > now:
        return problem
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    # Known before it is: who else is turned away meanwhile need not ask.
    _known[host, port] = (now + KNOWN_FOR_S, LinkProblem.OTHER)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            problem = _judged(await _asked(host, port))
    except (OSError, asyncio.IncompleteReadError):
        problem = LinkProblem.OTHER
    _known[host, port] = (now + KNOWN_FOR_S, problem)
    return problem


async def _asked(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_client_hello(host))
        head = await reader.readexactly(5)
        length = int.from_bytes(head[3:])
        return await reader.readexactly(min(length, _HELLO_BYTES)) if head[0] == _HANDSHAKE else b""
    finally:
        writer.transport.abort()


def _client_hello(host: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def _judged(hello: bytes) -> LinkProblem:
    if len(hello) <= _SESSION_ID_LENGTH or hello[0] != _SERVER_HELLO:
        return LinkProblem.OTHER
    if hello[_VERSION] < _TLS_1_2:
        return LinkProblem.TLS_VERSION
    at = _SESSION_ID_LENGTH + 1 + hello[_SESSION_ID_LENGTH]
    chosen = int.from_bytes(hello[at : at + 2])
    return LinkProblem.UNAUTHORIZED if chosen in CIPHER_NUMBERS else LinkProblem.CIPHER_SUITE
