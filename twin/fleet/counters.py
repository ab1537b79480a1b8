"""What a fleet counts, for health and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twin.station import Station


class Counters:
    """Count what passes, and sum up what stands when it is asked for."""

    def __init__(self, stations: Callable[[], Iterable[Station]], commit_ms: Callable[[], float]) -> None:
        self._stations = stations
        self._commit_ms = commit_ms
        self.ocpp_in_total = 0
        self.ocpp_out_total = 0
        self.protocol_errors_total = 0
        self.dropped_total = 0

    @property
    def store_commit_ms(self) -> float:
        """Return how long the last commit took."""
        return self._commit_ms()

    @property
    def connected(self) -> int:
        """Return how many twins are connected."""
        return sum(station.connected for station in self._stations())

    @property
    def charging(self) -> int:
        """Return at how many EVSEs energy flows."""
        return sum(station.charging for station in self._stations())

    @property
    def queued_messages(self) -> int:
        """Return how many messages wait in all twins together."""
        return sum(station.queued for station in self._stations())

    def note(self, name: str) -> None:
        """Count a note by its name."""
        if name == "protocol_error":
            self.protocol_errors_total += 1
        elif name == "message_dropped":
            self.dropped_total += 1
