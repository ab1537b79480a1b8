"""`ocpp-twin trace`: asks the daemons to publish twins' OCPP frames, prints them, and ends what it has asked for.

Decides when nothing will ever be seen, and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from bridge.options import MqttOptions
from bridge.refusals import nearest
from bridge.visitor import NoBroker, Visitor, connection
from bridge.watching.asking import Desk
from bridge.watching.frames import Frame, Frames
from bridge.watching.printing import Printer, as_json
from bridge.watching.tracing import Reach, Tracer, ends_tracing, is_glob

_NODES_S = 2.0
_FOR_NAMES = {"ids": "*", "limit": 1_000}


class NothingToSee(Exception):
    """Say in a sentence why there will be no frames."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Say what to print: of which twins, from which node (None: any), how, how many, for how long."""

    words: Sequence[str]
    node: str | None = None
    raw: bool = False
    as_json: bool = False
    pretty: bool = False
    count: int | None = None
    timeout_s: float | None = None


async def trace(options: MqttOptions, wanted: Wanted, output: TextIO, say: Callable[[str], None]) -> int:
    """Print frames as they come; return how many there were. Raises NoBroker, NothingToSee, and ValueError."""
    return await _Trace(options, wanted, output, say).run()


class _Trace:
    def __init__(self, options: MqttOptions, wanted: Wanted, output: TextIO, say: Callable[[str], None]) -> None:
        self._options = options
        self._wanted = wanted
        self._output = output
        self._say = say
        self._root = options.base_topic.strip("/")
        self._nodes: dict[str, bool] = {}
        self._node_heard = asyncio.Event()
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._reader = Frames()
        self._desk: Desk
        self._tracer: Tracer

    async def run(self) -> int:
        async with connection(self._options, self._arrived) as client:
            self._desk = Desk(self._root, client.hand_over)
            self._tracer = Tracer(self._desk, self._wanted.words, self._online)
            await self._subscribe(client)
            await self._find_nodes()
            try:
                async with self._while_connected(client):
                    await self._judge(await self._tracer.ask())
                    return await self._print()
            finally:
                await self._tracer.end()

    # --- What comes in ------------------------------------------------------------------------------------------------

    def _arrived(self, topic: str, payload: bytes, _: bool) -> None:
        match topic.removeprefix(self._root + "/").split("/"):
            case ["bridge", node, "availability"]:
                self._node(node, online=payload == b"online")
            case ["bridge", _, "response", *_]:
                answer = self._desk.heard(payload)
                if answer is not None and ends_tracing(answer):
                    self._tracer.again()
            case [twin, "ocpp", "sent" | "received" as direction] if self._is_meant(twin):
                frame = self._reader.read(twin, direction, payload)
                if frame is not None:
                    self._frames.put_nowait(frame)
            case _:
                return

    def _node(self, node: str, *, online: bool) -> None:
        if self._wanted.node in (None, node):
            if online and not self._nodes.get(node, False):
                self._tracer.again()
            self._nodes[node] = online
            self._node_heard.set()

    def _is_meant(self, twin: str) -> bool:
        return any(fnmatch.fnmatchcase(twin, word) for word in self._wanted.words)

    def _online(self) -> list[str]:
        return [node for node, online in self._nodes.items() if online]

    # --- The way to the first frame -----------------------------------------------------------------------------------

    async def _subscribe(self, client: Visitor) -> None:
        words = self._wanted.words
        twins = ["+"] if any(is_glob(word) for word in words) else list(words)
        names = [f"bridge/{self._wanted.node or '+'}/availability", "bridge/+/response/#"]
        for name in [*names, *(f"{twin}/ocpp/+" for twin in twins)]:
            codes: Any = await client.subscribe(f"{self._root}/{name}", qos=1)
            if any(getattr(code, "value", code) >= 0x80 for code in codes):
                raise NothingToSee(
                    f"the broker does not let this user read {self._root}/{name}: allow it in the broker's access list"
                )

    async def _find_nodes(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._node_heard.wait(), _NODES_S)
        if self._online():
            return
        node = self._wanted.node or next(iter(self._nodes), None)
        if self._nodes:
            raise NothingToSee(f"the daemon {node!r} is offline: start it with `ocpp-twin run`")
        known = f"{self._root}/bridge/{node or '+'}/availability"
        raise NothingToSee(
            f"no daemon {'' if node is None else f'{node!r} '}is known at this broker ({known} is empty): does it run, "
            f"is its mqtt.base_topic {self._root!r}, and may this user read that topic?"
        )

    async def _known_names(self) -> list[str]:
        """Return ids that a misspelt one may have meant."""
        names: list[str] = []
        for node in self._online():
            answer = await self._desk.ask(f"bridge/{node}/request/list_twins", _FOR_NAMES)
            twins = answer.data.get("twins", []) if isinstance(answer.data, dict) else []
            names += [str(twin.get("id")) for twin in twins if isinstance(twin, dict)]
        return names

    async def _judge(self, reach: Reach) -> None:
        nodes = ", ".join(self._online())
        names = await self._known_names() if reach.unknown else []
        unknown = [
            (f"no twin matches {word!r}" if is_glob(word) else f"there is no twin {word!r}")
            + f" at {nodes}{nearest(word, names)}"
            for word in reach.unknown
        ]
        if len(unknown) == len(set(self._wanted.words)):
            raise NothingToSee(". ".join(unknown))
        if reach.silent:
            raise NothingToSee(". ".join(reach.trouble))
        for sentence in (*unknown, *reach.trouble):
            self._say(f"ocpp-twin: {sentence}")
        if reach.trouble:
            self._say("ocpp-twin: only frames of twins that mqtt.trace names will be seen")
        if self._output.isatty():  # else a screen stays empty until a station has something to say
            self._say(f"ocpp-twin: frames of {', '.join(self._wanted.words)} appear here as they come; Ctrl-C ends")

    # --- Frames -------------------------------------------------------------------------------------------------------

    async def _print(self) -> int:
        wanted, seen = self._wanted, 0
        printer = Printer(self._output, raw=wanted.raw, pretty=wanted.pretty)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wanted.timeout_s):
                while seen != wanted.count:
                    frame = await self._frames.get()
                    if wanted.as_json:
                        print(as_json(frame), file=self._output)
                    else:
                        printer.frame(frame)
                    self._output.flush()
                    seen += 1
        return seen

    @asynccontextmanager
    async def _while_connected(self, client: Visitor) -> AsyncIterator[None]:
        """Renew what was asked for, and end with NoBroker's cause when the connection is lost."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(client.lost(), name="connection"),
                    group.create_task(self._tracer.keep(), name="renewal"),
                ]
                yield
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None


__all__ = ["NoBroker", "NothingToSee", "Wanted", "trace"]
