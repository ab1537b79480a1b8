import asyncio

from fakes.world import T0
from structlog.testing import capture_logs

from twin.store.port import Receipt


async def test_after_a_crash_the_last_moment_is_known_to_some_seconds(world):
    async with world.open("garage"):
        await asyncio.sleep(100)
        assert T0 + 89 < world.store.clock.alive <= T0 + 100


async def test_old_receipts_are_forgotten_every_hour(world):
    async with world.open("garage") as fleet:
        fleet.command("garage", "plug", lambda: None, Receipt("garage", "t", "r", T0, b"null"))
        await asyncio.sleep(1800)
        assert len(world.store.receipts) == 1
        await asyncio.sleep(1900)
        assert world.store.receipts == {}


async def test_a_wall_clock_that_is_set_forward_moves_all_deadlines(world):
    async with world.open("garage") as fleet:
        station = world.cast["garage"]
        station.due = T0 + 3600
        fleet.command("garage", "plug", lambda: None)
        world.clock._wall = lambda: T0 + 7200.0
        with capture_logs() as logs:
            await asyncio.sleep(11)
        assert "tick" in [what[0] for what in station.heard]
        assert [line["event"] for line in logs] == ["clock_set_forward"]
