import asyncio

from bridge.mapping.deadlines import Deadlines


async def test_each_is_due_in_its_time():
    loop, heard = asyncio.get_running_loop(), []
    began = loop.time()
    deadlines = Deadlines(lambda key: heard.append((key, loop.time() - began)))
    deadlines.put("b", began + 20)
    deadlines.put("a", began + 10)
    await asyncio.sleep(30)
    assert heard == [("a", 10), ("b", 20)]


async def test_putting_off_putting_forward_and_cancelling():
    loop, heard = asyncio.get_running_loop(), []
    began = loop.time()
    deadlines = Deadlines(lambda key: heard.append((key, loop.time() - began)))
    for second in range(5):
        deadlines.put("later", began + 10 + second)
    deadlines.put("sooner", began + 50)
    deadlines.put("sooner", began + 5)
    deadlines.put("never", began + 7)
    deadlines.cancel("never")
    assert "later" in deadlines
    assert "never" not in deadlines
    await asyncio.sleep(100)
    assert heard == [("sooner", 5), ("later", 14)]


async def test_one_that_is_cancelled_and_put_again_is_due_once():
    heard = []
    deadlines = Deadlines(heard.append)
    now = asyncio.get_running_loop().time()
    deadlines.put("a", now + 10)
    deadlines.cancel("a")
    deadlines.put("a", now + 20)
    await asyncio.sleep(15)
    assert heard == []
    await asyncio.sleep(15)
    assert heard == ["a"]


async def test_the_end():
    heard = []
    deadlines = Deadlines(heard.append)
    deadlines.put("a", asyncio.get_running_loop().time() + 1)
    deadlines.stop()
    await asyncio.sleep(10)
    assert heard == []


async def test_thousands_that_are_put_off_all_the_time_cost_one_timer():
    heard = []
    deadlines = Deadlines(heard.append)
    loop = asyncio.get_running_loop()
    for _ in range(20):
        for key in range(1000):
            deadlines.put(key, loop.time() + 5)
        await asyncio.sleep(1)
    assert heard == []
    assert len(deadlines._heap) <= 1000
    await asyncio.sleep(10)
    assert sorted(heard) == list(range(1000))


async def test_what_is_put_again_after_the_end_is_due():
    loop, heard = asyncio.get_running_loop(), []
    began = loop.time()
    deadlines = Deadlines(lambda key: heard.append((key, loop.time() - began)))
    deadlines.put("a", began + 10)
    deadlines.stop()
    deadlines.put("a", began + 20)
    await asyncio.sleep(100)
    assert heard == [("a", 20)]


async def test_one_that_was_cancelled_may_be_due_earlier_than_before():
    loop, heard = asyncio.get_running_loop(), []
    began = loop.time()
    deadlines = Deadlines(lambda key: heard.append((key, loop.time() - began)))
    deadlines.put("a", began + 50)
    deadlines.cancel("a")
    deadlines.put("a", began + 5)
    await asyncio.sleep(10)
    deadlines.put("a", began + 80)
    await asyncio.sleep(100)
    assert heard == [("a", 5), ("a", 80)]
