"""The demo's output: reads the broker, lets `console` find the words, and writes lines.

Decides when something is written. The first thing is the guide, as soon as the daemon says that it is up.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import aiomqtt

from bridge.demo.console import Console, Style
from bridge.demo.remote import mqtt_client

ROOT = "ocpp-twin"
# A StatusNotification is about as long: on a narrower screen it wraps, and its status is not lost.
_NARROWEST = 140
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
        width = max(shutil.get_terminal_size().columns, _NARROWEST)
        return Style(color="NO_COLOR" not in os.environ, width=width)

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


async def narrate(url: str, terminal: Terminal, introduce: Callable[[], str], *, listening: asyncio.Event) -> None:
    """Write a line for all that happens below the daemon's root, after the guide; ends with the connection."""
    console = Console(ROOT, terminal.style())
    held: list[str] | None = []
    async with mqtt_client(url) as client:
        await client.subscribe(f"{ROOT}/#", qos=1)
        listening.set()
        try:
            async for message in client.messages:
                line = console.line(str(message.topic), bytes(message.payload), datetime.now(UTC))
                if line is not None:
                    terminal.write(line) if held is None else held.append(line)
                if held is not None and _is_up(message):
                    terminal.write("\n".join([introduce(), *held]))
                    held = None
        except aiomqtt.MqttError:
            return


def _is_up(message: aiomqtt.Message) -> bool:
    return str(message.topic) == f"{ROOT}/bridge/main/availability" and message.payload == b"online"
