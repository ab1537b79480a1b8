"""Servers that files come from and go to, each of them real, on this machine; some that misbehave on purpose."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

import aioftp
import trustme
from aiohttp import web
from fakes.links import BOUND_S, context_for
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

USER, PASSWORD = "box", "s3cr:t/@"
LOGIN = "box:s3cr%3At%2F%40"
"""The same as it stands in a URL."""


@asynccontextmanager
async def http_server(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], *, certificate: trustme.LeafCert | None = None
) -> AsyncIterator[str]:
    """Serve HTTP, or with a certificate HTTPS; yields the URL of its root. `handler` answers everything."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = None if certificate is None else context_for(certificate)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield f"http{'' if context is None else 's'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class _Folder(DummyAuthorizer):
    """Let one user read and write, and everybody (anonymous) read."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.add_user(USER, PASSWORD, str(root), perm="elradfmw")
        self.add_anonymous(str(root), perm="elr")


@contextmanager
def ftp_server(root: Path, *, certificate: Path | None = None, **options: object) -> Iterator[FtpLog]:
    """Serve a folder by FTP in a thread of its own; a certificate (PEM) allows and demands TLS."""
    log = FtpLog()
    base = FTPHandler if certificate is None else TLS_FTPHandler
    fields: dict[str, object] = {
        "authorizer": _Folder(root),
        "log_cmd": lambda self, cmd, arg, *_: log.commands.append(f"{cmd} {arg}".strip()),
        "auth_failed_timeout": 0,
        **options,
    }
    if certificate is not None:
        fields |= {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
    logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), type("Handler", (base,), fields), ioloop=loop)
    log.port = server.address[1]
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            server.serve_forever(timeout=0.01, blocking=False)
        server.close_all()
        loop.close()

    thread = threading.Thread(target=serve, name="ftp server")
    thread.start()
    try:
        yield log
    finally:
        ending.set()
        thread.join(BOUND_S)


class FtpLog:
    """Tell where the server is, and what it was told."""

    def __init__(self) -> None:
        self.port = 0
        self.commands: list[str] = []

    def url(self, path: str = "", *, scheme: str = "ftp", login: str = f"{LOGIN}@") -> str:
        return f"{scheme}://{login}127.0.0.1:{self.port}/{path}"


@asynccontextmanager
async def implicit_ftps_server(root: Path, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve a folder by FTP in TLS from the first byte on; yields the port."""
    user = aioftp.User(USER, PASSWORD, base_path=root)
    server = aioftp.Server([user], ssl=context)
    await server.start("127.0.0.1", 0)
    try:
        async with asyncio.timeout(BOUND_S):
            yield server.server_port
    finally:
        await server.close()


def reading(file_at: Callable[[BinaryIO], None]) -> dict[str, object]:
    """Make the options of an FTP server that does something with a file before each time that it reads from it."""

    class File:
        def __init__(self, file: BinaryIO) -> None:
            self._file = file

        def read(self, size: int) -> bytes:
            file_at(self._file)
            return self._file.read(size)

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

    class Folder(AbstractedFS):
        def open(self, filename: str, mode: str) -> object:
            file = super().open(filename, mode)
            return File(file) if "r" in mode else file

    return {"abstracted_fs": Folder, "use_sendfile": False}


def breaking_off_once(after: int) -> dict[str, object]:
    """Make the options of an FTP server that breaks its first download off after so many bytes."""
    broken: list[bool] = []

    def break_off(file: BinaryIO) -> None:
        if file.tell() >= after and not broken:
            broken.append(True)
            raise OSError("a bad sector")

    return reading(break_off)
