"""What happens again and again as time passes, whatever the twins do: clock marks, old receipts, a wall clock set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from twin.fleet.ports import FleetOptions
from twin.fleet.shell import Shell
from twin.store.port import ForgetReceipts

_FORGET_EVERY_S = 3600.0

_log = structlog.get_logger("twin")


async def keep_time(shell: Shell, options: FleetOptions, jumped: Callable[[], None]) -> None:
    """Go on for ever; `jumped` is called when the clock was set forward, so that deadlines are computed again."""
    loop = asyncio.get_running_loop()
    forget_at = loop.time()
    while True:
        # Each batch carries a mark, too; these are for the times in which nothing happens.
        shell.batches.store(shell.clock.mark(options.mark_interval_s))
        if loop.time() >= forget_at:
            forget_at += _FORGET_EVERY_S
            shell.batches.store(ForgetReceipts(shell.clock.now() - options.receipts_kept_s))
        await asyncio.sleep(options.mark_interval_s)
        if shell.clock.follow_wall():
            _log.warning("clock_set_forward", now=shell.clock.now())
            jumped()
