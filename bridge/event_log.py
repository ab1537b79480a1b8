"""Which events become lines of the log, and how important they are.

A fleet that starts, or loses its Central System, tells the same thing once for each twin. The first few have lines, the
others are counted: whoever reads must find what matters, and journald drops what comes too fast. Whoever wants all has
them on MQTT, and at the level `debug`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bridge import logs

_LINES = 20
_WINDOW_S = 10.0

_WARNINGS = frozenset(
    {
        "actuation_failed",
        "disconnected",
        "internal_error",
        "message_dropped",
        "protocol_error",
        "sensor_stale",
        "transaction_rejected",
    }
)


class EventLog:
    """Write events of all twins: of each type 20 lines in 10 s, then how many more there were."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ending = False
        # Bound once: to bind it for each line takes longer than to see that nobody wants the line.
        self._log = logs.events_of("twin").bind()

    def ending(self) -> None:
        """Learn that the daemon ends: that connections end, too, is no news."""
        self._ending = True

    def tell(self, name: str, twin_id: str, evse: int | None, data: Any) -> None:
        """Write an event, or count it. Types are few, twins are not."""
        count = self._told[name] = self._told.get(name, 0) + 1
        if count == 1:
            self._timers[name] = asyncio.get_running_loop().call_later(_WINDOW_S, self._end, name)
        level = self._level(name) if count <= _LINES else "debug"
        getattr(self._log, level)(name, twin=twin_id, evse=evse, data=data)

    def close(self) -> None:
        """Write what was only counted so far."""
        for name, timer in list(self._timers.items()):
            timer.cancel()
            self._end(name)

    def _end(self, name: str) -> None:
        del self._timers[name]
        more = self._told.pop(name) - _LINES
        if more > 0:
            getattr(self._log, self._level(name))(name, more=more, within_s=_WINDOW_S)

    def _level(self, name: str) -> str:
        meant = self._ending and name == "disconnected"
        return "warning" if name in _WARNINGS and not meant else "info"
