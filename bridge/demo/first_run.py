"""The demo's composition: broker, Central System, daemon and console on the loopback interface, and their end.

The daemon is the one that `ocpp-twin run` runs; only its configuration is ours. Ends in the reverse order of the start,
so that the daemon can still say goodbye to broker and Central System.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from bridge import app, logs
from bridge.daemon import CannotStart
from bridge.demo import guide
from bridge.demo.broker import Broker, BrokerFailed, broker
from bridge.demo.csms import CentralSystem
from bridge.demo.files import Files
from bridge.demo.ports import HOST, Ports, free_port
from bridge.demo.remote import Remote
from bridge.demo.terminal import Terminal, narrate
from bridge.monitoring.address import address
from twin.errors import StoreError

_ATTEMPTS = 5
_READY_S = 5.0
_ENV_PREFIX = "OCPP_TWIN__"
_TWINS = {"garage": "ac-11kw", "office": "ac-22kw-dual", "plaza": "dc-150kw"}
_KEYS = {"MeterValueSampleInterval": 15}


def run(ports: Ports, data: Path | None) -> int:
    """Run the demo until a signal ends it; return the exit code."""
    logs.configure("warning", "auto", events=False)  # the console shows them
    # The demo is whole in itself: settings that are meant for a daemon would only break it.
    for name in [name for name in os.environ if name.upper().startswith(_ENV_PREFIX)]:
        del os.environ[name]
    code = 1
    try:
        if data is not None:
            _make(data)
        with tempfile.TemporaryDirectory(prefix="ocpp-twin-demo-", ignore_cleanup_errors=True) as folder:
            asyncio.run(_Demo(ports, data or Path(folder), Path(folder)).run())
        code = 0
    except* (BrokerFailed, StoreError, CannotStart, OSError) as group:
        for sentence in _sentences(group):
            print(f"ocpp-twin: {sentence}", file=sys.stderr)
    return code


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"the folder {folder} cannot be made ({error.strerror}): name another one with --data"
        raise CannotStart(text) from error


def _sentences(error: BaseException) -> Iterator[str]:
    match error:
        case BaseExceptionGroup():
            for inner in error.exceptions:
                yield from _sentences(inner)
        case OSError(filename=str() as name, strerror=str() as reason):
            yield f"{name}: {reason}"
        case _:
            yield str(error)


def stop_on_signals() -> asyncio.Event:
    """Return an event that the signals set which end a program."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def central_system(wanted: int, host: str = HOST) -> AsyncIterator[tuple[CentralSystem, int]]:
    """Run the Central System on the port or the next free one, and say which."""
    # Whoever knocks without speaking WebSocket is not worth a traceback on somebody's terminal.
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    for attempt in range(_ATTEMPTS):
        csms = CentralSystem(port := free_port(wanted), host=host)
        try:
            await csms.__aenter__()
        except OSError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            break
    try:
        yield csms, port
    finally:
        await csms.__aexit__()


class _Demo:
    """Hold what the demo consists of; `data` is for the daemon, `scratch` for the broker."""

    def __init__(self, ports: Ports, data: Path, scratch: Path) -> None:
        self._ports = ports
        self._data = data
        self._scratch = scratch

    async def run(self) -> None:
        """Start all, wait for the end, end all. Raises BrokerFailed, and what the daemon raises."""
        stop = stop_on_signals()
        terminal = Terminal(sys.stdout, stop)
        async with (
            broker(self._ports.mqtt, self._scratch) as running,
            central_system(self._ports.csms) as (csms, csms_port),
            self._files(terminal) as files,
        ):
            http_port = free_port(self._ports.http)
            moves = (
                guide.moved("broker", self._ports.mqtt, running.port),
                guide.moved("Central System", self._ports.csms, csms_port),
                guide.moved("server of files", self._ports.files, files.port),
                guide.moved("daemon's HTTP", self._ports.http, http_port),
            )
            notes = [note for note in moves if note is not None]
            introduction = guide.guide(running.url, csms.url, files.url, address(HOST, http_port), notes)
            await self._serve(
                self._write_configuration(running, csms, http_port), running, csms, terminal, lambda: introduction, stop
            )
            if running.process.returncode is not None:
                raise BrokerFailed(f"The MQTT broker ended with exit code {running.process.returncode}")

    def _files(self, terminal: Terminal) -> Files:
        folder = self._data / "uploads"

        def told(name: str, size: int) -> None:
            terminal.write(f"{'files':<9} {name} came in: {size} bytes, in {folder}")

        return Files(free_port(self._ports.files), folder, told)

    async def _serve(
        self,
        configuration: Path,
        running: Broker,
        csms: CentralSystem,
        terminal: Terminal,
        introduce: Callable[[], str],
        stop: asyncio.Event,
    ) -> None:
        listening, remote = asyncio.Event(), Remote(csms, running.url)
        narrator = narrate(running.url, terminal, introduce, len(_TWINS), listening=listening)
        async with _background(remote.run(), narrator, _watch(running, stop)):
            try:
                async with asyncio.timeout(_READY_S):
                    await listening.wait()
                    await remote.ready.wait()
            except TimeoutError:
                raise BrokerFailed(f"The MQTT broker at {running.url} lets nobody in") from None
            await app.serve(app.configuration([configuration]), stop)

    def _write_configuration(self, running: Broker, csms: CentralSystem, http_port: int) -> Path:
        file = self._scratch / "ocpp-twin.yaml"
        settings = {
            "mqtt": {"url": running.url, "protocol": running.protocol, "trace": ["*"]},
            "csms": {"url": csms.url, "backoff": {"min": "1s", "max": "10s"}},
            "http": {"enabled": True, "port": http_port},
            "store": {"url": f"sqlite:///{self._data.resolve() / 'demo.db'}"},
            "twins": [{"id": twin, "template": template, "keys": _KEYS} for twin, template in _TWINS.items()],
        }
        file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        return file


async def _watch(running: Broker, stop: asyncio.Event) -> None:
    await running.process.wait()
    stop.set()


@asynccontextmanager
async def _background(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run jobs beside the body, and end them after it."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        yield
        for task in running:
            task.cancel()
