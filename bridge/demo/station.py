"""One station's connection to the Central System: frames in, frames out, one call of ours under way.

Decides in which order things go and which answer belongs to which call. What is answered is the business of others.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, assert_never

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from bridge.demo import schemas, wire
from bridge.demo.wire import Violation

NO_ANSWER: Final = object()
"""What a handler returns to leave a call without an answer."""

Direction = Literal["sent", "received"]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Be a frame that passed, as seen from the Central System; `action` is None where it is not known."""

    identity: str
    direction: Direction
    action: str | None
    text: str


Observer: TypeAlias = Callable[[Traffic], None]


class CallFailed(Exception):
    """Say why a call to a station brought no confirmation.

    `code` is `not_connected`, `timeout`, `bad_answer`, or the OCPP-J error code of the station's CALLERROR.
    """

    def __init__(self, code: str, description: str, details: Any = None) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.details = details


class Station:
    """Be the connection of one station: frames in, frames out, at most one call of ours under way."""

    def __init__(
        self,
        identity: str,
        connection: ServerConnection,
        answer: Callable[[str, str, Any], Awaitable[Any]],
        observers: list[Observer],
    ) -> None:
        self._identity = identity
        self._connection = connection
        self._answer = answer
        self._observers = observers
        self._turn = asyncio.Lock()
        self._asked: tuple[wire.Call, asyncio.Future[wire.Result | wire.Error]] | None = None
        self._answering: dict[str, asyncio.Task[None]] = {}

    async def attend(self, tasks: asyncio.TaskGroup) -> None:
        """Take frames until the connection ends."""
        try:
            async for text in self._connection:
                await self._receive(text if isinstance(text, str) else text.decode(errors="replace"), tasks)
        except ConnectionClosed:
            pass
        finally:
            for task in self._answering.values():
                task.cancel()
            self._settle(wire.Error("", "not_connected", f"{self._identity} went away before it answered"))

    async def call(self, action: str, payload: Any, timeout_s: float) -> Any:
        """Make a call when its turn has come, and check what comes back."""
        async with self._turn:  # OCPP-J 1.6 §4.1.1: one call at a time
            call = wire.Call(str(uuid.uuid4()), action, payload)
            answer: asyncio.Future[wire.Result | wire.Error] = asyncio.get_running_loop().create_future()
            self._asked = (call, answer)
            try:
                await self.send(wire.pack(call), action)
                async with asyncio.timeout(timeout_s):
                    return _confirmed(action, await answer)
            except TimeoutError:
                raise CallFailed("timeout", f"{self._identity} did not answer within {timeout_s:g} s") from None
            finally:
                self._asked = None

    async def send(self, text: str, action: str | None) -> None:
        """Put a text on the wire."""
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            raise CallFailed("not_connected", f"{self._identity} is not connected any more") from None
        self._observe("sent", action, text)

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        await self._connection.close(code, reason)

    async def _receive(self, text: str, tasks: asyncio.TaskGroup) -> None:
        try:
            frame = wire.parse(text)
        except Violation as violation:
            self._observe("received", None, text)
            await self._reply(None, _refusal(violation, violation.message_id))
            return
        match frame:
            case wire.Call(message_id, action):
                self._observe("received", action, text)
                if message_id in self._answering:
                    await self._reply(action, wire.Error(message_id, "ProtocolError", "this id is in use"))
                    return
                name = f"csms {self._identity} {action}"
                self._answering[message_id] = tasks.create_task(self._handle(frame), name=name)
            case wire.Result() | wire.Error():
                self._observe("received", self._asked[0].action if self._asked else None, text)
                self._settle(frame)
            case None:
                self._observe("received", None, text)
            case _:
                assert_never(frame)

    async def _handle(self, call: wire.Call) -> None:
        try:
            payload = await self._answer(self._identity, call.action, call.payload)
            frame: wire.Result | wire.Error | None = (
                None if payload is NO_ANSWER else wire.Result(call.message_id, payload)
            )
        except Violation as violation:
            frame = _refusal(violation, call.message_id)
        # The id is free before the station can know it.
        del self._answering[call.message_id]
        if frame is not None:
            await self._reply(call.action, frame)

    async def _reply(self, action: str | None, frame: wire.Result | wire.Error) -> None:
        with suppress(CallFailed):
            await self.send(wire.pack(frame), action)

    def _settle(self, frame: wire.Result | wire.Error) -> None:
        if self._asked is None:
            return
        call, answer = self._asked
        # OCPP-J 1.6 §4.1.1: a late answer never satisfies another call.
        if not answer.done() and frame.message_id in (call.message_id, ""):
            answer.set_result(frame)

    def _observe(self, direction: Direction, action: str | None, text: str) -> None:
        for observer in self._observers:
            observer(Traffic(self._identity, direction, action, text))


def _confirmed(action: str, answer: wire.Result | wire.Error) -> Any:
    if isinstance(answer, wire.Error):
        raise CallFailed(answer.code, answer.description, answer.details)
    if action in schemas.ACTIONS:
        try:
            schemas.check_result(action, answer.payload)
        except Violation as violation:
            raise CallFailed("bad_answer", violation.description, answer.payload) from None
    return answer.payload


def _refusal(violation: Violation, message_id: str) -> wire.Error:
    return wire.Error(message_id, violation.code, violation.description)
