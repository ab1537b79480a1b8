"""The small MQTT client of the command line: publish one message, or print what comes in.

Stands on its own: it needs a broker, not the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

import aiomqtt

from bridge.objection import listening
from bridge.options import MqttOptions
from bridge.visitor import NoBroker, connection

__all__ = ["NoBroker", "Watch", "publish", "watch"]

_REFUSED = 0x80
"""MQTT 5 §3.9.3, MQTT 3.1.1 §3.9.3: from here on, a reason code says that a subscription was not granted."""

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Watch:
    """Say what to print: messages of these filters, `count` of them or all, for `timeout_s` seconds or for ever."""

    filters: Sequence[str]
    qos: int = 1
    count: int | None = None
    timeout_s: float | None = None
    as_json: bool = False
    retained: bool = True


async def publish(
    options: MqttOptions,
    topic: str,
    payload: str,
    *,
    qos: int = 1,
    retain: bool = False,
    wait_s: float | None = None,
) -> str | None:
    """Publish one message and return when the broker has it. Raises NoBroker, and ValueError for a bad topic.

    With `wait_s` listen so long for what a daemon objects to it, and return that: an empty text where it said that it
    took it, None where it said nothing.
    """
    if not topic:
        raise ValueError("a topic cannot be empty")
    async with connection(options) as client, contextlib.AsyncExitStack() as ears:
        heard = None
        if wait_s is not None:
            heard = await ears.enter_async_context(listening(client, topic, options.base_topic))
        refusal = await client.hand_over(topic, payload.encode(), qos=qos, retain=retain)
        if refusal is not None:
            raise NoBroker(f"the broker refuses {topic} ({refusal}): allow it in its access rules")
        if heard is None:
            return None
        await asyncio.wait([heard], timeout=wait_s)
        return heard.result() or "" if heard.done() else None


async def watch(options: MqttOptions, wanted: Watch, output: TextIO) -> int:
    """Print messages as they come; return how many there were. Raises NoBroker, and ValueError for a bad filter."""
    seen = 0
    async with connection(options) as client:
        codes: Any = await client.subscribe([(name, wanted.qos) for name in wanted.filters])
        for name, code in zip(wanted.filters, codes, strict=False):
            if int(getattr(code, "value", code)) >= _REFUSED:
                raise NoBroker(f"the broker refuses the filter {name!r} ({code}): allow it in its access rules")
        try:
            async with asyncio.timeout(wanted.timeout_s):
                async for message in client.messages:
                    if message.retain and not wanted.retained:
                        continue
                    print(_line(message, wanted, colours=output.isatty()), file=output, flush=True)
                    seen += 1
                    if seen == wanted.count:
                        break
        except TimeoutError:
            return seen
    return seen


def _line(message: aiomqtt.Message, wanted: Watch, *, colours: bool) -> str:
    text = bytes(message.payload).decode("utf-8", "replace")
    topic = str(message.topic)
    if wanted.as_json:
        fields = {"topic": topic, "payload": text, "qos": message.qos, "retain": message.retain}
        return json.dumps(fields, ensure_ascii=False)
    at = datetime.now().astimezone().strftime("%H:%M:%S")
    mark = " (retained)" if message.retain else ""
    if colours:
        return f"{_DIM}{at}{_PLAIN} {_BOLD}{topic}{_PLAIN}{_DIM}{mark}{_PLAIN} {_pretty(text)}"
    return f"{at} {topic}{mark} {_pretty(text)}"


def _pretty(text: str) -> str:
    """Spread an object over lines; anything else stays on its line, without what would garble a terminal."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and found:
        return json.dumps(found, indent=2, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
