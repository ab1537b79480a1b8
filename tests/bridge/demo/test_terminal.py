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


async def test_the_guide_comes_first_and_when_the_daemon_is_up(running_broker):
    screen, listening = Screen(), asyncio.Event()
    terminal = Terminal(screen, asyncio.Event())
    task = asyncio.create_task(narrate(running_broker.url, terminal, lambda: "GUIDE", listening=listening))
    await listening.wait()
    async with Talk(running_broker.port, "ocpp-twin/#") as talk:
        event = {"type": "unplugged", "evse": 1, "data": {}}
        await talk.say("ocpp-twin/garage/event", event)
        await talk.hear("ocpp-twin/garage/event")
        assert screen.getvalue() == ""
        await talk.say("ocpp-twin/bridge/main/availability", "online")
        async with asyncio.timeout(5):
            while "online" not in screen.getvalue():  # noqa: ASYNC110 - what a screen shows is no event
                await asyncio.sleep(0)
    lines = screen.getvalue().splitlines()
    assert lines[0] == "GUIDE"
    assert [line.split("  ", 1)[1] for line in lines[1:]] == [
        "garage/1   cable pulled out",
        "main       the daemon is online",
    ]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
