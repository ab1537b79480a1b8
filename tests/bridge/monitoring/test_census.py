from __future__ import annotations

import asyncio

from msgspec.structs import replace

from bridge.monitoring.census import CensusTaker
from twin.errors import Rejected
from twin.model.terms import Registration, Status
from twin.model.view import EvseFigures, TwinFigures

IDLE = EvseFigures(Status.AVAILABLE, charging=False, power_w=0.0, energy_wh=1_000.0, stale=False)
BUSY = EvseFigures(Status.CHARGING, charging=True, power_w=7_000.0, energy_wh=2_000.0, stale=True)


class Twins:
    """Show figures that a test may change; those of `gone` are removed while somebody looks."""

    def __init__(self, **found):
        self.found = found
        self.gone = set()
        self.looks = 0

    @property
    def ids(self):
        return self.found.keys()

    def figures(self, twin_id):
        self.looks += 1
        if twin_id in self.gone:
            raise Rejected("unknown_twin", twin_id)
        return self.found[twin_id]


def twin(*evses, connected=True, registration=Registration.ACCEPTED, queued=0):
    return TwinFigures(connected, registration, queued, list(evses))


async def test_what_is_counted():
    twins = Twins(
        a=twin(IDLE, BUSY, queued=3), b=twin(BUSY, queued=5), c=twin(IDLE, connected=False, registration=None)
    )
    found = await CensusTaker(twins).take()
    assert (found.twins, found.connected, found.charging, found.stale, found.power_w) == (3, 2, 2, 2, 14_000.0)
    assert (found.queued, found.queues, found.longest_queue) == (8, 2, 5)
    assert found.registrations == {"Accepted": 2, "none": 1, "Pending": 0, "Rejected": 0}
    assert (found.statuses[Status.AVAILABLE], found.statuses[Status.CHARGING], len(found.statuses)) == (2, 2, 9)
    assert found.single == []


async def test_a_twin_that_goes_meanwhile_is_left_out():
    twins = Twins(a=twin(IDLE), b=twin(IDLE))
    twins.gone = {"b"}
    assert (await CensusTaker(twins).take()).twins == 1


async def test_globs_name_those_that_are_told_of_alone():
    twins = Twins(**{"lot-1": twin(IDLE), "lot-2": twin(IDLE), "garage": twin(IDLE)})
    found = await CensusTaker(twins, ["lot-*", "office"]).take()
    assert [name for name, _ in found.single] == ["lot-1", "lot-2"]


async def test_several_who_ask_share_a_look(monkeypatch):
    loop, now = asyncio.get_running_loop(), [100.0]
    monkeypatch.setattr(loop, "time", lambda: now[0])
    twins = Twins(**{f"t{number}": twin(IDLE) for number in range(250)})
    taker = CensusTaker(twins)
    first, second = await asyncio.gather(taker.take(), taker.take())
    assert first is second
    assert twins.looks == 250
    now[0] += 0.9
    assert await taker.take() is first
    now[0] += 0.2
    assert await taker.take() is not first


async def test_others_go_on_while_it_looks():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    going = asyncio.create_task(other())
    await CensusTaker(Twins(**{f"t{number}": twin(IDLE) for number in range(1_000)})).take()
    going.cancel()
    assert turns >= 10


async def test_energy_only_grows_whoever_comes_or_goes(monkeypatch):
    loop, now = asyncio.get_running_loop(), [100.0]
    monkeypatch.setattr(loop, "time", lambda: now[0])
    twins = Twins(a=twin(IDLE, BUSY), b=twin(BUSY))
    taker = CensusTaker(twins)

    async def energy_wh():
        now[0] += 10.0
        return (await taker.take()).energy_wh

    await taker.begin()
    twins.found["b"] = twin(replace(BUSY, energy_wh=2_100.0))
    assert await energy_wh() == 100.0
    twins.found["a"] = twin(replace(IDLE, energy_wh=1_500.0), BUSY)
    assert await energy_wh() == 600.0
    del twins.found["b"]
    assert await energy_wh() == 600.0
    twins.found["new"] = twin(replace(BUSY, energy_wh=1e9))
    assert await energy_wh() == 600.0
    twins.found["new"] = twin(replace(BUSY, energy_wh=1e9 + 25.0), BUSY)
    assert await energy_wh() == 625.0
    twins.found["a"] = twin(replace(IDLE, energy_wh=0.0), BUSY)  # what was stored of it was forgotten
    assert await energy_wh() == 625.0
