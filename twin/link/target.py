"""Where a twin's link goes: the URL with the identity in it, credentials, TLS. Opens no connection itself."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from twin.errors import LinkError
from twin.link.tls import context
from twin.model.spec import Access, CsmsSpec, TwinSpec

KEPT = "/%:@!$&'()*+,;=~?"
"""What RFC 3986 lets stand in a path or query besides letters and digits; "%" because it may be encoded already."""


@dataclass(frozen=True, slots=True)
class Target:
    """Say where and how to connect. `url` is ASCII and ends in the identity; `max_message_size` is in bytes.

    `profile` is the security profile (Security whitepaper §2), for what is said when there is no connection.
    """

    url: str
    subprotocols: tuple[str, ...]
    profile: int = 0
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    ssl: ssl.SSLContext | None = None
    max_message_size: int = 1024 * 1024
    compression: bool = False


def target(spec: TwinSpec, access: Access, subprotocols: tuple[str, ...], keys: Callable[[], Path]) -> Target:
    """Say how a twin reaches its Central System; raises LinkError for settings that cannot work.

    `keys` names the folder with the private keys that the box made itself.
    """
    csms = spec.csms
    url = _url(csms, spec.identity, secure=access.profile >= 2)
    # Security whitepaper A00.FR.001, .401: one profile at a time, and at profile 3 the certificate is the proof.
    password = access.password if access.profile < 3 else None
    return Target(
        url=url,
        subprotocols=subprotocols,
        profile=access.profile,
        # A00.FR.204, .303: the user is the identity as it is, not percent-encoded.
        username=None if password is None else spec.identity,
        password=password,
        ssl=context(csms, access, keys()) if url.startswith("wss:") else None,
        max_message_size=csms.max_message_size,
        compression=csms.compression,
    )


class _Endpoint(NamedTuple):
    scheme: str
    host: str
    path: str
    query: str


def _url(csms: CsmsSpec, identity: str, *, secure: bool) -> str:
    setting, url = ("csms.tls_url", csms.tls_url) if secure and csms.tls_url else ("csms.url", csms.url)
    there = _endpoint(setting, url)
    # A00.FR.311, .415: profiles 2 and 3 are TLS, also where the Central System raised the profile of a ws:// twin.
    scheme = "wss" if secure else there.scheme
    # OCPP-J 1.6 §3.1.1: the identity is one percent-encoded segment after the endpoint's path (T-02).
    return f"{scheme}://{there.host}{there.path}/{quote(identity, safe='')}{there.query}"


@lru_cache(maxsize=128)
def _endpoint(setting: str, url: str) -> _Endpoint:
    """Return the parts of a setting, which a whole fleet may share; raises LinkError."""
    try:
        parts = urlsplit(url)
        host = _host(parts)
    except ValueError as error:
        raise LinkError(f"{setting} is not understood ({error}): write ws://HOST:PORT/PATH.") from error
    if parts.username is not None:
        raise LinkError(f"{setting} must not hold a user and a password: set csms.password instead.")
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.fragment:
        raise LinkError(f"{setting} is not understood: write ws://HOST:PORT/PATH or wss://HOST:PORT/PATH.")
    query = f"?{quote(parts.query, safe=KEPT)}" if parts.query else ""
    return _Endpoint(parts.scheme, host, quote(parts.path.removesuffix("/"), safe=KEPT), query)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    return host if parts.port is None else f"{host}:{parts.port}"
