"""Where the broker is, and what a person must do when it cannot be had.

Knows addresses, certificates and MQTT's refusals; nothing of what is said over the connection.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

from bridge import masking
from bridge.options import MqttOptions

_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_WS_PATH = "/mqtt"

# MQTT 5 §3.2.2.2; paho translates 3.1.1's return codes into these.
_UNSUPPORTED_VERSION = 0x84
_BAD_CLIENT_ID = 0x85
_BAD_LOGIN = (0x86, 0x87, 0x8C)
_TAKEN_OVER = 0x8E
_UNSPECIFIED = 0x80


class HungUp(aiomqtt.MqttError):
    """Say that the broker closed the connection before it answered the CONNECT."""


class Silent(aiomqtt.MqttError):
    """Say that the broker took the connection, but did not answer the CONNECT in time."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Say where a broker listens. `url` is for people: it holds no password."""

    url: str
    host: str
    port: int
    transport: Literal["tcp", "websockets"] = "tcp"
    path: str | None = None
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def broker(options: MqttOptions) -> Broker:
    """Read the broker's address; user and password of the settings win over those in the URL. Raises ValueError."""
    parts = urlsplit(options.url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(
            f"{masking.url(options.url)!r} is no broker: write mqtt://, mqtts://, ws:// or wss:// and a host"
        )
    web = parts.scheme in ("ws", "wss")
    username = options.username or (unquote(parts.username) if parts.username else None)
    password = options.password or (unquote(parts.password) if parts.password else None)
    return Broker(
        url=masking.url(options.url),
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        transport="websockets" if web else "tcp",
        path=(parts.path or _WS_PATH) if web else None,
        tls=parts.scheme in ("mqtts", "wss"),
        username=username,
        password=password,
    )


class _ClosingSocket(ssl.SSLSocket):
    """Close itself when the handshake fails, which paho leaves to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands. Raises OSError."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context(options: MqttOptions) -> ssl.SSLContext:
    """Return the context for mqtts:// and wss://. Raises OSError for files without certificates."""
    context = ssl.create_default_context(cafile=options.ca_file)
    context.sslsocket_class = _ClosingSocket
    context.check_hostname = options.verify_hostname
    if options.cert_file is not None:
        context.load_cert_chain(options.cert_file, options.key_file)
    return context


def refuses_version(error: BaseException) -> bool:
    """Tell whether a broker may know only MQTT 3.1.1: it says so, or a CONNECT of version 5 makes it hang up or wait.

    It waits for more where it takes the properties of version 5 for the length of something (amqtt does).
    """
    return isinstance(error, HungUp | Silent) or (
        isinstance(error, MqttConnectError) and _number(error.rc) == _UNSUPPORTED_VERSION
    )


def advice(error: BaseException, at: Broker, client_id: str) -> str:
    """Return one sentence: why the broker cannot be had, and what to do."""
    cause = error.__cause__ or error
    if isinstance(error, aiomqtt.MqttCodeError):
        return _refusal(error, at, client_id)
    if isinstance(error, HungUp):
        return f"{at.url} hangs up before it answers: is an MQTT broker listening there, and does it want TLS?"
    if isinstance(error, Silent):
        return f"{at.url} does not answer: is an MQTT broker listening there, and does it want TLS?"
    match cause:
        case ssl.SSLCertVerificationError():
            return f"the certificate of {at.url} is not trusted ({cause}): set mqtt.ca_file"
        case ssl.SSLError():
            return f"no TLS with {at.url} ({cause}): is that its TLS port, and does it want a client certificate?"
        case socket.gaierror():
            return f"the name {at.host!r} cannot be resolved: check mqtt.url"
        case ConnectionRefusedError():
            return f"nothing listens at {at.host}:{at.port}: start the broker, or check mqtt.url"
        case TimeoutError():
            return f"{at.host}:{at.port} does not answer: check mqtt.url and firewalls"
        case _:
            return f"{at.url} cannot be reached ({cause}): check mqtt.url"


def _refusal(error: aiomqtt.MqttCodeError, at: Broker, client_id: str) -> str:
    number = _number(error.rc)
    if number in _BAD_LOGIN:
        who = "a client without a user name" if at.username is None else f"the user {at.username!r}"
        return f"{at.url} refuses {who} ({error.rc}): check mqtt.username and mqtt.password (or mqtt.password_file)"
    if number == _BAD_CLIENT_ID:
        return f"{at.url} refuses the client id {client_id!r}: set mqtt.client_id to one that it allows"
    if number == _TAKEN_OVER:
        return f"another client took the client id {client_id!r} at {at.url}: give each daemon a `node` of its own"
    if number == _UNSPECIFIED:
        # What a broker sends that does not name its reasons, and what paho says where nothing was sent at all.
        return (
            f"{at.url} ended the connection without a reason: did the broker stop, or does another client use the "
            f"client id {client_id!r} (then give each daemon a `node` of its own)?"
        )
    return f"{at.url} ended the connection ({error.rc if isinstance(error.rc, ReasonCode) else error})"


def _number(code: int | ReasonCode | None) -> int | None:
    return code.value if isinstance(code, ReasonCode) else code
