import asyncio

import pytest
from fakes.scripted import stored
from fakes.virtual import settle
from fakes.world import T0
from structlog.testing import capture_logs

from twin.errors import Rejected
from twin.turn import CallOutcome, Frame, Turn


def received(world):
    return [what[1] for what in world.cast["garage"].heard if what[0] == "receive"]


async def test_frames_reach_the_station_and_are_traced_where_wanted(world):
    world.listener.traced = ("garage",)
    async with world.open("garage", "office") as fleet:
        call = '[2,"1","Reset",{"type":"Soft"}]'
        for connection in world.network.connections:
            connection.says(call)
            connection.says("nonsense")
        assert received(world) == [call, "nonsense"]
        assert [what[1:] for what in world.listener.heard if what[0] == "frame"] == [
            ("garage", "received", Frame(call, "Reset")),
            ("garage", "received", Frame("nonsense", None)),
        ]
        assert fleet.counters.ocpp_in_total == 4


async def test_a_refusal_reaches_the_user_and_changes_nothing(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].next.append(Rejected("state_conflict", "no cable"))
        with pytest.raises(Rejected, match="no cable"):
            fleet.command("garage", "unplug", lambda: pytest.fail("it was refused"))
        await settle()
        assert world.cast.made == ["garage"]


async def test_a_call_gets_its_own_outcome(world):
    async with world.open("garage") as fleet:
        outcomes = []
        fleet.call("garage", "DataTransfer", {}, lambda outcome: outcomes.append(("first", outcome.status)))
        fleet.call("garage", "DataTransfer", {}, lambda outcome: outcomes.append(("second", outcome.status)))
        first, second = (text.removeprefix("call ") for text in world.network.last.sent)
        world.network.last.says(f"answer {second}")
        world.network.last.says(f"answer {first}")
        world.network.last.says(f"answer {first}")
        assert outcomes == [("second", "ok"), ("first", "ok")]


async def test_raw_text_goes_out(world):
    async with world.open("garage") as fleet:
        done = []
        fleet.send_raw("garage", "[9]", lambda: done.append(True))
        assert (world.network.last.sent, done) == (["[9]"], [True])
        assert fleet.counters.ocpp_out_total == 1


async def test_a_station_is_woken_when_something_is_due(world):
    async with world.open("garage") as fleet:
        station = world.cast["garage"]
        station.due = T0 + 100
        fleet.command("garage", "plug", lambda: None)
        await asyncio.sleep(99)
        assert ("tick", T0 + 100) not in station.heard
        await asyncio.sleep(2)
        assert [what[0] for what in station.heard].count("tick") == 1
        assert station.heard[-1][1] == pytest.approx(T0 + 100)


async def test_a_restart_begins_from_the_stored_state_on_a_new_connection(world):
    async with world.open("garage") as fleet:
        old = world.cast["garage"]
        old.next.append(stored("last words"))
        fleet.command("garage", "plug", lambda: None)
        done = []
        fleet.restart("garage", lambda: done.append(True))
        await settle()
        new = world.cast["garage"]
        assert new is not old
        assert new.parts["part"] == b"last words"
        assert done == [True]
        assert world.network.connections[0].ended[:2] == ("close", 1001)
        assert [what[0] for what in new.heard] == ["link_up"]
        assert "link_down" not in [what[0] for what in old.heard]
        told = {"url": "ws://central/ocpp/garage", "reason": "The charge point restarts."}
        assert world.listener.notes() == [("disconnected", told)]


async def test_while_a_twin_restarts_it_refuses_and_still_shows_itself(world):
    async with world.open("garage") as fleet:
        world.store.held = True
        outcomes, done = [], []
        fleet.call("garage", "DataTransfer", {}, outcomes.append)
        fleet.restart("garage", lambda: done.append(1))
        fleet.restart("garage", lambda: done.append(2))
        assert [outcome.status for outcome in outcomes] == ["offline"]
        with pytest.raises(Rejected) as refusal:
            fleet.command("garage", "plug", lambda: None)
        assert refusal.value.code == "internal"
        assert fleet.view("garage")[0] == "view"
        world.store.release()
        await settle()
        assert sorted(done) == [1, 2]
        assert world.cast.made == ["garage", "garage"]


async def test_ids_are_not_repeated_by_a_restart(world):
    async with world.open("garage") as fleet:
        before = [world.cast["garage"].ids() for _ in range(10)]
        fleet.restart("garage", lambda: None)
        await settle()
        after = [world.cast["garage"].ids() for _ in range(10)]
    async with world.open("garage"):
        later = [world.cast["garage"].ids() for _ in range(10)]
    assert len({*before, *after, *later}) == 30


async def test_one_stations_fault_is_told_and_does_not_touch_the_others(world):
    with capture_logs() as logs:
        async with world.open("garage", "office") as fleet:
            world.cast["garage"].next.append(ZeroDivisionError("oops"))
            with pytest.raises(Rejected) as refusal:
                fleet.command("garage", "plug", lambda: None)
            assert refusal.value.code == "internal"
            assert world.listener.notes("internal_error") == [("internal_error", {"detail": "ZeroDivisionError: oops"})]
            fleet.command("office", "plug", lambda: None)
            await asyncio.sleep(0.1)
            fleet.command("garage", "plug", lambda: None)
            assert world.cast.made == ["garage", "office", "garage"]
            assert [what[0] for what in world.cast["garage"].heard] == ["link_up", "command"]
    assert [(line["event"], line["twin"], line["log_level"]) for line in logs] == [("twin_failed", "garage", "error")]


@pytest.mark.parametrize("cause", ["receive", "link_down", "tick", "due"])
async def test_a_fault_at_any_input_restarts_the_station(world, cause):
    async with world.open("garage") as fleet:
        station = world.cast["garage"]
        connection = world.network.last
        if cause == "tick":
            station.due = T0 + 1
            fleet.command("garage", "plug", lambda: None)
        if cause == "due":
            station.next_deadline = lambda: 1 // 0
        else:
            station.next.append(ZeroDivisionError())
        if cause in ("receive", "due"):
            connection.says("hello")
        if cause == "link_down":
            connection.break_off()
        await asyncio.sleep(10)
        assert world.cast.made == ["garage", "garage"]
        assert world.cast["garage"].connected


CALL = '[2,"id-1","Reset",{"type":"Soft"}]'
APOLOGY = '[4,"id-1","InternalError","The charge point failed while it handled this",{}]'


async def test_t_23_a_call_is_answered_although_its_handler_failed(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].next.append(ZeroDivisionError())
        old = world.network.last
        old.says(CALL)
        assert (old.sent, old.ended[:2]) == ([APOLOGY], ("close", 1001))
        assert fleet.counters.ocpp_out_total == 1
        await asyncio.sleep(1)
        assert world.cast["garage"].connected
        assert world.network.last.sent == []


async def test_t_23_answers_that_waited_for_the_disk_come_before_it(world):
    async with world.open("garage"):
        world.store.held = True
        world.cast["garage"].next.extend([stored(frames=[Frame("earlier", None)]), ZeroDivisionError()])
        old = world.network.last
        old.says('[2,"id-0","Reset",{"type":"Soft"}]')
        old.says(CALL)
        await settle()
        assert (old.sent, old.ended) == ([], None)
        world.store.release()
        await settle()
        assert (old.sent, old.ended[:2]) == (["earlier", APOLOGY], ("close", 1001))
        assert len(world.network.connections) == 2


@pytest.mark.parametrize("text", ['[3,"id-1",{}]', '[4,"id-1","GenericError","",{}]', "nonsense", "[2]"])
async def test_what_is_no_call_gets_no_answer(world, text):
    async with world.open("garage"):
        world.cast["garage"].next.append(ZeroDivisionError())
        old = world.network.last
        old.says(text)
        assert (old.sent, old.ended[:2]) == ([], ("close", 1001))


async def test_a_connection_that_is_lost_while_the_station_restarts_is_told(world):
    async with world.open("garage"):
        world.store.held = True
        world.cast["garage"].next.extend([stored(), ZeroDivisionError()])
        world.network.last.says("hello")
        world.network.last.says("hello")
        world.network.last.break_off("connection reset")
        world.store.release()
        told = {"url": "ws://central/ocpp/garage", "reason": "connection reset"}
        assert world.listener.notes("disconnected") == [("disconnected", told)]
        await asyncio.sleep(1)
        assert world.cast["garage"].connected


async def test_a_station_that_fails_again_and_again_is_given_more_and_more_time(world):
    async with world.open("garage"):
        world.cast.failing.add("garage")
        world.cast["garage"].next.append(ZeroDivisionError())
        world.network.last.says("hello")
        await asyncio.sleep(3600)
        assert 10 < len(world.listener.notes("internal_error")) < 25
        world.cast.failing.clear()
        await asyncio.sleep(600)
        assert world.cast["garage"].connected


async def test_an_outcome_that_nobody_waits_for_is_ignored(world):
    async with world.open("garage") as fleet:
        world.cast["garage"].next.append(Turn(calls=[CallOutcome("unknown", "ok")]))
        fleet.command("garage", "plug", lambda: None)
