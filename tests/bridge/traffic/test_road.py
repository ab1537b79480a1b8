"""Cars on their way to a real fleet, whose network and disk are in memory."""

import asyncio
import contextlib
import tracemalloc

import pytest
from fakes.fleet import FakeFleet
from fakes.traffic import plan
from fakes.world import T0, World, spec

from benchmarks.day import Books
from bridge.traffic.plan import Amount, Plans
from bridge.traffic.road import Road
from twin.fleet import Clock
from twin.model.inputs import PlugIn, SetNetwork
from twin.model.spec import EvseSpec
from twin.model.terms import Status
from twin.station import Station

HOUR = 3600.0


def plans(one=None, globs=("*",)):
    return Plans(((frozenset(), tuple(globs), one or plan(arrivals_per_h=2.0)),))


class Town(World):
    """A fleet of real stations, each with a Central System of its own, and a road to it."""

    def reset(self, **options):
        super().reset(**options)
        self.books = {}
        self.network.on_connect = self._connected

    def seams(self):
        return super().seams() | {"start": Station.start}

    def _connected(self, connection):
        books = self.books.setdefault(connection.target.url.rpartition("/")[2], Books())
        connection.answer = lambda text: books.answer(text, self.clock.now())

    @contextlib.asynccontextmanager
    async def drive(self, *specs, by=None):
        async with self.open(*specs) as fleet:
            self.road = Road(plans() if by is None else by, fleet, self.clock)
            heard = self.listener.changed
            self.listener.changed = lambda twin, parts: (heard(twin, parts), self.road.changed(twin, parts))
            self.road.start()
            yield fleet
            self.road.stop()

    def begun(self, twin="garage"):
        return self.books[twin].begun if twin in self.books else 0

    def ended(self, twin="garage"):
        return self.books[twin].ended


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


async def test_a_day_of_traffic(town):
    async with town.drive(spec(evses=(EvseSpec(),) * 2)) as fleet:
        await asyncio.sleep(24 * HOUR)
        view = fleet.view("garage")
    running = sum(session.active for session in view.sessions)
    # 2 an hour and half an hour each: 24 sessions a day and EVSE.
    assert 30 <= town.begun() <= 66
    assert town.ended() == town.begun() - running
    assert town.books["garage"].wrong == []


async def test_nobody_drives_without_a_plan(town):
    async with town.drive("garage", by=Plans()):
        await asyncio.sleep(24 * HOUR)
        assert town.begun() == 0
        assert (town.road._drivers, town.road._heap) == ({}, [])
        assert town.road._timer is None


async def test_only_twins_that_a_plan_names_get_cars(town):
    async with town.drive("garage", "lot-1", by=plans(globs=("lot-*",))) as fleet:
        await asyncio.sleep(24 * HOUR)
        assert fleet.view("garage").sessions[0].session_id is None
    assert town.begun("lot-1") > 10


async def test_the_clock_may_run_faster(town):
    async with town.drive("garage") as fleet:
        fleet.set_clock_rate(100.0)
        town.road.look()
        await asyncio.sleep(24 * HOUR / 100)
        assert town.begun() > 10


async def test_the_clock_may_be_set_forward(town):
    async with town.drive("garage", by=plans(plan(arrivals_per_h=0.01))) as fleet:
        await asyncio.sleep(10)
        town.clock._wall = lambda: T0 + 3_000 * HOUR
        await asyncio.sleep(100)
        assert fleet.view("garage").evses[0].plugged


async def test_a_twin_that_comes_later_gets_cars_too(town):
    async with town.drive("garage") as fleet:
        await asyncio.sleep(60)
        fleet.add(spec("late"), lambda _: None)
        await asyncio.sleep(24 * HOUR)
    assert town.begun("late") > 10


async def test_a_twin_that_is_removed_is_forgotten(town):
    async with town.drive("garage", "late") as fleet:
        await asyncio.sleep(6 * HOUR)
        fleet.remove("late", lambda: None)
        before = town.begun("late")
        await asyncio.sleep(24 * HOUR)
        assert set(town.road._drivers) == {"garage"}
        assert len(town.road._heap) == 1
    assert town.begun("late") == before
    assert town.begun() > 10


async def test_a_twin_may_come_back_with_more_evses(town):
    async with town.drive("garage", by=plans(plan(arrivals_per_h=30.0))) as fleet:
        await asyncio.sleep(HOUR)
        fleet.replace(spec(evses=(EvseSpec(),) * 3), lambda: None)
        town.road.replace(plans(plan(arrivals_per_h=29.0)))
        await asyncio.sleep(2 * HOUR)
        assert all(session.session_id for session in fleet.view("garage").sessions)
        fleet.replace(spec(), lambda: None)
        await asyncio.sleep(2 * HOUR)
        assert len(town.road._drivers["garage"]) == len(town.road._heap) == 1


async def test_other_plans_count_at_once(town):
    async with town.drive(
        "garage", "office", by=plans(plan(dwell=Amount(7 * 24 * HOUR), arrivals_per_h=60.0))
    ) as fleet:
        await asyncio.sleep(HOUR)
        assert town.begun() == town.begun("office") == 1
        town.road.replace(plans(globs=("office",)))
        await asyncio.sleep(HOUR)
        assert (town.begun(), town.ended()) == (1, 1)
        assert fleet.view("garage").evses[0].status is Status.AVAILABLE
        assert fleet.view("office").sessions[0].active, "its car came to stay"
        town.road.replace(Plans())
        await asyncio.sleep(HOUR)
        assert town.ended("office") == 1
        assert town.road._drivers == {}
        town.road.replace(plans())
        await asyncio.sleep(6 * HOUR)
        assert town.begun() > 3


async def test_a_session_is_taken_over_after_a_restart(town):
    async with town.drive("garage", by=plans(plan(arrivals_per_h=60.0))):
        await asyncio.sleep(1000)
        assert (town.begun(), town.ended()) == (1, 0)
    town.reset()
    async with town.drive("garage", by=plans(plan(arrivals_per_h=0.001))) as fleet:
        assert fleet.view("garage").sessions[0].active
        books = town.books["garage"]
        books.open[1] = (1, 0)
        await asyncio.sleep(HOUR)
        assert (books.begun, books.ended, books.wrong) == (0, 1, [])
        assert not fleet.view("garage").evses[0].plugged


async def test_a_car_is_sent_away_when_traffic_is_gone_after_a_restart(town):
    async with town.drive("garage", by=plans(plan(arrivals_per_h=60.0))):
        await asyncio.sleep(1000)
    town.reset()
    async with town.drive("garage", by=Plans()) as fleet:
        await asyncio.sleep(60)
        assert fleet.view("garage").evses[0].status is Status.AVAILABLE
        assert town.road._drivers == {}


async def test_a_twin_that_is_started_again_keeps_its_traffic(town):
    async with town.drive("garage") as fleet:
        for _ in range(24):
            await asyncio.sleep(HOUR)
            fleet.restart("garage", lambda: None)
    assert town.begun() > 10
    assert town.books["garage"].wrong == []


async def test_others_have_their_turn_between(town):
    """However many are due at once, nobody works longer than a few milliseconds."""
    async with town.drive(*(spec(f"lot-{number}") for number in range(200))):
        loop, turns = asyncio.get_running_loop(), []
        town.road._turn, turn = (lambda: turns.append(loop.time()) or turn()), town.road._turn
        await asyncio.sleep(0.1)
        loop.time = iter_time(loop)
        town.road._met.extend(f"lot-{number}" for number in range(200))
        town.road._arm(loop._now)
        await asyncio.sleep(1)
    assert len(turns) > 10


def iter_time(loop):
    """Let each look at the clock take a quarter of a millisecond."""

    def look():
        loop._now += 0.00025
        return loop._now

    return look


async def test_a_driver_that_fails_does_not_stop_the_others(town):
    async with town.drive("garage", "office", by=plans(plan(arrivals_per_h=30.0))):
        await asyncio.sleep(1)
        loop, told = asyncio.get_running_loop(), []
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
        town.road._drivers["garage"][0]._plan = "no plan"
        await asyncio.sleep(HOUR)
        loop.set_exception_handler(None)
    assert len(told) == 1
    assert (town.begun(), town.begun("office") > 0) == (0, True)


async def test_an_evse_costs_little_memory():
    fleet = FakeFleet({f"lot-{number:04d}": 2 for number in range(1000)})
    road = Road(plans(), fleet, Clock(steady=asyncio.get_running_loop().time))
    tracemalloc.start()
    try:
        road.start()
        await asyncio.sleep(1)
        assert tracemalloc.get_traced_memory()[0] / 2000 < 400
    finally:
        tracemalloc.stop()
        road.stop()
    assert len(road._heap) == 2000


async def test_a_person_and_traffic_get_along(town):
    async with town.drive("garage", by=plans(plan(arrivals_per_h=60.0))) as fleet:
        fleet.command("garage", PlugIn(evse=1), lambda: None)
        fleet.command("garage", SetNetwork(network=False), lambda: None)
        await asyncio.sleep(6 * HOUR)
        view = fleet.view("garage")
    assert (view.evses[0].plugged, view.evses[0].ev, view.sessions[0].session_id) == (True, None, None)
