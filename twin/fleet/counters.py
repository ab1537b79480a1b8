"""What a fleet counts, for health and metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from twin.station import Station


class Tally:
    """Count what passes."""

    __slots__ = ("dropped", "ocpp_in", "ocpp_out", "protocol_errors")

    def __init__(self) -> None:
        self.ocpp_in = 0
        self.ocpp_out = 0
        self.protocol_errors = 0
        self.dropped = 0

    def note(self, name: str) -> None:
        """Count a note by its name."""
        if name == "protocol_error":
            self.protocol_errors += 1
        elif name == "message_dropped":
            self.dropped += 1


@dataclass(slots=True)
class Counters:
    """Show what was counted since the start, how long the last commit took, and what stands at the moment."""

    ocpp_in_total: int = 0
    ocpp_out_total: int = 0
    protocol_errors_total: int = 0
    dropped_total: int = 0
    store_commit_ms: float = 0.0
    connected: int = 0
    charging: int = 0
    queued_messages: int = 0

    @classmethod
    def take(cls, tally: Tally, commit_ms: float, stations: Iterable[Station]) -> Self:
        """Read the tally and sum up over all stations: connected ones, EVSEs that charge, messages that wait."""
        counters = cls(tally.ocpp_in, tally.ocpp_out, tally.protocol_errors, tally.dropped, commit_ms)
        for station in stations:
            counters.connected += station.connected
            counters.charging += station.charging
            counters.queued_messages += station.queued
        return counters
