"""All of the mapping of one daemon: made from rules, started with its twins, ended before them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from bridge.mapping.conclusions import Conclusions
from bridge.mapping.feed import Feed
from bridge.mapping.rules import Mapping
from bridge.options import MqttOptions
from bridge.ports import Fleet, Now, Receipt
from bridge.publisher import Publisher
from twin.model.terms import Part


class RealThings:
    """Hold `feed`, for the router, and the conclusions from power, for which `changed` listens to the fleet."""

    def __init__(
        self,
        rules: Mapping,
        options: MqttOptions,
        fleet: Fleet,
        publisher: Publisher,
        *,
        now: Now,
        stored: Iterable[Receipt] = (),
    ) -> None:
        self.feed = Feed(rules.inputs, options, fleet, publisher, now=now, stored=stored)
        self._fleet = fleet
        self._rules = rules
        self._conclusions = Conclusions(rules.infer, fleet)

    def start(self) -> None:
        """Expect values, and look at what the twins show."""
        self.feed.start()
        self._conclusions.start()

    def replace(self, rules: Mapping) -> None:
        """Follow other rules from now on."""
        if rules.inputs != self._rules.inputs:
            self.feed.replace(rules.inputs)
        if rules.infer != self._rules.infer:
            self._conclusions.stop()
            self._conclusions = Conclusions(rules.infer, self._fleet)
            self._conclusions.start()
        self._rules = rules

    def stop(self) -> None:
        """Do nothing by itself any more."""
        self.feed.stop()
        self._conclusions.stop()

    def changed(self, twin_id: str, parts: AbstractSet[Part]) -> None:
        """Learn which parts of a twin are new."""
        if self._rules.infer:
            for number in {number for kind, number in parts if kind in ("meter", "evse")}:
                self._conclusions.changed(twin_id, number)
