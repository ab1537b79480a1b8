"""A router with inputs, what sensors say to it, and what comes of that; in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fakes.fleet import FakeFleet
from fakes.outlet import FakeOutlet
from fakes.twins import Bench

from bridge.mapping import building
from bridge.mapping.real_things import RealThings
from bridge.mapping.rules import Mapping
from bridge.options import MqttOptions
from bridge.ports import Incoming
from bridge.publisher import Publisher
from bridge.router import Router
from config.settings import Settings

START = 1_700_000_000.0
ERRORS = "ocpp-twin/bridge/main/error"


class BenchFleet(FakeFleet):
    """A fleet of one real twin, `garage`; refusals are the twin's own."""

    def __init__(self) -> None:
        super().__init__({"garage": 2})
        self.bench = Bench()
        self.listen: Callable[[str, set[Any]], None] = lambda *_: None

    def command(self, twin_id: str, command: Any, done: Callable[[], None], receipt: Any = None) -> None:
        self.bench.command(command)
        super().command(twin_id, command, done, receipt)
        self.listen(twin_id, {(kind, number) for number in (1, 2) for kind in ("evse", "meter")})

    def view_of(self, twin_id: str, part: Any) -> Any:
        return self.bench.twin.view_of(part, self.bench.now)


class Sensors:
    """Build everything from pieces of a configuration: `inputs`, `infer`, `devices`."""

    def __init__(self, fleet: FakeFleet | None = None, options: MqttOptions | None = None, **settings: Any) -> None:
        self.fleet = fleet or FakeFleet()
        self.options = options or MqttOptions()
        self.now = START
        self.acknowledged = 0
        self.publisher = Publisher(self.options, now=lambda: self.now)
        self.publisher.attach(FakeFleet(twins={}))
        self.outlet = FakeOutlet()
        self.publisher.connected(self.outlet)
        self.real = RealThings(
            self.rules(settings),
            self.options,
            self.fleet,
            self.publisher,
            now=lambda: self.now,
            stored=list(self.fleet.receipts),
        )
        self.router = Router(
            self.options,
            self.fleet,
            self.publisher,
            now=lambda: self.now,
            stored=list(self.fleet.receipts),
            feed=self.real.feed,
        )
        if isinstance(self.fleet, BenchFleet):
            self.fleet.listen = self.real.changed

    def rules(self, settings: dict[str, Any]) -> Mapping:
        """Compile pieces of a configuration that have to be sound."""
        rules, wrong = building.built(Settings.model_validate(settings), self.fleet.twins)
        assert wrong == []
        return rules

    def say(self, topic: str, payload: Any = "", **fields: Any) -> None:
        """Let a sensor say something."""
        text = json.dumps(payload) if isinstance(payload, dict | list) else payload
        raw = text if isinstance(text, bytes) else str(text).encode()
        self.router.handle(Incoming(topic, raw, self._acknowledge, **fields))

    @property
    def commands(self) -> list[Any]:
        return [command for _, command in self.fleet.taken]

    def on(self, topic: str) -> list[Any]:
        while self.publisher._hand_over():
            pass
        return self.outlet.on(topic)

    @property
    def errors(self) -> list[Any]:
        return self.on(ERRORS)

    def events(self, twin: str = "garage") -> list[Any]:
        return self.on(f"ocpp-twin/{twin}/event")

    def _acknowledge(self) -> None:
        self.acknowledged += 1
