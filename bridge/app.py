"""The composition root: reads settings once, opens the store, and runs a daemon until a signal ends it.

What the daemon is made of, and in which order it begins and ends, is the business of `daemon`.
"""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import structlog

from bridge import clockwork, garbage, logs, surroundings
from bridge.daemon import CannotStart, Daemon, Load, key_problem
from bridge.descriptors import TooFewFiles, make_room_for
from bridge.monitoring.address import CannotListen
from bridge.supervisor import Supervisor
from config.loading import Configuration, load
from config.settings import LogSettings
from twin.errors import StoreError
from twin.ocpp.v16 import keys
from twin.store.sqlite import open_store

_ENDING = (signal.SIGTERM, signal.SIGINT)

_log = structlog.get_logger("daemon")


def configuration(files: Sequence[Path] = (), *, required: bool = True) -> Configuration:
    """Read and check the configuration, OCPP keys included; raises ConfigError."""
    return load(
        files,
        required=required,
        key_problem=key_problem,
        standard_keys=tuple(keys.KEYS),
        check=surroundings.problems,
    )


def run(configured: Configuration, load: Load | None = None) -> int:
    """Run the daemon until a signal ends it; return the exit code. `load` reads the configuration anew."""
    # A watchdog kills a daemon that stalls with SIGABRT: then the log says where it stood.
    faulthandler.enable()
    code = ended(lambda: _until_signal(configured, load), configured.settings.logs)
    # Who asks again while the interpreter ends must not change the exit code: all is done.
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    return code


def ended(daemon: Callable[[], Coroutine[Any, Any, None]], log: LogSettings) -> int:
    """Run a daemon in an event loop of its own; return the exit code."""
    logs.configure(log.level, log.format)
    garbage.begin()
    try:
        _runner()(daemon())
    except (CannotStart, StoreError) as error:
        _log.error("failed", reason=str(error))
        return 1
    finally:
        garbage.end()
    return 0


async def serve(
    configured: Configuration,
    stop: asyncio.Event,
    load: Load | None = None,
    on_reload: Callable[[Callable[[], None]], None] = lambda _: None,
) -> None:
    """Run the daemon in this event loop until `stop` is set. Raises CannotStart and StoreError.

    `load` reads the configuration anew; `on_reload` is given what starts that.
    """
    with Supervisor() as supervisor:
        supervisor.status(f"starting, twins to load: {len(configured.twins)}")
        await _serve(configured, stop, load or (lambda: configured), on_reload, supervisor)


async def _serve(
    configured: Configuration,
    stop: asyncio.Event,
    load: Load,
    on_reload: Callable[[Callable[[], None]], None],
    supervisor: Supervisor,
) -> None:
    try:
        make_room_for(len(configured.twins))
    except TooFewFiles as error:
        raise CannotStart(str(error)) from None
    for note in configured.notes:
        _log.info("note", text=note)
    if (doubt := clockwork.warning(time.time())) is not None:
        _log.warning("clock", text=doubt)
    store = open_store(configured.settings.store.url)
    try:
        daemon = Daemon(configured, store, store.load(), stop, load, supervisor)
        on_reload(daemon.reload)
        async with daemon.monitor:
            await daemon.run()
    except CannotListen as error:
        raise CannotStart(str(error)) from None
    finally:
        await store.close()


def _runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    try:
        import uvloop  # noqa: PLC0415 - does not exist everywhere
    except ImportError:
        return asyncio.run
    return uvloop.run


async def _until_signal(configured: Configuration, load: Load | None) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in _ENDING:
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # nothing to reload before it runs
    await serve(configured, stop, load, lambda reload: loop.add_signal_handler(signal.SIGHUP, reload))
