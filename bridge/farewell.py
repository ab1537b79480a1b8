"""How long an end may take: as long as it gets on, and not for ever. Knows nothing about what ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def while_it_gets_on(
    what: Coroutine[Any, Any, None], progress: Callable[[], int], *, patience_s: float, limit_s: float
) -> bool:
    """Wait for something that may never end; give it up and return False where nothing moves any more.

    Nothing moves when `progress` returned the same number for `patience_s` seconds; `limit_s` bounds it all.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + limit_s
    task = asyncio.create_task(what, name="farewell")
    try:
        while True:
            before = progress()
            done, _ = await asyncio.wait({task}, timeout=min(patience_s, until - loop.time()))
            if done:
                task.result()
                return True
            if progress() == before or loop.time() >= until:
                return False
    finally:
        task.cancel()
