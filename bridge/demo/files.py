"""The files of the demo over HTTP: firmware images to fetch, and a folder for the logs that stations upload.

Decides what may be fetched and what is kept of an upload; knows nothing about stations.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Self

from aiohttp import web

from bridge.demo.ports import HOST

MAX_UPLOAD = 16 * 1024 * 1024
IMAGE_BYTES = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")
_IMAGE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,100}\.bin")


class Files:
    """Serve files as an async context manager: any `/firmware/<name>.bin`, and `/logs/<name>` to write and to read.

    `uploaded` is told the name and the size of each upload, which then lies in `folder`.
    """

    def __init__(self, port: int, folder: Path, uploaded: Callable[[str, int], None] = lambda *_: None) -> None:
        self.port = port
        self._folder = folder
        self._uploaded = uploaded
        app = web.Application(client_max_size=MAX_UPLOAD)
        app.router.add_get("/firmware/{name}", _image)
        app.router.add_get("/logs/{name}", self._read)
        app.router.add_put("/logs/{name}", self._write)
        self._runner = web.AppRunner(app, access_log=None)

    @property
    def url(self) -> str:
        """Return the address below which the files are."""
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        """Begin to listen; raises OSError if the port is taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    def _path(self, request: web.Request) -> Path:
        name = request.match_info["name"]
        if not _NAME.fullmatch(name):
            raise web.HTTPNotFound(text=f"{name!r} is no name of a file\n")
        return self._folder / name

    async def _read(self, request: web.Request) -> web.StreamResponse:
        path = self._path(request)
        if not path.is_file():
            raise web.HTTPNotFound(text="Nobody uploaded that\n")
        return web.FileResponse(path)

    async def _write(self, request: web.Request) -> web.Response:
        path = self._path(request)
        content = await request.read()
        path.write_bytes(content)
        self._uploaded(path.name, len(content))
        return web.Response(status=201, text="Thank you\n")


async def _image(request: web.Request) -> web.Response:
    """Make an image up: what is in it is of no account, only its name is."""
    name = request.match_info["name"]
    if not _IMAGE.fullmatch(name):
        raise web.HTTPNotFound(text="An image is called <name>.bin, such as fw-2.0.0.bin\n")
    head = f"A firmware image called {name}\n".encode()
    return web.Response(body=head.ljust(IMAGE_BYTES, b"\0"), content_type="application/octet-stream")
