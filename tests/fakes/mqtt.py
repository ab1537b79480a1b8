"""A client that a test talks to a broker with."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

import aiomqtt


class Talk:
    """Publish and hear in MQTT 3.1.1, as an async context manager; everything below `filters` is heard in order."""

    def __init__(self, port: int, *filters: str) -> None:
        self._client = aiomqtt.Client("127.0.0.1", port)
        self._filters = filters

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        for topic in self._filters:
            await self._client.subscribe(topic, qos=1)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__(None, None, None)

    async def say(self, topic: str, payload: Any = None, *, retain: bool = False) -> None:
        text = json.dumps(payload) if isinstance(payload, dict) else payload
        await self._client.publish(topic, text, qos=1, retain=retain)

    async def hear(self, topic: str) -> Any:
        """Return the next message on a topic, read as JSON."""
        async with asyncio.timeout(5):
            async for message in self._client.messages:
                if str(message.topic) == topic:
                    return json.loads(message.payload)
        raise AssertionError(topic)
