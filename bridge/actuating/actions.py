"""Actions that the Central System asks for, done by real things: sent at once, and true only when they are confirmed.

What a thing showed before it was asked says nothing: an old `unlocked` is no answer to this unlock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from bridge import masking
from bridge.actuating import words
from bridge.actuating.outputs import failure
from bridge.actuating.rules import OutputRule
from bridge.mapping.deadlines import Deadlines
from bridge.mapping.patterns import filled
from bridge.mapping.templates import TemplateError
from bridge.options import MqttOptions
from bridge.ports import Fleet, Now, Outgoing
from bridge.publisher import Publisher
from bridge.refusals import Code, Complaint
from twin.model.effects import Actuate, Note
from twin.model.inputs import Actuated
from twin.model.spec import Actuator, TwinSpec
from twin.model.terms import Action

_MARGIN_S = 2.0
"""How much longer the twin waits than we do, so that it is we who say what failed."""

_REPLAY_S = 2.0
"""For how long after a connect a retained message may be an old one."""

_AWAY = "there is no broker, so nothing could be sent"

_What = Literal["repeat", "confirm"]
_WHATS: tuple[_What, ...] = ("repeat", "confirm")


def equipped(rules: Iterable[OutputRule], rate: float, spec: TwinSpec) -> TwinSpec:
    """Let a twin know what of it is real, and how long answers wait for that by its clock, which runs at a `rate`."""
    found: list[Actuator] = []
    for rule in rules:
        if isinstance(rule.what, Action) and rule.concerns(spec.id):
            wait_s = None if rule.confirm is None else (rule.confirm.timeout_s + _MARGIN_S) * max(1.0, rate)
            found += [Actuator(rule.what, evse, wait_s) for evse in rule.evses(len(spec.evses))]
    return msgspec.structs.replace(spec, actuated=tuple(dict.fromkeys(found))) if found else spec


@dataclass(eq=False, slots=True)
class _Order:
    """Be what one output sends for an action, and waits for; `seen` is what the thing showed since."""

    job: _Job
    rule: OutputRule
    topic: str
    payload: bytes
    wanted: str | None
    ear: str | None
    seen: str | None = None


@dataclass(eq=False, slots=True)
class _Job:
    """Be an action of a twin: done when all its orders are."""

    twin: str
    action: Actuate
    told: Callable[[Actuated], None]
    open: list[_Order]


class Actions:
    """Let real things do what Central Systems ask of twins; be the fleet's actuator."""

    def __init__(
        self,
        rules: Iterable[OutputRule],
        options: MqttOptions,
        fleet: Fleet,
        publisher: Publisher,
        now: Now,
    ) -> None:
        self._rules = [rule for rule in rules if isinstance(rule.what, Action)]
        self._mask_id_tags = options.mask_id_tags
        self._fleet = fleet
        self._publisher = publisher
        self._now = now
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._ears: dict[str, list[_Order]] = {}
        self._replayed_until = 0.0
        self._deadlines: Deadlines[tuple[_Order, _What]] = Deadlines(self._due)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._deadlines.stop()

    def connected(self) -> None:
        """Learn that the broker says again what it has kept, which is no answer to anything."""
        self._replayed_until = asyncio.get_running_loop().time() + _REPLAY_S

    # --- The fleet asks -----------------------------------------------------------------------------------------------

    def begin(self, twin_id: str, job: Actuate, told: Callable[[Actuated], None]) -> None:
        """Send what is to be done; `told` learns, later, whether it was."""
        made = _Job(twin_id, job, told, [])
        self._jobs[twin_id, job.job_id] = made
        # A turn of the fleet is being carried out: what comes of the job is another one.
        asyncio.get_running_loop().call_soon(self._begin, made)

    def cancel(self, twin_id: str, job_id: str) -> None:
        """Give an action up; what was sent cannot be had back."""
        job = self._jobs.pop((twin_id, job_id), None)
        for order in [] if job is None else list(job.open):
            self._forget(order)

    def abandon(self, twin_id: str) -> None:
        """Give up all actions of a twin."""
        for twin, job_id in [key for key in self._jobs if key[0] == twin_id]:
            self.cancel(twin, job_id)

    def hear(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Take what a thing shows."""
        if retain and asyncio.get_running_loop().time() < self._replayed_until:
            return
        for order in list(self._ears.get(topic, ())):
            self._seen(order, topic, payload)

    # --- An action ----------------------------------------------------------------------------------------------------

    def _begin(self, job: _Job) -> None:
        if (job.twin, job.action.job_id) not in self._jobs:
            return  # given up already
        try:
            job.open = self._orders(job)
        except TemplateError as error:
            self._fail(job, str(error))
            return
        if not job.open:
            self._fail(job, "no output does this: it was changed, and the daemon has to be restarted")
            return
        for order in list(job.open):
            if not self._publisher.urge(Outgoing(order.topic, order.payload, order.rule.qos, retain=False)):
                self._fail(job, _AWAY, order)
                return
            self._await(order)
        self._settle(job)

    def _orders(self, job: _Job) -> list[_Order]:
        action, found = job.action, list[_Order]()
        count = self._fleet.evse_count(job.twin) if job.twin in self._fleet.ids else 0
        for rule in self._rules:
            if rule.what is not action.action or not rule.concerns(job.twin):
                continue
            # A station's output hears of all its EVSEs, and an EVSE's of what the whole station is asked.
            for evse in rule.evses(count):
                if 0 in (evse, action.evse) or evse == action.evse:
                    found.append(self._order(job, rule, evse or action.evse))
        return found

    def _order(self, job: _Job, rule: OutputRule, evse: int) -> _Order:
        fields: dict[str, Any] = {**job.action.fields, "twin": job.twin, "evse": evse}
        if self._mask_id_tags:
            fields = masking.id_tags(fields)
        try:
            payload = words.told(rule, fields)
            wanted = words.expected(rule, fields, payload)
            topic = words.place(rule, fields)
        except TemplateError as error:
            written, detail = rule.topic if isinstance(rule.topic, str) else rule.topic.source, f"{rule.name}: {error}"
            self._publisher.complain(Complaint(written, Code.TEMPLATE_ERROR, detail, None, ""))
            raise TemplateError(detail) from None
        holes = {"twin": job.twin, "evse": str(evse)}
        ear = None if rule.confirm is None else filled(rule.confirm.topic, holes)
        return _Order(job, rule, topic, payload, wanted, ear)

    def _await(self, order: _Order) -> None:
        rule, now = order.rule, asyncio.get_running_loop().time()
        if rule.confirm is None or order.ear is None:
            self._forget(order)
            return
        self._ears.setdefault(order.ear, []).append(order)
        self._deadlines.put((order, "confirm"), now + rule.confirm.timeout_s)
        if rule.keepalive_s is not None:
            self._deadlines.put((order, "repeat"), now + rule.keepalive_s)

    def _seen(self, order: _Order, topic: str, payload: bytes) -> None:
        confirm = order.rule.confirm
        if confirm is None:
            return
        try:
            seen = words.shown(confirm, topic, payload)
        except TemplateError as error:
            detail = f"{order.rule.name}: confirm: {error}"
            self._publisher.complain(Complaint(topic, Code.TEMPLATE_ERROR, detail, None, ""))
            return
        if seen is None:
            return
        order.seen = seen
        if words.agree(confirm, order.wanted, seen):
            self._forget(order)
            self._settle(order.job)

    def _due(self, key: tuple[_Order, _What]) -> None:
        order, what = key
        if what == "confirm":
            self._fail(order.job, failure(order.rule, order.wanted, order.seen, order.ear), order)
            return
        rule = order.rule
        self._publisher.urge(Outgoing(order.topic, order.payload, rule.qos, retain=False))
        if rule.keepalive_s is not None:
            self._deadlines.put(key, asyncio.get_running_loop().time() + rule.keepalive_s)

    # --- The end of one -----------------------------------------------------------------------------------------------

    def _forget(self, order: _Order) -> None:
        order.job.open = [other for other in order.job.open if other is not order]
        for what in _WHATS:
            self._deadlines.cancel((order, what))
        if order.ear is not None and order in self._ears.get(order.ear, ()):
            self._ears[order.ear].remove(order)

    def _settle(self, job: _Job) -> None:
        if not job.open and self._jobs.pop((job.twin, job.action.job_id), None) is not None:
            job.told(Actuated(job.action.job_id, ok=True))

    def _fail(self, job: _Job, detail: str, order: _Order | None = None) -> None:
        self.cancel(job.twin, job.action.job_id)
        topic, name = (None, str(job.action.action)) if order is None else (order.topic, order.rule.name)
        fields = {"topic": topic, "detail": f"{name}: {detail}"}
        self._publisher.noted(job.twin, Note("actuation_failed", fields, self._now(), job.action.evse or None))
        job.told(Actuated(job.action.job_id, ok=False, detail=detail))
