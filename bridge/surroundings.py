"""What a configuration puts around twins: sensors that move them, real things that they move, and cars that come.

Decides what of that there is, and that it begins, changes and ends together; what each of them does is its own
business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from bridge.actuating import building as outputs
from bridge.actuating.actions import equipped
from bridge.actuating.actuators import Actuators
from bridge.actuating.rules import OutputRule
from bridge.listeners import Listeners
from bridge.mapping import building as inputs
from bridge.mapping.real_things import RealThings
from bridge.mapping.rules import Mapping as Rules
from bridge.options import MqttOptions
from bridge.ports import Fleet, Receipt
from bridge.publisher import Publisher
from bridge.traffic import building as traffic
from bridge.traffic.plan import Plans
from bridge.traffic.road import Road
from config.fleet import Wrong
from config.loading import Configuration
from config.settings import Settings
from twin.fleet import Clock
from twin.model.spec import TwinSpec


def problems(settings: Settings, twins: Sequence[TwinSpec]) -> list[Wrong]:
    """Return what is wrong with the settings of all this."""
    rules, wrong = inputs.built(settings, _evse_counts(twins))
    return wrong + _carried(settings, twins, rules)[1] + traffic.built(settings, _evse_counts(twins))[1]


def equipping(configured: Configuration, clock: Clock) -> Callable[[TwinSpec], TwinSpec]:
    """Return what lets a twin know what of it is real."""
    return partial(equipped, _rules(configured)[1], clock.rate)


class Surroundings:
    """Hold `sensors`, which also feed the router, `actuators`, which also serve the fleet, and the road of the cars.

    They listen to the fleet through `listeners` from the beginning; `stored` are receipts of former values.
    """

    def __init__(
        self,
        configured: Configuration,
        options: MqttOptions,
        fleet: Fleet,
        publisher: Publisher,
        *,
        clock: Clock,
        listeners: Listeners,
        stored: Iterable[Receipt] = (),
    ) -> None:
        rules, carried = _rules(configured)
        self.actuators = Actuators(carried, options, fleet, publisher, now=clock.now)
        self.sensors = RealThings(rules, options, fleet, publisher, now=clock.now, stored=stored)
        self._road = Road(_plans(configured), fleet, clock)
        for part in (self.actuators, self.sensors, self._road):
            listeners.add(part.changed)
        publisher.on_connect(self.actuators.connected)

    @property
    def heard(self) -> tuple[list[str], list[str]]:
        """Return the filters of the topics of sensors, and of those where real things show what they do."""
        return self.sensors.feed.filters, self.actuators.filters

    def start(self) -> None:
        """Expect values, and move what is real; all twins are there."""
        self.sensors.start()
        self.actuators.start()

    def open_road(self) -> None:
        """Let cars come, now that twins connect."""
        self._road.start()

    def replace(self, configured: Configuration) -> None:
        """Follow another configuration from now on."""
        rules, carried = _rules(configured)
        self.sensors.replace(rules)
        self.actuators.replace(carried)
        self._road.replace(_plans(configured))

    def twins_changed(self) -> None:
        """Learn that twins came or went, or that their clock runs faster."""
        self._road.look()

    def stop(self) -> None:
        """Do nothing by itself any more."""
        self._road.stop()
        self.sensors.stop()
        self.actuators.stop()


def _rules(configured: Configuration) -> tuple[Rules, tuple[OutputRule, ...]]:
    # What is wrong with them was told when the configuration was loaded.
    rules, _ = inputs.built(configured.settings, _evse_counts(configured.twins))
    return rules, _carried(configured.settings, configured.twins, rules)[0]


def _carried(settings: Settings, twins: Sequence[TwinSpec], rules: Rules) -> tuple[tuple[OutputRule, ...], list[Wrong]]:
    heard = [rule.pattern.filter for rule in rules.inputs]
    return outputs.built(settings, _evse_counts(twins), heard, rules.outputs)


def _plans(configured: Configuration) -> Plans:
    return traffic.built(configured.settings, _evse_counts(configured.twins))[0]


def _evse_counts(twins: Sequence[TwinSpec]) -> dict[str, int]:
    return {twin.id: len(twin.evses) for twin in twins}
