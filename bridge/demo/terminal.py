"""The demo's output: reads the broker, lets `console` find the words, and writes lines.

Decides when something is written. The guide comes when the stations have started, so that it is the last thing on the
screen until somebody does something.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self, TextIO

import aiomqtt

from bridge.demo.console import Console, Style
from bridge.demo.remote import mqtt_client

ROOT = "ocpp-twin"
# A StatusNotification is about as long: on a narrower screen it is folded, and its status is not lost.
_NARROWEST = 140
_ACCEPTED = re.compile(rb'"registration":\s*"Accepted"')
_QUIET_S, _PATIENCE_S = 0.3, 5.0
"""How long nothing happens once the stations have started, and how long to wait for that, in seconds."""
_WIDTH_OF_FILES = 240


class Terminal:
    """Write lines for as long as somebody reads them; `closed` is set when nobody does any more."""

    def __init__(self, stream: TextIO, closed: asyncio.Event) -> None:
        self._stream = stream
        self._closed = closed
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")

    def style(self) -> Style:
        """Return how lines are dressed here: colour only at a terminal."""
        if not self._stream.isatty():
            return Style(width=_WIDTH_OF_FILES)
        columns = shutil.get_terminal_size().columns
        return Style("NO_COLOR" not in os.environ, max(columns, _NARROWEST), columns)

    def write(self, text: str) -> None:
        """Write a line at once."""
        if self._closed.is_set():
            return
        try:
            print(text, file=self._stream, flush=True)
        except OSError:  # whoever read has gone, as `head` does, or the terminal was closed
            self._closed.set()
            # Python writes what it still holds at its end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


async def narrate(
    url: str, terminal: Terminal, introduce: Callable[[], str], stations: int, *, listening: asyncio.Event
) -> None:
    """Write a line for all that happens below the daemon's root, and the guide; ends with the connection."""
    console = Console(ROOT, terminal.style())
    with _Guide(lambda: terminal.write(introduce()), stations) as guide:
        async with mqtt_client(url) as client:
            await client.subscribe(f"{ROOT}/#", qos=1)
            listening.set()
            try:
                async for message in client.messages:
                    line = console.line(str(message.topic), bytes(message.payload), datetime.now(UTC))
                    if line is not None:
                        terminal.write(line)
                    guide.heard(message)
            except aiomqtt.MqttError:
                return


class _Guide:
    """Show something once: when all stations are registered and it is quiet, or that takes too long."""

    def __init__(self, show: Callable[[], None], stations: int) -> None:
        self._show = show
        self._stations = stations
        self._registered: set[str] = set()
        self._shown = False
        self._latest: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def heard(self, message: aiomqtt.Message) -> None:
        """Wait again from now on, at most for as long as there is patience since the daemon is up."""
        loop = asyncio.get_running_loop()
        if _is_up(message) and self._latest is None:
            self._latest = loop.time() + _PATIENCE_S
        if (twin := _registered(message)) is not None:
            self._registered.add(twin)
        if self._latest is None or self._shown:
            return
        if self._timer is not None:
            self._timer.cancel()
        quiet = loop.time() + _QUIET_S if len(self._registered) >= self._stations else self._latest
        self._timer = loop.call_at(min(quiet, self._latest), self._show_it)

    def _show_it(self) -> None:
        self._shown = True
        self._show()


def _registered(message: aiomqtt.Message) -> str | None:
    match str(message.topic).removeprefix(f"{ROOT}/").split("/"):
        case [twin, "state"] if _ACCEPTED.search(bytes(message.payload)):
            return twin
        case _:
            return None


def _is_up(message: aiomqtt.Message) -> bool:
    return str(message.topic) == f"{ROOT}/bridge/main/availability" and message.payload == b"online"
