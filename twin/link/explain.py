"""Why a connection could not be had, in one sentence that says what to do about it. Decides nothing."""

from __future__ import annotations

import errno
import socket
import ssl

from twin.link.target import Target

X509_EXPIRED = 10
X509_HOSTNAME_MISMATCH = 62
X509_ADDRESS_MISMATCH = 64


def http_refusal(status: int, target: Target) -> str:
    """Say what an HTTP status other than 101 means to the operator."""
    match status:
        case 401 if target.password is None:
            return "The Central System asks for a password (HTTP 401): set csms.password."
        case 401:
            return "The Central System does not accept the password (HTTP 401): check csms.password and the identity."
        case 403:
            return (
                f"The Central System does not let {target.url} in (HTTP 403): check the identity and its rights there."
            )
        case 404:
            return (
                f"The Central System does not know {target.url} (HTTP 404): add the identity there or correct csms.url."
            )
        case _ if 300 <= status < 400:
            return f"{target.url} has moved (HTTP {status}): set csms.url to its new address."
        case 429:
            return "The Central System wants fewer connections (HTTP 429): raise csms.backoff."
        case _ if status >= 500:
            return f"The Central System or a proxy before it has a fault (HTTP {status}): look into its log."
        case _:
            return f"{target.url} is no OCPP-J endpoint (HTTP {status}): check csms.url."


def wrong_subprotocol(chosen: list[str], target: Target) -> str:
    """Say that the Central System speaks none of the OCPP versions on offer (T-04)."""
    spoken = f"chose {', '.join(chosen)}" if chosen else "chose none"
    offered = ", ".join(target.subprotocols)
    return f"The Central System {spoken} of the subprotocols {offered}: make it speak {offered}, or correct csms.url."


def bad_answer(error: BaseException, target: Target) -> str:
    """Say that the answer to the handshake is broken."""
    return (
        f"{target.url} does not answer like a WebSocket server ({error}): check csms.url, its port and ws:// or wss://."
    )


def hung_up(target: Target, error: Exception | None = None) -> str:
    """Say that the connection ended during the handshake."""
    why = f" ({error})" if error else ""
    return (
        f"The connection was closed during the handshake{why}: check csms.url, and whether {target.url} wants wss://."
    )


def silent(target: Target, timeout_s: float) -> str:
    """Say that nothing came in time."""
    return f"{target.url} did not answer within {timeout_s:g} s: check csms.url, the network and firewalls."


def unreachable(error: OSError, target: Target) -> str:
    """Say why there is no TCP or TLS connection."""
    match error:
        case ssl.SSLCertVerificationError():
            return _untrusted(error, target)
        case ssl.SSLError():
            return _no_tls((error.reason or "handshake failed").replace("_", " ").lower(), target)
        # Both loops say it so, without a number, when the peer hangs up instead of answering.
        case ConnectionError() if error.errno is None and target.url.startswith("wss:"):
            return _no_tls("closed by the other side", target)
        case socket.gaierror():
            return f"The host name in {target.url} cannot be resolved ({error.strerror}): check csms.url and the DNS."
        # Where a name has several addresses, asyncio and uvloop put all errors into one text.
        case _ if error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in str(error):
            return f"Nothing listens at {target.url}: start the Central System, or correct csms.url."
        case _ if error.errno in (errno.EMFILE, errno.ENFILE):
            return "Too many open files: raise the limit (ulimit -n, or LimitNOFILE= in the systemd unit)."
        case _:
            return f"{target.url} cannot be reached ({error.strerror or error}): check csms.url and the network."


def _no_tls(reason: str, target: Target) -> str:
    return f"No TLS with {target.url} ({reason}): check that this port speaks TLS 1.2 or newer, or use ws://."


def _untrusted(error: ssl.SSLCertVerificationError, target: Target) -> str:
    match error.verify_code:
        case code if code in (X509_HOSTNAME_MISMATCH, X509_ADDRESS_MISMATCH):
            return (
                f"The certificate is not for the host in {target.url}: correct csms.url, "
                f"or set csms.verify_hostname to false."
            )
        case code if code == X509_EXPIRED:
            return f"The certificate of {target.url} has expired: renew it, or correct this machine's clock."
        case _:
            return (
                f"The certificate of {target.url} is not trusted ({error.verify_message}): "
                f"set csms.ca_file to the authority that issued it."
            )
