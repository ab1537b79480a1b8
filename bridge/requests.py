"""What a node is asked on `bridge/<node>/request/…`: its verbs, and how each is carried out.

Adds nothing to the rules for messages; the router has applied them before.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any, TypeAlias, assert_never

from bridge import intake
from bridge.intake import ListTwins, RestartTwin
from bridge.ports import Fleet
from bridge.refusals import Code, Refused, nearest

Query: TypeAlias = ListTwins | RestartTwin
Done: TypeAlias = Callable[[Any], None]


def model_of(verb: str) -> type[ListTwins | RestartTwin]:
    """Return the model of a verb's payload. Raises Refused with `unknown_command`."""
    match verb:
        case "list_twins":
            return ListTwins
        case "restart_twin":
            return RestartTwin
        case _:
            known = ", ".join(intake.REQUESTS)
            detail = f"a node knows no request {verb!r}, only {known}{nearest(verb, intake.REQUESTS)}"
            raise Refused(Code.UNKNOWN_COMMAND, detail)


def carry_out(query: Query, fleet: Fleet, done: Done) -> None:
    """Do what was asked; `done` gets the result's data. Raises Refused, or Rejected of the fleet."""
    match query:
        case ListTwins():
            done(_listed(query, fleet))
        case RestartTwin(id=twin):
            if twin not in fleet.ids:
                raise Refused(Code.UNKNOWN_TWIN, f"there is no twin {twin!r}{nearest(twin, fleet.ids)}", "/id")
            fleet.restart(twin, lambda: done({"id": twin}))
        case _:
            assert_never(query)


def _listed(query: ListTwins, fleet: Fleet) -> dict[str, Any]:
    found = sorted(twin for twin in fleet.ids if fnmatch.fnmatchcase(twin, query.ids))
    page = found[query.offset : query.offset + query.limit]
    return {"total": len(found), "twins": [_summary(twin, fleet) for twin in page]}


def _summary(twin: str, fleet: Fleet) -> dict[str, Any]:
    station = fleet.view(twin).station
    return {"id": twin, "identity": station.identity, "connected": station.connected, "status": station.status}
