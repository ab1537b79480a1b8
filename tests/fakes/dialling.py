"""A network in memory: connections that a test answers, refuses, breaks and listens to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from twin.errors import LinkError


class FakeConnection:
    """Remember what was sent; `says`, `break_off` and `tick_at` are the test's side of it."""

    def __init__(self, target, peer) -> None:
        self.target = target
        self.peer = peer
        self.sent: list[str] = []
        self.ended: tuple | None = None
        self.ping_s = 0.0
        self.due: float | None = None
        self.ticks: list[float] = []
        self.deaf = False  # does not notice that it was closed
        self.answer: Callable[[str], str | None] = lambda _: None
        self.server_certificate: bytes | None = None
        self._told = False

    def send(self, *texts):
        for text in texts if self.ended is None else ():
            self.sent.append(text)
            reply = self.answer(text)
            if reply is not None:
                asyncio.get_running_loop().call_later(0.05, self._reply, reply)

    def close(self, code=1000, reason=""):
        if self.ended is None:
            self.ended = ("close", code, reason)
            if not self.deaf:
                self._end_soon("closed by this side")

    def abort(self, reason):
        self.ended = ("abort", reason)
        self._end_soon(reason)

    def set_ping_interval(self, seconds):
        self.ping_s = seconds

    def next_deadline(self):
        return self.due

    def tick(self, now):
        self.ticks.append(now)
        self.due = None

    def says(self, text):
        """Let the other side send a frame."""
        self.peer.on_text(text)

    def break_off(self, reason="the other side closed the connection (1000)"):
        """Let the other side, or the network, end it."""
        self.ended = ("lost", reason)
        self._end(reason)

    def _reply(self, text):
        if self.ended is None:
            self.says(text)

    def _end_soon(self, reason):
        asyncio.get_running_loop().call_soon(self._end, reason)

    def _end(self, reason):
        if not self._told:
            self._told = True
            self.peer.on_closed(reason)


class FakeNetwork:
    """Be a fleet's `connect`. `refusal` is raised instead of connecting; `delay_s` is what a connect takes."""

    def __init__(self, *, delay_s: float = 0.0) -> None:
        self.connections: list[FakeConnection] = []
        self.attempts: list[tuple[float, str]] = []
        self.refusal: Exception | None = None
        self.delay_s = delay_s
        self.under_way = 0
        self.most_under_way = 0
        self.on_connect: Callable[[FakeConnection], None] = lambda _: None

    async def __call__(self, target, peer, *, timeout_s):
        self.attempts.append((asyncio.get_running_loop().time(), target.url))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.under_way -= 1
        if self.refusal is not None:
            raise self.refusal
        connection = FakeConnection(target, peer)
        self.connections.append(connection)
        self.on_connect(connection)
        return connection

    @property
    def last(self) -> FakeConnection:
        """Return the newest connection."""
        return self.connections[-1]

    def refuse(self, sentence: str | None, problem: str = "other") -> None:
        """Refuse all that dial from now on, or (None) nobody any more."""
        self.refusal = None if sentence is None else LinkError(sentence, problem)
