import asyncio

import pytest
from fakes.store import MemoryStore
from fakes.virtual import settle

from twin.fleet.batches import Batches
from twin.store.port import ClockMark
from twin.turn import PutState


class Desk:
    def __init__(self):
        self.store = MemoryStore()
        self.failures = []
        self.done = []
        self.batches = Batches(self.store, lambda: ClockMark(1.0, 2.0), self.failures.append)

    def put(self, key, name, *, stores=True):
        changes = [(key, PutState(name, b"1"))] if stores else []
        self.batches.put(key, changes, lambda: self.done.append(name))


@pytest.fixture
def desk():
    return Desk()


async def test_what_waits_is_done_after_the_commit(desk):
    desk.store.held = True
    desk.put("a", "1")
    await settle()
    assert desk.done == []
    desk.store.release()
    assert desk.done == ["1"]
    assert desk.store.twins == {"a": {"1": b"1"}}


async def test_a_single_change_does_not_wait_for_the_window(desk):
    before = asyncio.get_running_loop().time()
    desk.put("a", "1")
    await settle()
    assert desk.done == ["1"]
    assert asyncio.get_running_loop().time() == before


async def test_what_happens_in_one_turn_of_the_loop_shares_a_commit(desk):
    for name in "123":
        desk.put(name, name)
    await settle()
    assert (desk.done, desk.store.commits) == (["1", "2", "3"], 1)


async def test_while_a_commit_is_under_way_the_next_batch_collects(desk):
    desk.store.held = True
    desk.put("a", "1")
    await settle()
    for name in "2345":
        desk.put(name, name)
        await settle()
    desk.store.release()
    await asyncio.sleep(0.02)
    assert (desk.done, desk.store.commits) == (["1", "2", "3", "4", "5"], 2)


async def test_under_load_commits_keep_a_distance(desk):
    loop = asyncio.get_running_loop()
    commit = desk.store.commit
    desk.store.commit = lambda batch, done: commit(batch, lambda error: loop.call_later(0.002, done, error))
    for number in range(100):
        desk.put("a", str(number))
        await asyncio.sleep(0.001)
    await desk.batches.drained()
    assert len(desk.done) == 100
    assert desk.store.commits <= 22


async def test_each_batch_carries_a_clock_mark(desk):
    desk.put("a", "1")
    await settle()
    assert desk.store.clock == ClockMark(1.0, 2.0)


async def test_what_has_nothing_to_store_is_done_at_once(desk):
    desk.put("a", "1", stores=False)
    assert desk.done == ["1"]


async def test_but_not_before_what_was_there_earlier(desk):
    desk.store.held = True
    desk.put("a", "1")
    desk.put("a", "2", stores=False)
    desk.put("b", "other", stores=False)
    await settle()
    desk.put("a", "3", stores=False)
    assert desk.done == ["other"]
    desk.store.release()
    assert desk.done == ["other", "1", "2", "3"]


async def test_what_a_job_causes_comes_after_the_jobs_that_wait(desk):
    desk.batches.put("a", [("a", PutState("x", b""))], lambda: desk.put("a", "caused", stores=False))
    desk.put("a", "2")
    await settle()
    assert desk.done == ["2", "caused"]


async def test_after_a_failed_commit_nothing_is_done_any_more(desk):
    desk.store.failing = True
    desk.put("a", "1")
    desk.put("a", "2", stores=False)
    await settle()
    desk.store.failing = False
    desk.put("a", "3")
    desk.put("a", "4", stores=False)
    await settle()
    assert desk.done == []
    assert [str(error) for error in desk.failures] == ["the disk is full"]
    await desk.batches.drained()


async def test_a_job_that_fails_does_not_take_the_others_with_it(desk):
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    desk.batches.put("a", [("a", PutState("x", b""))], lambda: 1 // 0)
    desk.put("a", "2")
    await settle()
    desk.batches.put("b", [("b", PutState("x", b""))], lambda: 1 // 0)
    await asyncio.sleep(0.1)
    desk.put("b", "3", stores=False)
    assert desk.done == ["2", "3"]
    assert [type(error) for error in reported] == [ZeroDivisionError] * 2


async def test_flush_hands_over_what_is_collected_even_while_a_commit_is_under_way(desk):
    desk.store.held = True
    desk.put("a", "1")
    await settle()
    desk.put("a", "2")
    desk.batches.flush()
    seen = []
    desk.store.read("a", lambda stored: seen.append(set(stored.parts)))
    desk.store.release()
    assert seen == [{"1", "2"}]


async def test_drained_waits_for_everything(desk):
    desk.put("a", "1")
    desk.batches.store(ClockMark(3.0, 3.0))
    await desk.batches.drained()
    assert desk.done == ["1"]
    await desk.batches.drained()


async def test_many_jobs_take_turns_with_the_rest_of_the_program_and_keep_their_order(desk):
    desk.store.held = True
    for number in range(120):
        desk.put(str(number), number)
    await settle()
    desk.store.release()
    assert desk.done == list(range(50))
    desk.put("119", "later", stores=False)
    desk.put("0", "stored later")
    desk.put("new", "at once", stores=False)
    assert desk.done[50:] == ["at once"]
    await desk.batches.drained()
    desk.store.release()
    await settle()
    assert desk.done[51:] == [*range(50, 120), "later", "stored later"]
