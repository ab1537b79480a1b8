"""The Central System: name, TCP, TLS with its certificate, and the WebSocket handshake as a twin makes it.

Goes no further: no BootNotification is sent. Some Central Systems end a charge point's connection when it comes a
second time, so the handshake is left out while a daemon runs, unless it is asked for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge.doctor import certificates, machine
from bridge.doctor.findings import Finding, blamed, note, ok
from twin.errors import LinkError
from twin.link.explain import silent, unreachable
from twin.link.target import Target, target
from twin.link.websocket import connect
from twin.model.spec import Access, KeyAs, TwinSpec

_WHAT = "central system"
_SUBPROTOCOLS = ("ocpp1.6",)
_TIMEOUT_S = 10.0
_PORTS = {"ws": 80, "wss": 443}
_BASIC = (1, 2)


def chosen(twins: Iterable[TwinSpec], most: int) -> list[TwinSpec]:
    """Return one twin for each way to a Central System, not more than `most`."""
    first: dict[Any, TwinSpec] = {}
    for spec in twins:
        first.setdefault(spec.csms, spec)
    return list(first.values())[:most]


async def examined(spec: TwinSpec, keys: Path, *, shake_hands: bool) -> list[Finding]:
    """Go to a twin's Central System, as this twin; `keys` is where private keys lie. Bounded in time."""
    findings: list[Finding] = []
    if spec.csms.certificate_validity is not None:
        ends = spec.csms.certificate_validity[1]
        findings.append(certificates.judged(_WHAT, f"{spec.csms.certificate_file}", ends))
    try:
        there = target(spec, _access(spec), _SUBPROTOCOLS, lambda: keys)
        findings += await (_shaken(there, spec) if shake_hands else _touched(there, spec))
    except LinkError as error:
        findings.append(blamed(_WHAT, str(error)))
    return findings


def told(spec: TwinSpec, state: Any) -> Finding:
    """Say what a running twin tells of its own connection."""
    if not isinstance(state, Mapping):
        return note(_WHAT, f"{spec.id}: the daemon that runs has not told of this twin", "does it run another file?")
    if state.get("connected") is not True:
        return note(_WHAT, f"{spec.id} is not connected", f"the event `disconnected` of {spec.id} says why")
    registration = state.get("registration")
    if registration == "Accepted":
        return ok(_WHAT, f"{spec.id} is connected and accepted")
    said = f"{spec.id} is connected; the answer to its BootNotification: {registration or 'none yet'}"
    return note(_WHAT, said, f"accept the identity {spec.identity!r} in the Central System")


def _access(spec: TwinSpec) -> Access:
    key = next((key.value for name, key in spec.keys.items() if name.lower() == "authorizationkey"), None)
    profile, given = spec.csms.security_profile, spec.csms.password
    if key and (profile in _BASIC or given is not None):
        return Access(profile, _bytes(key, spec.csms.authorization_key_as))
    return Access(profile, None if given is None else given.encode())


def _bytes(key: str, how: KeyAs) -> bytes:
    try:
        return bytes.fromhex(key) if how is KeyAs.BYTES else key.encode()
    except ValueError:
        return key.encode()


class _Guest:
    """Be the peer of a connection on which nothing is said."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def on_text(self, text: str) -> None:
        """Ignore what a Central System says that begins by itself."""

    def on_closed(self, reason: str) -> None:
        """Learn that it is over."""
        del reason
        self.gone.set()


async def _shaken(there: Target, spec: TwinSpec) -> list[Finding]:
    guest, dates = _Guest(), list[str]()
    connection = await connect(there, guest, timeout_s=_TIMEOUT_S, dated=dates.append)
    certificate = connection.server_certificate
    connection.close()
    await guest.gone.wait()
    return [
        ok(_WHAT, f"{there.url} opens a WebSocket for {spec.id}, with {_SUBPROTOCOLS[0]}"),
        *certificates.of_server(_WHAT, certificate),
        *machine.compared(dates[0] if dates else None, "the Central System"),
    ]


async def _touched(there: Target, spec: TwinSpec) -> list[Finding]:
    """Connect by TCP and TLS, and leave."""
    parts = urlsplit(there.url)
    port = parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=there.ssl)
    except TimeoutError as error:
        raise silent(there, _TIMEOUT_S, there=False) from error
    except OSError as error:
        raise unreachable(error, there) from error
    tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    certificate = None if tls is None else tls.getpeercert(binary_form=True)
    writer.transport.abort()
    by = "by TLS" if tls is not None else "by TCP"
    return [
        ok(_WHAT, f"{parts.hostname}:{port} is reached {by}; --connect tries the WebSocket of {spec.id}, too"),
        *certificates.of_server(_WHAT, certificate),
    ]
