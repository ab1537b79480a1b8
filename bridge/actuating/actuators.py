"""All outputs of one daemon: listens to the fleet and to real things, and is the fleet's actuator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

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
from twin.model.terms import Part


class Actuators:
    """Hold the lines of states and the actions; `filters` are what to subscribe to."""

    def __init__(
        self, rules: Iterable[OutputRule], options: MqttOptions, fleet: Fleet, publisher: Publisher, *, now: Now
    ) -> None:
        self._options = options
        self._fleet = fleet
        self._publisher = publisher
        self._now = now
        self._use(tuple(rules))

    def _use(self, rules: tuple[OutputRule, ...]) -> None:
        self._rules = rules
        self._outputs = Outputs(rules, self._options, self._fleet, self._publisher, self._now)
        self._actions = Actions(rules, self._options, self._fleet, self._publisher, self._now)
        self._ears: Matcher[Pattern] = Matcher()
        topics = dict.fromkeys(rule.confirm.topic for rule in rules if rule.confirm is not None)
        compiled = [patterns.compiled(topic) for topic in topics]
        for pattern in compiled:
            self._ears.add(pattern.filter, pattern)
        self.filters = patterns.widest(pattern.filter for pattern in compiled)

    def start(self) -> None:
        """Begin to carry states."""
        self._outputs.start()

    def replace(self, rules: tuple[OutputRule, ...]) -> None:
        """Follow other rules from now on; what is under way is not waited for."""
        if rules != self._rules:
            self.stop()
            self._use(rules)
            self.start()

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
        if not self.filters or not any(pattern.captures(topic) is not None for pattern in self._ears.match(topic)):
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
