"""All outputs of one daemon: listens to the fleet and to real things, and is the fleet's actuator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

import msgspec

from bridge.actuating.actions import Actions
from bridge.actuating.outputs import Outputs
from bridge.actuating.rules import OutputRule
from bridge.mapping import patterns
from bridge.mapping.patterns import Matcher, Pattern
from bridge.options import MqttOptions
from bridge.ports import Fleet, Incoming, Now
from bridge.publisher import Publisher
from twin.model.effects import Actuate
from twin.model.inputs import Actuated
from twin.model.spec import TwinSpec
from twin.model.terms import Part


class Actuators:
    """Hold the lines of states and the actions. `rate` is that of the fleet's clock."""

    def __init__(
        self,
        rules: Iterable[OutputRule],
        options: MqttOptions,
        fleet: Fleet,
        publisher: Publisher,
        *,
        now: Now,
        rate: float = 1.0,
    ) -> None:
        rules = tuple(rules)
        self._outputs = Outputs(rules, options, fleet, publisher, now)
        self._actions = Actions(rules, options, fleet, publisher, now, rate)
        self._ears: Matcher[Pattern] = Matcher()
        topics = dict.fromkeys(rule.confirm.topic for rule in rules if rule.confirm is not None)
        compiled = [patterns.compiled(topic) for topic in topics]
        for pattern in compiled:
            self._ears.add(pattern.filter, pattern)
        self.filters = patterns.widest(pattern.filter for pattern in compiled)
        """What to subscribe to."""

    def equip(self, spec: TwinSpec) -> TwinSpec:
        """Let a twin know which of its actions are real."""
        actuated = self._actions.equip(spec)
        return msgspec.structs.replace(spec, actuated=actuated) if actuated else spec

    def start(self) -> None:
        """Begin to carry states."""
        self._outputs.start()

    def stop(self) -> None:
        """Send nothing any more."""
        self._outputs.stop()
        self._actions.stop()

    def connected(self) -> None:
        """Learn that there is a broker, perhaps another one than before."""
        self._outputs.connected()
        self._actions.connected()

    def changed(self, twin_id: str, parts: AbstractSet[Part]) -> None:
        """Learn which parts of a twin are new."""
        self._outputs.changed(twin_id, parts)

    def hears(self, message: Incoming) -> bool:
        """Take what a thing shows; False if no confirmation has such a topic."""
        topic = message.topic
        if not any(pattern.captures(topic) is not None for pattern in self._ears.match(topic)):
            return False
        self._outputs.hear(topic, message.payload)
        self._actions.hear(topic, message.payload, retain=message.retain)
        return True

    # --- The fleet's actuator -----------------------------------------------------------------------------------------

    def begin(self, twin_id: str, job: Actuate, told: Callable[[Actuated], None]) -> None:
        """Let real things do what is asked; `told` learns what came of it."""
        self._actions.begin(twin_id, job, told)

    def cancel(self, twin_id: str, job_id: str) -> None:
        """Give up one job."""
        self._actions.cancel(twin_id, job_id)

    def abandon(self, twin_id: str) -> None:
        """Give up all jobs of a twin."""
        self._actions.abandon(twin_id)
