"""A broker that takes everything, or as much as it is told to."""

from __future__ import annotations

import json
from typing import Any

from bridge.ports import Outgoing


class FakeOutlet:
    """`room`: how many messages are taken; None for all. `max_size`: what is larger is not taken at all."""

    def __init__(self, room: int | None = None, max_size: int | None = None) -> None:
        self.room = room
        self.max_size = max_size
        self.sent: list[Outgoing] = []

    def ready(self) -> bool:
        return self.room is None or len(self.sent) < self.room

    def send(self, message: Outgoing) -> bool:
        if self.max_size is not None and len(message.payload) > self.max_size:
            return False
        self.sent.append(message)
        return True

    def topics(self) -> list[str]:
        return [message.topic for message in self.sent]

    def on(self, topic: str) -> list[Any]:
        """Return the JSON that was published on a topic."""
        return [json.loads(message.payload) for message in self.sent if message.topic == topic]
