from __future__ import annotations

import asyncio
import gc

import pytest

from bridge import garbage


@pytest.fixture(autouse=True)
def _as_before():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.enable()
    gc.unfreeze()


def counting():
    slept: list[float] = []

    async def sleep(seconds):
        assert not gc.isenabled()
        slept.append(seconds)

    return slept, sleep


async def test_the_collector_looks_again_when_nothing_comes_any_more():
    slept, sleep = counting()
    garbage.begin()
    coming = iter([0, 5, 9, 9, 12, 12, 12, 12, 12])
    await garbage.settle(lambda: next(coming), sleep=sleep)
    assert (gc.isenabled(), sum(slept)) == (True, 7.0)


async def test_and_in_the_end_though_something_always_comes():
    slept, sleep = counting()
    garbage.begin()
    coming = iter(range(1000))
    await garbage.settle(lambda: next(coming), sleep=sleep)
    assert (gc.isenabled(), sum(slept)) == (True, 120.0)


async def test_a_start_that_is_given_up_leaves_it_on():
    garbage.begin()
    settling = asyncio.create_task(garbage.settle(lambda: 0))
    await asyncio.sleep(0)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    assert gc.isenabled()
