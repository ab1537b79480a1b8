from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from fakes.watching import ROOT, FakeLine, Screen

from bridge.watching.app import WatchApp
from bridge.watching.knowledge import Knowledge


@pytest.fixture
def watching() -> Callable[..., AbstractAsyncContextManager[Screen]]:
    """Run `watch` on a terminal of a size, without a broker."""

    @asynccontextmanager
    async def run(
        known: Knowledge | None = None, *, width: int = 80, height: int = 24, line: FakeLine | None = None
    ) -> AsyncIterator[Screen]:
        heard, connection = known or Knowledge(ROOT), line or FakeLine()
        app = WatchApp(heard, connection, ROOT)
        async with app.run_test(size=(width, height)) as pilot:
            await pilot.pause()
            yield Screen(app, pilot, heard, connection)

    return run
