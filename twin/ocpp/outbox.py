"""What is to be told to the Central System, and which of it goes next.

Messages about transactions form one line in order of time (OCPP 1.6 §3.7, X-20). Notices that must survive a crash
as well (security events, the steps of jobs) form a second one, which goes when nothing else can, so that it never
holds up the others; the rest form a third, in memory. Decides order, gate, waits and what is dropped on overflow;
must not know frames, links or the twin.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from twin.errors import SnapshotError
from twin.model.effects import (
    Booted,
    FirmwareReported,
    LogReported,
    Metered,
    Report,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    Tell,
)
from twin.model.terms import Gate, Instant
from twin.turn import DropReport, PutReport

Transactional: TypeAlias = SessionStarted | Metered | SessionEnded
Durable: TypeAlias = Transactional | SecurityEvent | FirmwareReported | LogReported


class UserCall(msgspec.Struct, frozen=True):
    """Carry a CALL that a user wants made, its payload already as JSON; `tag` is the user's."""

    tag: str
    action: str
    payload: msgspec.Raw


class Job(msgspec.Struct):
    """Be something to send. `attempts` counts the sends that failed; not before `retry_at` it may go again."""

    seq: int
    what: Report | UserCall
    durable: bool = False
    triggered: bool = False
    attempts: int = 0
    retry_at: Instant | None = None

    @property
    def transactional(self) -> bool:
        """Tell whether this belongs to the line of OCPP 1.6 §3.7."""
        return self.durable and isinstance(self.what, Transactional)


class _Stored(msgspec.Struct, tag="report", omit_defaults=True):
    report: Durable
    attempts: int = 0
    retry_at: Instant | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Stored).decode


class Outbox:
    """Hold one station's lines."""

    __slots__ = ("_backlog", "_limit", "_notices", "_others", "_seq", "_transactional")

    def __init__(self, limit: int, rows: Iterable[tuple[int, bytes]] = ()) -> None:
        self._limit = limit
        restored = [_restored(seq, data) for seq, data in sorted(rows)]
        self._transactional: list[Job] = [job for job in restored if job.transactional]
        self._notices: list[Job] = [job for job in restored if not job.transactional]
        self._others: list[Job] = []
        self._seq = restored[-1].seq if restored else 0
        self._backlog = self._seq
        """Durable reports up to this number were queued while they could not be sent."""

    @property
    def waiting(self) -> int:
        """Return how many durable reports wait."""
        return len(self._transactional) + len(self._notices)

    def add(self, tell: Tell) -> tuple[PutReport | None, Job | None]:
        """Queue a report; return the row that stores it, and the job that had to make room for it."""
        self._seq += 1
        job = Job(self._seq, tell.report, tell.durable, tell.triggered)
        if not tell.durable:
            self._others.append(job)
            return None, None
        self._line(job).append(job)
        dropped = self._make_room() if job.transactional else self._make_room_for_notices()
        return (None if dropped is job else row(job)), dropped

    def add_call(self, call: UserCall) -> None:
        """Queue a user's CALL."""
        self._seq += 1
        self._others.append(Job(self._seq, call))

    def _line(self, job: Job) -> list[Job]:
        return self._transactional if job.transactional else self._notices

    def _make_room(self) -> Job | None:
        if len(self._transactional) <= self._limit:
            return None
        # only what lies between start and end of a session may be lost.
        for index, job in enumerate(self._transactional):
            if isinstance(job.what, Metered):
                return self._transactional.pop(index)
        return None

    def _make_room_for_notices(self) -> Job | None:
        return self._notices.pop(0) if len(self._notices) > self._limit else None

    def hold(self) -> None:
        """Note that nothing ordinary can be sent now: what is queued by now is backlog."""
        self._backlog = self._seq

    def take(self, gate: Gate, now: Instant) -> Job | None:
        """Take out what goes next, None if nothing may: the oldest first, a backlog after what is news."""
        if not (self._others or self._transactional or self._notices):
            return None
        heads = [self._next_transactional(gate, now), self._next_other(gate)]
        found = min((job for job in heads if job is not None), key=self._rank, default=None)
        if found is None:
            found = self._next_notice(gate, now)
        if found is not None:
            (self._line(found) if found.durable else self._others).remove(found)
        return found

    def _rank(self, job: Job) -> tuple[bool, int]:
        return (job.durable and job.seq <= self._backlog, job.seq)

    def _next_transactional(self, gate: Gate, now: Instant) -> Job | None:
        if gate is not Gate.OPEN or not self._transactional:
            return None
        head = self._transactional[0]
        return head if _is_due(head, now) else None

    def _next_notice(self, gate: Gate, now: Instant) -> Job | None:
        head = self._first_notice(gate)
        return head if head is not None and _is_due(head, now) else None

    def _first_notice(self, gate: Gate) -> Job | None:
        return next((job for job in self._notices if _may_pass(job, gate)), None) if self._notices else None

    def _next_other(self, gate: Gate) -> Job | None:
        return next((job for job in self._others if _may_pass(job, gate)), None) if self._others else None

    def put_back(self, job: Job) -> None:
        """Put a durable job in its place in its line again."""
        insort(self._line(job), job, key=lambda other: other.seq)

    def retry_at(self, gate: Gate) -> Instant | None:
        """Return when a head that waits may go again, None if none does."""
        if not (self._transactional or self._notices):
            return None
        transactional = self._transactional[0].retry_at if gate is Gate.OPEN and self._transactional else None
        notice = self._first_notice(gate)
        waits = [transactional, None if notice is None else notice.retry_at]
        return min((wait for wait in waits if wait is not None), default=None)

    def take_others(self) -> list[Job]:
        """Take out all that is not durable."""
        taken, self._others = self._others, []
        return taken

    def take_calls(self) -> list[UserCall]:
        """Take out the users' CALLs."""
        calls = [job.what for job in self._others if isinstance(job.what, UserCall)]
        if calls:
            self._others = [job for job in self._others if not isinstance(job.what, UserCall)]
        return calls

    def take_reports(self) -> list[Job]:
        """Take out all reports, in order, and leave the users' CALLs."""
        others = (job for job in self._others if not isinstance(job.what, UserCall))
        jobs = sorted([*self._transactional, *self._notices, *others], key=lambda job: job.seq)
        self._transactional, self._notices = [], []
        self._others = [job for job in self._others if isinstance(job.what, UserCall)]
        return jobs


def _may_pass(job: Job, gate: Gate) -> bool:
    match gate:
        case Gate.OPEN:
            return True
        case Gate.PENDING:  # OCPP 1.6 §4.2, B-11
            return job.triggered or isinstance(job.what, Booted)
        case Gate.CLOSED:  # B-02, B-08
            return isinstance(job.what, Booted)


def _is_due(job: Job, now: Instant) -> bool:
    return job.retry_at is None or job.retry_at <= now


def row(job: Job) -> PutReport:
    """Return the row that stores a durable job as it is now."""
    return PutReport(job.seq, _encode(_Stored(job.what, job.attempts, job.retry_at)))  # type: ignore[arg-type]


def gone(job: Job) -> DropReport:
    """Return the row that forgets a durable job."""
    return DropReport(job.seq)


def _restored(seq: int, data: bytes) -> Job:
    try:
        stored = _decode(data)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"The stored report {seq} cannot be read: {error}") from error
    return Job(seq, stored.report, durable=True, attempts=stored.attempts, retry_at=stored.retry_at)
