"""Asking over MQTT: a request or a command with an id, and the answer that bears the same one.

Needs no MQTT 5: answers come on `<twin>/result` and `bridge/<node>/response/<verb>`. What is asked is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from uuid import uuid4

import aiomqtt
import msgspec

from bridge.watching.shapes import Answer, read

ANSWER_S = 5.0
"""How long an answer is waited for."""

Publish: TypeAlias = Callable[[str, bytes], Awaitable[str | None]]
"""Publishes on an absolute topic; returns why the broker refuses it, where it says so. Raises MqttError."""

NO_ANSWER = "no_answer"


def filters(root: str) -> list[str]:
    """Return what to subscribe to, so that answers are heard."""
    return [f"{root}/+/result", f"{root}/bridge/+/response/#"]


class Desk:
    """Ask, and match answers to questions. `root` is the base topic."""

    def __init__(self, root: str, publish: Publish) -> None:
        self._root = root.strip("/")
        self._publish = publish
        self._open: dict[str, asyncio.Future[Answer]] = {}

    def heard(self, payload: bytes) -> Answer | None:
        """Take an answer; return it if it answers somebody else's question."""
        answer = read(Answer, payload)
        if answer is None:
            return None
        waiting = self._open.get(answer.request_id or "")
        if waiting is None:
            return answer
        if not waiting.done():
            waiting.set_result(answer)
        return None

    async def ask(self, topic: str, fields: Mapping[str, Any]) -> Answer:
        """Publish below the root and return the answer; one with the code `no_answer` when none comes in time."""
        request_id = uuid4().hex
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[request_id] = waiting
        try:
            async with asyncio.timeout(ANSWER_S):
                refusal = await self.tell(topic, {**fields, "request_id": request_id})
                if refusal is None:
                    return await waiting
                detail = f"the broker refuses {self._root}/{topic} ({refusal}): allow it in its access list"
                return Answer(topic, request_id, "error", NO_ANSWER, detail)
        except TimeoutError:
            return Answer(topic, request_id, "error", NO_ANSWER, self._silence(topic))
        except aiomqtt.MqttError:
            return Answer(topic, request_id, "error", NO_ANSWER, "there is no connection to the broker")
        finally:
            del self._open[request_id]

    async def tell(self, topic: str, fields: Mapping[str, Any]) -> str | None:
        """Publish below the root without waiting for an answer; return why the broker refuses. Raises MqttError."""
        return await self._publish(f"{self._root}/{topic}", msgspec.json.encode(fields))

    def _silence(self, topic: str) -> str:
        return (
            f"no answer within {ANSWER_S:g} s: does the daemon run, and does the broker's access list let this user "
            f"publish to {self._root}/{topic} and read the answer?"
        )
