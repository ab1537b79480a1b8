"""Asks a running daemon how it is, and puts the answer into a sentence.

Goes straight to the daemon, whatever proxy the environment names.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit

TIMEOUT_S = 5.0
_MAX_BYTES = 64 * 1024


def ask(url: str, path: str, timeout_s: float = TIMEOUT_S) -> tuple[bool, str]:
    """Ask for a page below a URL; return whether all is well, and a sentence. Raises ValueError for no URL."""
    parts = _parts(url)
    where = f"{url.rstrip('/')}{path}"
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout_s)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}{path}")
        answer = connection.getresponse()
        return _verdict(where, answer.status, answer.read(_MAX_BYTES))
    except TimeoutError:
        return False, f"no answer: {where} said nothing within {timeout_s:g} s"
    except (OSError, HTTPException) as error:
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200].lower()
        return False, f"no answer: {where} cannot be asked ({reason}); does the daemon run, with http.enabled?"
    finally:
        connection.close()


def _parts(url: str) -> SplitResult:
    wrong = ValueError(f"{url!r} is no URL such as http://127.0.0.1:9580")
    try:
        parts = urlsplit(url)
        good = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong from None
    odd = (
        "@" in parts.netloc or parts.query or parts.fragment or not url.isprintable() or not url.isascii() or " " in url
    )
    if odd or not good:
        raise wrong
    return parts


def _verdict(where: str, status: int, body: bytes) -> tuple[bool, str]:
    try:
        found = json.loads(body)
        word = str(found["status"])
        reasons = [str(reason) for reason in [*found.get("reasons", ()), *found.get("missing", ())]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False, f"no answer: {where} is no page of ocpp-twin (HTTP {status})"
    return status == 200, f"{word}: {'; '.join(reasons)}" if reasons else word
