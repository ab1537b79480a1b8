"""The connection of `watch`: what comes in goes to `Knowledge`, what is asked for goes out; it comes back by itself.

Decides what is subscribed to and when another try is made. It knows neither what is shown nor why something is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiomqtt

from bridge.broker import broker
from bridge.options import MqttOptions
from bridge.visitor import NoBroker, Visitor, connection
from bridge.watching import asking, knowledge
from bridge.watching.asking import Desk
from bridge.watching.knowledge import Knowledge
from bridge.watching.ports import Link
from bridge.watching.shapes import Answer
from bridge.watching.tracing import Reach, Tracer, ends_tracing

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0
_REPLAY_S = 5.0
_FAREWELL_S = 1.0


class Feed:
    """Fill `known` for as long as `run` runs. `link` says how it stands with the broker."""

    def __init__(self, options: MqttOptions, known: Knowledge) -> None:
        self._options = options
        self._known = known
        self._root = options.base_topic.strip("/")
        self._client: Visitor | None = None
        self._desk = Desk(self._root, self._publish)
        self._followed: str | None = None
        self._tracer: Tracer | None = None
        self._renewal: asyncio.Task[None] | None = None
        self.reach = Reach()
        """What the nodes said when they were asked to trace the twin that is followed."""
        self.link = Link(since=time.monotonic())
        self.address = broker(options).url

    async def run(self) -> None:
        """Be connected, again and again, for ever."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                async with connection(self._options, self._arrived) as client:
                    pause = _FIRST_PAUSE_S
                    await self._serve(client)
            except NoBroker as error:
                self.link = Link("lost", str(error), since=time.monotonic())
            except OSError as error:
                self.link = Link("lost", f"{error.filename or self.address}: {error.strerror}", since=time.monotonic())
            finally:
                self._client = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def close(self) -> None:
        """End what was asked for."""
        await self.unfollow()

    async def command(self, topic: str, fields: Mapping[str, Any]) -> Answer:
        """Send a command to a twin and return what became of it; `topic` is relative to the root."""
        if self._client is None:
            return Answer(topic, None, "error", asking.NO_ANSWER, "there is no connection to the broker")
        return await self._desk.ask(topic, fields)

    async def follow(self, twin: str) -> None:
        """Hear the OCPP frames of a twin, and of no other."""
        await self.unfollow()
        self._followed = twin
        self._tracer = Tracer(self._desk, [twin], self._online)
        if self._client is not None:
            await self._listen(self._client, twin)

    async def unfollow(self) -> None:
        """Hear no frames any more."""
        twin, tracer = self._followed, self._tracer
        self._followed = self._tracer = None
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        if twin is None or tracer is None or self._client is None:
            return
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):  # then subscription and tracing end by themselves
            async with asyncio.timeout(_FAREWELL_S):
                await tracer.end()
                await self._client.unsubscribe(f"{self._root}/{twin}/ocpp/+")

    # --- One connection -----------------------------------------------------------------------------------------------

    async def _serve(self, client: Visitor) -> None:
        self._known.replay_begins()
        self._client = client
        self.link = Link("connected", "", client.version, time.monotonic())
        await self._subscribe(client, [*asking.filters(self._root), *knowledge.filters(self._root)])
        if self._followed is not None:
            await self._listen(client, self._followed)
        asyncio.get_running_loop().call_later(_REPLAY_S, self._known.replay_ends)
        await client.lost()

    async def _subscribe(self, client: Visitor, names: list[str]) -> None:
        refused = []
        for name in names:
            # What is retained of a large fleet comes in a burst: at QoS 1 a broker drops what exceeds its queue.
            codes: Any = await client.subscribe(name, qos=0)
            if any(getattr(code, "value", code) >= 0x80 for code in codes):
                refused.append(name)
        if refused:
            reason = f"the broker's access list does not let this user read {', '.join(refused)}"
            self.link = replace(self.link, reason=reason)

    async def _listen(self, client: Visitor, twin: str) -> None:
        tracer = self._tracer
        if tracer is None:
            return
        with contextlib.suppress(aiomqtt.MqttError):  # the connection is lost; the next one begins anew
            await client.subscribe(f"{self._root}/{twin}/ocpp/+", qos=0)
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._trace(tracer), name="tracing")
        else:
            tracer.again()

    async def _trace(self, tracer: Tracer) -> None:
        self.reach = await tracer.ask()
        await tracer.keep()

    async def _publish(self, topic: str, payload: bytes) -> str | None:
        if self._client is None:
            raise aiomqtt.MqttError("there is no connection")
        return await self._client.hand_over(topic, payload)

    def _online(self) -> list[str]:
        return [name for name, node in self._known.nodes.items() if node.online]

    def _arrived(self, topic: str, payload: bytes, _: bool) -> None:
        path = topic.removeprefix(self._root + "/")
        if path.endswith("/result") or "/response/" in path:
            answer = self._desk.heard(payload)
            if answer is not None and ends_tracing(answer):
                self._ask_again()
            return
        before = self._online() if path.startswith("bridge/") else None
        self._known.take(topic, payload, time.monotonic())
        if before is not None and len(self._online()) > len(before):
            self._ask_again()

    def _ask_again(self) -> None:
        if self._tracer is not None:
            self._tracer.again()
