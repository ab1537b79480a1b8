"""One try to fetch or to upload a file over HTTP or HTTPS.

Decides how an upload is asked for and what an HTTP status means for it; must not know what the file is.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import aiohttp
from yarl import URL

from twin.errors import TransferError
from twin.link.partial import Partial
from twin.link.place import Place, place
from twin.model.terms import TransferProblem

_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_BLOCK = 64 * 1024
_HEADERS = {"User-Agent": "ocpp-twin", "Accept-Encoding": "identity"}

_Body = Callable[[], AbstractContextManager[Any]]
"""Makes the body of a request, once more after each redirect."""


async def fetch(source: Place, part: Partial, *, connect_s: float, idle_s: float, context: ssl.SSLContext) -> None:
    """Gather the file in `part`, from its beginning; raises TransferError, aiohttp's errors and OSError."""
    async with (
        _session(context, connect_s, idle_s) as session,
        _answer(session, "GET", source, nullcontext) as answer,
    ):
        if answer.status != HTTPStatus.OK:  # other kinds of success come without the file
            raise _refused(answer.status, source)
        part.check(answer.content_length or 0)
        await part.begin(source.url, resume=False)
        async for block in answer.content.iter_chunked(_BLOCK):
            await part.write(block)


async def upload(
    path: Path, name: str, folder: Place, *, connect_s: float, idle_s: float, context: ssl.SSLContext
) -> None:
    """Upload a file; raises TransferError, aiohttp's errors and OSError.

    PUT to the file's own place in the folder comes first, as of a file system. Servers that know no PUT there get a
    form by POST at the location itself, as of a browser. A location with a query (a signed one) is taken as it is.
    """
    own = folder if folder.query else replace(folder, path=f"{folder.path.removesuffix('/')}/{quote(name, safe='')}")
    async with _session(context, connect_s, idle_s) as session:
        async with _answer(session, "PUT", own, lambda: path.open("rb")) as answer:
            status = answer.status
        if status in (404, 405, 501):
            async with _answer(session, "POST", folder, lambda: _form(path, name)) as answer:
                status = answer.status
    if not 200 <= status < 300:
        raise _refused(status, folder)


@contextmanager
def _form(path: Path, name: str) -> Iterator[aiohttp.FormData]:
    with path.open("rb") as file:
        form = aiohttp.FormData()
        form.add_field("file", file, filename=name, content_type="application/octet-stream")
        yield form


@asynccontextmanager
async def _session(context: ssl.SSLContext, connect_s: float, idle_s: float) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=context, limit=1, force_close=True)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s, sock_read=idle_s)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # the file is wanted as it is, packed or not
        trust_env=False,
    ) as session:
        yield session


@asynccontextmanager
async def _answer(
    session: aiohttp.ClientSession, method: str, target: Place, body: _Body
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Make a request and follow redirects: ours, because another host must not learn the password."""
    for _ in range(_MAX_REDIRECTS + 1):
        headers = {} if target.user is None else {"Authorization": _basic(target)}
        url = URL(target.url, encoded=True)
        with body() as data:
            async with session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
                if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                    yield answer
                    return
                target = _moved(target, answer.headers["Location"])
                # RFC 9110 §15.4: a form was taken, and what is elsewhere is a page about it.
                if answer.status == 303 or (method == "POST" and answer.status in (301, 302)):
                    method, body = "GET", nullcontext
    raise TransferError(TransferProblem.FAILED, f"{target.origin} sends us on again and again")


def _moved(target: Place, location: str) -> Place:
    there = place(urljoin(target.url, location))
    if there.scheme not in ("http", "https") or (target.scheme, there.scheme) == ("https", "http"):
        raise TransferError(
            TransferProblem.FAILED, f"{target.origin} sends us on to {there.origin}, which is less safe"
        )
    # Whoever is sent elsewhere does not take along the password, nor one that the server names.
    same = there.origin == target.origin
    return replace(there, user=target.user if same else None, password=target.password if same else "")


def _basic(target: Place) -> str:
    return "Basic " + b64encode(f"{target.user}:{target.password}".encode()).decode()


def _refused(status: int, target: Place) -> TransferError:
    match status:
        case 401 | 403 | 407:
            problem, why = TransferProblem.DENIED, "does not let us: check user and password in the URL"
        case 404 | 410:
            problem, why = TransferProblem.FAILED, "has nothing there: check the path in the URL"
        case 405 | 415 | 501:
            problem, why = TransferProblem.UNSUPPORTED, "takes no files there: check the URL"
        case 413:
            problem, why = TransferProblem.TOO_LARGE, "does not take files of this size"
        case _:
            problem, why = TransferProblem.FAILED, "failed: look into its log"
    return TransferError(problem, f"{target.origin} {why} (HTTP {status})")
