"""Being connected to the broker, for ever: MQTT 5 or 3.1.1, subscribed, and again after each loss.

Decides when to connect, to subscribe, and to tell the others; what a message means is the router's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Protocol

import aiomqtt
import structlog

from bridge.broker import advice, broker, refuses_version, tls_context
from bridge.mapping.patterns import overlap, widest
from bridge.options import MqttOptions
from bridge.ports import Incoming, Outgoing, Outlet
from bridge.session import Session
from bridge.subscriptions import Subscriptions
from bridge.topics import Topics

_REPLAY_QUIET_S = 1.0
_REPLAY_MAX_S = 10.0
_MAX_DOUBLINGS = 16
_JITTER = 0.3

_log = structlog.get_logger("mqtt")


class Source(Protocol):
    """Supply what is published; `Publisher` does."""

    def connected(self, outlet: Outlet) -> None:
        """Take the way to the broker."""
        ...

    def disconnected(self, uncertain: list[Outgoing]) -> None:
        """Take back what may not have arrived."""
        ...

    def wake(self) -> None:
        """Learn that the outlet may take more."""
        ...


class Sink(Protocol):
    """Take what was subscribed to; `Router` does."""

    def handle(self, message: Incoming) -> None:
        """Do what a message says."""
        ...

    def replay_begins(self) -> None:
        """Expect all retained messages once more."""
        ...

    def replay_ends(self) -> None:
        """Expect no more of them."""
        ...


class Companion(Protocol):
    """Have topics of its own at the same broker; `Announcer` does."""

    async def attend(self, line: Session) -> None:
        """Be at work for as long as there is a connection; cancelled at its end. Raises MqttError."""
        ...

    def hears(self, topic: str) -> bool:
        """Tell whether a message of this topic is for it."""
        ...

    def handle(self, message: Incoming) -> None:
        """Take a message, and acknowledge it."""
        ...


class Client:
    """Keep a session with the broker. `run` is its task; `subscribed` is set from the first subscription on.

    Raises ValueError for a URL that is none, OSError for certificates that cannot be read. `ids` returns the ids of
    all twins of this node, `inputs` are the filters of sensors. `echoes` are filters of topics where real things show
    what they do: what is retained there counts anew with each connection.
    """

    def __init__(
        self,
        options: MqttOptions,
        source: Source,
        sink: Sink,
        ids: Callable[[], Collection[str]],
        companion: Companion | None = None,
        inputs: Sequence[str] = (),
        echoes: Sequence[str] = (),
    ) -> None:
        self._options = options
        self._source = source
        self._sink = sink
        self._companion = companion
        self._broker = broker(options)
        self._tls: ssl.SSLContext | None = tls_context(options) if self._broker.tls else None
        heard, self._echoes = _joined(inputs, echoes)
        self._subscriptions = Subscriptions(options, ids, heard)
        availability = Topics(options.base_topic, options.node).node_availability
        self._will = aiomqtt.Will(availability, b"offline", qos=1, retain=True)
        self._session: Session | None = None
        self._closing = False
        self._failures = 0
        self._knows_5 = options.protocol == "5"
        self._said: str | None = None
        self._replay_timer: asyncio.TimerHandle | None = None
        self._last_retained = 0.0
        self._random = random.Random()
        self._taken: set[str] = set()
        self._twins_changed = asyncio.Event()
        self.subscribed = asyncio.Event()
        self.connects_total = 0
        self.failures_total = 0

    def twins_changed(self) -> None:
        """Learn that twins came or went: where only our own are subscribed to, the filters follow."""
        self._twins_changed.set()

    def inputs_changed(self, inputs: Sequence[str], echoes: Sequence[str] = ()) -> None:
        """Learn that sensors or real things came or went: the filters follow."""
        heard, self._echoes = _joined(inputs, echoes)
        self._subscriptions.listen_to(heard)
        self._twins_changed.set()

    async def run(self) -> None:
        """Connect, and connect again with growing pauses while that fails, until `close` is called."""
        while not self._closing:
            try:
                await self._once()
            except (aiomqtt.MqttError, OSError) as error:
                self._say(error)
            if not self._closing:
                await asyncio.sleep(self._pause_s())

    async def wait_subscribed(self, timeout_s: float) -> bool:
        """Wait for the first subscription; False if the broker cannot be had in that time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.subscribed.wait(), timeout_s)
        return self.subscribed.is_set()

    async def close(self, timeout_s: float = 5.0) -> None:
        """Wait until all that was handed over has arrived, then say goodbye, so that no will is published."""
        self._closing = True
        session = self._session
        if session is None:
            return
        try:
            await asyncio.wait_for(session.leave(), timeout_s)
        except TimeoutError:
            session.abort()

    # --- One connection -----------------------------------------------------------------------------------------------

    async def _once(self) -> None:
        session = await self._connect()
        _log.info("connected", url=self._broker.url, mqtt="5" if session.mqtt5 else "3.1.1")
        self.connects_total += 1
        self._session = session
        began = asyncio.get_running_loop().time()
        following = _watched(self._follow(session), "subscriptions follow twins")
        attending: asyncio.Task[None] | None = None
        try:
            await self._subscribe(session)
            _end_if_cancelled()
            self._source.connected(session)
            attending = _watched(self._attend(session), "companion attends")
            error = await session.lost()
        finally:
            for task in (following, attending):
                if task is not None:
                    task.cancel()
            self._session = None
            # Two daemons with one client id end each other's connections: each attempt succeeds, and helps nothing.
            if asyncio.get_running_loop().time() - began >= self._options.backoff_max_s:
                self._failures, self._said = 0, None
            session.abort()
            self._end_replay()
            self._source.disconnected(session.uncertain)
        if error is not None:
            self._say(error)

    async def _connect(self) -> Session:
        if self._options.protocol == "3.1.1":
            return await self._enter(mqtt5=False)
        try:
            session = await self._enter(mqtt5=True)
        except aiomqtt.MqttError as error:
            # A broker that has spoken 5 is merely in trouble: in 3.1.1 there are no response topics.
            if self._knows_5 or not refuses_version(error):
                raise
        else:
            self._knows_5 = True
            return session
        return await self._enter(mqtt5=False)

    async def _enter(self, *, mqtt5: bool) -> Session:
        session = Session(
            self._broker,
            self._options,
            self._tls,
            will=self._will,
            mqtt5=mqtt5,
            arrived=self._arrived,
            freed=self._source.wake,
        )
        # Set before the broker sends what it kept for us.
        self._session = session
        await session.enter()
        try:
            _end_if_cancelled()
        except asyncio.CancelledError:
            session.abort()
            raise
        return session

    async def _subscribe(self, session: Session) -> None:
        first = not self.subscribed.is_set()
        if first and session.session_present:
            session.drop(self._subscriptions.overlapping())
        if first or not session.session_present:
            self._sink.replay_begins()
        await self._take(session, self._subscriptions.filters())
        self._await_end_of_replay()
        self.subscribed.set()

    async def _take(self, session: Session, filters: list[str]) -> None:
        self._taken = set(filters)
        ours = [name for name in filters if name not in self._echoes]
        theirs = [name for name in filters if name in self._echoes]
        for name, reason in [*await session.take(ours), *await session.listen(theirs)]:
            _log.error("subscription_refused", filter=name, reason=reason, advice="allow it in the broker's ACL")

    async def _follow(self, session: Session) -> None:
        await self.subscribed.wait()
        while True:
            await self._twins_changed.wait()
            self._twins_changed.clear()
            wanted, taken = self._subscriptions.filters(), self._taken
            new = [name for name in wanted if name not in taken]
            session.drop(sorted(taken.difference(wanted)))
            with contextlib.suppress(aiomqtt.MqttError):  # then the connection is lost, and the next one has them all
                await self._take(session, new)
            self._taken = set(wanted)

    async def _attend(self, session: Session) -> None:
        if self._companion is not None:
            with contextlib.suppress(aiomqtt.MqttError):  # then the connection is lost
                await self._companion.attend(session)

    def _arrived(self, message: Incoming) -> None:
        if self._companion is not None and self._companion.hears(message.topic):
            self._companion.handle(message)
            return
        if message.retain:
            self._last_retained = asyncio.get_running_loop().time()
        if not self._subscriptions.is_left_over(message.topic):
            self._sink.handle(message)
            return
        message.acknowledge()
        filters = self._subscriptions.to_unsubscribe(message.topic)
        if filters and self._session is not None:
            _log.info("unsubscribed", topic=message.topic, filters=filters)
            self._session.drop(filters)

    # --- The end of a replay ------------------------------------------------------------------------------------------

    def _await_end_of_replay(self) -> None:
        """Take the replay for over when nothing retained came for a while: the broker does not say when it ends."""
        loop = asyncio.get_running_loop()
        last = loop.time() + _REPLAY_MAX_S

        def look() -> None:
            due = min(self._last_retained + _REPLAY_QUIET_S, last)
            if due > loop.time():
                self._replay_timer = loop.call_at(due, look)
            else:
                self._end_replay()

        self._replay_timer = loop.call_later(_REPLAY_QUIET_S, look)

    def _end_replay(self) -> None:
        if self._replay_timer is not None:
            self._replay_timer.cancel()
            self._replay_timer = None
        self._sink.replay_ends()

    # --- Failures -----------------------------------------------------------------------------------------------------

    def _pause_s(self) -> float:
        pause = min(self._options.backoff_min_s * 2.0**self._failures, self._options.backoff_max_s)
        self._failures = min(self._failures + 1, _MAX_DOUBLINGS)
        return pause * self._random.uniform(1 - _JITTER, 1 + _JITTER)

    def _say(self, error: BaseException) -> None:
        """Count what went wrong, and log why there is no connection, once for each reason."""
        self.failures_total += 1
        sentence = advice(error, self._broker, self._options.identifier)
        if sentence != self._said:
            self._said = sentence
            _log.warning("no_connection", advice=sentence)


def _watched(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Begin a task whose defect is logged at once: nobody waits for its end, and the connection goes on without it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_log_defect)
    return task


def _log_defect(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("task_failed", task=task.get_name(), exc_info=error)


def _end_if_cancelled() -> None:
    # Python 3.11's wait_for, which aiomqtt waits with, loses a cancellation that comes together with the result.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _joined(inputs: Sequence[str], echoes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return all filters, none of which covers another, and those of them by which echoes come."""
    heard = widest([*inputs, *echoes])
    return heard, [name for name in heard if any(overlap(name, echo) for echo in echoes)]
