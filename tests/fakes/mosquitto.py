"""A real Mosquitto on a free port of this machine, which a test may stop, start again or kill."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

_PLACES = ("mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")

_PATIENCE = 20


def find() -> str | None:
    """Return where Mosquitto is installed."""
    return next((found for place in _PLACES if (found := shutil.which(place))), None)


class Mosquitto:
    """`lines` are added to its configuration; without a `listener` among them it listens without TLS on `port`.

    With `whole` they are all of it, made for the port that it is called with; it has to log to stderr.
    """

    def __init__(
        self, folder: Path, *lines: str, anonymous: bool = True, whole: Callable[[int], str] | None = None
    ) -> None:
        self._process: subprocess.Popen[str] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._config = folder / f"mosquitto-{self.port}.conf"
        common = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {str(anonymous).lower()}",
            "connection_messages false",
            "log_dest stderr",
            "persistence false",
        ]
        self._config.write_text(whole(self.port) if whole else "\n".join([*common, *lines]) + "\n")

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = find()
        assert program is not None
        self._process = subprocess.Popen([program, "-c", str(self._config)], stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if line.rstrip().endswith("running"):
                return
        self.stop()
        raise RuntimeError("".join(said))

    def stop(self) -> None:
        """End it and wait until it is gone."""
        if self._process is None:
            return
        for _ in range(_PATIENCE):
            # Mosquitto overlooks a signal that comes while it enters its loop.
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.2)
                break
        else:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._process = None

    def pause(self) -> None:
        """Let it hang: its connections stand, and nothing is read."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start it; what it held is lost."""
        self.stop()
        self.start()
