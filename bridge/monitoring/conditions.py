"""When the daemon is healthy and when it is ready, in sentences.

Unhealthy is what a restart mends. Unready is what it cannot mend: twins that are still being loaded, a broker that is
away. Twins go on without a broker, so its outage must never end the daemon.
"""

from __future__ import annotations

from collections.abc import Callable


class Conditions:
    """Know how the daemon is; it sets `loaded` and `stopping` itself."""

    def __init__(self, *, store_lost: Callable[[], bool], broker_connected: Callable[[], bool]) -> None:
        self.loaded = False
        self.stopping = False
        self._store_lost = store_lost
        self._broker_connected = broker_connected

    def unhealthy(self) -> list[str]:
        """Return what is broken."""
        lost = "the store: it cannot be written any more, and the daemon ends; its log says why"
        return [lost] if self._store_lost() else []

    def missing(self) -> list[str]:
        """Return what is not there yet, or not there now."""
        if self.stopping:
            return ["the daemon: it is ending"]
        missing = [] if self.loaded else ["the twins: they are being loaded"]
        if not self._broker_connected():
            missing.append("the broker: not connected; the log says why, and the daemon tries again by itself")
        return missing
