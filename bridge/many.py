"""One level or command for many twins: who is meant, and what became of it at each.

Adds nothing to what a message to one twin means; works in slices, so that thousands do not stop the loop.
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any

import structlog

from bridge import intake, translate
from bridge.asking import CmdMany, SetMany
from bridge.intake import PlaceCall, SendFrame
from bridge.levels import Levels
from bridge.limits import RateLimit
from bridge.options import MqttOptions
from bridge.ports import CallOutcome, Fleet, Now
from bridge.refusals import Code, Refused, nearest
from bridge.translate import Order, Scene
from twin.errors import Rejected

_SLICE = 50

_log = structlog.get_logger("mqtt")


def meant(wanted: str | Iterable[str], ids: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the ids that a glob or a list means, and those of the list that there are not."""
    if isinstance(wanted, str):
        return sorted(twin for twin in ids if fnmatch.fnmatchcase(twin, wanted)), []
    listed = dict.fromkeys(wanted)
    return [twin for twin in listed if twin in ids], [twin for twin in listed if twin not in ids]


class Crowd:
    """Send one thing to many twins; rate limits and levels are those of single messages."""

    def __init__(self, options: MqttOptions, fleet: Fleet, levels: Levels, limit: RateLimit, now: Now) -> None:
        self._options = options
        self._fleet = fleet
        self._levels = levels
        self._limit = limit
        self._now = now

    def send(self, query: SetMany | CmdMany, done: Callable[[Any], None]) -> None:
        """Send it to all that are meant; `done` gets how many matched and were fine, and who refused with which code.

        Raises Refused if nobody could take it.
        """
        model = intake.EVSE.get(query.name) if query.evse is not None else intake.STATION.get(query.name)
        if model is None:
            raise self._misplaced(query)
        if not any(fnmatch.fnmatchcase(query.name, pattern) for pattern in self._options.allow):
            raise Refused(Code.NOT_ALLOWED, f"the setting mqtt.allow does not name {query.name!r}")
        payload = json.dumps(query.body()).encode()
        # Read once to see whether it can be taken at all: what is wrong with it is wrong for everybody.
        translate.order(
            query.name, model, payload, Scene(query.evse or 0, intake.MAX_EVSES, self._now(), self._options.cars)
        )
        matched, unknown = meant(query.ids, self._fleet.ids)
        _Round(self, query, model, payload, matched, unknown, done).go_on()

    def _misplaced(self, query: SetMany | CmdMany) -> Refused:
        there = "needs an evse" if query.evse is None else "is for stations: leave evse out"
        known = intake.STATION if query.evse is None else intake.EVSE
        return Refused(Code.UNKNOWN_COMMAND, f"{query.name!r} {there}{nearest(query.name, known)}", "/evse")

    def one(
        self,
        query: SetMany | CmdMany,
        model: type[intake.Taken],
        payload: bytes,
        twin: str,
        done: Callable[[str | None], None],
    ) -> None:
        """Send it to one twin; `done` gets None or the code of a refusal. Raises Refused or Rejected."""
        if twin not in self._fleet.ids:
            raise Refused(Code.UNKNOWN_TWIN, "it was removed meanwhile")
        count, number, now = self._fleet.evse_count(twin), query.evse or 0, self._now()
        if number > count:
            raise Refused(Code.UNKNOWN_EVSE, f"{twin!r} has {count} EVSE(s)")
        if not self._limit.admit(twin, asyncio.get_running_loop().time()):
            raise Refused(Code.RATE_LIMITED, f"a twin takes {self._options.rate_per_s:g} commands a second")
        order = translate.order(query.name, model, payload, Scene(number, count, now, self._options.cars))
        topic = f"{twin}/{number}/{query.name}" if number else f"{twin}/{query.name}"
        self._check_age(query, order, topic)
        match order.act:
            case PlaceCall(action=action, payload=fields):
                self._fleet.call(twin, action, fields, lambda outcome: done(_code_of(outcome)))
            case SendFrame(value=text):
                self._fleet.send_raw(twin, text, lambda: done(None))
            case command:
                self._fleet.command(twin, command, lambda: done(None))
        if isinstance(query, SetMany):
            self._levels.taken(topic, now if order.at is None else order.at, live=True)

    def _check_age(self, query: SetMany | CmdMany, order: Order, topic: str) -> None:
        if order.at is None:
            return
        if isinstance(query, SetMany):
            old = self._levels.is_stale(topic, order.at)
        else:
            old = self._now() - order.at > self._options.stale_after_s
        if old:
            raise Refused(Code.STALE, "it is older than what is known", "/at")


class _Round:
    """Be one request on its way through its twins."""

    def __init__(
        self,
        crowd: Crowd,
        query: SetMany | CmdMany,
        model: type[intake.Taken],
        payload: bytes,
        matched: list[str],
        unknown: list[str],
        done: Callable[[Any], None],
    ) -> None:
        self._crowd = crowd
        self._query = query
        self._model = model
        self._payload = payload
        self._left = deque(matched)
        self._matched = len(matched)
        self._open = len(matched)
        self._refused = [{"id": twin, "code": str(Code.UNKNOWN_TWIN)} for twin in unknown]
        self._ok = 0
        self._done = done

    def go_on(self) -> None:
        """Send it to the next twins, and come back for the rest."""
        for _ in range(min(_SLICE, len(self._left))):
            self._next(self._left.popleft())
        if self._left:
            asyncio.get_running_loop().call_soon(self.go_on)
        elif not self._matched:
            self._report()

    def _next(self, twin: str) -> None:
        try:
            self._crowd.one(self._query, self._model, self._payload, twin, lambda code: self._came(twin, code))
        except Refused as refusal:
            self._came(twin, str(refusal.code))
        except Rejected as rejection:
            self._came(twin, rejection.code)

    def _came(self, twin: str, code: str | None) -> None:
        if code is None:
            self._ok += 1
        else:
            self._refused.append({"id": twin, "code": code})
        self._open -= 1
        if not self._open:
            self._report()

    def _report(self) -> None:
        self._done({"matched": self._matched, "ok": self._ok, "refused": self._refused})


def _code_of(outcome: CallOutcome) -> str | None:
    return None if outcome.status == "ok" else outcome.status
