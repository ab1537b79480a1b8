"""Who may do what takes time outside, and when: jobs of all twins wait for their turn, run, and can be given up.

Must not know what a job is about. Nobody hears of a job that was given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeAlias, assert_never

from twin.fleet.errands import Client, Errand
from twin.fleet.ports import Actuator
from twin.model.effects import Actuate, CancelJob, Deliver, Fetch, Job, MakeKey
from twin.model.inputs import Actuated, JobEvent

_KEYS_AT_ONCE = 2

Key: TypeAlias = tuple[str, str]
"""Names a job by the ids of its twin and its own."""


class Runner(Protocol):
    """Do errands (`twin.fleet.errands.Errands`)."""

    def run(self, client: Client, job: Errand) -> Coroutine[Any, Any, JobEvent]:
        """Do one, and return what became of it."""
        ...

    async def close(self) -> None:
        """Let go of what errands need."""
        ...


class NoActuator:
    """Do nothing real, and say so."""

    def begin(self, _twin_id: str, job: Actuate, told: Callable[[Actuated], None]) -> None:
        """Say that it cannot be done."""
        event = Actuated(job.job_id, ok=False, detail="nothing real is attached")
        asyncio.get_running_loop().call_soon(told, event)

    def cancel(self, twin_id: str, job_id: str) -> None:
        """Give up nothing."""

    def abandon(self, twin_id: str) -> None:
        """Give up nothing."""


class Jobs:
    """Do the jobs of a fleet, `transfers_at_once` transfers together; keys and real things do not wait for them."""

    def __init__(self, runner: Runner, transfers_at_once: int) -> None:
        self._runner = runner
        self.actuator: Actuator = NoActuator()
        self._transfers = _Lane(transfers_at_once)
        self._keys = _Lane(_KEYS_AT_ONCE)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin with those that wait already; the group owns the tasks, one for each job that runs."""
        for lane in (self._transfers, self._keys):
            lane.start(tasks)

    def stop(self) -> None:
        """Give all jobs up, and take no more."""
        for lane in (self._transfers, self._keys):
            lane.stop()

    async def close(self) -> None:
        """Let go of everything; nothing may be under way any more."""
        await self._runner.close()

    def take(self, client: Client, job: Job) -> None:
        """Do a job as soon as it is its turn, or give one up."""
        twin_id = client.spec.id
        match job:
            case Fetch() | Deliver():
                self._transfers.put((twin_id, job.job_id), partial(self._runner.run, client, job), client.finished)
            case MakeKey():
                self._keys.put((twin_id, job.job_id), partial(self._runner.run, client, job), client.finished)
            case Actuate():
                self.actuator.begin(twin_id, job, client.finished)
            case CancelJob(job_id):
                self.actuator.cancel(twin_id, job_id)
                for lane in (self._transfers, self._keys):
                    lane.drop((twin_id, job_id))
            case _:
                assert_never(job)

    def abandon(self, twin_id: str) -> None:
        """Give up all jobs of a twin."""
        self.actuator.abandon(twin_id)
        for lane in (self._transfers, self._keys):
            for key in lane.of(twin_id):
                lane.drop(key)


_Run: TypeAlias = Callable[[], Coroutine[Any, Any, JobEvent]]
_Told: TypeAlias = Callable[[JobEvent], None]


class _Lane:
    """Run jobs in the order in which they came, at most `at_once` of them together."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: dict[Key, tuple[_Run, _Told]] = {}
        self._running: dict[Key, asyncio.Task[JobEvent]] = {}
        self._ending: dict[asyncio.Task[JobEvent], str] = {}  # given up, and not over yet
        self._tasks: asyncio.TaskGroup | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._next()

    def stop(self) -> None:
        self._tasks = None
        for key in [*self._waiting, *self._running]:
            self.drop(key)

    def put(self, key: Key, run: _Run, told: _Told) -> None:
        self.drop(key)
        self._waiting[key] = (run, told)
        self._next()

    def drop(self, key: Key) -> None:
        self._waiting.pop(key, None)
        if (task := self._running.pop(key, None)) is not None:
            self._ending[task] = key[0]
            task.cancel()

    def of(self, twin_id: str) -> list[Key]:
        return [key for key in (*self._waiting, *self._running) if key[0] == twin_id]

    def _next(self) -> None:
        while self._tasks is not None and len(self._running) + len(self._ending) < self._at_once:
            # A job that was given up may still hold the files of its twin; the twin's next one waits for its end.
            held = self._ending.values()
            key = next((key for key in self._waiting if key[0] not in held), None)
            if key is None:
                return
            run, told = self._waiting.pop(key)
            task = self._tasks.create_task(run(), name=f"job {'/'.join(key)}")
            self._running[key] = task
            task.add_done_callback(partial(self._done, key, told))

    def _done(self, key: Key, told: _Told, task: asyncio.Task[JobEvent]) -> None:
        given_up = self._ending.pop(task, None) is not None
        if not given_up:
            del self._running[key]
        self._next()
        if not given_up and not task.cancelled():
            told(task.result())
