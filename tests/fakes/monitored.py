"""All that metrics are read from, around a fleet that is a fake."""

from __future__ import annotations

from pathlib import Path

from fakes.fleet import FakeFleet

from bridge.client import Client
from bridge.health import LoopLag, NodeInfo
from bridge.homeassistant.announcer import Announcer
from bridge.homeassistant.options import DiscoveryOptions
from bridge.mapping.real_things import RealThings
from bridge.mapping.rules import Mapping
from bridge.monitoring.sources import Sources
from bridge.options import MqttOptions
from bridge.publisher import Publisher
from bridge.router import Router


def sources(fleet: FakeFleet, folder: Path, max_backlog: int = 10) -> Sources:
    """Make them; the database, if any, lies in the folder."""
    options = MqttOptions(max_backlog=max_backlog)
    publisher = Publisher(options, now=lambda: 0.0)
    publisher.attach(fleet)
    real = RealThings(Mapping(), options, fleet, publisher, now=lambda: 0.0)
    router = Router(options, fleet, publisher, now=lambda: 0.0, feed=real.feed)
    return Sources(
        fleet=fleet,
        publisher=publisher,
        router=router,
        client=Client(options, publisher, router, lambda: fleet.ids),
        real=real,
        announcer=Announcer(DiscoveryOptions(), fleet, publisher),
        lag=LoopLag(),
        info=NodeInfo("1.2.3", 1_700_000_000.0, lambda: 2.0),
        database=folder / "twins.db",
    )
