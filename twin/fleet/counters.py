"""What a fleet counts, for health and metrics.

Counting is paid for by every message, so it is an addition or two; whoever wants to know sums up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from twin.fleet.histogram import Histogram
from twin.model.effects import Note
from twin.model.terms import LinkProblem
from twin.station import Station
from twin.turn import Frame, Heard

ERROR_CODES = (
    *("NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "FormationViolation"),
    *("PropertyConstraintViolation", "OccurenceConstraintViolation", "TypeConstraintViolation", "GenericError"),
)
"""OCPP-J 1.6 §4.2.3, Table 7."""

OTHER = "other"
"""What has no name of its own: words come from outside, and must not fill the memory."""

TRANSACTIONAL = ("StartTransaction", "StopTransaction", "MeterValues")
"""What tells of transactions, and is kept until the Central System has it."""

ROUND_TRIP_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_MAX_ACTIONS = 200
_TYPES = {"2": "call", "3": "result", "4": "error"}


class Tally:
    """Count what passes: OCPP messages by type and action, errors by code, connections, what goes to the disk."""

    __slots__ = (
        "actions_in",
        "actions_out",
        "call_errors",
        "commits",
        "dropped",
        "journal_entries",
        "links_failed",
        "links_lost",
        "links_opened",
        "ocpp_in",
        "ocpp_out",
        "protocol_errors",
        "round_trips",
        "rows",
        "store_lost",
        "timeouts",
    )

    def __init__(self) -> None:
        self.ocpp_in = 0
        self.ocpp_out = 0
        self.actions_in: Counter[tuple[str, str]] = Counter()
        self.actions_out: Counter[tuple[str, str]] = Counter()
        self.call_errors: Counter[str] = Counter(dict.fromkeys((*ERROR_CODES, OTHER), 0))
        self.protocol_errors: Counter[str] = Counter(dict.fromkeys((*ERROR_CODES, OTHER), 0))
        self.timeouts = 0
        self.dropped: Counter[str] = Counter(dict.fromkeys(TRANSACTIONAL, 0))
        self.round_trips = Histogram(ROUND_TRIP_S)
        self.links_opened = 0
        self.links_lost = 0
        self.links_failed: Counter[LinkProblem] = Counter(dict.fromkeys(LinkProblem, 0))
        self.commits = Histogram(COMMIT_S)
        self.rows = 0
        self.store_lost = False
        self.journal_entries = 0

    def note(self, note: Note) -> None:
        """Count a note, if it is one of two kinds."""
        if note.name == "protocol_error":
            _count(self.protocol_errors, note.fields.get("code"))
        elif note.name == "message_dropped":
            action = note.fields.get("action") or OTHER
            self.dropped[action if action in self.dropped or len(self.dropped) < _MAX_ACTIONS else OTHER] += 1

    def sent(self, frame: Frame) -> None:
        """Count a message to a Central System; those put on the wire by hand have no action."""
        self.ocpp_out += 1
        kind = _TYPES.get(frame.text[1:2], OTHER)
        # The action of an error may be any word that the Central System called.
        action = frame.action if kind != "error" and frame.action else OTHER
        key = (kind, action)
        known = self.actions_out
        if key not in known and len(known) >= _MAX_ACTIONS:  # a user may call any word, too
            key = (kind, OTHER)
        known[key] += 1

    def heard(self, heard: Heard) -> None:
        """Count what came from a Central System, or failed to come."""
        if heard.kind == "timeout":
            self.timeouts += 1
            return
        self.actions_in[heard.kind, heard.action or OTHER] += 1
        if heard.code is not None:
            _count(self.call_errors, heard.code)
        if heard.took_s is not None:
            self.round_trips.observe(heard.took_s)


def _count(counter: Counter[str], code: str | None) -> None:
    counter[code if code is not None and code in counter else OTHER] += 1


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
        errors = tally.protocol_errors.total()
        dropped = tally.dropped.total()
        connected = charging = queued = 0
        for station in stations:
            stands, charges, waits = station.census()
            connected += stands
            charging += charges
            queued += waits
        return cls(tally.ocpp_in, tally.ocpp_out, errors, dropped, commit_ms, connected, charging, queued)
