"""How often the event loop turns while something is done: whoever works in slices lets others go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def counted() -> AsyncIterator[Callable[[], int]]:
    """Count turns; what is yielded returns how many there were so far."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    try:
        yield lambda: turns
    finally:
        turning.cancel()
