import asyncio
from contextlib import asynccontextmanager

import pytest
from fakes.virtual import settle

from twin.fleet.pacing import Dialer, TokenBucket


def test_a_bucket_lets_a_burst_pass_and_then_a_rate():
    bucket = TokenBucket(rate_per_s=10.0, burst=3)
    assert [bucket.take(5.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.1)]
    assert bucket.take(5.05) == pytest.approx(0.05)
    assert bucket.take(5.1) == 0.0
    assert [bucket.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.1)]


class Caller:
    under_way = 0
    most = 0

    def __init__(self, name="caller", takes_s=0.0):
        self.name = name
        self.takes_s = takes_s
        self.dialled = []
        self.ended = 0

    async def dial(self):
        self.dialled.append(asyncio.get_running_loop().time())
        Caller.under_way += 1
        Caller.most = max(Caller.most, Caller.under_way)
        try:
            await asyncio.sleep(self.takes_s)
            self.ended += 1
        finally:
            Caller.under_way -= 1


@asynccontextmanager
async def dialling(dialer):
    async with asyncio.TaskGroup() as tasks:
        dialer.start(tasks)
        yield
        dialer.stop()


async def test_nobody_dials_before_the_start():
    dialer, caller = Dialer(TokenBucket(100.0, 10), 10), Caller()
    dialer.request(caller)
    await settle()
    assert caller.dialled == []
    async with dialling(dialer):
        await settle()
        assert len(caller.dialled) == 1


async def test_callers_dial_in_order_and_in_pace():
    dialer, callers = Dialer(TokenBucket(10.0, 2), 10), [Caller() for _ in range(5)]
    async with dialling(dialer):
        for caller in callers:
            dialer.request(caller)
        await asyncio.sleep(1)
    times = [caller.dialled[0] - 1000.0 for caller in callers]
    assert times == pytest.approx([0.0, 0.0, 0.1, 0.2, 0.3], abs=1e-3)


async def test_only_so_many_dial_at_once():
    Caller.most = 0
    dialer, callers = Dialer(TokenBucket(1000.0, 1000), 3), [Caller(takes_s=1.0) for _ in range(10)]
    async with dialling(dialer):
        for caller in callers:
            dialer.request(caller)
        await asyncio.sleep(10)
    assert Caller.most == 3
    assert all(caller.ended == 1 for caller in callers)


async def test_a_request_can_be_taken_back_and_made_again():
    dialer, caller = Dialer(TokenBucket(1000.0, 1000), 3), Caller(takes_s=1.0)
    async with dialling(dialer):
        dialer.request(caller)
        await settle()
        dialer.cancel(caller)
        dialer.request(caller)
        await asyncio.sleep(5)
    assert (len(caller.dialled), caller.ended) == (2, 1)


async def test_stop_ends_what_is_under_way():
    dialer, caller = Dialer(TokenBucket(1000.0, 1000), 3), Caller(takes_s=1e9)
    async with dialling(dialer):
        dialer.request(caller)
        await settle()
    assert (len(caller.dialled), caller.ended) == (1, 0)
