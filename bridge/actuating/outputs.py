"""States on their way to real things: which of them changed, when they go out, and whether the thing confirms them.

A line is one output of one twin or EVSE. The newest value wins; what allows less goes out at once; what a thing does
not confirm in time is told once, and tried again as often as the output is repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from bridge import render
from bridge.actuating import limits, words
from bridge.actuating.rules import OutputRule
from bridge.mapping.deadlines import Deadlines
from bridge.mapping.patterns import filled
from bridge.mapping.templates import TemplateError
from bridge.options import MqttOptions
from bridge.ports import Fleet, Now, Outgoing
from bridge.publisher import Publisher
from bridge.refusals import Code, Complaint
from twin.model.effects import Note
from twin.model.terms import Action, Part, Registration
from twin.model.view import LimitView, StationView

_SLICE = 50
_STATION: Part = ("station", 0)

_log = structlog.get_logger("mqtt")


@dataclass(eq=False, slots=True)
class Line:
    """Be an output of one twin at one EVSE, or (0) its station, and what was sent of it last.

    `sent` is None until something was; `wanted` is what the thing should show (`expects`), `seen` what it showed last.
    `told`: that it does not has been told.
    """

    rule: OutputRule
    twin: str
    evse: int
    topic: str
    ear: str | None
    sent: bytes | None = None
    sent_at: float = 0.0
    limit: LimitView | None = None
    expects: bool = False
    wanted: str | None = None
    seen: str | None = None
    told: bool = False

    @property
    def part(self) -> Part:
        """Return the part of the twin's view that it carries."""
        assert not isinstance(self.rule.what, Action)  # noqa: S101 - actions are no lines
        return (self.rule.what, self.evse)


_What = Literal["send", "repeat", "confirm"]
_WHATS: tuple[_What, ...] = ("send", "repeat", "confirm")


class Outputs:
    """Carry the states of twins to real things."""

    def __init__(
        self, rules: Iterable[OutputRule], options: MqttOptions, fleet: Fleet, publisher: Publisher, now: Now
    ) -> None:
        self._rules = [rule for rule in rules if not isinstance(rule.what, Action)]
        self._mask_id_tags = options.mask_id_tags
        self._fleet = fleet
        self._publisher = publisher
        self._now = now
        self._lines: dict[str, list[Line]] = {}
        self._evses: dict[str, int] = {}
        self._ears: dict[str, list[Line]] = {}
        self._waiting: dict[Line, None] = {}
        self._flush: asyncio.Handle | None = None
        self._deadlines: Deadlines[tuple[Line, _What]] = Deadlines(self._due)

    def start(self) -> None:
        """Look at all twins; what they show goes out as soon as there is a broker."""
        for twin in list(self._fleet.ids):
            self._look_at(self._of(twin))

    def stop(self) -> None:
        """Send nothing any more; real things stay as they are."""
        self._deadlines.stop()
        self._waiting.clear()
        if self._flush is not None:
            self._flush.cancel()

    def changed(self, twin: str, parts: AbstractSet[Part]) -> None:
        """Learn which parts of a twin are new; all of one turn of the loop is one message."""
        if not self._rules:
            return
        anew = twin not in self._lines or self._evses[twin] != self._count(twin)
        online = _STATION in parts
        self._look_at(
            line
            for line in self._of(twin)
            if anew or line.part in parts or (online and line.rule.when_offline != "keep")
        )

    def connected(self) -> None:
        """Send everything again: the broker, or a thing behind it, may have missed it."""
        for lines in self._lines.values():
            for line in lines:
                line.sent = None
            self._look_at(lines)

    def hear(self, topic: str, payload: bytes) -> None:
        """Take what a thing shows."""
        for line in self._ears.get(topic, ()):
            self._seen(line, topic, payload)

    # --- Lines --------------------------------------------------------------------------------------------------------

    def _count(self, twin: str) -> int:
        return self._fleet.evse_count(twin) if twin in self._fleet.ids else 0

    def _of(self, twin: str) -> list[Line]:
        """Return the lines of a twin, made anew where it came, or has other EVSEs than before."""
        count = self._count(twin)
        if twin not in self._lines or self._evses[twin] != count:
            self._drop(twin)
            self._evses[twin] = count
            self._lines[twin] = list(self._made(twin, count)) if count else []
            for line in self._lines[twin]:
                if line.ear is not None:
                    self._ears.setdefault(line.ear, []).append(line)
        return self._lines[twin]

    def _made(self, twin: str, count: int) -> Iterator[Line]:
        for rule in self._rules:
            for evse in rule.evses(count) if rule.concerns(twin) else ():
                holes = {"twin": twin, "evse": str(evse)}
                ear = None if rule.confirm is None else filled(rule.confirm.topic, holes)
                # A template is filled in when there is something to fill it with.
                topic = filled(rule.topic, holes) if isinstance(rule.topic, str) else rule.topic.source
                yield Line(rule, twin, evse, topic, ear)

    def _drop(self, twin: str) -> None:
        for line in self._lines.pop(twin, ()):
            for what in _WHATS:
                self._deadlines.cancel((line, what))
            self._waiting.pop(line, None)
            if line.ear is not None:
                self._ears[line.ear].remove(line)

    # --- What goes out ------------------------------------------------------------------------------------------------

    def _look_at(self, lines: Iterable[Line]) -> None:
        self._waiting.update(dict.fromkeys(lines))
        if self._waiting and self._flush is None:
            self._flush = asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._flush = None
        some = list(self._waiting)[:_SLICE]
        for line in some:
            del self._waiting[line]
        self._look_at(())  # the rest in the next turn of the loop, so that nothing else has to wait
        for line in some:
            self._offer(line)

    def _offer(self, line: Line, *, again: bool = False) -> None:
        """Send a line if it says something new, now or when its interval is over."""
        if line.twin not in self._fleet.ids:
            self._drop(line.twin)
            return
        if not self._publisher.is_connected:
            return
        now = asyncio.get_running_loop().time()
        fields, limit = self._fields(line)
        try:
            payload = words.told(line.rule, fields)
            wanted = words.expected(line.rule, fields, payload)
            topic = words.place(line.rule, fields)
        except TemplateError as error:
            self._complain(line, str(error))
            return
        if not payload:
            self._say_nothing(line, limit)
            return
        if payload == line.sent and topic == line.topic and not again:
            self._deadlines.cancel((line, "send"))
            return
        due = line.sent_at + line.rule.min_interval_s
        less = limit is not None and line.limit is not None and limits.falls(limit, line.limit)
        if line.sent is None or less or again or now >= due:
            line.topic = topic
            self._send(line, payload, limit, wanted, now)
        else:
            self._deadlines.put((line, "send"), due)

    def _say_nothing(self, line: Line, limit: LimitView | None) -> None:
        """Leave a thing alone: its template has no word for this."""
        for what in _WHATS:
            self._deadlines.cancel((line, what))
        line.sent, line.limit, line.expects = b"", limit, False

    def _fields(self, line: Line) -> tuple[dict[str, Any], LimitView | None]:
        view = self._fleet.view_of(line.twin, line.part)
        limit = None
        if isinstance(view, LimitView):
            evse = self._fleet.spec(line.twin).evses[line.evse - 1]
            online = line.rule.when_offline == "keep" or self._is_online(line.twin)
            view = limit = limits.adjusted(view, line.rule, online=online, max_a=evse.max_a, max_w=evse.max_w)
        fields = render.state(view, mask_id_tags=self._mask_id_tags)
        return {**fields, "twin": line.twin, "evse": line.evse}, limit

    def _is_online(self, twin: str) -> bool:
        station = self._fleet.view_of(twin, _STATION)
        return isinstance(station, StationView) and station.connected and station.registration is Registration.ACCEPTED

    def _send(self, line: Line, payload: bytes, limit: LimitView | None, wanted: str | None, now: float) -> None:
        rule = line.rule
        if not self._publisher.urge(Outgoing(line.topic, payload, rule.qos, retain=rule.retain)):
            return
        line.sent, line.sent_at, line.limit = payload, now, limit
        self._deadlines.cancel((line, "send"))
        if rule.keepalive_s is not None:
            self._deadlines.put((line, "repeat"), now + rule.keepalive_s)
        if rule.confirm is not None:
            if not line.expects or line.wanted != wanted:
                line.told = False
                self._deadlines.cancel((line, "confirm"))
            line.expects, line.wanted = wanted != "", wanted
            if line.expects:
                self._compare(line)

    # --- What comes back ----------------------------------------------------------------------------------------------

    def _seen(self, line: Line, topic: str, payload: bytes) -> None:
        confirm = line.rule.confirm
        if confirm is None:
            return
        try:
            seen = words.shown(confirm, topic, payload)
        except TemplateError as error:
            self._complain(line, f"confirm: {error}")
            return
        if seen is not None:
            line.seen = seen
            if line.expects:
                self._compare(line)

    def _compare(self, line: Line) -> None:
        """Take it for confirmed, or give the thing its time."""
        confirm = line.rule.confirm
        key: tuple[Line, _What] = (line, "confirm")
        if confirm is None:
            return
        if line.seen is not None and words.agree(confirm, line.wanted, line.seen):
            self._deadlines.cancel(key)
            if line.told:
                line.told = False
                _log.info("actuated_after_all", output=line.rule.name, topic=line.topic, twin=line.twin)
        elif key not in self._deadlines:
            self._deadlines.put(key, asyncio.get_running_loop().time() + confirm.timeout_s)

    def _due(self, key: tuple[Line, _What]) -> None:
        line, what = key
        match what:
            case "send":
                self._offer(line)
            case "repeat":
                self._offer(line, again=True)
            case "confirm" if not line.told:
                line.told = True
                detail = f"{line.rule.name}: {failure(line.rule, line.wanted, line.seen, line.ear)}"
                fields = {"topic": line.topic, "detail": detail}
                self._publisher.noted(line.twin, Note("actuation_failed", fields, self._now(), line.evse or None))
            case _:
                pass

    def _complain(self, line: Line, detail: str) -> None:
        self._publisher.complain(Complaint(line.topic, Code.TEMPLATE_ERROR, f"{line.rule.name}: {detail}", None, ""))


def failure(rule: OutputRule, wanted: str | None, seen: str | None, ear: str | None) -> str:
    """Say what a thing did not confirm, and what it shows instead."""
    what = "nothing" if seen is None else seen[:60]
    expected = "a confirmation" if wanted is None else wanted[:60]
    timeout_s = 0.0 if rule.confirm is None else rule.confirm.timeout_s
    return f"{ear} shows {what}, not {expected}, within {timeout_s:g} s"
