"""When Python's garbage collector looks: seldom, and not while a fleet starts.

Ten thousand twins are a million objects that live for ever. The collector would go through them again and again as they
come, half a second at a time; what a start leaves behind in circles is a handful of objects.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

_LOOK_EVERY_S = 1.0
_LOOKS = 120
_QUIET = 3


def begin() -> None:
    """Look seldom; and not at all until `settle` has ended, or `end`."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1000)
    gc.disable()


def end() -> None:
    """Look again."""
    gc.freeze()
    gc.enable()


async def settle(grown: Callable[[], int], *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
    """Take what comes out of the collector's sight, until `grown` says the same for some seconds; then look again."""
    try:
        seen, same = grown(), 0
        for _ in range(_LOOKS):
            await sleep(_LOOK_EVERY_S)
            gc.freeze()
            now = grown()
            seen, same = now, same + 1 if now == seen else 0
            if same == _QUIET:
                break
    finally:
        end()
