import asyncio

import pytest
from fakes.scripted import stored
from fakes.turns import counted
from fakes.virtual import settle
from fakes.world import T0, spec
from structlog.testing import capture_logs

from twin.errors import Rejected
from twin.store.port import Receipt
from twin.turn import Frame


def code_of(action):
    with pytest.raises(Rejected) as refusal:
        action()
    return refusal.value.code


async def test_twins_are_known_by_their_ids(world):
    async with world.open("garage", spec("office", evses=spec().evses * 2)) as fleet:
        assert list(fleet.ids) == ["garage", "office"]
        assert (fleet.evse_count("garage"), fleet.evse_count("office")) == (1, 2)
        assert fleet.spec("office").identity == "office"
        assert fleet.view_of("garage", ("evse", 1))[:3] == ("evse", 1, "garage")
        assert fleet.view("garage")[2] == pytest.approx(T0)


async def test_an_unknown_id_is_refused(world):
    async with world.open("garage") as fleet:
        for action in (
            lambda: fleet.spec("attic"),
            lambda: fleet.command("attic", "plug", lambda: None),
            lambda: fleet.call("attic", "Heartbeat", {}, lambda _: None),
            lambda: fleet.send_raw("attic", "[]", lambda: None),
            lambda: fleet.restart("attic", lambda: None),
            lambda: fleet.remove("attic", lambda: None),
        ):
            assert code_of(action) == "unknown_twin"


async def test_nothing_connects_before_it_runs_but_commands_are_taken(world):
    async with world.open("garage", run=False) as fleet:
        done = []
        world.cast["garage"].next.append(stored())
        fleet.command("garage", "plug", lambda: done.append(True))
        await asyncio.sleep(10)
        assert (done, world.network.attempts) == ([True], [])


async def test_twins_start_from_what_was_stored_and_know_until_when_they_ran(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].next.append(stored("plugged"))
        fleet.command("garage", "plug", lambda: None)
        await asyncio.sleep(100)
    world.reset()
    async with world.open("garage"):
        station = world.cast["garage"]
        assert station.parts["part"] == b"plugged"
        assert station.alive == pytest.approx(T0 + 100)


async def test_one_that_cannot_be_started_is_told_and_left_out(world):
    world.cast.failing.add("garage")
    with capture_logs() as logs:
        async with world.open("garage", "office") as fleet:
            assert list(fleet.ids) == ["office"]
            assert world.listener.notes() == [("internal_error", {"detail": "RuntimeError: cannot start"})]
    assert [line["event"] for line in logs] == ["twin_failed"]


async def test_thousands_load_without_stalling_the_loop_and_connect_in_pace(world):
    world.reset(connects_per_s=100.0, connects_burst=10, connects_at_once=20)
    world.network.delay_s = 0.05
    async with counted() as turns, world.open(*(f"t{number}" for number in range(1000)), run=False):
        assert turns() >= 30
    world.reset(connects_per_s=100.0, connects_burst=10, connects_at_once=20)
    world.network.delay_s = 0.05
    async with world.open(*(f"t{number}" for number in range(1000))):
        await asyncio.sleep(5)
        assert 480 <= len(world.network.attempts) <= 520
        await asyncio.sleep(6)
        assert len(world.network.connections) == 1000
        assert world.network.most_under_way <= 20


async def test_a_receipt_of_something_else_is_stored_too(world):
    async with world.open("garage") as fleet:
        fleet.remember(Receipt("garage", "garage/cmd/call", "r1", T0, b"{}"))
        await settle()
        assert [receipt.request_id for receipt in world.store.receipts.values()] == ["r1"]


async def test_a_twin_is_added_and_known_at_the_next_start(world):
    async with world.open("garage") as fleet:
        told = []
        fleet.add(spec("attic"), told.append, b"record")
        assert code_of(lambda: fleet.add(spec("attic"), told.append)) == "state_conflict"
        await asyncio.sleep(0.1)
        assert told == [None]
        assert world.store.added == {"attic": b"record"}
        assert world.cast["attic"].connected
        assert code_of(lambda: fleet.add(spec("attic"), told.append)) == "state_conflict"


async def test_adding_a_twin_that_cannot_start_says_so(world):
    async with world.open("garage") as fleet:
        world.cast.failing.add("attic")
        told = []
        fleet.add(spec("attic"), told.append, b"record")
        await settle()
        assert [refusal.code for refusal in told] == ["internal"]
        assert (world.store.added, list(fleet.ids)) == ({}, ["garage"])


@pytest.mark.parametrize("forget", [False, True])
async def test_a_twin_is_removed(world, forget):
    async with world.open("garage") as fleet:
        fleet.add(spec("attic"), lambda _: None, b"record")
        await asyncio.sleep(0.1)
        station, connection = world.cast["attic"], world.network.last
        station.due = T0 + 5
        fleet.command("attic", "plug", lambda: None)
        done = []
        fleet.remove("attic", lambda: done.append(True), forget=forget)
        assert list(fleet.ids) == ["garage"]
        await asyncio.sleep(60)
        assert done == [True]
        assert (world.store.added, "attic" in world.store.twins) == ({}, not forget)
        assert connection.ended[:2] == ("close", 1001)
        assert len(world.network.attempts) == 2
        assert "tick" not in [what[0] for what in station.heard]


async def test_a_removed_twin_comes_back_with_its_state_and_new_ids(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].next.append(stored("plugged"))
        fleet.command("garage", "plug", lambda: None)
        used = {world.cast["garage"].ids() for _ in range(10)}
        fleet.remove("garage", lambda: None)
        fleet.add(spec("garage"), lambda _: None)
        await asyncio.sleep(0.1)
        assert world.cast["garage"].parts["part"] == b"plugged"
        assert not used & {world.cast["garage"].ids() for _ in range(10)}


async def test_another_clock_rate_moves_all_deadlines(world):
    async with world.open("garage") as fleet:
        station = world.cast["garage"]
        station.due = T0 + 3600
        fleet.command("garage", "plug", lambda: None)
        fleet.set_clock_rate(60.0)
        await asyncio.sleep(61)
        assert "tick" in [what[0] for what in station.heard]


async def test_twins_whose_time_runs_faster_are_told_so(world):
    async with world.open("garage") as fleet:
        station = world.cast["garage"]
        assert not station.paced
        fleet.set_clock_rate(60.0)
        assert station.paced
        fleet.set_clock_rate(1.0)
        assert not station.paced


async def test_closing_says_goodbye_and_stores_everything(world):
    async with world.open("garage", "office") as fleet:
        world.cast["garage"].next.append(stored("last"))
        fleet.command("garage", "plug", lambda: None)
        await fleet.close()
        assert [connection.ended[:2] for connection in world.network.connections] == [("close", 1001)] * 2
        assert [what[0] for what in world.cast["garage"].heard] == ["link_up", "command", "link_down"]
        assert world.store.twins["garage"]["part"] == b"last"
        assert world.store.clock.alive == world.store.clock.floor == pytest.approx(T0)
        assert code_of(lambda: fleet.command("garage", "plug", lambda: None)) == "internal"
        assert code_of(lambda: fleet.add(spec("attic"), lambda _: None)) == "internal"
        await asyncio.sleep(600)
        assert len(world.network.attempts) == 2


async def test_closing_takes_bounded_time_whatever_the_others_do(world):
    async with world.open("garage") as fleet:
        world.network.last.deaf = True
        world.store.held = True
        world.cast["garage"].next.append(stored())
        fleet.command("garage", "plug", lambda: None)
        before = asyncio.get_running_loop().time()
        with capture_logs() as logs:
            await fleet.close()
        assert asyncio.get_running_loop().time() - before <= 20.0
        assert world.network.last.ended[0] == "abort"
        assert [line["event"] for line in logs] == ["store_not_flushed"]


async def test_after_the_store_is_lost_commands_are_refused(world):
    async with world.open("garage") as fleet:
        world.store.failing = True
        world.cast["garage"].next.append(stored(frames=[Frame("x", None)]))
        fleet.command("garage", "plug", lambda: pytest.fail("it is not on disk"))
        await settle()
        assert code_of(lambda: fleet.command("garage", "plug", lambda: None)) == "internal"
