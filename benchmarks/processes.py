"""The processes of a run: how they are started, told what to do, measured and ended."""

from __future__ import annotations

import json
import os
import platform
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

STOP_S = 60.0
ANSWER_S = 180.0
"""No answer of a process of ours takes longer."""

_PROCESS_CLOCK = 2  # CPUCLOCK_SCHED of Linux's include/linux/posix-timers.h


class Failed(Exception):
    """Say why a run cannot go on."""


class Process:
    """Run a program for the length of a `with`; measure its memory (bytes) and processor time (seconds)."""

    def __init__(self, command: Sequence[str], log: Path, **options: Any) -> None:
        self._name = log.stem
        self._log = log
        with log.open("wb") as output:
            self.started_at = time.monotonic()
            self._process = subprocess.Popen(command, stderr=output, **options)
        self._measured = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> float:
        """End it and return how long that took."""
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return time.monotonic() - began

    def check(self) -> None:
        """Raise Failed if it has ended."""
        if self._process.poll() is not None:
            last = self._log.read_text(errors="replace").strip().splitlines()[-3:]
            raise Failed(f"{self._name} ended with exit code {self._process.returncode}: {' '.join(last)}")

    def rss(self) -> int:
        """Return the memory that is resident."""
        return int(self._measured.memory_info().rss)

    def cpu(self) -> float:
        """Return the processor time used so far, in user and kernel mode, by all threads."""
        if platform.system() == "Linux":  # the usual way counts ticks of 10 ms
            return time.clock_gettime(~self._process.pid << 3 | _PROCESS_CLOCK)
        times = self._measured.cpu_times()
        return float(times.user + times.system)


class Scripted(Process):
    """Run one of our own modules that takes lines and answers in JSON."""

    def __init__(self, module: str, folder: Path, *arguments: str) -> None:
        super().__init__(
            [sys.executable, "-m", module, *arguments],
            folder / f"{module.rpartition('.')[2]}.log",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hello = self._answer()

    def ask(self, *words: object) -> Any:
        """Send a line and wait for the answer."""
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)
        return self._answer()

    def stop(self) -> float:
        """End it and close the pipes."""
        took = super().stop()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return took

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        # There is one line for each question, so that none can wait in the buffer.
        if not select.select([self._process.stdout], [], [], ANSWER_S)[0]:
            raise Failed(f"{self._name} does not answer")
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(STOP_S)
            self.check()
        return json.loads(line)


def mosquitto_program() -> str:
    """Find Mosquitto, or raise Failed."""
    folders = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
    found = shutil.which("mosquitto", path=os.pathsep.join(folders))
    if found is None:
        raise Failed("the benchmark needs Mosquitto: apt-get install mosquitto, or brew install mosquitto")
    return found


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run Mosquitto on a free port of the loopback interface; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\n"
        "max_queued_messages 0\nset_tcp_nodelay true\n"
    )
    with Process([mosquitto_program(), "-c", str(configuration)], folder / "mosquitto.log") as broker:
        until = time.monotonic() + 10
        while True:
            broker.check()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > until:
                raise Failed("Mosquitto does not listen")
            time.sleep(0.02)
        yield port
