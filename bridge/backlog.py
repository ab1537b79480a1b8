"""Events, results and errors on their way to the broker: kept in order while it is away, bounded, oldest dropped."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from bridge.ports import Outgoing

_MAX_BYTES = 32 * 1024 * 1024


class Backlog:
    """Hold messages that happen once. `dropped` counts those that were given up."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Outgoing] = deque()
        self._bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, message: Outgoing) -> None:
        """Put a message at the end."""
        self._waiting.append(message)
        self._bytes += len(message.payload)
        self._bound()

    def put_back(self, messages: Iterable[Outgoing]) -> None:
        """Put messages whose arrival is not certain in front again, in their order."""
        again = [message for message in messages if message.keep]
        self._waiting.extendleft(reversed(again))
        self._bytes += sum(len(message.payload) for message in again)
        self._bound()

    def pop(self) -> Outgoing | None:
        """Take the oldest message."""
        if not self._waiting:
            return None
        message = self._waiting.popleft()
        self._bytes -= len(message.payload)
        return message

    def _bound(self) -> None:
        while len(self._waiting) > self._limit or self._bytes > _MAX_BYTES:
            self.pop()
            self.dropped += 1
