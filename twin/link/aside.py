"""A second event loop, in a thread of its own, for what must not run in the first one. Knows nothing of what that is.

Files move here for two reasons: whatever they cost does not hold up the twins, and the loop is asyncio's own. uvloop
(0.21 to 0.23) drops what it has not delivered yet of a TLS stream whose reader is busy when the peer closes, so that
downloads over HTTPS and FTPS lose their ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class Aside:
    """Run coroutines in a loop beside the caller's; its thread begins with the first one and ends with `close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop

    async def run(self, what: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """Run what `what` makes and return its result or raise its error; whoever is cancelled waits for its end."""
        here = asyncio.get_running_loop()
        there = self._started()
        ended: asyncio.Future[asyncio.Task[_Result]] = here.create_future()
        tasks: list[asyncio.Task[_Result]] = []

        def tell(task: asyncio.Task[_Result]) -> None:
            with suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
                here.call_soon_threadsafe(ended.set_result, task)

        def begin() -> None:
            tasks.append(there.create_task(what(), name=self._name))
            tasks[0].add_done_callback(tell)

        def cancel() -> None:
            tasks[0].cancel()

        there.call_soon_threadsafe(begin)
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            there.call_soon_threadsafe(cancel)
            await asyncio.wait({ended})
            raise
        return ended.result().result()

    async def close(self) -> None:
        """End the thread; nothing may run any more."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._thread is None:
            self._loop = asyncio.SelectorEventLoop()
            self._thread = threading.Thread(target=self._work, args=(self._loop,), name=self._name, daemon=True)
            self._thread.start()
        return self._loop

    @staticmethod
    def _work(loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()
