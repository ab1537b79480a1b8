from __future__ import annotations

from fakes.watching import event, evse, fleet, limit, meter, session, station

from bridge.watching import facts


def told(known):
    return {name: text.plain for name, text in facts.evse(known.twins["garage"].connectors[1])}


def test_an_idle_evse():
    known = fleet("garage")
    limit(known, "garage")
    found = told(known)
    assert found["Car"] == "not plugged in"
    assert found["Card"] == "none"
    assert found["Session"] == "none yet"
    assert found["Limit"] == "no session, no energy"
    assert "set by" not in found


def test_what_is_unusual_is_told():
    known = fleet("garage")
    evse(known, "garage", status="Faulted", error_code="OtherError", error_info="wet", plugged=True, ev_ready=False)
    meter(known, "garage", power_w=11_040.0, current_l1_a=16.0, current_l2_a=16.0, current_l3_a=16.0, stale=True)
    limit(known, "garage", allowed=True, limit_a=16.0, limit_w=11_040.0, until=1_700_000_000.0)
    session(known, "garage", started_at=1_700_000_000.0, ended_at=1_700_000_600.0, energy_wh=5.0, stop_reason="Local")
    found = told(known)
    assert found["Status"] == "✖ Faulted  OtherError wet"
    assert found["Car"] == "plugged, wants none"
    assert found["Power"] == "11.04 kW  3 × 16.0 A  stale"
    assert found["Limit"] == "11.04 kW  16 A 3~"
    assert " until " in found["set by"]
    assert found["Session"] == "ended, 0.005 kWh"
    assert found["Ended"].endswith("Local")
    assert found["Volts"] == "230 V"


def test_unequal_phases_are_told_one_by_one_and_cards_that_may_not():
    known = fleet("garage")
    meter(known, "garage", power_w=5_000.0, current_l1_a=16.0, current_l2_a=6.0)
    evse(known, "garage", id_tag="X", authorized=False)
    assert told(known)["Power"] == "5.00 kW  16.0 6.0 A"
    assert told(known)["Card"] == "X not authorized"


def test_a_station():
    known = fleet("garage")
    station(known, "garage", door_open=True, powered=False, error_code="OtherError", firmware_status="Downloading")
    text = facts.station(known.twins["garage"]).plain
    for words in ("mains OFF", "network on", "door open", "OtherError", "firmware Downloading"):
        assert words in text, words


def test_events_are_sentences_and_harmless():
    known = fleet("garage")
    event(known, "garage", "transaction_stopped", transaction_id=3, reason="Local", energy_wh=500)
    event(known, "garage", "fault", error_code="OtherError", info="\x1b[2J", id="")
    event(known, "garage", "status_changed")
    event(known, "garage", "something_new", None, word="x")
    lines = [facts.event(one, numbered=True).plain[9:] for one in known.twins["garage"].events]
    assert lines == [
        "1 transaction 3 ends: Local, 0.500 kWh",
        "1 fault: OtherError, \\x1b[2J",
        "1 status_changed",
        "  something new word x",
    ]
    assert "1 trans" not in facts.event(known.twins["garage"].events[0], numbered=False).plain
