"""The daemon as a process of its own, which a test may end politely or kill."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Self

from fakes.record import PATIENCE_S, Record


class Daemon:
    """Run `ocpp-twin run` on a configuration, as an async context manager that kills what is left of it.

    Settings of the environment are those that are given, and no others.
    """

    def __init__(self, folder: Path, configuration: dict[str, Any], environment: dict[str, str] | None = None) -> None:
        self.log: Record[dict[str, Any]] = Record()
        self._folder = folder
        self._environment = environment or {}
        # JSON is YAML.
        (folder / "given.yaml").write_text(json.dumps(configuration))
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self.kill()

    async def start(self, *, wait: bool = True) -> None:
        """Start it; return when it says that it runs."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OCPP_TWIN__")}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "run", "--config", "given.yaml"),
            cwd=self._folder,
            env=kept | self._environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        mark = len(self.log)
        self._reader = asyncio.create_task(self._read(self._process), name="daemon log")
        if wait:
            await self.log.until(lambda line: line["event"] == "running", "the daemon", after=mark)

    @property
    def runs(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._process is not None and self._process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, and do not wait."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """Be kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """End it politely and return its exit code."""
        return await self._end(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait until it ends by itself and return its exit code."""
        return await self._end(None)

    async def _end(self, number: signal.Signals | None) -> int:
        process, reader = self._process, self._reader
        assert process is not None
        assert reader is not None
        self._process = self._reader = None
        if number is not None and process.returncode is None:
            process.send_signal(number)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await reader
                return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.log.add(_parsed(line.decode()))


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {"event": "not a line of the log", "text": line.rstrip("\n")}
    assert isinstance(found, dict)
    return found
