"""The MQTT broker of the demo: Mosquitto where it is installed, else amqtt, as a process of its own.

Decides which broker runs and how it is started, watched and ended. It listens on the loopback interface only, lets
everybody in, and keeps nothing on disk: what must last is the daemon's business.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.demo.ports import HOST, free_port

Kind = Literal["mosquitto", "amqtt"]

MOSQUITTO_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 3.0
_ATTEMPTS = 3
_POLL_S = 0.02
UP = b" running\n"
"""What either broker writes as soon as it listens."""

_PR_SET_PDEATHSIG = 1  # prctl(2)


class BrokerFailed(Exception):
    """Say why there is no broker, and what can be done about it."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Be a broker that runs."""

    kind: Kind
    port: int
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        """Return its address."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def protocol(self) -> Literal["5", "3.1.1"]:
        """Return the newest MQTT version that it speaks."""
        return "5" if self.kind == "mosquitto" else "3.1.1"


def mosquitto_program() -> str | None:
    """Find Mosquitto; distributions keep it in folders that are not on everybody's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *MOSQUITTO_FOLDERS])
    return shutil.which("mosquitto", path=path)


def choices() -> list[Kind]:
    """Return the brokers that are installed, the better one first; raises BrokerFailed if there is none."""
    found: list[Kind] = []
    if mosquitto_program() is not None:
        found.append("mosquitto")
    if importlib.util.find_spec("amqtt") is not None:
        found.append("amqtt")
    if not found:
        raise BrokerFailed(
            "There is no MQTT broker. Install Mosquitto (apt-get install mosquitto, brew install mosquitto), "
            "or the Python one: pip install 'ocpp-twin[demo]'"
        )
    return found


@asynccontextmanager
async def broker(port: int, folder: Path, kind: Kind | None = None) -> AsyncIterator[Broker]:
    """Run a broker on the port or the next free one, and end it afterwards; raises BrokerFailed.

    `folder` exists and is for what the broker writes.
    """
    kinds = choices() if kind is None else [kind]
    try:
        running = await _started(port, folder, kinds[0])
    except BrokerFailed:
        # Some systems confine Mosquitto so that it cannot read a configuration of ours.
        if len(kinds) == 1:
            raise
        running = await _started(port, folder, kinds[1])
    try:
        yield running
    finally:
        await _end(running.process)


async def _started(port: int, folder: Path, kind: Kind) -> Broker:
    said = ""
    for _ in range(_ATTEMPTS):
        port = free_port(port)
        command = _mosquitto(port, folder) if kind == "mosquitto" else _amqtt(port)
        log = folder / "broker.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C at the terminal is for the demo alone: the daemon still has to say goodbye over MQTT.
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                if await _is_up(process, log):
                    return Broker(kind, port, process)
        except TimeoutError:
            await _end(process)
        except BaseException:
            await _end(process)
            raise
        said = log.read_text(encoding="utf-8", errors="replace").strip()
    last = said.splitlines()[-1] if said else "it said nothing"
    raise BrokerFailed(f"The MQTT broker ({kind}) does not start: {last}")


async def _is_up(process: asyncio.subprocess.Process, log: Path) -> bool:
    # Its own word counts: whoever was quicker to take the port would answer there, too.
    while process.returncode is None:
        if UP in log.read_bytes():  # noqa: ASYNC240 - a few lines, in memory yet
            return True
        await asyncio.sleep(_POLL_S)
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _mosquitto(port: int, folder: Path) -> list[str]:
    program = mosquitto_program()
    if program is None:
        raise BrokerFailed("Mosquitto is not installed")
    configuration = folder / "mosquitto.conf"
    lines = [
        f"listener {port} {HOST}",
        "allow_anonymous true",
        "set_tcp_nodelay true",
        "persistence false",
        "log_dest stderr",
        "log_type error",
        "log_type information",  # among it that it is up
        "connection_messages false",
        # Started by root it would change to a user that may not exist; started by others it ignores this.
        "user root",
    ]
    configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [program, "-c", str(configuration)]


def _amqtt(port: int) -> list[str]:
    # -P: what lies in the working folder is none of ours, whatever its name.
    return [sys.executable, "-P", "-m", "bridge.demo.amqtt_broker", str(port)]


def _die_with_parent() -> Callable[[], None] | None:
    """Return what makes the broker end with the demo, also after kill -9; only Linux can."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
