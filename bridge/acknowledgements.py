"""When a message is acknowledged: when it is done with, and all that came before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Acknowledgements:
    """Send acknowledgements in the order in which the messages came (MQTT 5 §4.6), whatever the order of their ends."""

    def __init__(self) -> None:
        self._waiting: deque[list[Callable[[], object]]] = deque()

    def expect(self, send: Callable[[], object]) -> Callable[[], None]:
        """Return what to call when the message that came last is done with; a second call does nothing."""
        entry: list[Callable[[], object]] = []
        self._waiting.append(entry)

        def acknowledge() -> None:
            if not entry:
                entry.append(send)
                self._flush()

        return acknowledge

    def _flush(self) -> None:
        while self._waiting and self._waiting[0]:
            self._waiting.popleft()[0]()
