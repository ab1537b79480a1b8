from __future__ import annotations

from fakes.watching import evse, fleet, node, say, station

from bridge.watching import headline
from bridge.watching.ports import Link


def test_few_nodes_are_named_and_many_counted():
    known = fleet("garage")
    node(known, "second", online=False)
    say(known, "bridge/third/info", {"clock_rate": 60})
    say(known, "bridge/main/info", {"clock_rate": 60})
    text = headline.connections(known, Link("connected", "", "3.1.1"), "mqtt://b").plain
    assert text == (
        "ocpp-twin  mqtt://b ● connected, MQTT 3.1.1  main ● online, time × 60  second ○ offline  third ◌ unknown"
    )
    node(known, "fourth")
    assert headline.connections(known, Link(), "mqtt://b").plain.endswith("◌ connecting  2 of 4 nodes online")


def test_what_is_bad_is_named_only_when_there_is_any():
    known = fleet("a", "b")
    assert headline.sums(known).plain == "2 twins  2 connected  0 charging  0.00 kW  0 queued"
    evse(known, "a", status="Faulted")
    station(known, "a", connected=False)
    say(known, "b/availability", "offline")
    assert headline.sums(known).plain == ("2 twins  1 running  0 connected  0 charging  0.00 kW  1 faulted  0 queued")


def test_banners():
    assert headline.banner(Link("connected")) == ""
    assert headline.banner(Link("connected", "the ACL")) == "the ACL"
    assert headline.banner(Link("lost", "gone")).startswith("gone. Trying again")


def test_what_an_output_profile_leaves_out_is_said():
    known = fleet("garage")
    say(known, "bridge/main/info", {"profile": "quiet"})
    assert (
        "main ● online, profile quiet: no limits, no meters unless set"
        in headline.connections(known, Link(), "mqtt://b").plain
    )
    say(known, "bridge/main/info", {"profile": "fleet", "clock_rate": 10})
    text = headline.connections(known, Link(), "mqtt://b").plain
    assert "main ● online, time × 10, profile fleet: meters seldom" in text
