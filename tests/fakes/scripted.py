"""Stations that do what a test wrote down, so that a fleet's order of things can be seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twin.model.spec import Access
from twin.turn import CallOutcome, Frame, PutState, Turn


class ScriptedStation:
    """Count its inputs in what it stores. `next` holds what the next inputs return: a Turn, or an error to raise."""

    def __init__(self, spec, parts, alive, ids) -> None:
        self.spec = spec
        self.parts = dict(parts)
        self.alive = alive
        self.ids = ids
        self.heard: list[tuple] = []
        self.next: deque[Turn | Exception] = deque()
        self.due: float | None = None
        self.wants_link = True
        self.ping_interval_s = 0
        self.access = Access()
        self.subprotocols = ("ocpp1.6",)
        self.connected = False
        self.charging = 0
        self.queued = 0
        self.paced = False

    def pace(self, *, paced):
        self.paced = paced

    def census(self):
        return self.connected, self.charging, self.queued

    def _input(self, *what) -> Turn:
        self.heard.append(what)
        wanted = self.next.popleft() if self.next else Turn()
        if isinstance(wanted, Exception):
            raise wanted
        return wanted

    def command(self, command, now):
        return self._input("command", command)

    def call(self, action, payload, tag, now):
        turn = self._input("call", action, payload, tag)
        turn.frames.append(Frame(f"call {tag}", action))
        return turn

    def send_raw(self, text, now):
        self._input("send_raw", text)
        return Turn(frames=[Frame(text, None)])

    def link_up(self, url, now, server=None):
        self.connected = True
        return self._input("link_up", url)

    def link_down(self, url, reason, now):
        self.connected = False
        return self._input("link_down", reason)

    def link_refused(self, event, now):
        return self._input("link_refused", event.url, event.reason, event.problem)

    def receive(self, text, now):
        if text.startswith("answer "):
            return Turn(calls=[CallOutcome(text.removeprefix("answer "), "ok", {})])
        return self._input("receive", text)

    def tick(self, now):
        self.due = None
        return self._input("tick", now)

    def job(self, event, now):
        return self._input("job", event)

    def next_deadline(self):
        return self.due

    def view(self, now):
        return ("view", self.spec.id, now)

    def view_of(self, part, now):
        return (*part, self.spec.id, now)


class Cast:
    """Be a fleet's `start`: make stations and keep them by id, the newest of each."""

    def __init__(self, *, prepare: Callable[[ScriptedStation], None] = lambda _: None) -> None:
        self.stations: dict[str, ScriptedStation] = {}
        self.made: list[str] = []
        self.failing: set[str] = set()
        self._prepare = prepare

    def __call__(self, spec, now, *, ids, parts, reports, alive):
        if spec.id in self.failing:
            raise RuntimeError("cannot start")
        station = ScriptedStation(spec, parts, alive, ids)
        self.made.append(spec.id)
        self.stations[spec.id] = station
        starts = int(parts.get("starts", b"0")) + 1
        self._prepare(station)
        return station, Turn(rows=[PutState("starts", b"%d" % starts)])

    def __getitem__(self, twin_id) -> ScriptedStation:
        return self.stations[twin_id]


def stored(text: str = "1", **fields) -> Turn:
    """Make a turn that has something to store."""
    return Turn(rows=[PutState("part", text.encode())], **fields)
