import asyncio

import pytest

from bridge.farewell import while_it_gets_on


async def test_what_ends_in_time_has_ended():
    assert await while_it_gets_on(asyncio.sleep(0), lambda: 0, patience_s=10, limit_s=10)


async def test_what_does_not_move_is_given_up_and_cancelled():
    over = asyncio.Event()

    async def stuck():
        try:
            await asyncio.Event().wait()
        finally:
            over.set()

    assert not await while_it_gets_on(stuck(), lambda: 7, patience_s=0.01, limit_s=10)
    await over.wait()


async def test_what_moves_may_take_longer_than_the_patience():
    moved = 0

    async def slow():
        nonlocal moved
        looked = asyncio.Event()
        for _ in range(3):
            moved += 1
            looks.append(looked)
            await looked.wait()
            looked.clear()

    looks = []

    def progress():
        if looks:
            looks[-1].set()
        return moved

    assert await while_it_gets_on(slow(), progress, patience_s=0.05, limit_s=10)
    assert moved == 3


async def test_nothing_lasts_for_ever():
    moves = iter(range(1_000_000))
    assert not await while_it_gets_on(asyncio.Event().wait(), lambda: next(moves), patience_s=0.01, limit_s=0.05)


async def test_what_fails_is_told():
    async def fail():
        raise ValueError("so it was")

    with pytest.raises(ValueError, match="so it was"):
        await while_it_gets_on(fail(), lambda: 0, patience_s=1, limit_s=1)
