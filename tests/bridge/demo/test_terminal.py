from __future__ import annotations

import asyncio
import io
import os

from fakes.mqtt import Talk

from bridge.demo.terminal import Terminal, narrate


class Screen(io.StringIO):
    def __init__(self, *, terminal=False):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal


def test_colour_only_at_a_terminal_that_wants_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    closed = asyncio.Event()
    assert Terminal(Screen(terminal=True), closed).style().color
    assert not Terminal(Screen(), closed).style().color
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Terminal(Screen(terminal=True), closed).style().color


def test_nobody_reads_any_more():
    reading, writing = os.pipe()
    os.close(reading)
    closed = asyncio.Event()
    with os.fdopen(writing, "w") as stream:
        terminal = Terminal(stream, closed)
        terminal.write("hello")
        assert closed.is_set()
        terminal.write("again")


def test_a_narrow_terminal_folds_what_a_wide_one_shows_whole(monkeypatch):
    terminal = Terminal(Screen(terminal=True), asyncio.Event())
    monkeypatch.setenv("COLUMNS", "80")
    assert (terminal.style().columns, terminal.style().width) == (80, 140)
    monkeypatch.setenv("COLUMNS", "200")
    assert (terminal.style().columns, terminal.style().width) == (200, 200)


async def test_the_guide_comes_once_and_when_the_stations_have_started(running_broker):
    screen, listening = Screen(), asyncio.Event()
    terminal = Terminal(screen, asyncio.Event())
    task = asyncio.create_task(narrate(running_broker.url, terminal, lambda: "GUIDE", 1, listening=listening))
    await listening.wait()
    async with Talk(running_broker.port, "ocpp-twin/#") as talk:
        event = {"type": "unplugged", "evse": 1, "data": {}}
        await talk.say("ocpp-twin/bridge/main/availability", "online")
        await talk.say("ocpp-twin/garage/state", {"registration": "Accepted"})
        await talk.say("ocpp-twin/garage/event", event)
        async with asyncio.timeout(4):
            while "GUIDE" not in screen.getvalue():  # noqa: ASYNC110 - what a screen shows is no event
                await asyncio.sleep(0)
        await talk.say("ocpp-twin/bridge/main/availability", "online")
        await talk.say("ocpp-twin/garage/event", event)
        async with asyncio.timeout(5):
            while screen.getvalue().count("cable") < 2:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0)
    assert [line.split("  ", 1)[-1] for line in screen.getvalue().splitlines()] == [
        "main       the daemon is online",
        "garage/1   cable pulled out",
        "GUIDE",
        "main       the daemon is online",
        "garage/1   cable pulled out",
    ]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
