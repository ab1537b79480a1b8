from __future__ import annotations

import pytest
from fakes.watching import event, evse, fleet, frame, limit, meter, node, say, session, station

from bridge.watching.knowledge import Knowledge, Totals, filters


@pytest.fixture
def known():
    return Knowledge("ocpp-twin")


def test_a_twin_comes_to_be_known_bit_by_bit(known):
    station(known, "garage", queued_messages=3)
    evse(known, "garage", 2, status="Charging", charging=True)
    evse(known, "garage", 1, status="Available")
    meter(known, "garage", 2, power_w=11_000.0, energy_wh=1_000.0)
    meter(known, "garage", 1, power_w=0.0, energy_wh=500.0)
    limit(known, "garage", 2, allowed=True, limit_w=11_040.0)
    session(known, "garage", 2, active=True, id_tag="A")
    twin = known.twins["garage"]
    assert twin.station.queued_messages == 3
    assert list(twin.connectors) == [1, 2]
    assert twin.connectors[2].evse.status == "Charging"
    assert twin.connectors[2].limit.limit_w == 11_040.0
    assert twin.connectors[2].session.id_tag == "A"
    assert (twin.power_w, twin.energy_wh, twin.is_charging) == (11_000.0, 1_500.0, True)


def test_the_fleet_is_summed_up():
    known = fleet("a", "b", "c", "d")
    evse(known, "a", status="Charging", charging=True)
    meter(known, "a", power_w=7_360.0)
    evse(known, "b", status="Faulted")
    station(known, "b", connected=False, queued_messages=4)
    say(known, "d/availability", "offline")
    assert known.totals() == Totals(twins=4, running=3, connected=2, charging=1, faulted=1, power_w=7_360.0, queued=4)


def test_all_that_is_new_makes_versions_grow(known):
    station(known, "garage")
    before, twin = known.version, known.twins["garage"].version
    say(known, "elsewhere", "x")
    known.take("other/garage/state", b"{}", 0.0)
    say(known, "garage/1/nonsense", {})
    say(known, "garage/01/state", {})
    assert (known.version, known.twins["garage"].version) == (before, twin)
    evse(known, "garage")
    assert known.version > before
    assert known.twins["garage"].version > twin


def test_what_nobody_expects_changes_nothing(known):
    station(known, "garage", queued_messages=3)
    evse(known, "garage", status="Charging")
    for payload in ("not JSON", "[]", '{"status": 7}', "[" * 100_000):
        say(known, "garage/state", payload)
        say(known, "garage/1/state", payload)
        say(known, "garage/event", payload)
        say(known, "garage/ocpp/sent", payload)
        say(known, "bridge/main/info", payload)
    assert known.twins["garage"].station.queued_messages == 3
    assert known.twins["garage"].connectors[1].evse.status == "Charging"
    assert not known.twins["garage"].events


def test_events_and_frames_belong_to_twins_that_are_known_and_old_ones_go(known):
    event(known, "garage", "plugged")
    frame(known, "garage", "sent", "[]")
    assert known.twins == {}
    station(known, "garage")
    for number in range(150):
        event(known, "garage", "plugged", number)
    for number in range(600):
        frame(known, "garage", "sent", f'[2,"{number}","Heartbeat",{{}}]')
    twin = known.twins["garage"]
    assert (len(twin.events), twin.events[-1].evse) == (100, 149)
    assert (len(twin.frames), twin.frames[-1].message_id) == (500, "599")


def test_a_twin_goes_when_its_topics_are_cleared(known):
    station(known, "garage")
    evse(known, "garage", 1)
    evse(known, "garage", 2)
    members = known.members
    say(known, "garage/2/state", "")
    assert list(known.twins["garage"].connectors) == [1]
    for topic in ("garage/state", "garage/1/state", "garage/1/meter", "garage/availability"):
        say(known, topic, "")
    assert known.twins == {}
    assert known.members > members


def test_the_will_of_the_only_node_speaks_for_its_twins():
    known = fleet("garage")
    twin = known.twins["garage"]
    assert known.runs(twin)
    node(known, online=False)
    assert not known.runs(twin)
    node(known, "second")
    assert known.runs(twin)
    say(known, "garage/availability", "offline")
    assert not known.runs(twin)
    say(known, "bridge/second/availability", "")
    assert list(known.nodes) == ["main"]


def test_what_does_not_come_again_after_a_new_connection_is_forgotten():
    known = fleet("garage", "shed")
    node(known, "old")
    known.replay_begins()
    node(known)
    station(known, "garage")
    known.replay_ends()
    known.replay_ends()
    assert list(known.twins) == ["garage"]
    assert list(known.nodes) == ["main"]


def test_power_and_limits_have_a_history(known):
    meter(known, "garage", at=0.0, power_w=1_000.0)
    meter(known, "garage", at=30.0, power_w=2_000.0)
    limit(known, "garage", at=10.0, limit_w=7_000.0)
    one = known.twins["garage"].connectors[1]
    assert one.power.sampled(60.0, 60.0, 3) == [1_000.0, 2_000.0, 2_000.0]
    assert one.allowed.sampled(60.0, 60.0, 3) == [None, 7_000.0, 7_000.0]


def test_filters_are_exact_and_do_not_overlap():
    assert filters("a/b/") == [
        *("a/b/+/availability", "a/b/+/state", "a/b/+/event", "a/b/bridge/+/availability", "a/b/bridge/+/info"),
        *("a/b/+/+/state", "a/b/+/+/meter", "a/b/+/+/limit", "a/b/+/+/session"),
    ]


def test_a_profile_that_hides_meters_leaves_the_evse(known):
    evse(known, "garage", plugged=True)
    meter(known, "garage", power_w=7360.0)
    limit(known, "garage", limit_w=7360.0)
    for part in ("meter", "limit", "session"):
        say(known, f"garage/1/{part}", "")
        say(known, f"garage/2/{part}", "")
    (found,) = known.twins["garage"].connectors.values()
    assert (found.evse.plugged, found.meter.power_w, found.limit.limit_w) == (True, 0.0, 0.0)
