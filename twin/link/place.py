"""Where a file lies, or is to go: what a URL from the Central System says, checked and taken apart.

Opens nothing. What it shows of a URL is fit for people and logs: neither user and password nor the query, which may
hold a token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from twin.errors import TransferError
from twin.link.target import KEPT
from twin.model.terms import TransferProblem

SCHEMES = ("http", "https", "ftp", "ftps")
"""OCPP 1.6 §8: the transfer protocol is that of the URL (FW-08)."""

_MAX_NAME = 100
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Hold the parts of a URL. `path` and `query` stay percent-encoded, user and password do not."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str = ""
    user: str | None = None
    password: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        """Show where it is, without anything secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port is None else f":{self.port}")

    @property
    def url(self) -> str:
        """Return the URL without user and password."""
        return f"{self.origin}{self.path or '/'}" + (f"?{self.query}" if self.query else "")

    @property
    def plain_path(self) -> str:
        """Return the path as an FTP server knows it: below the folder of the login, or absolute (RFC 1738 §3.2.2)."""
        return unquote(self.path.removeprefix("/"))

    @property
    def file_name(self) -> str:
        """Return the name of the file, fit for a folder of ours whatever the URL says."""
        last = unquote(self.path).replace("\\", "/").rpartition("/")[2]
        return _ODD.sub("_", last)[-_MAX_NAME:].lstrip(".") or "file"


def place(url: str) -> Place:
    """Take a URL apart; raises TransferError where nothing can be done with it."""
    url = url.strip()
    scheme, separator, _ = url.partition("://")
    if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) and scheme.lower() not in SCHEMES:
        raise TransferError(
            TransferProblem.UNSUPPORTED,
            f"{scheme.lower()} is no way to move files here: use one of {', '.join(SCHEMES)}",
        )
    try:
        return _place(urlsplit(url), url)
    except ValueError:  # its text may hold a part of the password
        raise _bad("the URL of the file is not understood") from None


def _place(parts: SplitResult, url: str) -> Place:
    if parts.scheme not in SCHEMES or not parts.hostname or parts.port == 0:
        raise _bad("the URL of the file lacks a scheme or a host, or has a port that is none")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    # A line end would begin another command of FTP, or another header of HTTP.
    if any(_FORBIDDEN.search(text) for text in (url, unquote(parts.path), user, password)):
        raise _bad("the URL of the file holds control characters")
    return Place(
        scheme=parts.scheme,
        host=parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode(),
        port=parts.port,
        path=quote(parts.path, safe=KEPT),
        query=quote(parts.query, safe=KEPT),
        user=None if parts.username is None else user,
        password=password,
    )


def _bad(detail: str) -> TransferError:
    return TransferError(TransferProblem.BAD_URL, f"{detail}: write scheme://user:password@host:port/path")
