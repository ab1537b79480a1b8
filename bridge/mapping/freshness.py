"""Sensors that fall silent: noticed by `max_age`, told as an event, made zero or a fault where the input says so.

What comes of it are commands like any other; what a twin does with a fault or with no power is its own business.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from bridge.mapping.deadlines import Deadlines
from bridge.mapping.rules import InputRule
from bridge.ports import Fleet, Now
from bridge.publisher import Publisher
from bridge.topics import CommandTopic
from twin.errors import Rejected
from twin.model.effects import Note
from twin.model.inputs import ClearFault, Command, ReportMeter, SetFault
from twin.model.terms import ErrorCode, Quantity

FLOWING = frozenset(
    {Quantity.POWER_W, Quantity.CURRENT_L1_A, Quantity.CURRENT_L2_A, Quantity.CURRENT_L3_A},
)
"""What is zero when nothing flows."""

_QUANTITIES = frozenset(map(str, Quantity))

_log = structlog.get_logger("mqtt")


@dataclass(slots=True)
class _Watched:
    """Be what one input feeds: who, and what it said last."""

    rule: InputRule
    address: CommandTopic
    flowing: frozenset[Quantity]
    came: bool = False
    stale: bool = False

    @property
    def evse(self) -> int:
        return int(self.address.evse or 0)

    @property
    def fault_id(self) -> str:
        return f"stale:{self.address.name}"

    @property
    def is_meter(self) -> bool:
        return self.address.name in _QUANTITIES or self.address.name == "meter"


class Freshness:
    """Watch inputs that have a `max_age`."""

    def __init__(self, fleet: Fleet, publisher: Publisher, now: Now) -> None:
        self._fleet = fleet
        self._publisher = publisher
        self._now = now
        # By what they feed: a device may say the same on several topics, and one of them is enough.
        self._watched: dict[str, _Watched] = {}
        self._deadlines: Deadlines[str] = Deadlines(self._silent)

    @property
    def stale(self) -> int:
        """Return how many inputs are silent for longer than their `max_age`."""
        return sum(watched.stale for watched in self._watched.values())

    def expect(self, rule: InputRule, address: CommandTopic) -> None:
        """Expect a value, if the input has a `max_age`."""
        if rule.max_age_s is not None:
            self._watch(rule, address, rule.max_age_s)

    def came(self, rule: InputRule, address: CommandTopic, command: object) -> None:
        """Note that a value was taken; what its absence had caused is over."""
        if rule.max_age_s is None:
            return
        watched = self._watch(rule, address, rule.max_age_s)
        if isinstance(command, ReportMeter) and command.values.keys() & FLOWING:
            watched.flowing = frozenset(command.values.keys() & FLOWING)
        if watched.came and not watched.stale:
            return
        # The first value, too: the fault may be left from before a restart.
        if rule.on_stale == "fault":
            self._do(watched, ClearFault(evse=watched.evse, fault_id=watched.fault_id))
        if watched.stale:
            _log.info("sensor_back", input=rule.name, topic=rule.pattern.filter, twin=address.twin)
        watched.came, watched.stale = True, False

    def stop(self) -> None:
        """Expect nothing any more."""
        self._deadlines.stop()

    def forget(self) -> None:
        """Expect nothing of what was expected, and take back what its absence had caused."""
        for watched in self._watched.values():
            if watched.stale and watched.rule.on_stale == "fault":
                self._do(watched, ClearFault(evse=watched.evse, fault_id=watched.fault_id))
        self._watched.clear()
        self._deadlines.stop()

    def _watch(self, rule: InputRule, address: CommandTopic, max_age_s: float) -> _Watched:
        key = str(address)
        watched = self._watched.get(key)
        if watched is None:
            name = address.name
            flowing = frozenset({Quantity(name)} & FLOWING) if name in _QUANTITIES else frozenset({Quantity.POWER_W})
            watched = self._watched[key] = _Watched(rule, address, flowing)
        self._deadlines.put(key, asyncio.get_running_loop().time() + max_age_s)
        return watched

    def _silent(self, key: str) -> None:
        watched = self._watched[key]
        rule, twin = watched.rule, watched.address.twin
        if twin not in self._fleet.ids:
            del self._watched[key]  # it was removed
            return
        watched.stale = True
        what = {"hold": "the last value stands", "zero": "taken for zero", "fault": "told as a fault"}[rule.on_stale]
        detail = f"{rule.name} to {watched.address}: no value for {rule.max_age_s:g} s; {what}"
        fields = {"topic": rule.pattern.filter, "detail": detail}
        self._publisher.noted(twin, Note("sensor_stale", fields, self._now(), watched.evse or None))
        if rule.on_stale == "zero":
            nothing = dict.fromkeys(watched.flowing, 0.0)
            self._do(watched, ReportMeter(evse=watched.evse, values=nothing, max_age_s=0.0))
        elif rule.on_stale == "fault":
            code = ErrorCode.POWER_METER_FAILURE if watched.is_meter else ErrorCode.OTHER_ERROR
            info = f"no {watched.address.name} for {rule.max_age_s:g} s"[:50]
            self._do(watched, SetFault(evse=watched.evse, code=code, fault_id=watched.fault_id, info=info))

    def _do(self, watched: _Watched, command: Command) -> None:
        try:
            self._fleet.command(watched.address.twin, command, _nothing)
        except Rejected as why:
            _log.warning("stale_input_not_handled", input=watched.rule.name, reason=why.detail)


def _nothing() -> None:
    """Be told that it is stored."""
