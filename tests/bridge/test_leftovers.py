from __future__ import annotations

import pytest
from fakes.fleet import FakeFleet
from fakes.outlet import FakeOutlet

from bridge.leftovers import Leftovers
from bridge.options import MqttOptions
from bridge.profiles import output
from bridge.publisher import Publisher

METER, LIMIT = "ocpp-twin/garage/1/meter", "ocpp-twin/garage/1/limit"


class Run:
    """Be a run of the daemon with a profile; `stored` is the store's, and `cleared` what was cleared."""

    def __init__(self, stored, profile, **options):
        self.stored = stored
        self.options = MqttOptions(output=output(profile), **options)
        self.publisher = Publisher(self.options, now=lambda: 0.0)
        self.publisher.attach(FakeFleet({"garage": 1}))
        self.leftovers = Leftovers(self.options, dict(stored), stored.__setitem__)
        self.leftovers.follow(self.publisher, self.options.output)
        self.outlet = FakeOutlet()

    def connect(self, room=None):
        self.outlet = FakeOutlet(room)
        self.publisher.connected(self.outlet)
        self.pump()
        return self

    def pump(self):
        while self.publisher._hand_over():
            pass

    @property
    def cleared(self):
        return {message.topic for message in self.outlet.sent if not message.payload}


@pytest.fixture
def stored():
    return {}


async def test_what_another_profile_left_is_cleared_once(stored):
    assert Run(stored, "home").connect().cleared == set()
    assert Run(stored, "quiet").connect().cleared == {METER, LIMIT}
    assert Run(stored, "quiet").connect().cleared == set()


async def test_it_is_cleared_again_after_another_profile(stored):
    Run(stored, "quiet").connect()
    Run(stored, "fleet")  # which need not have come to the broker: a crash may hide that
    assert Run(stored, "quiet").connect().cleared == {METER, LIMIT}


async def test_what_was_not_cleared_to_the_end_is_cleared_again(stored):
    run = Run(stored, "quiet").connect(room=6)
    assert len(run.cleared) < 2
    run.publisher.disconnected(run.outlet.sent)
    assert Run(stored, "quiet").connect().cleared == {METER, LIMIT}


async def test_what_was_cleared_and_not_confirmed_is_cleared_at_the_next_connect(stored):
    run = Run(stored, "quiet").connect()
    run.publisher.disconnected(run.outlet.sent)
    assert run.connect().cleared == {METER, LIMIT}


async def test_another_broker_may_have_something_of_its_own(stored):
    Run(stored, "quiet").connect()
    other = Run(stored, "quiet", url="mqtt://other").connect()
    assert other.cleared == {METER, LIMIT}


async def test_a_reload_clears_and_shows_again(stored):
    run = Run(stored, "home").connect()
    run.outlet.sent.clear()
    run.leftovers.follow(run.publisher, output("quiet"))
    run.pump()
    assert run.cleared == {METER, LIMIT}
    run.outlet.sent.clear()
    run.leftovers.follow(run.publisher, output("quiet", meter_interval_s=5.0))
    run.pump()
    assert METER in run.outlet.topics()
    assert run.cleared == set()
    run.leftovers.follow(run.publisher, output("home"))
    run.pump()
    assert run.outlet.on(LIMIT)
    assert Run(stored, "quiet").connect().cleared == {METER, LIMIT}


async def test_what_another_version_remembers_counts_for_nothing(stored):
    Run(stored, "quiet").connect()
    stored["cleared"] = b'{"where": 1}'
    assert Run(stored, "quiet").connect().cleared == {METER, LIMIT}
