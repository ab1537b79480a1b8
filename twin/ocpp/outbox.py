"""What is to be told to the Central System, and which of it goes next.

Reports that must survive a crash form one line in order of time (OCPP 1.6 §3.7, X-20), all others a second one in
memory. Decides order, gate, waits and what is dropped on overflow; must not know frames, links or the twin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from twin.errors import SnapshotError
from twin.model.effects import Booted, Metered, Report, SessionEnded, SessionStarted, Tell
from twin.model.terms import Gate, Instant
from twin.turn import DropReport, PutReport

Durable: TypeAlias = SessionStarted | Metered | SessionEnded


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


class _Stored(msgspec.Struct, tag="report", omit_defaults=True):
    report: Durable
    attempts: int = 0
    retry_at: Instant | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Stored).decode


class Outbox:
    """Hold one station's two lines."""

    __slots__ = ("_backlog", "_durable", "_limit", "_others", "_seq")

    def __init__(self, limit: int, rows: Iterable[tuple[int, bytes]] = ()) -> None:
        self._limit = limit
        self._durable: list[Job] = [_restored(seq, data) for seq, data in sorted(rows)]
        self._others: list[Job] = []
        self._seq = self._durable[-1].seq if self._durable else 0
        self._backlog = self._seq
        """Durable reports up to this number were queued while they could not be sent."""

    @property
    def waiting(self) -> int:
        """Return how many durable reports wait."""
        return len(self._durable)

    def add(self, tell: Tell) -> tuple[PutReport | None, Job | None]:
        """Queue a report; return the row that stores it, and the job that had to make room for it."""
        self._seq += 1
        job = Job(self._seq, tell.report, tell.durable, tell.triggered)
        if not tell.durable:
            self._others.append(job)
            return None, None
        self._durable.append(job)
        dropped = self._make_room()
        return (None if dropped is job else row(job)), dropped

    def add_call(self, call: UserCall) -> None:
        """Queue a user's CALL."""
        self._seq += 1
        self._others.append(Job(self._seq, call))

    def _make_room(self) -> Job | None:
        if len(self._durable) <= self._limit:
            return None
        # only what lies between start and end of a session may be lost.
        for index, job in enumerate(self._durable):
            if isinstance(job.what, Metered):
                return self._durable.pop(index)
        return None

    def hold(self) -> None:
        """Note that nothing ordinary can be sent now: what is queued by now is backlog."""
        self._backlog = self._seq

    def take(self, gate: Gate, now: Instant) -> Job | None:
        """Take out what goes next, None if nothing may."""
        durable = self._next_durable(gate, now)
        other = next((job for job in self._others if _may_pass(job, gate)), None)
        if durable is None or (other is not None and (durable.seq <= self._backlog or other.seq < durable.seq)):
            if other is not None:
                self._others.remove(other)
            return other
        return self._durable.pop(0)

    def _next_durable(self, gate: Gate, now: Instant) -> Job | None:
        if gate is not Gate.OPEN or not self._durable:
            return None
        head = self._durable[0]
        return head if head.retry_at is None or head.retry_at <= now else None

    def put_back(self, job: Job) -> None:
        """Put a durable job first in its line again."""
        self._durable.insert(0, job)

    def retry_at(self, gate: Gate) -> Instant | None:
        """Return when the head of the durable line may go again, None if it does not wait."""
        return self._durable[0].retry_at if gate is Gate.OPEN and self._durable else None

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
        jobs = sorted(
            [*self._durable, *(job for job in self._others if not isinstance(job.what, UserCall))],
            key=lambda job: job.seq,
        )
        self._durable = []
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
