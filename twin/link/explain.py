"""Why a connection could not be had: of which kind the problem is, and a sentence that says what to do about it."""

from __future__ import annotations

import errno
import socket
import ssl

from twin.errors import LinkError
from twin.link.target import Target
from twin.model.terms import LinkProblem

X509_NOT_YET_VALID = 9
X509_EXPIRED = 10
X509_HOSTNAME_MISMATCH = 62
X509_ADDRESS_MISMATCH = 64

HANDSHAKE_FAILURE = "SSLV3_ALERT_HANDSHAKE_FAILURE"

OLD_TLS = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION", "VERSION_TOO_LOW"})
"""What OpenSSL says where the other side speaks older TLS only (A00.FR.315, .419)."""

WEAK_CIPHERS = frozenset(
    {
        HANDSHAKE_FAILURE,
        "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "WRONG_CIPHER_RETURNED",
        "UNKNOWN_CIPHER_RETURNED",
        "DH_KEY_TOO_SMALL",
        "UNSUPPORTED_COMPRESSION_ALGORITHM",
        "INVALID_COMPRESSION_ALGORITHM",
    }
)
"""What it says where no cipher suite is good enough for both, or compression is asked for (A00.FR.322, .426)."""

NOT_LET_IN = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_DECRYPT_ERROR",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    }
)
"""What it says where the other side does not take our certificate, or misses one."""


def http_refusal(status: int, target: Target, moved_to: str | None = None) -> LinkError:
    """Say what an HTTP status other than 101 means to the operator; `moved_to` is the Location that it names."""
    match status:
        case 401 if target.profile == 3:
            return _unauthorized("does not accept the certificate (HTTP 401): check its names and the identity.")
        case 401 if target.password is None:
            return _unauthorized("asks for a password (HTTP 401): set csms.password.")
        case 401:
            return _unauthorized("does not accept the password (HTTP 401): check csms.password and the identity.")
        case 403:
            return _unauthorized(f"does not let {target.url} in (HTTP 403): check the identity and its rights there.")
        case 404:
            return LinkError(
                f"The Central System does not know {target.url} (HTTP 404): add the identity there or correct csms.url."
            )
        case _ if 300 <= status < 400:
            where = f"its new address, {moved_to}, without the identity" if moved_to else "its new address"
            return LinkError(f"{target.url} has moved (HTTP {status}): set csms.url to {where}.")
        case 400 | 405 | 426 if target.profile < 3:
            return LinkError(
                f"{target.url} wants no WebSocket (HTTP {status}): check csms.url, whether it speaks OCPP 1.6 there, "
                f"and whether a proxy before it passes WebSockets on."
            )
        case 429:
            return _unreachable("The Central System wants fewer connections (HTTP 429): raise csms.backoff.")
        case 400 if target.profile == 3:  # nginx says so
            return _unauthorized("or a proxy before it does not accept the certificate (HTTP 400): look into its log.")
        case 502 | 503 | 504:
            return _unreachable(f"The Central System is away, says a proxy before it (HTTP {status}): start it.")
        case _ if status >= 500:
            return LinkError(f"The Central System or a proxy before it has a fault (HTTP {status}): look into its log.")
        case _:
            what = "a web page, no OCPP-J endpoint" if status == 200 else "no OCPP-J endpoint"
            return LinkError(f"{target.url} is {what} (HTTP {status}): check csms.url, its port and its path.")


def wrong_subprotocol(chosen: list[str], target: Target) -> LinkError:
    """Say that the Central System speaks none of the OCPP versions on offer (T-04)."""
    spoken = f"chose {', '.join(chosen)}" if chosen else "chose none"
    offered = ", ".join(target.subprotocols)
    return LinkError(
        f"The Central System {spoken} of the subprotocols {offered}: make it speak {offered}, or correct csms.url.",
        LinkProblem.SUBPROTOCOL,
    )


def bad_answer(error: BaseException, target: Target) -> LinkError:
    """Say that the answer to the handshake is broken."""
    return LinkError(
        f"{target.url} does not answer like a WebSocket server ({error}): check csms.url, its port and ws:// or wss://."
    )


def hung_up(target: Target, error: Exception | None = None, *, answered: bool = True) -> LinkError:
    """Say that the connection ended during the handshake, `answered` or without a byte of an answer."""
    # TLS 1.3: the server judges our certificate when we are done already, and may not say what it thinks of it.
    if isinstance(error, ssl.SSLError):
        return unreachable(error, target)
    # Whether the end comes as a reset or not is chance, and must not look like another reason each time.
    why = f" ({error})" if error and not isinstance(error, ConnectionResetError) else ""
    if target.profile == 3 and not answered:
        return _certificate_refused(f"closed without an answer{why}")
    if target.ssl is not None:
        return LinkError(
            f"{target.url} closed the connection during the handshake{why}: check csms.url, and whether it knows the "
            f"identity."
        )
    return LinkError(
        f"The connection was closed during the handshake{why}: check csms.url, and whether {target.url} wants wss://."
    )


def unheard(reason: str, url: str) -> str:
    """Say what a connection means that stood and ended before the Central System sent anything."""
    return f"{reason} It had not said anything yet: check whether it knows the identity in {url}, and its log."


def silent(target: Target, timeout_s: float, *, there: bool) -> LinkError:
    """Say that nothing came in time; `there` tells that somebody took the connection at least."""
    return LinkError(
        f"{target.url} did not answer within {timeout_s:g} s: check csms.url, the network and firewalls.",
        LinkProblem.TIMEOUT if there else LinkProblem.UNREACHABLE,
    )


def is_turned_away(error: OSError, target: Target) -> bool:
    """Tell whether the other side ended the TLS handshake without saying why, politely or not."""
    # In TLS 1.2 "handshake failure" may mean the cipher suites as well as that our certificate is missed.
    silent = isinstance(error, ConnectionResetError | BrokenPipeError)
    return target.ssl is not None and (silent or getattr(error, "reason", None) == HANDSHAKE_FAILURE)


def turned_away(target: Target, problem: LinkProblem, error: OSError) -> LinkError:
    """Say why the other side ended the TLS handshake, by what it is found to speak."""
    reason = getattr(error, "reason", None) or "closed by the other side"
    said = reason.replace("_", " ").lower()
    match problem:
        case LinkProblem.TLS_VERSION:
            return _old_tls(said, target)
        case LinkProblem.CIPHER_SUITE:
            return _weak_cipher(said, target)
        case LinkProblem.UNAUTHORIZED:
            return _certificate_refused(said)
        case _:
            return _no_tls(reason, target)


def unreachable(error: OSError, target: Target) -> LinkError:
    """Say why there is no TCP or TLS connection."""
    match error:
        case ssl.SSLCertVerificationError():
            return LinkError(_untrusted(error, target), LinkProblem.BAD_SERVER_CERTIFICATE)
        case ssl.SSLError():
            return _no_tls(error.reason or "handshake failed", target)
        case socket.gaierror():
            return _unreachable(
                f"The host name in {target.url} cannot be resolved ({error.strerror}): check csms.url and the DNS."
            )
        # Where a name has several addresses, asyncio and uvloop put all errors into one text.
        case _ if error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in str(error):
            return _unreachable(f"Nothing listens at {target.url}: start the Central System, or correct csms.url.")
        case _ if error.errno in (errno.EMFILE, errno.ENFILE):
            return _unreachable(
                "Too many open files: raise the limit (ulimit -n, or LimitNOFILE= in the systemd unit)."
            )
        case _:
            why = error.strerror or error
            return _unreachable(f"{target.url} cannot be reached ({why}): check csms.url and the network.")


def _unreachable(sentence: str) -> LinkError:
    return LinkError(sentence, LinkProblem.UNREACHABLE)


def _unauthorized(sentence: str) -> LinkError:
    return LinkError(f"The Central System {sentence}", LinkProblem.UNAUTHORIZED)


def _no_tls(reason: str, target: Target) -> LinkError:
    said = reason.replace("_", " ").lower()
    match reason:
        case _ if reason in OLD_TLS:
            return _old_tls(said, target)
        case _ if reason in WEAK_CIPHERS:
            return _weak_cipher(said, target)
        case _ if reason in NOT_LET_IN:
            return _certificate_refused(said)
        case _:
            return LinkError(
                f"No TLS with {target.url} ({said}): check that this port speaks TLS 1.2 or newer, or use ws://."
            )


def _certificate_refused(said: str) -> LinkError:
    return _unauthorized(
        f"does not accept the certificate of this side, or misses it ({said}): check csms.security_profile and "
        f"csms.certificate_file, and which authorities it trusts."
    )


def _old_tls(said: str, target: Target) -> LinkError:
    sentence = f"{target.url} speaks no TLS as new as 1.2 ({said}): let it speak TLS 1.2 or newer."
    return LinkError(sentence, LinkProblem.TLS_VERSION)


def _weak_cipher(said: str, target: Target) -> LinkError:
    return LinkError(
        f"{target.url} and this side have no cipher suite in common ({said}): let it speak AES-GCM, "
        f"and check whether it asks for a certificate (security profile 3).",
        LinkProblem.CIPHER_SUITE,
    )


def _untrusted(error: ssl.SSLCertVerificationError, target: Target) -> str:
    match error.verify_code:
        case code if code in (X509_HOSTNAME_MISMATCH, X509_ADDRESS_MISMATCH):
            return (
                f"The certificate is not for the host in {target.url}: correct csms.url, "
                f"or set csms.verify_hostname to false."
            )
        case code if code == X509_NOT_YET_VALID:
            return f"The certificate of {target.url} is not valid yet: correct this machine's clock."
        case code if code == X509_EXPIRED:
            return f"The certificate of {target.url} has expired: renew it, or correct this machine's clock."
        case _:
            return (
                f"The certificate of {target.url} is not trusted ({error.verify_message}): "
                f"set csms.ca_file to the authority that issued it."
            )
