"""Having twins traced: the request `trace`, again and again for as long as somebody looks, and its end.

Decides whom to ask and how often. A daemon that traces because its setting `mqtt.trace` says so goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import aiomqtt

from bridge.watching.asking import NO_ANSWER, Desk
from bridge.watching.shapes import Answer

FOR_S = 60.0
RENEW_S = 20.0
_GLOB = frozenset("*?[")


def is_glob(word: str) -> bool:
    """Tell whether a word may mean several twins."""
    return not _GLOB.isdisjoint(word)


def ends_tracing(answer: Answer) -> bool:
    """Tell whether an answer to somebody else says that his tracing ended, and ours perhaps with it."""
    return (
        answer.topic.endswith("/request/trace") and isinstance(answer.data, dict) and answer.data.get("until") is None
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """Say what came of asking: which words mean no twin at all, and what nodes said against it, in sentences."""

    unknown: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    silent: bool = False


class Tracer:
    """Keep twins traced. `words` are ids and globs, `nodes` returns the daemons that run."""

    def __init__(self, desk: Desk, words: Sequence[str], nodes: Callable[[], Iterable[str]]) -> None:
        plain = [word for word in words if not is_glob(word)]
        self._wishes: list[str | list[str]] = [*([plain] if plain else []), *(word for word in words if is_glob(word))]
        self._desk = desk
        self._nodes = nodes
        self._again = asyncio.Event()

    def again(self) -> None:
        """Ask at once: a daemon started, or somebody ended what he had asked for."""
        self._again.set()

    async def ask(self) -> Reach:
        """Ask all nodes once."""
        self._again.clear()
        asked = [(node, wish) for node in self._nodes() for wish in self._wishes]
        answers = await asyncio.gather(*(self._desk.ask(_topic(node), _wish(wish, FOR_S)) for node, wish in asked))
        unknown: dict[str, int] = {}
        trouble: dict[str, None] = {}
        for (node, wish), answer in zip(asked, answers, strict=True):
            if answer.status == "error":
                trouble[_trouble(node, answer)] = None
                continue
            for word in _unmatched(wish, answer.data):
                unknown[word] = unknown.get(word, 0) + 1
        nodes = len({node for node, _ in asked})
        nowhere = tuple(word for word, times in unknown.items() if times == nodes)
        silent = bool(answers) and all(answer.code == NO_ANSWER for answer in answers)
        return Reach(nowhere, tuple(trouble), silent)

    async def keep(self) -> None:
        """Ask again before the time is over, for ever; `ask` came first."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), RENEW_S)
            await self.ask()

    async def end(self) -> None:
        """Have twins traced no longer; where that cannot be said, it ends by itself."""
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(1):
                for node in self._nodes():
                    for wish in self._wishes:
                        await self._desk.tell(_topic(node), _wish(wish, 0))


def _topic(node: str) -> str:
    return f"bridge/{node}/request/trace"


def _wish(ids: str | list[str], for_s: float) -> dict[str, Any]:
    return {"ids": ids, "for_s": for_s}


def _unmatched(wish: str | list[str], data: Any) -> list[str]:
    if not isinstance(data, dict):
        return []
    if isinstance(wish, str):
        return [] if data.get("matched") else [wish]
    found = data.get("unknown")
    return [str(word) for word in found] if isinstance(found, list) else []


def _trouble(node: str, answer: Answer) -> str:
    if answer.code == NO_ANSWER:
        return f"node {node}: {answer.detail}"
    if answer.code == "not_allowed":
        return f'node {node} does not trace on request: add "request/trace" to its setting mqtt.allow'
    if answer.code == "unknown_command":
        return f"node {node} is too old to trace on request: name the twin in its setting mqtt.trace"
    return f"node {node} does not trace: {answer.detail or answer.code}"
