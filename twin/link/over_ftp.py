"""One try to fetch or to upload a file over FTP, in the clear or with TLS.

Decides which kind of TLS is tried, when a download goes on where the last one ended (FW-08), and what an FTP reply
means; must not know what the file is.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import aioftp

from twin.errors import TransferError
from twin.link.partial import Partial
from twin.link.place import Place
from twin.model.terms import TransferProblem

_Result = TypeVar("_Result")

_PLAIN_PORT = 21
_IMPLICIT_PORT = 990
_BLOCK = 64 * 1024
_FAREWELL_S = 2.0

_PROBLEMS = {
    "430": TransferProblem.DENIED,
    "502": TransferProblem.UNSUPPORTED,
    "504": TransferProblem.UNSUPPORTED,
    "530": TransferProblem.DENIED,
    "532": TransferProblem.DENIED,
    "552": TransferProblem.TOO_LARGE,
    "553": TransferProblem.DENIED,
}
"""What replies mean (RFC 959 §4.2), where they mean more than a try that failed."""


async def fetch(source: Place, part: Partial, *, connect_s: float, idle_s: float, context: ssl.SSLContext) -> None:
    """Gather the file in `part`, after what is there of the same file; raises TransferError, aioftp's and OSError."""
    path = source.plain_path
    async with _logged_in(source, connect_s, idle_s, context) as control:
        await control.say("TYPE I", "2xx")  # or else SIZE has another meaning
        size, changed = await control.ask(f"SIZE {path}"), await control.ask(f"MDTM {path}")
        whole = int(size) if size.isdigit() else None
        part.check(whole or 0)
        # Another size or date is another file: its beginning must not be that of the old one.
        mark = f"{source.url} {size} {changed}"
        here = await part.begin(mark, resume=True)
        if here and here == whole:
            return
        if here and not await control.can_resume(here):
            here = await part.begin(mark, resume=False)
        async with control.data(f"RETR {path}", offset=here) as (reader, _):
            while block := await _within(idle_s, reader.read(_BLOCK)):
                await part.write(block)
                here += len(block)
    if whole is not None and here != whole:
        raise TransferError(TransferProblem.FAILED, f"{source.origin} sent {here} bytes of {whole}")


async def upload(
    path: Path, name: str, folder: Place, *, connect_s: float, idle_s: float, context: ssl.SSLContext
) -> None:
    """Upload a file under its name; raises TransferError, aioftp's errors and OSError."""
    target = f"{folder.plain_path.rstrip('/')}/{name}" if folder.plain_path else name
    async with (
        _logged_in(folder, connect_s, idle_s, context) as control,
        control.data(f"STOR {target}") as (_, writer),
    ):
        with path.open("rb") as file:  # what we wrote ourselves a moment ago is in memory
            while block := file.read(_BLOCK):
                writer.write(block)
                await _within(idle_s, writer.drain())
        # Here, and not in the hurry of an end: the server takes whatever has come until then for the whole file.
        writer.close()
        await _within(idle_s, writer.wait_closed())


class _Control:
    """Speak on a control connection.

    The library has no time-outs here but ours: its own lose a cancellation that meets an answer.
    """

    def __init__(self, client: aioftp.Client, place: Place, idle_s: float, *, implicit: bool) -> None:
        self._client = client
        self._implicit = implicit
        self._place = place
        self._idle_s = idle_s

    async def log_in(self) -> None:
        """Say who we are; RFC 1635: whoever has no name is anonymous."""
        user, password = self._place.user or "anonymous", self._place.password
        try:
            await _within(self._idle_s, self._client.login(user, password if self._place.user else "anonymous@"))
        except aioftp.StatusCodeError as error:
            raise self._refused(error, "does not let us in: check user and password in the URL") from None
        if self._implicit:
            # Data connections are not secret by themselves then, and some servers hear of it only after the login.
            await self.say("PBSZ 0", "2xx")
            await self.say("PROT P", "2xx")

    async def upgrade(self, context: ssl.SSLContext) -> None:
        """Go on in TLS, data connections too."""
        await _within(self._idle_s, self._client.upgrade_to_tls(context))

    async def say(
        self, command: str | None, *expected: str, wait: tuple[str, ...] = ()
    ) -> tuple[aioftp.Code, list[str]]:
        """Say something, or nothing, and return the answer; raises aioftp.StatusCodeError for an unexpected one."""
        return await _within(self._idle_s, self._client.command(command, expected, wait))

    async def ask(self, command: str) -> str:
        """Return what the server says of a file, nothing where it does not know the command (RFC 3659)."""
        code, lines = await self.say(command, "2xx", "4xx", "5xx")
        return lines[-1].strip() if code.matches("2xx") else ""

    async def can_resume(self, offset: int) -> bool:
        """Tell whether the server can begin a download there."""
        code, _ = await self.say(f"REST {offset}", "3xx", "4xx", "5xx")
        return code.matches("3xx")

    @asynccontextmanager
    async def data(
        self, command: str, *, offset: int = 0
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a data connection and have it used; what was moved counts once the server says that it is complete."""
        reader, writer = await _within(self._idle_s, self._client.get_passive_connection("I"))
        try:
            try:
                if offset:
                    await self.say(f"REST {offset}", "3xx")
                await self.say(command, "1xx")
            except aioftp.StatusCodeError as error:
                raise self._refused(error, "refuses: check the path in the URL and the rights there") from None
            yield reader, writer
        finally:
            await _closed(writer)
        try:
            await self.say(None, "2xx", wait=("1xx",))
        except aioftp.StatusCodeError as error:
            raise self._refused(error, "broke off") from None

    async def leave(self) -> None:
        """Say goodbye; whether that is heard does not matter."""
        with suppress(aioftp.AIOFTPException, OSError):
            await _within(_FAREWELL_S, self._client.command("QUIT"))

    async def close(self) -> None:
        """Close the connection, if there is one."""
        with suppress(ConnectionError):
            await _closed(self._client.stream.writer)

    def _refused(self, error: aioftp.StatusCodeError, why: str) -> TransferError:
        # The server's own words are left out: they may repeat the password.
        code = str(error.received_codes[-1])
        return TransferError(_PROBLEMS.get(code, TransferProblem.FAILED), f"{self._place.origin} {why} (FTP {code})")


@asynccontextmanager
async def _logged_in(place: Place, connect_s: float, idle_s: float, context: ssl.SSLContext) -> AsyncIterator[_Control]:
    control = await _connected(place, connect_s, idle_s, context)
    try:
        await control.log_in()
        yield control
        await control.leave()
    finally:
        await control.close()


async def _connected(place: Place, connect_s: float, idle_s: float, context: ssl.SSLContext) -> _Control:
    if place.scheme == "ftp":
        return await _open(place, place.port or _PLAIN_PORT, connect_s, idle_s)
    # FTPS means two things: TLS from the first byte on (port 990), and TLS after AUTH TLS (RFC 4217, port 21).
    # A URL does not say which. Both are tried; neither of them ever says a password in the clear.
    if place.port != _PLAIN_PORT:
        try:
            return await _open(place, place.port or _IMPLICIT_PORT, connect_s, idle_s, implicit=context)
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            if place.port is not None and not isinstance(error, ssl.SSLError | ConnectionResetError):
                raise
    return await _open(place, place.port or _PLAIN_PORT, connect_s, idle_s, explicit=context)


async def _open(
    place: Place,
    port: int,
    connect_s: float,
    idle_s: float,
    *,
    implicit: ssl.SSLContext | None = None,
    explicit: ssl.SSLContext | None = None,
) -> _Control:
    client = aioftp.Client(ssl=implicit)
    control = _Control(client, place, idle_s, implicit=implicit is not None)
    try:
        await _within(connect_s, client.connect(place.host, port))
        if explicit is not None:
            await control.upgrade(explicit)
    except BaseException:
        await control.close()
        raise
    return control


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await _within(_FAREWELL_S, writer.wait_closed())
    except OSError:  # how it ends does not matter any more
        writer.transport.abort()


async def _within(seconds: float, what: Awaitable[_Result]) -> _Result:
    async with asyncio.timeout(seconds):
        return await what
