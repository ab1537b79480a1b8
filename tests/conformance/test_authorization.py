"""Group 4 of the checklist: who may charge (the Local List comes with a later profile)."""

from __future__ import annotations

import pytest
from fakes.central_system import CallError, Hold
from fakes.judge import iso
from fakes.scenes import booted, charge, charging

from twin.model.inputs import PlugIn, PresentToken, PressStop, Unplug, UnplugEvSide


def active(cs, evse: int = 1) -> bool:
    return cs.station.view(cs.now).sessions[evse - 1].active


def end(cs, tag: str = "TAG1") -> None:
    cs.command(PressStop(evse=1), Unplug(evse=1))
    assert cs.status() == "Available"


def learned(cs, tag: str, info: dict | None = None) -> None:
    """Let the twin's cache learn a tag by a swipe without a plug."""
    if info is not None:
        cs.tags[tag] = info
    cs.command(PresentToken(token=tag, evse=1))
    cs.advance(120)
    assert cs.status() == "Available"


def test_a_01_unknown_tag_is_asked_for_before_energy_flows():
    cs = booted()
    cs.script("Authorize", Hold())
    charge(cs)
    assert cs.last("Authorize").payload == {"idTag": "TAG1"}
    cs.advance(5)
    assert not active(cs)
    cs.release()
    assert active(cs)
    assert cs.actions()[-3:].count("Authorize") <= 1


@pytest.mark.parametrize("first", ["plug", "swipe"])
def test_a_01_plug_and_swipe_in_any_order(first):
    cs = booted()
    plug, swipe = PlugIn(evse=1), PresentToken(token="TAG1", evse=1)
    cs.command(*((plug, swipe) if first == "plug" else (swipe, plug)))
    assert cs.last("StartTransaction")["idTag"] == "TAG1"
    assert cs.statuses(1) == ["Available", "Preparing", "Charging"]


def test_a_02_t_34_the_starting_tag_stops_without_authorize_in_any_case():
    cs = charging(tag="abCdef", keys={"AuthorizationCacheEnabled": "false"})
    mark = cs.mark()
    cs.command(PresentToken(token="ABcDEF", evse=1))
    assert "Authorize" not in cs.actions(mark)
    assert cs.last("StopTransaction").payload.get("reason", "Local") == "Local"
    assert cs.last("StopTransaction")["idTag"].lower() == "abcdef"


def test_a_02_another_tag_is_authorized_first():
    cs = charging()
    mark = cs.mark()
    cs.command(PresentToken(token="OTHER", evse=1))
    assert cs.sent("Authorize", mark)[0]["idTag"] == "OTHER"


def test_a_03_a_member_of_the_group_may_stop():
    cs = booted()
    cs.tags["A"] = cs.tags["B"] = {"status": "Accepted", "parentIdTag": "Family"}
    cs.tags["B"] = {"status": "Accepted", "parentIdTag": "FAMILY"}
    charge(cs, tag="A")
    cs.command(PresentToken(token="B", evse=1))
    assert cs.last("StopTransaction")["idTag"] == "B"
    assert not active(cs)


def test_a_03_the_parent_is_no_card():
    cs = booted()
    cs.tags["A"] = {"status": "Accepted", "parentIdTag": "Family"}
    charge(cs, tag="A")
    cs.command(PresentToken(token="Family", evse=1))
    assert active(cs)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"status": "Accepted"}, {"status": "Accepted"}),
        ({"status": "Accepted", "parentIdTag": "X"}, {"status": "Accepted", "parentIdTag": "Y"}),
        ({"status": "Accepted", "parentIdTag": "X"}, {"status": "Accepted"}),
        ({"status": "Accepted", "parentIdTag": "X"}, {"status": "Blocked", "parentIdTag": "X"}),
    ],
)
def test_a_04_an_accepted_tag_outside_the_group_does_not_stop(first, second):
    cs = booted()
    cs.tags |= {"A": first, "B": second}
    charge(cs, tag="A")
    cs.command(PresentToken(token="B", evse=1))
    assert active(cs)
    assert not cs.sent("StopTransaction")


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
def test_a_05_only_accepted_permits_charging(status):
    cs = booted()
    cs.tags["BAD"] = {"status": status}
    charge(cs, tag="BAD")
    assert not active(cs)
    assert not cs.sent("StartTransaction")
    assert cs.noted("authorization_failed")[-1].fields["status"] == status
    cs.command(PresentToken(token="GOOD", evse=1))
    assert active(cs)


@pytest.mark.parametrize("answer", [CallError("InternalError"), CallError("NotSupported"), Hold()])
def test_a_05_no_verdict_is_no_permission(answer):
    cs = booted()
    cs.script("Authorize", answer)
    charge(cs)
    cs.advance(31)
    assert not cs.sent("StartTransaction")


def test_a_06_k_02_cache_switched_off_is_neither_read_nor_filled():
    cs = booted(keys={"AuthorizationCacheEnabled": "false", "LocalPreAuthorize": "true"})
    learned(cs, "TAG1")
    assert cs.configure("AuthorizationCacheEnabled", True) == "Accepted"
    cs.cut()
    charge(cs)
    assert not active(cs)
    cs.restore()
    cs.command(Unplug(evse=1))
    learned(cs, "TAG1")
    assert cs.configure("AuthorizationCacheEnabled", False) == "Accepted"
    cs.cut()
    charge(cs)
    assert not active(cs)


def test_a_07_authorize_fills_the_cache():
    cs = booted()
    learned(cs, "TAG1")
    cs.cut()
    charge(cs)
    assert active(cs)


def test_a_07_an_update_of_the_verdict_is_kept():
    cs = booted()
    learned(cs, "TAG1")
    learned(cs, "TAG1", {"status": "Blocked"})
    cs.cut()
    charge(cs)
    assert not active(cs)


def test_a_07_start_transaction_confirmation_updates_the_cache():
    cs = booted(keys={"StopTransactionOnInvalidId": "true"})
    cs.script("StartTransaction", {"transactionId": 7, "idTagInfo": {"status": "Blocked"}})
    charge(cs)
    assert cs.last("StopTransaction")["reason"] == "DeAuthorized"
    cs.command(PresentToken(token="TAG1", evse=1), Unplug(evse=1))
    cs.cut()
    charge(cs)
    assert not active(cs)


def test_a_07_x_13_stop_transaction_confirmation_updates_the_cache():
    cs = charging()
    cs.script("StopTransaction", {"idTagInfo": {"status": "Blocked"}})
    cs.command(PresentToken(token="TAG1", evse=1), Unplug(evse=1))
    cs.cut()
    charge(cs)
    assert not active(cs)


def test_a_09_expired_entries_are_expired():
    cs = booted()
    learned(cs, "TAG1", {"status": "Accepted", "expiryDate": iso(cs.now + 1000)})
    cs.cut()
    charge(cs)
    assert active(cs)
    end(cs)
    cs.advance(2000)
    charge(cs)
    assert not active(cs)


def test_a_10_invalid_entries_are_evicted_first():
    cs = booted(keys={"ConnectionTimeOut": "10"})
    learned(cs, "TAG1")
    cs.always["Authorize"] = {"idTagInfo": {"status": "Invalid"}}
    for number in range(2500):
        cs.command(PresentToken(token=f"BAD{number}", evse=1))
    cs.cut()
    charge(cs)
    assert active(cs)


@pytest.mark.parametrize("how", ["crash", "Hard"])
def test_a_11_cache_survives_restart_and_reset(how):
    cs = booted()
    learned(cs, "TAG1")
    if how == "crash":
        cs.crash()
    else:
        cs.ask("Reset", {"type": how})
        cs.advance(30)
    cs.cut()
    charge(cs)
    assert active(cs)


@pytest.mark.parametrize("pre_authorize", [True, False])
def test_a_12_cached_as_invalid_but_online_is_asked_again(pre_authorize):
    cs = booted(keys={"LocalPreAuthorize": str(pre_authorize).lower()})
    learned(cs, "TAG1", {"status": "Invalid"})
    cs.tags["TAG1"] = {"status": "Accepted"}
    charge(cs)
    assert active(cs)


def test_a_14_k_13_local_pre_authorize_starts_without_waiting():
    cs = booted(keys={"LocalPreAuthorize": "true"})
    learned(cs, "TAG1")
    cs.always["Authorize"] = Hold()
    charge(cs)
    assert active(cs)


def test_a_14_k_13_without_local_pre_authorize_it_waits():
    cs = booted(keys={"LocalPreAuthorize": "false"})
    learned(cs, "TAG1")
    cs.script("Authorize", Hold())
    charge(cs)
    cs.advance(10)
    assert not active(cs)
    cs.release()
    assert active(cs)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_15_k_12_local_authorize_offline(allowed):
    cs = booted(keys={"LocalAuthorizeOffline": str(allowed).lower()})
    learned(cs, "TAG1")
    cs.cut()
    charge(cs)
    assert active(cs) is allowed


@pytest.mark.parametrize("allowed", [True, False])
def test_a_16_k_01_unknown_tags_offline(allowed):
    cs = booted(keys={"AllowOfflineTxForUnknownId": str(allowed).lower()})
    cs.cut()
    charge(cs, tag="NEVERSEEN")
    assert active(cs) is allowed


@pytest.mark.parametrize("info", ["Invalid", "Blocked", "Expired", "by time"])
def test_a_17_known_bad_tags_stay_out_offline(info):
    cs = booted(keys={"AllowOfflineTxForUnknownId": "true"})
    good = {"status": "Accepted", "expiryDate": iso(cs.now + 300)}
    learned(cs, "BAD", good if info == "by time" else {"status": info})
    cs.advance(300)
    cs.cut()
    charge(cs, tag="bad")
    assert not active(cs)


def test_a_18_offline_stop_by_the_same_tag():
    cs = charging(tag="TAG1", keys={"LocalAuthorizeOffline": "false"})
    cs.cut()
    cs.command(PresentToken(token="tag1", evse=1))
    assert not active(cs)


def test_a_18_offline_stop_by_a_cached_member_of_the_group_only():
    cs = booted()
    learned(cs, "B", {"status": "Accepted", "parentIdTag": "F"})
    learned(cs, "C", {"status": "Accepted", "parentIdTag": "G"})
    cs.tags["A"] = {"status": "Accepted", "parentIdTag": "F"}
    charge(cs, tag="A")
    cs.cut()
    cs.command(PresentToken(token="C", evse=1), PresentToken(token="STRANGER", evse=1))
    assert active(cs)
    cs.command(PresentToken(token="B", evse=1))
    assert not active(cs)
    cs.restore()
    assert cs.last("StopTransaction")["idTag"] == "B"


BAD_STATUSES = ["Blocked", "Expired", "Invalid", "ConcurrentTx"]


@pytest.mark.parametrize("status", BAD_STATUSES)
@pytest.mark.parametrize("offline", [False, True])
def test_a_19_a_23_x_12_start_not_accepted_stops_with_deauthorized(status, offline):
    cs = booted(keys={"StopTransactionOnInvalidId": "true", "AllowOfflineTxForUnknownId": "true"})
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": status}})
    if offline:
        cs.cut()
    charge(cs)
    if offline:
        assert active(cs)
        cs.restore()
    stop = cs.last("StopTransaction")
    assert stop["reason"] == "DeAuthorized"
    assert stop["transactionId"] == 5
    assert "idTag" not in stop.payload
    assert cs.status() == "Finishing"


def test_a_20_cable_stays_locked_until_the_owner_comes():
    cs = booted(keys={"StopTransactionOnInvalidId": "true"})
    cs.tags["STARTER"] = cs.tags["FRIEND"] = {"status": "Accepted", "parentIdTag": "P"}
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Invalid", "parentIdTag": "P"}})
    charge(cs, tag="STARTER")
    assert cs.last("StopTransaction")["reason"] == "DeAuthorized"
    assert cs.station.view(cs.now).evses[0].locked
    cs.command(PresentToken(token="STARTER", evse=1))
    assert not cs.station.view(cs.now).evses[0].locked


def test_a_21_k_26_without_stopping_only_the_energy_stops():
    cs = booted(keys={"StopTransactionOnInvalidId": "false"})
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    charge(cs)
    assert active(cs)
    assert cs.status() == "SuspendedEVSE"
    energy = cs.station.view(cs.now).meters[0].energy_wh
    cs.advance(600)
    assert cs.station.view(cs.now).meters[0].energy_wh == pytest.approx(energy)
    assert not cs.sent("StopTransaction")
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.last("StopTransaction")["transactionId"] == 5


@pytest.mark.parametrize("stop", [True, False])
def test_a_22_k_14_some_energy_after_invalidation(stop):
    cs = booted(keys={"StopTransactionOnInvalidId": str(stop).lower(), "MaxEnergyOnInvalidId": "500"})
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    charge(cs)
    start = cs.last("StartTransaction")["meterStart"]
    assert cs.station.view(cs.now).evses[0].charging
    cs.advance(7200)
    delivered = cs.station.view(cs.now).meters[0].energy_wh - start
    assert 450 <= delivered <= 520
    if stop:
        assert cs.last("StopTransaction")["reason"] == "DeAuthorized"
    else:
        assert cs.status() == "SuspendedEVSE"


def test_a_23_a_transaction_that_is_over_is_not_stopped_twice():
    cs = booted(keys={"AllowOfflineTxForUnknownId": "true"})
    cs.cut()
    charge(cs)
    cs.advance(60)
    cs.command(PressStop(evse=1))
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    cs.restore()
    cs.advance(60)
    stops = cs.sent("StopTransaction")
    assert len(stops) == 1
    assert stops[0].payload.get("reason", "Local") == "Local"


def test_a_23_a_late_refusal_does_not_hit_the_next_transaction():
    cs = booted()
    cs.script("StartTransaction", Hold())
    charge(cs)
    cs.command(PressStop(evse=1), Unplug(evse=1))
    charge(cs, tag="TAG2")
    cs.release({"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    cs.advance(1)
    assert active(cs)
    assert len(cs.sent("StopTransaction")) == 1


def test_r5_cable_pulled_while_authorize_waits():
    """A prototype stalled for ever on: Authorize asked, cable pulled, late Accepted."""
    cs = booted()
    cs.script("Authorize", Hold())
    charge(cs)
    cs.command(Unplug(evse=1))
    cs.release()
    cs.advance(120)
    assert not active(cs)
    charge(cs, tag="TAG2")
    assert active(cs)


def test_r5_second_card_while_the_first_is_asked_for():
    cs = booted()
    cs.script("Authorize", Hold(), Hold())
    cs.command(PlugIn(evse=1), PresentToken(token="A", evse=1), PresentToken(token="B", evse=1))
    while cs.held:
        cs.release()
    assert len(cs.sent("StartTransaction")) == 1


def test_shared_reader_picks_the_evse_plugged_last_and_stops_by_card():
    cs = booted(evses=3)
    cs.command(PlugIn(evse=3), PlugIn(evse=2))
    cs.command(PresentToken(token="A"))
    assert cs.last("StartTransaction")["connectorId"] == 2
    cs.command(PresentToken(token="B"))
    assert cs.last("StartTransaction")["connectorId"] == 3
    cs.command(PresentToken(token="A"))
    assert cs.last("StopTransaction")["transactionId"] == 1
    cs.command(PresentToken(token="C"), PlugIn(evse=1))
    assert cs.last("StartTransaction")["connectorId"] == 1


def test_car_side_unplugged_without_a_cable_is_refused():
    cs = booted()
    assert cs.refused(UnplugEvSide(evse=1)) == "state_conflict"
    assert cs.refused(PressStop(evse=1)) == "state_conflict"


@pytest.mark.parametrize("loss", ["link", "silence", "CALLERROR"])
def test_a_15_unavailable_central_system_means_the_offline_rules(loss):
    cs = booted(keys={"LocalAuthorizeOffline": "true", "LocalPreAuthorize": "false"})
    learned(cs, "TAG1")
    cs.script("Authorize", Hold())
    charge(cs)
    assert not active(cs)
    if loss == "link":
        cs.cut()
    elif loss == "silence":
        cs.advance(31)
    else:
        cs.release(CallError("InternalError"))
    assert active(cs)


def test_a_03_the_parent_of_the_start_confirmation_makes_the_group():
    cs = booted()
    learned(cs, "B", {"status": "Accepted", "parentIdTag": "F"})
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Accepted", "parentIdTag": "f"}})
    charge(cs, tag="A")
    cs.command(PresentToken(token="B", evse=1))
    assert cs.last("StopTransaction")["idTag"] == "B"


def test_r5_a_swipe_that_was_taken_is_asked_again_after_a_restart():
    cs = booted()
    cs.script("Authorize", Hold())
    charge(cs)
    cs.crash()
    cs.advance(1)
    assert len(cs.sent("Authorize")) == 2
    assert active(cs)


def test_r5_after_connection_time_out_the_swipe_is_forgotten():
    cs = booted(keys={"ConnectionTimeOut": "60"})
    cs.script("Authorize", Hold())
    charge(cs)
    cs.crash(downtime_s=120)
    cs.advance(1)
    assert not cs.sent("StartTransaction")


def test_a_19_the_owner_stops_within_the_grace_energy():
    cs = booted(keys={"StopTransactionOnInvalidId": "true", "MaxEnergyOnInvalidId": "5000"})
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    charge(cs)
    cs.advance(10)
    cs.command(PressStop(evse=1))
    cs.advance(7200)
    assert len(cs.sent("StopTransaction")) == 1


def test_a_22_the_grace_survives_a_restart():
    cs = booted(keys={"StopTransactionOnInvalidId": "true", "MaxEnergyOnInvalidId": "500"})
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    charge(cs)
    cs.advance(5)
    cs.crash()
    cs.advance(7200)
    stop = cs.last("StopTransaction")
    assert stop["reason"] == "DeAuthorized"
    assert 450 <= stop["meterStop"] - cs.last("StartTransaction")["meterStart"] <= 520


def test_a_20_the_lock_waits_for_the_owner_after_a_restart_too():
    cs = booted()
    cs.script("StartTransaction", {"transactionId": 5, "idTagInfo": {"status": "Invalid"}})
    charge(cs)
    cs.crash()
    assert cs.station.view(cs.now).evses[0].locked
    cs.tags["STRANGER"] = {"status": "Invalid"}
    cs.command(PresentToken(token="STRANGER", evse=1))
    assert cs.station.view(cs.now).evses[0].locked
    cs.command(PresentToken(token="TAG1", evse=1))
    assert not cs.station.view(cs.now).evses[0].locked


@pytest.mark.parametrize(("loss", "status"), [("link", "Unavailable"), ("silence", "Timeout")])
def test_a_15_why_there_was_no_verdict_is_told(loss, status):
    cs = booted()
    cs.script("Authorize", Hold())
    charge(cs)
    if loss == "link":
        cs.cut()
    cs.advance(31)
    assert cs.noted("authorization_failed")[-1].fields["status"] == status
