"""Errands that end when a test says so."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

from twin.model.inputs import JobEvent


class FakeErrands:
    """Keep what is under way by the ids of the jobs; `gone` holds those that were given up while they ran."""

    def __init__(self) -> None:
        self.under_way: dict[str, asyncio.Future[JobEvent]] = {}
        self.begun: list[str] = []
        self.gone: list[str] = []
        self.held = asyncio.Event()
        self.held.set()

    async def run(self, client, job):
        self.begun.append(job.job_id)
        self.under_way[job.job_id] = asyncio.get_running_loop().create_future()
        try:
            return await self.under_way[job.job_id]
        except asyncio.CancelledError:
            self.gone.append(job.job_id)
            await self.held.wait()
            raise
        finally:
            del self.under_way[job.job_id]

    async def close(self) -> None:
        assert self.under_way == {}

    def end(self, event: JobEvent) -> None:
        self.under_way[event.job_id].set_result(event)

    @contextmanager
    def slow_to_end(self):
        """Let what is given up take its time, until the end of the block."""
        self.held.clear()
        try:
            yield
        finally:
            self.held.set()
