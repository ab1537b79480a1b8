"""What a node is asked on `bridge/<node>/request/…`: its verbs, and who carries each out.

Adds nothing to the rules for messages; the router has applied them before.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any, TypeAlias

from bridge import render
from bridge.asking import (
    REQUESTS,
    AddTwin,
    CmdMany,
    ListTwins,
    Reload,
    RemoveTwin,
    Request,
    RestartTwin,
    SetClockRate,
    SetMany,
    Trace,
)
from bridge.many import Crowd, meant
from bridge.ports import Fleet, Roster
from bridge.refusals import Code, Refused, nearest
from bridge.tracing import Tracing

Done: TypeAlias = Callable[[Any], None]
Failed: TypeAlias = Callable[[Refused], None]


def model_of(verb: str) -> type[Request]:
    """Return the model of a verb's payload. Raises Refused with `unknown_command`."""
    model = REQUESTS.get(verb)
    if model is None:
        known = ", ".join(REQUESTS)
        raise Refused(Code.UNKNOWN_COMMAND, f"a node knows no request {verb!r}, only {known}{nearest(verb, REQUESTS)}")
    return model


class Requests:
    """Carry out what a node is asked. Without a `roster` twins neither come nor go."""

    def __init__(self, fleet: Fleet, crowd: Crowd, tracing: Tracing, roster: Roster | None = None) -> None:
        self._fleet = fleet
        self._crowd = crowd
        self._tracing = tracing
        self._roster = roster

    def carry_out(self, query: Request, done: Done, failed: Failed) -> None:
        """Do what was asked; `done` gets the result's data, `failed` why it could not be done after all.

        Raises Refused, or Rejected of the fleet, before anything has changed.
        """
        match query:
            case ListTwins():
                done(self._listed(query))
            case SetMany() | CmdMany():
                self._crowd.send(query, done)
            case Trace():
                done(self._traced(query))
            case RestartTwin(id=twin):
                self._refuse_unknown(twin)
                self._fleet.restart(twin, lambda: done({"id": twin}))
            case _:
                self._at_roster(query, done, failed)

    def _at_roster(self, query: Request, done: Done, failed: Failed) -> None:
        roster = self._roster
        if roster is None:
            raise Refused(Code.STATE_CONFLICT, "the twins of this node are fixed")
        match query:
            case AddTwin(twin=tree):
                roster.add(tree, lambda twin: done({"id": twin}), failed)
            case RemoveTwin(id=twin, forget=forget):
                self._refuse_unknown(twin)
                roster.remove(twin, lambda: done({"id": twin}), forget=forget)
            case Reload():
                roster.reload(done, failed)
            case SetClockRate(rate=rate):
                roster.set_clock_rate(rate)
                done({"rate": rate})
            case _:
                raise Refused(Code.UNKNOWN_COMMAND, f"a node knows no request {type(query).__name__!r}")

    def _refuse_unknown(self, twin: str) -> None:
        ids = self._fleet.ids
        if twin not in ids:
            raise Refused(Code.UNKNOWN_TWIN, f"there is no twin {twin!r}{nearest(twin, ids)}", "/id")

    def _traced(self, query: Trace) -> dict[str, Any]:
        twins, unknown = meant(query.ids, self._fleet.ids)
        until = None
        if query.for_s:
            until = render.iso(self._tracing.start(twins, query.for_s))
        else:
            self._tracing.end(twins)
        return {"matched": len(twins), "until": until, "unknown": unknown}

    def _listed(self, query: ListTwins) -> dict[str, Any]:
        found = sorted(twin for twin in self._fleet.ids if fnmatch.fnmatchcase(twin, query.ids))
        page = found[query.offset : query.offset + query.limit]
        return {"total": len(found), "twins": [self._summary(twin) for twin in page]}

    def _summary(self, twin: str) -> dict[str, Any]:
        station = self._fleet.view(twin).station
        return {"id": twin, "identity": station.identity, "connected": station.connected, "status": station.status}
