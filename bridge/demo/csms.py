"""A small OCPP 1.6-J Central System for any number of stations: the demo's, and a peer for tests.

Decides who may connect, answers what stations ask, and makes calls to them. Its answers can be scripted:
`handlers["Authorize"]` replaces the answer to that action and may wait, raise `Violation` for a CALLERROR, or return
NO_ANSWER. It must not know the twin's code: what the two share is the wire.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, Self, TypeAlias
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from bridge.demo import answers, schemas
from bridge.demo.ledger import Ledger, Payload
from bridge.demo.station import CallFailed, Observer, Station

PATH = "/ocpp/"
MAX_MESSAGE = 1024 * 1024
Handler: TypeAlias = Callable[[str, Payload], Awaitable[Any]]


class CentralSystem:
    """Listen for stations as an async context manager; port 0 takes a free one.

    `passwords` by identity: a station named there has to log in with HTTP Basic, others need not. Bytes are those
    behind an AuthorizationKey, which is hexadecimal (Security whitepaper A00.FR.205).
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        passwords: Mapping[str, str | bytes] | None = None,
        tls: ssl.SSLContext | None = None,
        call_timeout_s: float = 30.0,
    ) -> None:
        self.ledger = Ledger()
        self.handlers: dict[str, Handler] = {}
        self.observers: list[Observer] = []
        self._host = host
        self._port = port
        self._passwords = passwords or {}
        self._tls = tls
        self._call_timeout_s = call_timeout_s
        self._stations: dict[str, Station] = {}
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen; raises OSError if the port is taken."""
        self._server = await serve(
            self._attend,
            self._host,
            self._port,
            ssl=self._tls,
            subprotocols=[Subprotocol("ocpp1.6")],
            process_request=self._admit,
            compression=None,
            max_size=MAX_MESSAGE,
            ping_interval=60,
            ping_timeout=60,
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections (1001) and stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Return the address that stations append their identity to."""
        return f"{'ws' if self._tls is None else 'wss'}://{self._host}:{self._port}{PATH.rstrip('/')}"

    @property
    def connected(self) -> Collection[str]:
        """Return the identities of the stations that are connected."""
        return self._stations.keys()

    async def call(self, identity: str, action: str, payload: Any) -> Any:
        """Make a call and return the confirmation's payload; raises CallFailed."""
        return await self._station(identity).call(action, payload, self._call_timeout_s)

    async def send(self, identity: str, text: str) -> None:
        """Put any text on the wire; raises CallFailed if the station is not connected."""
        await self._station(identity).send(text, None)

    async def disconnect(self, identity: str, code: int = 1000, reason: str = "") -> None:
        """Close a station's connection; raises CallFailed if there is none."""
        await self._station(identity).close(code, reason)

    async def answer(self, identity: str, action: str, payload: Any) -> Any:
        """Answer a station's call: by script if there is one, else as every Central System would."""
        if action not in schemas.ACTIONS:
            raise answers.refusal(action)
        schemas.check_call(action, payload)
        handler = self.handlers.get(action)
        return (
            answers.answer(self.ledger, identity, action, payload)
            if handler is None
            else await handler(identity, payload)
        )

    def _station(self, identity: str) -> Station:
        station = self._stations.get(identity)
        if station is None:
            names = ", ".join(sorted(self._stations)[:10]) or "none"
            raise CallFailed("not_connected", f"{identity} is not connected; connected: {names}")
        return station

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        identity = _identity(request.path)
        if identity is None:
            return connection.respond(HTTPStatus.NOT_FOUND, f"The address of a station is {PATH}<identity>\n")
        password = self._passwords.get(identity)
        if password is None or request.headers.get("Authorization") == _basic(identity, password):
            return None
        response = connection.respond(HTTPStatus.UNAUTHORIZED, "Wrong identity or password\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
        return response

    async def _attend(self, connection: ServerConnection) -> None:
        assert connection.request is not None  # noqa: S101 - the handshake is over
        identity = _identity(connection.request.path) or ""
        station = Station(identity, connection, self.answer, self.observers)
        before = self._stations.get(identity)
        self._stations[identity] = station
        try:
            async with asyncio.TaskGroup() as tasks:
                if before is not None:
                    # A station that comes again has lost its first connection, whatever TCP still believes.
                    tasks.create_task(before.close(1000, "connected again"), name=f"csms close {identity}")
                await station.attend(tasks)
        finally:
            if self._stations.get(identity) is station:
                del self._stations[identity]


def _identity(path: str) -> str | None:
    segment = urlsplit(path).path.removeprefix(PATH)
    if not path.startswith(PATH) or not segment or "/" in segment:
        return None
    return unquote(segment)


def _basic(identity: str, password: str | bytes) -> str:
    secret = password if isinstance(password, bytes) else password.encode()
    return "Basic " + base64.b64encode(identity.encode() + b":" + secret).decode()
