"""What is said when a command cannot be taken: the contract's codes, nearest matches, and the collapsing of repeats.

Decides nothing about when a command is refused; `router` and `translate` do.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from twin.model.terms import Instant

_MAX_CANDIDATES = 64
_MAX_COLLAPSED = 1_000
EXCERPT = 256
"""How many characters of a refused payload are shown."""


class Code(StrEnum):
    """Name why a command was refused or ignored, in the order in which the reasons are looked for."""

    UNKNOWN_TWIN = "unknown_twin"
    UNKNOWN_EVSE = "unknown_evse"
    UNKNOWN_COMMAND = "unknown_command"
    TOO_LARGE = "too_large"
    NOT_ALLOWED = "not_allowed"
    RATE_LIMITED = "rate_limited"
    RETAINED_COMMAND = "retained_command"
    BAD_JSON = "bad_json"
    BAD_VALUE = "bad_value"
    OUT_OF_RANGE = "out_of_range"
    DUPLICATE = "duplicate"
    STALE = "stale"
    STATE_CONFLICT = "state_conflict"
    OFFLINE = "offline"
    TIMEOUT = "timeout"
    CALL_ERROR = "call_error"
    TEMPLATE_ERROR = "template_error"
    INTERNAL = "internal"


PUBLIC = frozenset(
    {
        Code.UNKNOWN_TWIN,
        Code.UNKNOWN_EVSE,
        Code.UNKNOWN_COMMAND,
        Code.TOO_LARGE,
        Code.NOT_ALLOWED,
        Code.RATE_LIMITED,
        Code.RETAINED_COMMAND,
        Code.BAD_JSON,
        Code.BAD_VALUE,
        Code.OUT_OF_RANGE,
    }
)
"""The codes that go to the node's error topic too, because topic, size or payload are to blame."""


class Refused(Exception):
    """Refuse a message; `pointer` is a JSON pointer into its payload, `detail` a sentence for a person."""

    def __init__(self, code: Code, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a sentence with the known name that is nearest to `word`, or nothing where none is near."""
    first, size = word[:1].casefold(), len(word)
    likely = (name for name in known if abs(len(name) - size) <= 3 or name[:1].casefold() == first)
    found = difflib.get_close_matches(word[:64], islice(likely, _MAX_CANDIDATES), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Describe a refusal for the node's error topic; `payload` is an excerpt, `count` how many there were.

    `level` says that the payload was meant as a level, and so cannot be a card's idTag.
    """

    topic: str
    code: Code
    detail: str
    pointer: str | None
    payload: str
    count: int = 1
    level: bool = False


def excerpt(payload: bytes) -> str:
    """Return the first 256 characters of a payload, decoded with replacement."""
    return payload[: 4 * EXCERPT].decode("utf-8", "replace")[:EXCERPT]


class Complaints:
    """Collapse complaints of the same topic and code: the first at once, then one message for each interval."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._open: OrderedDict[tuple[str, Code], tuple[Instant, Complaint | None]] = OrderedDict()
        self.dropped = 0

    def is_open(self, topic: str, code: Code) -> bool:
        """Tell whether such a complaint would only be counted."""
        return (topic, code) in self._open

    def add(self, complaint: Complaint, now: float) -> Complaint | None:
        """Take a complaint; return it if it is to be published at once. `now` is any steady time in seconds."""
        key = (complaint.topic, complaint.code)
        if key in self._open:
            due, last = self._open[key]
            count = 1 if last is None else last.count + 1
            self._open[key] = (due, replace(complaint, count=count))
            return None
        if len(self._open) >= _MAX_COLLAPSED:
            # A flood of ever new topics; each would be a message of its own.
            self.dropped += 1
            return None
        self._open[key] = (now + self._interval_s, None)
        return complaint

    def next_due(self) -> float | None:
        """Return when `due` has something to do."""
        return next(iter(self._open.values()))[0] if self._open else None

    def due(self, now: float) -> list[Complaint]:
        """Return the collapsed complaints whose interval is over."""
        collapsed: list[Complaint] = []
        while self._open:
            key, (due, last) = next(iter(self._open.items()))
            if due > now:
                break
            del self._open[key]
            if last is not None:
                collapsed.append(last)
                self._open[key] = (now + self._interval_s, None)
        return collapsed
