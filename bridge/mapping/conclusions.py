"""Plugs and cars that no sensor sees, concluded from the power of an EVSE, as `infer` says.

A conclusion needs the power to stay on one side of a bound for a time. It becomes a command like any other, and only
where the twin does not show it already. What a twin simulates is no evidence: power counts once it comes from outside.
Nor is the absence of power that nobody offers: the time begins when it is offered again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never, cast

import structlog

from bridge.mapping.deadlines import Deadlines
from bridge.mapping.rules import Band, InferRule
from bridge.ports import Fleet
from twin.errors import Rejected
from twin.model.inputs import Command, PlugIn, SetEvReady, Unplug
from twin.model.terms import MeterSource, Status
from twin.model.view import EvseView, MeterView

Kind: TypeAlias = Literal["plugged", "charging", "suspended", "unplugged"]

_KINDS: tuple[Kind, ...] = ("plugged", "charging", "suspended", "unplugged")

_log = structlog.get_logger("mqtt")


@dataclass(slots=True)
class _Watched:
    rule: InferRule
    power_w: float | None = None
    settled: set[Kind] = field(default_factory=set)

    def band(self, kind: Kind) -> Band | None:
        band: Band | None = getattr(self.rule, kind)
        return band


class Conclusions:
    """Watch the power of EVSEs; `changed` is told when the meter or the state of one is new."""

    def __init__(self, rules: Iterable[InferRule], fleet: Fleet) -> None:
        self._fleet = fleet
        self._watched = {(rule.twin, rule.evse): _Watched(rule) for rule in rules}
        self._deadlines: Deadlines[tuple[tuple[str, int], Kind]] = Deadlines(self._due)

    def start(self) -> None:
        """Look at what the meters show now."""
        for twin, evse in self._watched:
            self.changed(twin, evse)

    def stop(self) -> None:
        """Conclude nothing any more."""
        self._deadlines.stop()

    def changed(self, twin: str, evse: int) -> None:
        """Look at the power of an EVSE."""
        watched = self._watched.get((twin, evse))
        if watched is None or twin not in self._fleet.ids:
            return
        meter, view = self._views(twin, evse)
        if view.meter_source is MeterSource.SIMULATED:
            return
        watched.power_w = meter.power_w
        for kind in _KINDS:
            self._weigh(watched, (twin, evse), kind, view.status)

    def _weigh(self, watched: _Watched, who: tuple[str, int], kind: Kind, status: Status) -> None:
        band = watched.band(kind)
        if band is None or watched.power_w is None:
            return
        if not band.holds(watched.power_w) or not _is_evidence(kind, status):
            watched.settled.discard(kind)
            self._deadlines.cancel((who, kind))
        elif kind not in watched.settled and (who, kind) not in self._deadlines:
            self._deadlines.put((who, kind), asyncio.get_running_loop().time() + band.for_s)

    def _due(self, key: tuple[tuple[str, int], Kind]) -> None:
        (twin, evse), kind = key
        watched = self._watched[twin, evse]
        if twin not in self._fleet.ids:
            return
        _, view = self._views(twin, evse)
        watched.settled.add(kind)
        for command in _CONCLUDE[kind](evse, view):
            self._do(watched.rule, command)

    def _do(self, rule: InferRule, command: Command) -> None:
        _log.info("inferred", input=rule.name, twin=rule.twin, evse=rule.evse, what=type(command).__name__)
        try:
            self._fleet.command(rule.twin, command, _nothing)
        except Rejected as why:
            _log.warning("inference_refused", input=rule.name, twin=rule.twin, reason=why.detail)

    def _views(self, twin: str, evse: int) -> tuple[MeterView, EvseView]:
        meter, view = self._fleet.view_of(twin, ("meter", evse)), self._fleet.view_of(twin, ("evse", evse))
        return cast("MeterView", meter), cast("EvseView", view)


def _nothing() -> None:
    """Be told that it is stored."""


def _is_evidence(kind: Kind, status: Status) -> bool:
    """Tell whether the power says anything about this while the EVSE has such a status."""
    match kind:
        case "suspended":
            # Without a session, or while no power is offered, a car that draws none is not to blame.
            return status in (Status.CHARGING, Status.SUSPENDED_EV)
        case "unplugged":
            return status is not Status.SUSPENDED_EVSE
        case "plugged" | "charging":
            return True
        case _:
            assert_never(kind)


# --- What follows from a conclusion -----------------------------------------------------------------------------------


def _plugged(evse: int, view: EvseView) -> list[Command]:
    return [] if view.plugged else [PlugIn(evse=evse)]


def _charging(evse: int, view: EvseView) -> list[Command]:
    commands: list[Command] = [] if view.plugged else [PlugIn(evse=evse)]
    return commands if view.ev_ready else [*commands, SetEvReady(evse=evse, ready=True)]


def _suspended(evse: int, view: EvseView) -> list[Command]:
    return [SetEvReady(evse=evse, ready=False)] if view.status is Status.CHARGING else []


def _unplugged(evse: int, view: EvseView) -> list[Command]:
    return [Unplug(evse=evse)] if view.plugged else []


_CONCLUDE: dict[Kind, Callable[[int, EvseView], list[Command]]] = {
    "plugged": _plugged,
    "charging": _charging,
    "suspended": _suspended,
    "unplugged": _unplugged,
}
