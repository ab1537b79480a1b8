"""`ocpp-twin demo` as a process of its own, as `make demo` starts it, on ports that are free."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Self

from fakes.free import free_port
from fakes.record import PATIENCE_S, Record


class Demo:
    """Run it as an async context manager; `port` is the broker's, `lines` what it prints."""

    def __init__(self, folder: Path) -> None:
        self.lines: Record[str] = Record()
        self.port = 0
        self._folder = folder
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        ports = ("--mqtt-port", str(free_port()), "--csms-port", str(free_port()))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "demo", *ports),
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read(), name="demo")
        address = re.compile(r"MQTT mqtt://127\.0\.0\.1:(\d+)$")
        line = await self.lines.until(lambda line: bool(address.match(line)), "the broker's address")
        self.port = int(address.match(line)[1])  # type: ignore[index]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._reader
                await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.add(line.decode().rstrip("\n"))
