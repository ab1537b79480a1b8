"""Where a twin's link goes: the URL with the identity in it, credentials, TLS. Opens no connection itself."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from twin.errors import LinkError
from twin.model.spec import CsmsSpec, TwinSpec

KEPT = "/%:@!$&'()*+,;=~?"
"""What RFC 3986 lets stand in a path or query besides letters and digits; "%" because it may be encoded already."""


@dataclass(frozen=True, slots=True)
class Target:
    """Say where and how to connect. `url` is ASCII and ends in the identity; `max_message_size` is in bytes."""

    url: str
    subprotocols: tuple[str, ...]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ssl: ssl.SSLContext | None = None
    max_message_size: int = 1024 * 1024
    compression: bool = False


def target(spec: TwinSpec, password: str | None, subprotocols: tuple[str, ...]) -> Target:
    """Say how a twin reaches its Central System; raises LinkError for settings that cannot work."""
    csms = spec.csms
    url = _url(csms, spec.identity)
    return Target(
        url=url,
        subprotocols=subprotocols,
        # Security whitepaper §2.3, profile 1: the user is the identity as it is, not percent-encoded.
        username=None if password is None else spec.identity,
        password=password,
        ssl=_context(csms) if url.startswith("wss:") else None,
        max_message_size=csms.max_message_size,
        compression=csms.compression,
    )


def _url(csms: CsmsSpec, identity: str) -> str:
    try:
        parts = urlsplit(csms.url)
        host = _host(parts)
    except ValueError as error:
        raise LinkError(f"csms.url is not understood ({error}): write ws://HOST:PORT/PATH.") from error
    if parts.username is not None:
        raise LinkError("csms.url must not hold a user and a password: set csms.password instead.")
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.fragment:
        raise LinkError("csms.url is not understood: write ws://HOST:PORT/PATH or wss://HOST:PORT/PATH.")
    if csms.security_profile >= 2 and parts.scheme != "wss":
        raise LinkError(f"security profile {csms.security_profile} needs TLS: let csms.url begin with wss://.")
    # OCPP-J 1.6 §3.1.1: the identity is one percent-encoded segment after the endpoint's path (T-02).
    path = f"{quote(parts.path.removesuffix('/'), safe=KEPT)}/{quote(identity, safe='')}"
    return f"{parts.scheme}://{host}{path}" + (f"?{quote(parts.query, safe=KEPT)}" if parts.query else "")


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    return host if parts.port is None else f"{host}:{parts.port}"


def _context(csms: CsmsSpec) -> ssl.SSLContext:
    path = csms.ca_file
    try:
        changed_ns = 0 if path is None else Path(path).stat().st_mtime_ns
        return _cached_context(path, changed_ns, verify_hostname=csms.verify_hostname)
    except ssl.SSLError as error:
        raise LinkError(f"csms.ca_file {path} holds no certificates in PEM form: check the file.") from error
    except OSError as error:
        raise LinkError(
            f"csms.ca_file {path} cannot be read ({error.strerror}): check its path and permissions."
        ) from error


@lru_cache(maxsize=32)
def _cached_context(ca_file: str | None, changed_ns: int, *, verify_hostname: bool) -> ssl.SSLContext:  # noqa: ARG001  # a new file is read again
    context = ssl.create_default_context(cafile=ca_file)
    # Security whitepaper §2.4: TLS 1.2 or newer.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = verify_hostname
    return context
