from __future__ import annotations

import asyncio

import pytest
from fakes.scripted import stored
from fakes.virtual import settle
from fakes.world import spec

from twin.model.effects import Actuate, CancelJob, Deliver, Fetch, MakeKey
from twin.model.inputs import Actuated, Delivered, Fetched, KeyMade
from twin.model.terms import Action, LogKind
from twin.turn import Turn


def fetch(job_id: str = "1") -> Fetch:
    return Fetch(job_id, "http://h/fw")


def deliver(job_id: str) -> Deliver:
    return Deliver(job_id, "http://h/", "log.zip", LogKind.DIAGNOSTICS)


def order(world, fleet, *jobs, twin_id="garage"):
    """Let a twin give jobs."""
    world.cast[twin_id].next.append(stored(jobs=list(jobs)))
    fleet.command(twin_id, "order", lambda: None)


def told(world, twin_id="garage"):
    return [what[1] for what in world.cast[twin_id].heard if what[0] == "job"]


async def test_a_job_begins_when_its_turn_is_on_disk_and_what_became_of_it_comes_back(world):
    async with world.open("garage") as fleet:
        world.store.held = True
        order(world, fleet, fetch())
        await settle()
        assert world.errands.begun == []
        world.store.release()
        await settle()
        assert world.errands.begun == ["1"]
        world.errands.end(Fetched("1", "2.0"))
        await settle()
        assert told(world) == [Fetched("1", "2.0")]


async def test_a_job_that_was_given_before_the_fleet_runs_waits_for_that(world):
    async with world.open("garage", run=False) as fleet:
        order(world, fleet, fetch())
        await settle()
        assert world.errands.begun == []
        running = asyncio.create_task(fleet.run())
        await settle()
        assert world.errands.begun == ["1"]
        await fleet.close()
        await running
    assert world.errands.gone == ["1"]


async def test_so_many_run_together_and_the_others_wait_in_their_order(world):
    world.reset(transfers_at_once=2)
    async with world.open("garage", "office") as fleet:
        order(world, fleet, fetch("1"), deliver("2"), deliver("3"))
        order(world, fleet, fetch("4"), twin_id="office")
        await settle()
        assert world.errands.begun == ["1", "2"]
        world.errands.end(Delivered("2"))
        await settle()
        assert world.errands.begun == ["1", "2", "3"]
        world.errands.end(Fetched("1"))
        await settle()
        assert world.errands.begun == ["1", "2", "3", "4"]


async def test_keys_do_not_wait_for_files(world):
    world.reset(transfers_at_once=1)
    async with world.open("garage") as fleet:
        order(world, fleet, fetch("1"), MakeKey("2", "name", "firm"))
        await settle()
        assert world.errands.begun == ["1", "2"]
        world.errands.end(KeyMade("2", "csr", "key"))
        await settle()
        assert told(world) == [KeyMade("2", "csr", "key")]


async def test_a_job_that_is_given_up_is_not_heard_of_any_more(world):
    world.reset(transfers_at_once=1)
    async with world.open("garage") as fleet:
        order(world, fleet, fetch("1"), fetch("2"), fetch("3"))
        await settle()
        order(world, fleet, CancelJob("2"), CancelJob("1"), CancelJob("none"))
        await settle()
        assert (world.errands.begun, world.errands.gone) == (["1", "3"], ["1"])
        assert told(world) == []


async def test_a_job_that_is_given_once_more_begins_anew(world):
    async with world.open("garage") as fleet:
        order(world, fleet, fetch("1"))
        await settle()
        order(world, fleet, fetch("1"))
        await settle()
        assert (world.errands.begun, world.errands.gone) == (["1", "1"], ["1"])
        world.errands.end(Fetched("1"))
        await settle()
        assert told(world) == [Fetched("1")]


async def test_a_job_that_ends_in_the_moment_in_which_it_is_given_up_is_not_heard_of(world):
    async with world.open("garage") as fleet:
        order(world, fleet, fetch("1"))
        await settle()
        world.errands.end(Fetched("1"))
        world.cast["garage"].next.append(Turn(jobs=[CancelJob("1")]))
        fleet.command("garage", "cancel", lambda: None)
        await settle()
        assert told(world) == []


async def test_a_twins_next_job_waits_until_the_one_given_up_has_let_go(world):
    async with world.open("garage", "office") as fleet:
        order(world, fleet, fetch("1"))
        await settle()
        with world.errands.slow_to_end():
            order(world, fleet, CancelJob("1"), fetch("2"))
            order(world, fleet, fetch("3"), twin_id="office")
            await settle()
            assert world.errands.begun == ["1", "3"]
        await settle()
        assert world.errands.begun == ["1", "3", "2"]


@pytest.mark.parametrize("end", ["restart", "remove", "fault"])
async def test_jobs_of_a_twin_that_goes_are_given_up(world, end):
    async with world.open("garage", "office") as fleet:
        order(world, fleet, fetch("1"))
        order(world, fleet, fetch("2"), twin_id="office")
        await settle()
        match end:
            case "restart":
                fleet.restart("garage", lambda: None)
            case "remove":
                fleet.remove("garage", lambda: None)
            case "fault":
                world.cast["garage"].next.append(ZeroDivisionError())
                world.network.connections[0].says("hello")
        await settle()
        assert world.errands.gone == ["1"]
        assert list(world.errands.under_way) == ["2"]


async def test_jobs_that_wait_for_the_disk_when_the_twin_goes_never_begin(world):
    async with world.open("garage") as fleet:
        world.store.held = True
        order(world, fleet, fetch("1"))
        fleet.restart("garage", lambda: None)
        world.store.release()
        await settle()
        assert world.errands.begun == []


async def test_at_the_end_all_jobs_are_given_up_and_none_begins(world):
    world.reset(transfers_at_once=1)
    async with world.open("garage") as fleet:
        order(world, fleet, fetch("1"), fetch("2"))
        await settle()
    assert (world.errands.begun, world.errands.gone) == (["1"], ["1"])
    assert told(world) == []


async def test_forgetting_a_twin_removes_its_files_and_its_log(world):
    async with world.open(spec("garage", journal_limit=10)) as fleet:
        (world.files.make("garage", "keys") / "key.pem").write_text("secret")
        await settle()
        fleet.remove("garage", lambda: None, forget=True)
        await settle()
        assert not world.files.folder("garage").exists()
        assert {key: entries for key, entries in world.store.journal.items() if entries} == {}


async def test_a_twin_that_is_only_removed_keeps_its_files(world):
    async with world.open("garage") as fleet:
        folder = world.files.make("garage", "keys")
        fleet.remove("garage", lambda: None)
        await settle()
        assert folder.exists()


class FakeActuator:
    """Remember what real things were asked to do."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.gone: list[tuple[str, str | None]] = []

    def begin(self, twin_id, job, told):
        self.begun.append((twin_id, job.job_id))
        self.told = told

    def cancel(self, twin_id, job_id):
        self.gone.append((twin_id, job_id))

    def abandon(self, twin_id):
        self.gone.append((twin_id, None))


def actuate(job_id: str = "1") -> Actuate:
    return Actuate(job_id, Action.UNLOCK, 1, {"connector_id": 1})


async def test_real_things_are_asked_at_once_and_can_be_given_up(world):
    async with world.open("garage", run=False) as fleet:
        actuator = FakeActuator()
        fleet.attach(actuator)
        order(world, fleet, actuate("1"), actuate("2"), CancelJob("2"))
        await settle()
        assert actuator.begun == [("garage", "1"), ("garage", "2")]
        assert actuator.gone == [("garage", "2")]
        actuator.told(Actuated("1", ok=True))
        assert told(world) == [Actuated("1", ok=True)]
        fleet.remove("garage", lambda: None)
        assert actuator.gone[-1] == ("garage", None)
        await fleet.close()


async def test_where_nothing_real_is_attached_that_is_said(world):
    async with world.open("garage") as fleet:
        order(world, fleet, actuate())
        await settle()
        (event,) = told(world)
        assert not event.ok
