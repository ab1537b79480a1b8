"""Whether a daemon objects to a message that was published by hand: said on MQTT, where its sender does not look.

Listens only: nothing of what is published is changed by that, and a daemon cannot tell. Silence is consent, because
a level that is taken is not answered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from bridge import topics
from bridge.topics import CommandTopic, RequestTopic

LEVEL_S = 0.5
EDGE_S = 2.0
"""How long to listen, in seconds: an edge or a request is always answered, and ends it earlier."""


def patience_s(topic: str, base: str) -> float | None:
    """Return how long an objection to a message of this topic may take; None where no daemon takes it anyhow."""
    match _address(topic, base):
        case None:
            return None
        case CommandTopic(kind="set"):
            return LEVEL_S
        case _:
            return EDGE_S


def doubt(topic: str, base: str) -> str | None:
    """Say what is probably wrong with a topic that no daemon listens to; None where nothing is."""
    if topic.startswith(f"{base}/"):
        if _address(topic, base) is not None:
            return None
        return f"no daemon takes {topic}: levels are {base}/…/set/…, edges {base}/…/cmd/…"
    match topics.parse(topic):
        case CommandTopic(_, evse, _, name) if name and (evse is None or topics.evse_number(evse) is not None):
            return f"did you mean {base}/{topic}? Topics are written in full"
        case _:
            return None


def remark(topic: str, base: str, said: str | None) -> str | None:
    """Return what a person at a terminal is told where nothing was objected; None where silence says it all."""
    if patience_s(topic, base) != EDGE_S:
        return None
    return "ok" if said is not None else f"no daemon answers below {base}: does it run at this broker?"


@asynccontextmanager
async def listening(client: aiomqtt.Client, topic: str, base: str) -> AsyncIterator[asyncio.Future[str | None]]:
    """Listen for what is said to a message of this topic; the future gets the objection, or None for consent."""
    address = _address(topic, base)
    relative = topic.removeprefix(f"{base}/")
    heard: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    await client.subscribe([(f"{base}/bridge/+/error", 1), (f"{base}/{_answers(address)}", 1)])

    async def listen() -> None:
        async for message in client.messages:
            found = None if message.retain else _said(bytes(message.payload), relative)
            if found is not None and not heard.done():
                heard.set_result(found or None)

    task = asyncio.create_task(listen(), name="listen for objections")
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _address(topic: str, base: str) -> CommandTopic | RequestTopic | None:
    return topics.parse(topic.removeprefix(f"{base}/")) if topic.startswith(f"{base}/") else None


def _answers(address: CommandTopic | RequestTopic | None) -> str:
    match address:
        case CommandTopic(twin):
            return f"{twin}/result"
        case RequestTopic():
            return address.response
        case None:
            return "bridge/+/error"


def _said(payload: bytes, relative: str) -> str | None:
    """Read an answer to a topic: the objection, empty for consent, None where it is about something else."""
    try:
        found = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("topic") != relative:
        return None
    return "" if found.get("status") == "ok" else f"{found.get('code')}: {found.get('detail')}"
