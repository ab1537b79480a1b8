"""A Central System with a runtime beside it, which fetches and delivers files in virtual time, as a test says."""

from __future__ import annotations

from collections import deque
from typing import Any

from fakes.central_system import CentralSystem, spec
from fakes.scenes import QUIET

from twin.model.effects import CancelJob, Deliver, Fetch
from twin.model.inputs import Delivered, Fetched, JobEvent, TransferFailed
from twin.model.terms import TransferProblem
from twin.turn import Turn

IMAGE = "http://files.example/fw-2.0.bin"
FOLDER = "ftp://box:secret@files.example/logs/"
NEVER = "never"
"""A transfer that does not end by itself."""


class Depot(CentralSystem):
    """Take `takes_s` seconds for each transfer; `ends` says how the next ones end, then `good` ones follow.

    An end is a TransferProblem, NEVER, or what to change of a Fetched (`{"genuine": False}`).
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        self.takes_s = 2.0
        self.ends: deque[Any] = deque()
        self.good: dict[str, Any] = {"version": "2.0", "genuine": True}
        self.running: dict[str, Fetch | Deliver] = {}
        self._seen = 0
        super().__init__(*args, **more)

    def crash(self, downtime_s: float = 0.0) -> None:
        self.running.clear()
        self._seen = len(self.jobs)
        super().crash(downtime_s)

    def _carry_out(self, turn: Turn) -> None:
        super()._carry_out(turn)
        while self._seen < len(self.jobs):
            job = self.jobs[self._seen]
            self._seen += 1
            match job:
                case Fetch() | Deliver():
                    self._begin(job)
                case CancelJob(job_id=job_id):
                    assert self.running.pop(job_id, None) is not None, f"{job_id} does not run"

    def _begin(self, job: Fetch | Deliver) -> None:
        others = [other for other in self.running.values() if type(other) is type(job)]
        assert not others, f"{job} beside {others}"
        self.running[job.job_id] = job
        end = self.ends.popleft() if self.ends else {}
        if end != NEVER:
            self._at(self.now + self.takes_s, lambda: self._end(job, end))

    def _end(self, job: Fetch | Deliver, end: Any) -> None:
        if self.running.pop(job.job_id, None) is None:
            return
        event: JobEvent
        if isinstance(end, TransferProblem):
            event = TransferFailed(job.job_id, end, "it did not work")
        elif isinstance(job, Fetch):
            event = Fetched(job.job_id, **{**self.good, **end})
        else:
            event = Delivered(job.job_id)
        self.finish(event)

    def tries(self, kind: type[Fetch | Deliver]) -> int:
        """Count the transfers begun."""
        return sum(isinstance(job, kind) for job in self.jobs)

    def steps(self, action: str, since: int = 0) -> list[str]:
        """List the statuses told by one kind of message."""
        return [call["status"] for call in self.sent(action, since)]


def depot(evses: int = 1, keys: Any = None, **more: Any) -> Depot:
    """Give a Depot with an accepted twin."""
    return Depot(spec(evses, {**QUIET, **(keys or {})}, **more), boot_interval=0)
