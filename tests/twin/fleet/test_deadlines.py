import asyncio

import pytest
from fakes.virtual import settle

from twin.fleet.deadlines import Deadline, Deadlines


class Bell:
    def __init__(self, deadlines, name="bell"):
        self.deadlines = deadlines
        self.rung = []
        self.deadline = Deadline(lambda: self.rung.append(asyncio.get_running_loop().time()))

    def at(self, when):
        self.deadlines.set(self.deadline, when)


async def test_it_acts_when_something_is_due():
    bell = Bell(Deadlines())
    bell.at(1010.0)
    await asyncio.sleep(9.9)
    assert bell.rung == []
    await asyncio.sleep(0.2)
    assert bell.rung == [1010.0]


async def test_what_was_done_is_not_done_again():
    bell = Bell(Deadlines())
    bell.at(1010.0)
    await asyncio.sleep(100)
    assert len(bell.rung) == 1


@pytest.mark.parametrize("other", [1005.0, 1020.0])
async def test_a_deadline_moves(other):
    bell = Bell(Deadlines())
    bell.at(1010.0)
    bell.at(other)
    await asyncio.sleep(100)
    assert bell.rung == [other]


async def test_a_deadline_that_moves_away_and_back_fires_once():
    bell = Bell(Deadlines())
    for when in (1010.0, 1005.0, 1030.0, 1010.0):
        bell.at(when)
    await asyncio.sleep(100)
    assert bell.rung == [1010.0]


async def test_a_deadline_can_be_called_off():
    bell = Bell(Deadlines())
    bell.at(1010.0)
    bell.at(None)
    await asyncio.sleep(100)
    assert bell.rung == []


async def test_a_deadline_that_only_moves_away_takes_one_entry():
    deadlines = Deadlines()
    bell = Bell(deadlines)
    for when in range(1010, 2000):
        bell.at(float(when))
    assert len(deadlines._heap) == 1


async def test_a_turn_of_the_loop_is_kept_short():
    deadlines = Deadlines(per_turn=10)
    bells = [Bell(deadlines) for _ in range(25)]
    for bell in bells:
        bell.at(1010.0)
    await asyncio.sleep(10)
    await settle()
    assert sum(bool(bell.rung) for bell in bells) == 10
    await asyncio.sleep(1)
    assert all(bell.rung for bell in bells)


async def test_one_that_fails_does_not_keep_the_others_waiting():
    deadlines, reported = Deadlines(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    bad, good = Deadline(lambda: 1 // 0), Bell(deadlines)
    deadlines.set(bad, 1005.0)
    good.at(1005.0)
    await asyncio.sleep(10)
    assert good.rung
    assert [type(error) for error in reported] == [ZeroDivisionError]


async def test_after_stop_nothing_is_done():
    deadlines = Deadlines()
    bell = Bell(deadlines)
    bell.at(1010.0)
    deadlines.stop()
    bell.at(1005.0)
    await asyncio.sleep(100)
    assert bell.rung == []


async def test_a_loop_may_do_at_once_what_is_due_now(monkeypatch):
    # uvloop returns the handle of call_soon then, which does not know its time.
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_at", lambda _when, act: loop.call_soon(act))
    deadlines = Deadlines()
    first, second = Bell(deadlines), Bell(deadlines)
    first.at(loop.time())
    second.at(loop.time())
    await settle()
    assert len(first.rung) == len(second.rung) == 1
