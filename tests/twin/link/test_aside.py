from __future__ import annotations

import asyncio
import threading

import pytest

from twin.link.aside import Aside


@pytest.fixture
async def aside():
    made = Aside("beside")
    yield made
    await made.close()
    assert "beside" not in [thread.name for thread in threading.enumerate()]


async def where(value=None):
    await asyncio.sleep(0)
    return value, threading.current_thread().name, type(asyncio.get_running_loop())


async def test_it_runs_in_asyncios_own_loop_in_a_thread_of_its_own(aside):
    found = await asyncio.gather(*(aside.run(lambda number=number: where(number)) for number in range(3)))
    assert found == [(number, "beside", asyncio.SelectorEventLoop) for number in range(3)]


async def test_an_error_comes_back(aside):
    async def fail():
        raise LookupError("oh")

    with pytest.raises(LookupError, match="oh"):
        await aside.run(fail)


async def test_who_is_cancelled_waits_for_the_end(aside):
    begun, let_go, ended = threading.Event(), threading.Event(), threading.Event()

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(let_go.wait)
            ended.set()

    task = asyncio.create_task(aside.run(work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=0.01)
    assert (done, ended.is_set()) == (set(), False)
    let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_who_is_cancelled_before_it_began_does_not_hang(aside):
    task = asyncio.create_task(aside.run(where))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_can_be_closed_without_having_run():
    await Aside("unused").close()
