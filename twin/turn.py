"""What one input to a station causes outside, in the order in which the shell carries it out.

The order is fixed: rows are stored, then frames are sent, then changes and notes are published.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from twin.model.effects import Job, Note
from twin.model.terms import Part


class PutState(msgspec.Struct, frozen=True):
    """Store a part of a twin's state under its name."""

    part: str
    data: bytes


class DropState(msgspec.Struct, frozen=True):
    """Forget a part of a twin's state."""

    part: str


class PutReport(msgspec.Struct, frozen=True):
    """Store a queued report, or store it again with more attempts used."""

    seq: int
    data: bytes


class DropReport(msgspec.Struct, frozen=True):
    """Forget a report that was delivered or given up."""

    seq: int


Row: TypeAlias = PutState | DropState | PutReport | DropReport


class Frame(msgspec.Struct, frozen=True):
    """Carry one OCPP-J text frame; `action` is None where none is known (raw frames)."""

    text: str
    action: str | None


class CallOutcome(msgspec.Struct, frozen=True):
    """Say what became of a call that a user made: `status` is "ok", "call_error", "timeout" or "offline".

    `data` is the confirmation's payload, or for "call_error" `code`, `description` and `details`.
    """

    tag: str
    status: str
    data: Any = None


class Heard(msgspec.Struct, frozen=True):
    """Say what kind of message came from the Central System, for those who count; "timeout": an answer did not come.

    `action` is None where it is no word that the dialect knows, `code` is that of an error, `took_s` how long the
    Central System took for an answer.
    """

    kind: Literal["call", "result", "error", "timeout", "other"]
    action: str | None = None
    code: str | None = None
    took_s: float | None = None


class Turn(msgspec.Struct):
    """Collect what one input caused. `power`: True opens, False cuts the uplink; `drop`: break it once.

    `jobs` are begun when all else is done, and what becomes of each comes back as an input.
    """

    rows: list[Row] = msgspec.field(default_factory=list)
    frames: list[Frame] = msgspec.field(default_factory=list)
    changed: set[Part] = msgspec.field(default_factory=set)
    notes: list[Note] = msgspec.field(default_factory=list)
    calls: list[CallOutcome] = msgspec.field(default_factory=list)
    jobs: list[Job] = msgspec.field(default_factory=list)
    power: bool | None = None
    drop: str | None = None
    heard: Heard | None = None
