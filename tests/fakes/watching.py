"""What a daemon publishes, for what watches it to hear; and a connection that only remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from fakes.fleet import EVSE, LIMIT, METER, STATION
from textual.pilot import Pilot

from bridge import render
from bridge.watching.app import WatchApp
from bridge.watching.knowledge import Knowledge
from bridge.watching.ports import Link
from bridge.watching.shapes import Answer
from bridge.watching.tracing import Reach
from twin.model.view import SessionView

ROOT = "ocpp-twin"


def say(known: Knowledge, topic: str, payload: Any, at: float = 0.0) -> None:
    """Let something be heard: JSON, or a bare word."""
    raw = payload.encode() if isinstance(payload, str) else msgspec.json.encode(payload)
    known.take(f"{ROOT}/{topic}", raw, at)


def node(known: Knowledge, name: str = "main", *, online: bool = True) -> None:
    """Let a daemon say that it is there."""
    say(known, f"bridge/{name}/availability", "online" if online else "offline")
    say(known, f"bridge/{name}/info", {"contract": 1, "version": "0.1.0", "node": name, "twins": 1, "clock_rate": 1})


def station(known: Knowledge, twin: str, **fields: Any) -> None:
    """Let a twin show itself, as the daemon's own renderer writes it."""
    say(known, f"{twin}/availability", "online")
    say(known, f"{twin}/state", _written(STATION, {"identity": twin} | fields))


def evse(known: Knowledge, twin: str, number: int = 1, **fields: Any) -> None:
    """Let an EVSE show its state."""
    say(known, f"{twin}/{number}/state", _written(EVSE, fields))


def meter(known: Knowledge, twin: str, number: int = 1, at: float = 0.0, **fields: Any) -> None:
    """Let an EVSE show its meter."""
    say(known, f"{twin}/{number}/meter", _written(METER, fields), at)


def limit(known: Knowledge, twin: str, number: int = 1, at: float = 0.0, **fields: Any) -> None:
    """Let an EVSE show its limit."""
    say(known, f"{twin}/{number}/limit", _written(LIMIT, fields), at)


def session(known: Knowledge, twin: str, number: int = 1, **fields: Any) -> None:
    """Let an EVSE show its session."""
    say(known, f"{twin}/{number}/session", _written(SessionView(), fields))


def event(known: Knowledge, twin: str, kind: str, number: int | None = 1, **data: Any) -> None:
    """Let something happen."""
    fields = {"seq": 1, "at": "2026-03-01T12:00:00.000Z", "type": kind, "evse": number, "request_id": None}
    say(known, f"{twin}/event", fields | {"data": data})


def frame(known: Knowledge, twin: str, direction: str, text: str, at: str = "2026-03-01T12:00:00.000Z") -> None:
    """Let an OCPP frame be seen."""
    say(known, f"{twin}/ocpp/{direction}", {"at": at, "action": None, "frame": text})


def fleet(*twins: str) -> Knowledge:
    """Return what is known when a daemon and twins with an EVSE each have shown themselves."""
    known = Knowledge(ROOT)
    node(known)
    for twin in twins:
        station(known, twin)
        evse(known, twin)
        meter(known, twin)
    return known


def _written(view: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    return render.state(msgspec.structs.replace(view, **fields), mask_id_tags=False)


class FakeLine:
    """Answer each command with `answer`, unless it is `held`; `asked` holds the commands, `followed` the twins."""

    def __init__(self) -> None:
        self.link = Link("connected", "", "5", 0.0)
        self.address = "mqtt://broker:1883"
        self.reach = Reach()
        self.answer = Answer("", None, "ok")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.followed: list[str | None] = []
        self.closed = False

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True

    async def command(self, topic: str, fields: Mapping[str, Any]) -> Answer:
        self.asked.append((topic, dict(fields)))
        return self.answer

    async def follow(self, twin: str) -> None:
        self.followed.append(twin)

    async def unfollow(self) -> None:
        self.followed.append(None)


class Screen:
    """Be a running `watch` on a terminal that a test looks at."""

    def __init__(self, app: WatchApp, pilot: Pilot[None], known: Knowledge, line: FakeLine) -> None:
        self.app = app
        self.known = known
        self.line = line
        self._pilot = pilot

    async def lines(self) -> list[str]:
        """Return what stands on the screen, once it is up to date."""
        self.app.look()
        await self._pilot.pause()
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    async def text(self) -> str:
        return "\n".join(await self.lines())

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._pilot.press(key)
            await self._pilot.pause()

    async def click(self, x: int, y: int, times: int = 1) -> None:
        await self._pilot.click(offset=(x, y), times=times)
        await self._pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)
        await self._pilot.pause()
