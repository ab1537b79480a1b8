"""A fleet among fakes in virtual time, and the specs of its twins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fakes.dialling import FakeNetwork
from fakes.errands import FakeErrands
from fakes.listener import RecordingListener
from fakes.scripted import Cast
from fakes.store import MemoryStore
from fakes.virtual import settle

from twin.fleet import Clock, Files, Fleet, FleetOptions
from twin.model.spec import CsmsSpec, TwinSpec

T0 = 1_767_607_200.0


def spec(twin_id: str = "garage", **fields) -> TwinSpec:
    csms = CsmsSpec(url="ws://central/ocpp", backoff_min_s=3.0, backoff_max_s=60.0, backoff_jitter=0.3)
    return TwinSpec(**{"id": twin_id, "identity": twin_id, "csms": csms, **fields})


class World:
    """A fleet among fakes. `open` loads twins and runs, `crash` leaves all but the store behind."""

    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore()
        self.files = Files(folder)
        self.reset()

    def reset(self, **options) -> None:
        self.listener = RecordingListener()
        self.network = FakeNetwork()
        self.cast = Cast()
        self.errands = FakeErrands()
        self.options = FleetOptions(**options)

    def seams(self) -> dict[str, object]:
        return {
            "connect": self.network,
            "start": self.cast,
            "files": self.files,
            "hide": lambda content: content,
            "errands": lambda *_, **__: self.errands,
        }

    @asynccontextmanager
    async def open(self, *specs: TwinSpec | str, run: bool = True) -> AsyncIterator[Fleet]:
        loop = asyncio.get_running_loop()
        contents = self.store.load()
        floor = None if contents.clock is None else contents.clock.floor
        self.clock = Clock(floor=floor, wall=lambda: T0 + loop.time() - 1000.0, steady=loop.time)
        fleet = Fleet(self.store, self.listener, self.clock, self.options, **self.seams())
        await fleet.load([one if isinstance(one, TwinSpec) else spec(one) for one in specs], contents)
        if not run:
            yield fleet
            return
        running = asyncio.create_task(fleet.run(), name="fleet")
        await settle()
        try:
            yield fleet
        finally:
            self.store.release()
            await fleet.close()
            await running
