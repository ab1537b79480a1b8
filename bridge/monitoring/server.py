"""A small HTTP server for a few pages: GET and HEAD, bounded in size and time. Knows nothing of what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from bridge.monitoring.address import CannotListen, sentence
from bridge.monitoring.options import HttpOptions
from bridge.monitoring.pages import Make, Page, document

_ANSWER_S = 10.0
_IDLE_S = 75.0
_END_S = 1.0
_MAX_LINE = 2048
_MAX_FIELD = 4096
_MAX_FIELDS = 50
_METHODS = ("GET", "HEAD")
_NAME = "ocpp-twin"


class _Handler(web.RequestHandler):
    """Answer what is no HTTP without telling which versions run here."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = super().handle_error(request, status, exc, message)
        response.headers["Server"] = _NAME
        return response


class Server:
    """Serve pages by their paths."""

    def __init__(self, options: HttpOptions, pages: Mapping[str, Make]) -> None:
        self._options = options
        self._pages = pages
        self._connections: web.Server | None = None
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen. Raises CannotListen."""
        loop, host, port = asyncio.get_running_loop(), self._options.host, self._options.port
        connections = self._connections = web.Server(self._answer)

        def handler() -> web.RequestHandler:
            return _Handler(
                connections,
                loop=loop,
                access_log=None,  # type: ignore[arg-type]  # None: no log
                keepalive_timeout=_IDLE_S,  # counts from the connect on: who says nothing is shown the door, too
                lingering_time=_END_S,
                max_line_size=_MAX_LINE,
                max_field_size=_MAX_FIELD,
                max_headers=_MAX_FIELDS,
            )

        try:
            self._listening = await loop.create_server(handler, host, port)
        except OSError as error:
            raise CannotListen(sentence(error, host, port)) from None

    async def stop(self) -> None:
        """Listen no more, and end what is under way."""
        if self._listening is not None:
            self._listening.close()
        if self._connections is not None:
            self._connections.pre_shutdown()
            await self._connections.shutdown(_END_S)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        page = await self._page(request)
        headers = {"Content-Type": page.kind, "Cache-Control": "no-store", "Server": _NAME}
        if page.status == 405:
            headers["Allow"] = ", ".join(_METHODS)
        return web.Response(status=page.status, body=page.body, headers=headers)

    async def _page(self, request: web.BaseRequest) -> Page:
        make = self._pages.get(request.path)
        if make is None:
            return document(404, {"error": "there is no such page", "pages": sorted(self._pages)})
        if request.method not in _METHODS:
            return document(405, {"error": "pages can only be read", "methods": list(_METHODS)})
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await make(request.headers.get("Accept", ""))
        except TimeoutError:
            return document(503, {"error": f"this took longer than {_ANSWER_S:g} s: the daemon is overloaded"})
