"""Outputs run in virtual time, between a fleet that only remembers and a broker that takes everything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.fleet import LIMIT, STATION, FakeFleet
from fakes.outlet import FakeOutlet
from fakes.virtual import VirtualLoop, settle
from msgspec.structs import replace

from bridge.actuating import building
from bridge.actuating.actuators import Actuators
from bridge.options import MqttOptions
from bridge.ports import Incoming
from bridge.publisher import Publisher
from config.settings import Settings
from twin.model.effects import Actuate
from twin.model.inputs import Actuated
from twin.model.terms import Action, LimitSource

NOW = 1_700_000_000.0


def pytest_asyncio_loop_factories():
    return {"virtual": VirtualLoop}


@dataclass
class Garage:
    """A fleet with outputs, and a broker; `told` holds what became of actions."""

    outputs: list[dict[str, Any]]
    fleet: FakeFleet = field(default_factory=FakeFleet)
    told: list[Actuated] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = Settings(outputs=self.outputs)
        rules, wrong = building.built(settings, self.fleet.twins)
        assert not wrong, wrong
        options = MqttOptions()
        self.publisher = Publisher(options, now=lambda: NOW)
        self.publisher.attach(self.fleet)
        self.actuators = Actuators(rules, options, self.fleet, self.publisher, now=lambda: NOW)
        self.publisher.on_connect(self.actuators.connected)
        self.task = asyncio.create_task(self.publisher.run())
        self.actuators.start()

    async def connect(self) -> FakeOutlet:
        """Give a new broker, which has taken what is sent at once."""
        self.outlet = FakeOutlet()
        self.publisher.connected(self.outlet)
        await settle()
        return self.outlet

    async def limit(self, current_a: float, twin: str = "garage", evse: int = 1, **fields: Any) -> None:
        """Let a twin allow so much, 0 for nothing."""
        view = replace(LIMIT, allowed=current_a > 0, limit_a=current_a, limit_w=current_a * 690, **fields)
        view = view if fields else replace(view, source=LimitSource.TX_PROFILE)
        self.fleet.views[twin, ("limit", evse)] = view
        self.actuators.changed(twin, {("limit", evse)})
        await settle()

    async def link(self, *, connected: bool) -> None:
        self.fleet.views["garage", ("station", 0)] = replace(STATION, connected=connected)
        self.actuators.changed("garage", {("station", 0)})
        await settle()

    def sent(self, topic: str = "box/set") -> list[str]:
        """List the payloads on a topic at this broker."""
        return [message.payload.decode() for message in self.outlet.sent if message.topic == topic]

    def events(self, twin: str = "garage") -> list[dict[str, Any]]:
        return [event for event in self.outlet.on(f"ocpp-twin/{twin}/event") if event["type"] == "actuation_failed"]

    async def show(self, payload: str, topic: str = "box/amp", *, retain: bool = False) -> bool:
        """Let a thing show something."""
        known = self.actuators.hears(Incoming(topic, payload.encode(), lambda: None, retain=retain))
        await settle()
        return known

    async def ask(self, action: Action, evse: int = 1, job_id: str = "1", **fields: Any) -> None:
        """Let the Central System want something."""
        self.actuators.begin("garage", Actuate(job_id, action, evse, fields), self.told.append)
        await settle()


@pytest.fixture
async def garage():
    made: list[Garage] = []

    def make(*outputs: dict[str, Any], **fields: Any) -> Garage:
        made.append(Garage(list(outputs), **fields))
        return made[-1]

    yield make
    for one in made:
        one.actuators.stop()
        one.task.cancel()
