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
from paho.mqtt import client as paho
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

# OpenSSL's X509_V_ERR_…
_NOT_YET_VALID, _EXPIRED, _HOSTNAME_MISMATCH, _ADDRESS_MISMATCH = 9, 10, 62, 64


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
    try:
        parts = urlsplit(options.url)
        port = parts.port
    except ValueError:
        raise ValueError(_no_broker(options.url)) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(_no_broker(options.url))
    web = parts.scheme in ("ws", "wss")
    username = options.username or (unquote(parts.username) if parts.username else None)
    password = options.password or (unquote(parts.password) if parts.password else None)
    return Broker(
        url=masking.url(options.url),
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        transport="websockets" if web else "tcp",
        path=(parts.path or _WS_PATH) if web else None,
        tls=parts.scheme in ("mqtts", "wss"),
        username=username,
        password=password,
    )


def _no_broker(url: str) -> str:
    # Cut by hand: what cannot be parsed may hold a password all the same.
    scheme, separator, rest = url.partition("://")
    shown = f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url.rpartition("@")[2]
    text = f"{shown!r} is no broker: write mqtt://, mqtts://, ws:// or wss:// and a host"
    return text if separator else f"{text}, such as mqtt://{url.rpartition('@')[2] or 'localhost:1883'}"


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
    if isinstance(error, HungUp | Silent):
        said = "hangs up before it answers" if isinstance(error, HungUp) else "does not answer"
        return f"{at.url} {said}: is an MQTT broker listening there, and {_perhaps(at)}?"
    match cause:
        case ssl.SSLCertVerificationError():
            return _untrusted(cause, at)
        case ssl.SSLError():
            said = (getattr(cause, "reason", None) or str(cause)).replace("_", " ").lower()
            return f"no TLS with {at.url} ({said}): is that its TLS port, and does it want a client certificate?"
        case socket.gaierror():
            return f"the name {at.host!r} cannot be resolved: check mqtt.url"
        case ConnectionRefusedError():
            return f"nothing listens at {at.host}:{at.port}: start the broker, or check mqtt.url"
        case TimeoutError():
            return f"{at.host}:{at.port} does not answer: check mqtt.url and firewalls"
        case paho.WebsocketConnectionError():
            return f"{at.url} speaks no MQTT over WebSockets ({cause}): check the port and path of mqtt.url, or mqtt://"
        case ConnectionResetError():
            return f"{at.url} breaks the connection: is an MQTT broker listening there, and {_perhaps(at)}?"
        case _:
            return f"{at.url} cannot be reached ({getattr(cause, 'strerror', None) or cause}): check mqtt.url"


def _perhaps(at: Broker) -> str:
    """Guess what is wrong where the other side says nothing."""
    if at.tls:
        return "is that its TLS port, and does it want a client certificate (mqtt.cert_file)"
    # Mosquitto's listener for WebSockets, and TLS anywhere.
    tls, web = ("wss", "mqtt") if at.transport == "websockets" else ("mqtts", "ws")
    return f"does it want TLS ({tls}://), or is the port one for {web}://"


def _untrusted(error: ssl.SSLCertVerificationError, at: Broker) -> str:
    match error.verify_code:
        case code if code in (_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH):
            return (
                f"the certificate of {at.url} is not for {at.host!r}: write a name that it has into mqtt.url, "
                f"or set mqtt.verify_hostname to false"
            )
        case code if code == _EXPIRED:
            return f"the certificate of {at.url} has expired: renew it, or correct this machine's clock"
        case code if code == _NOT_YET_VALID:
            return f"the certificate of {at.url} is not valid yet: correct this machine's clock"
        case _:
            return (
                f"the certificate of {at.url} is not trusted ({error.verify_message}): set mqtt.ca_file to the "
                f"authority that issued it"
            )


def _refusal(error: aiomqtt.MqttCodeError, at: Broker, client_id: str) -> str:
    number = _number(error.rc)
    if number in _BAD_LOGIN:
        who = "a client without a user name" if at.username is None else f"the user {at.username!r}"
        return f"{at.url} refuses {who} ({error.rc}): check mqtt.username and mqtt.password (or mqtt.password_file)"
    if number == _BAD_CLIENT_ID:
        return f"{at.url} refuses the client id {client_id!r}: set mqtt.client_id to one that it allows"
    if number == _TAKEN_OVER:
        return (
            f"another client took the client id {client_id!r} at {at.url}: give each daemon a `node` of its own, "
            f"or end the other one"
        )
    if number == _UNSPECIFIED:
        # What a broker sends that does not name its reasons, and what paho says where nothing was sent at all.
        return (
            f"{at.url} ended the connection without a reason: did the broker stop, or does another client use the "
            f"client id {client_id!r} (then give each daemon a `node` of its own, or end the other one)?"
        )
    return f"{at.url} ended the connection ({error.rc if isinstance(error.rc, ReasonCode) else error})"


def _number(code: int | ReasonCode | None) -> int | None:
    return code.value if isinstance(code, ReasonCode) else code
