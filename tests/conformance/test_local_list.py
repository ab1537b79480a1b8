"""Group 14 of the checklist: the local authorization list, and what group 4 and S-14 say of it."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.central_system import CallError, CentralSystem, Hold
from fakes.judge import iso
from fakes.scenes import booted, charge, charging

from twin.model.inputs import ClearFault, PlugIn, PresentToken, PressStop, SetFault, SetPowered, Unplug
from twin.model.terms import ErrorCode


def entry(tag: str, status: str | None = "Accepted", **info: Any) -> dict[str, Any]:
    """Make an AuthorizationData; without a status it has no idTagInfo."""
    return {"idTag": tag} if status is None else {"idTag": tag, "idTagInfo": {"status": status, **info}}


def send(cs: CentralSystem, version: int, *entries: dict[str, Any], kind: str = "Full") -> str:
    payload: dict[str, Any] = {"listVersion": version, "updateType": kind}
    if entries:
        payload["localAuthorizationList"] = list(entries)
    return cs.ask("SendLocalList", payload).status


def change(cs: CentralSystem, version: int, *entries: dict[str, Any]) -> str:
    return send(cs, version, *entries, kind="Differential")


def version(cs: CentralSystem) -> int:
    payload = cs.ask("GetLocalListVersion").payload
    assert payload is not None
    return payload["listVersion"]


def active(cs: CentralSystem, evse: int = 1) -> bool:
    return cs.station.view(cs.now).sessions[evse - 1].active


def may_charge_offline(cs: CentralSystem, tag: str) -> bool:
    """Try a card while the link is down, and leave everything as it was."""
    cs.cut()
    charge(cs, tag=tag)
    found = active(cs)
    if found:
        cs.command(PressStop(evse=1))
    cs.command(Unplug(evse=1))
    cs.restore()
    cs.advance(1)
    return found


# --- The list itself --------------------------------------------------------------------------------------------------


def test_ll_01_an_empty_list_has_version_0():
    cs = booted()
    assert version(cs) == 0
    assert cs.station.view(cs.now).station.local_list_version == 0


def test_ll_01_ll_03_full_sets_list_and_version():
    cs = booted()
    assert send(cs, 234, entry("TAG1")) == "Accepted"
    assert version(cs) == 234
    assert cs.station.view(cs.now).station.local_list_version == 234


@pytest.mark.parametrize("empty", [{}, {"localAuthorizationList": []}])
def test_ll_02_full_without_entries_empties_the_list(empty):
    cs = booted()
    send(cs, 5, entry("TAG1"))
    assert cs.ask("SendLocalList", {"listVersion": 6, "updateType": "Full"} | empty).status == "Accepted"
    assert version(cs) == 0
    assert not may_charge_offline(cs, "TAG1")


def test_ll_03_full_replaces_also_by_a_lower_version():
    cs = booted()
    send(cs, 5, entry("OLD"))
    assert send(cs, 3, entry("NEW")) == "Accepted"
    assert version(cs) == 3
    assert may_charge_offline(cs, "NEW")
    assert not may_charge_offline(cs, "OLD")


def test_ll_03_differential_adds_updates_and_deletes():
    cs = booted()
    send(cs, 1, entry("STAYS"), entry("BLOCK"), entry("GOES"))
    changes = (entry("block", "Blocked"), entry("goes", None), entry("COMES"), entry("NEVERTHERE", None))
    assert change(cs, 2, *changes) == "Accepted"
    assert version(cs) == 2
    found = {tag: may_charge_offline(cs, tag) for tag in ("STAYS", "BLOCK", "GOES", "COMES", "NEVERTHERE")}
    assert found == {"STAYS": True, "BLOCK": False, "GOES": False, "COMES": True, "NEVERTHERE": False}


def test_ll_01_ll_03_deleting_the_last_entry_leaves_an_empty_list_of_version_0():
    cs = booted()
    send(cs, 5, entry("TAG1"))
    assert change(cs, 6, entry("TAG1", None)) == "Accepted"
    assert version(cs) == 0
    assert change(cs, 1, entry("TAG2")) == "Accepted"
    assert version(cs) == 1


@pytest.mark.parametrize("number", [4, 5])
def test_ll_04_a_differential_must_be_newer(number):
    cs = booted()
    send(cs, 5, entry("TAG1"))
    assert change(cs, number, entry("TAG1", None)) == "VersionMismatch"
    assert version(cs) == 5
    assert may_charge_offline(cs, "TAG1")


def test_ll_04_every_version_is_newer_than_none():
    cs = booted()
    assert change(cs, 1, entry("TAG1")) == "Accepted"
    assert version(cs) == 1


def test_ll_05_differential_without_entries_changes_the_version_only():
    cs = booted()
    send(cs, 5, entry("TAG1"))
    assert change(cs, 8) == "Accepted"
    assert version(cs) == 8
    assert may_charge_offline(cs, "TAG1")


@pytest.mark.parametrize("number", [0, -1, -7])
@pytest.mark.parametrize("kind", ["Full", "Differential"])
def test_ll_06_ll_08_versions_that_mean_something_else_fail(number, kind):
    cs = booted()
    send(cs, 5, entry("TAG1"))
    assert send(cs, number, entry("TAG2"), kind=kind) == "Failed"
    assert version(cs) == 5
    assert may_charge_offline(cs, "TAG1")


@pytest.mark.parametrize(
    ("kind", "entries"),
    [
        ("Full", [entry("A"), entry("B", None)]),
        ("Full", [entry("A"), entry("a")]),
        ("Differential", [entry("A"), entry("a", None)]),
        ("Full", [entry(f"T{number}") for number in range(4)]),
        ("Differential", [entry(f"T{number}", None) for number in range(4)]),
        ("Differential", [entry("A"), entry("B"), entry("C")]),
    ],
    ids=["no idTagInfo", "twice", "twice in a differential", "too many", "too many deletions", "no room"],
)
def test_ll_07_ll_08_k_38_k_39_what_breaks_a_rule_fails_as_a_whole(kind, entries):
    cs = booted(keys={"SendLocalListMaxLength": "3", "LocalAuthListMaxLength": "4"})
    assert send(cs, 1, entry("ONE"), entry("TWO")) == "Accepted"
    assert send(cs, 2, *entries, kind=kind) == "Failed"
    assert version(cs) == 1
    assert may_charge_offline(cs, "ONE")
    assert not may_charge_offline(cs, "A")


def test_ll_07_k_38_k_39_an_update_within_the_limits_passes():
    cs = booted(keys={"SendLocalListMaxLength": "3", "LocalAuthListMaxLength": "4"})
    assert send(cs, 1, entry("A"), entry("B"), entry("C")) == "Accepted"
    assert change(cs, 2, entry("D"), entry("a", "Blocked")) == "Accepted"
    assert change(cs, 3, entry("E")) == "Failed"
    assert change(cs, 4, entry("E"), entry("A", None)) == "Accepted"
    assert version(cs) == 4


def test_ll_09_c_10_without_the_profile_there_is_no_list():
    cs = booted(keys={"SupportedFeatureProfiles": "Core"})
    payload = {"listVersion": 1, "updateType": "Full"}
    assert cs.ask("SendLocalList", payload).code == "NotSupported"
    assert cs.ask("GetLocalListVersion").code == "NotSupported"


@pytest.mark.parametrize("loss", ["crash", "Soft", "Hard", "power"])
def test_ll_10_the_list_survives(loss):
    cs = booted()
    send(cs, 7, entry("TAG1", parentIdTag="P"), entry("BAD", "Blocked"))
    if loss == "crash":
        cs.crash()
    elif loss == "power":
        cs.command(SetPowered(powered=False), SetPowered(powered=True))
    else:
        cs.ask("Reset", {"type": loss})
    cs.advance(30)
    assert version(cs) == 7
    assert may_charge_offline(cs, "TAG1")
    assert not may_charge_offline(cs, "BAD")


def test_ll_10_an_emptied_list_stays_empty_over_a_restart():
    cs = booted()
    send(cs, 7, entry("TAG1"))
    send(cs, 8)
    cs.crash()
    cs.advance(1)
    assert version(cs) == 0


def test_ll_10_nothing_but_send_local_list_changes_it():
    cs = booted()
    send(cs, 7, entry("GONE", expiryDate=iso(cs.now + 100)), entry("TAG1"))
    cs.tags["TAG1"] = {"status": "Blocked"}
    cs.ask("ClearCache")
    charge(cs, tag="TAG1")
    cs.command(Unplug(evse=1))
    cs.advance(1000)
    assert version(cs) == 7
    assert may_charge_offline(cs, "TAG1")
    assert not may_charge_offline(cs, "GONE")
    assert change(cs, 8, entry("GONE", expiryDate=iso(cs.now + 100))) == "Accepted"
    assert may_charge_offline(cs, "GONE")


# --- Deciding by it ---------------------------------------------------------------------------------------------------


def test_a_08_listed_tags_are_not_cached():
    cs = booted()
    send(cs, 1, entry("TAG1"))
    charge(cs, tag="TAG1")
    cs.command(PresentToken(token="TAG1", evse=1), Unplug(evse=1))
    send(cs, 2)
    assert not may_charge_offline(cs, "TAG1")


@pytest.mark.parametrize(("listed", "cached"), [("Blocked", "Accepted"), ("Accepted", "Blocked")])
def test_a_08_the_list_beats_the_cache(listed, cached):
    cs = booted()
    cs.tags["TAG1"] = {"status": cached}
    cs.command(PresentToken(token="TAG1", evse=1))
    cs.advance(100)
    send(cs, 1, entry("tag1", listed))
    assert may_charge_offline(cs, "TAG1") is (listed == "Accepted")


def test_a_13_k_37_local_auth_list_enabled_switches_its_use():
    cs = booted()
    send(cs, 4, entry("TAG1"))
    assert cs.configure("LocalAuthListEnabled", False) == "Accepted"
    assert not may_charge_offline(cs, "TAG1")
    assert version(cs) == -1
    assert cs.configure("LocalAuthListEnabled", True) == "Accepted"
    assert version(cs) == 4
    assert may_charge_offline(cs, "TAG1")


def test_a_13_a_list_that_is_not_in_use_can_be_sent():
    cs = booted(keys={"LocalAuthListEnabled": "false"})
    assert send(cs, 4, entry("TAG1")) == "Accepted"
    assert version(cs) == -1
    assert not may_charge_offline(cs, "TAG1")
    assert cs.configure("LocalAuthListEnabled", True) == "Accepted"
    assert version(cs) == 4


@pytest.mark.parametrize(
    ("status", "valid"),
    [("Accepted", True), ("ConcurrentTx", True), ("Blocked", False), ("Expired", False), ("Invalid", False)],
)
def test_a_13_a_15_which_statuses_are_valid_in_the_list(status, valid):
    cs = booted()
    send(cs, 1, entry("TAG1", status))
    assert may_charge_offline(cs, "TAG1") is valid
    noted = cs.noted("authorized" if valid else "authorization_failed")[-1].fields
    assert noted["source"] == "local_list"
    assert noted["status"] == ("Accepted" if valid else status)


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
def test_a_13_listed_as_not_valid_but_online_is_asked_for(status):
    cs = booted(keys={"LocalPreAuthorize": "true"})
    send(cs, 1, entry("TAG1", status))
    charge(cs, tag="TAG1")
    assert cs.last("Authorize")["idTag"] == "TAG1"
    assert active(cs)


@pytest.mark.parametrize("status", ["Accepted", "ConcurrentTx"])
def test_a_14_k_13_local_pre_authorize_starts_without_asking(status):
    cs = booted(keys={"LocalPreAuthorize": "true"})
    send(cs, 1, entry("TAG1", status, parentIdTag="P"))
    charge(cs, tag="tag1")
    assert active(cs)
    assert not cs.sent("Authorize")
    assert cs.noted("authorized")[-1].fields["source"] == "local_list"


def test_a_14_without_local_pre_authorize_the_answer_is_waited_for():
    cs = booted(keys={"LocalPreAuthorize": "false"})
    send(cs, 1, entry("TAG1"))
    cs.script("Authorize", Hold())
    charge(cs, tag="TAG1")
    cs.advance(5)
    assert not active(cs)
    cs.release()
    assert active(cs)


@pytest.mark.parametrize("loss", ["silence", "CALLERROR", "link"])
def test_a_15_a_central_system_that_cannot_answer_leaves_it_to_the_list(loss):
    cs = booted()
    send(cs, 1, entry("TAG1"))
    cs.script("Authorize", Hold())
    charge(cs, tag="TAG1")
    if loss == "silence":
        cs.advance(31)
    elif loss == "CALLERROR":
        cs.release(CallError("InternalError"))
    else:
        cs.cut()
    assert active(cs)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_15_k_12_local_authorize_offline(allowed):
    cs = booted(keys={"LocalAuthorizeOffline": str(allowed).lower()})
    send(cs, 1, entry("TAG1"))
    assert may_charge_offline(cs, "TAG1") is allowed


@pytest.mark.parametrize("info", ["Invalid", "Blocked", "Expired", "by time"])
def test_a_17_the_unknown_mode_refuses_what_the_list_refuses(info):
    cs = booted(keys={"AllowOfflineTxForUnknownId": "true"})
    bad = entry("BAD", expiryDate=iso(cs.now + 300)) if info == "by time" else entry("BAD", info)
    send(cs, 1, bad)
    cs.advance(300)
    assert not may_charge_offline(cs, "bad")
    assert may_charge_offline(cs, "STRANGER")


def test_a_18_a_03_offline_stop_by_a_listed_member_of_the_group():
    cs = booted()
    send(cs, 1, entry("A", parentIdTag="F"), entry("B", parentIdTag="f"), entry("C", parentIdTag="G"))
    change(cs, 2, entry("D", "Blocked", parentIdTag="F"))
    cs.cut()
    charge(cs, tag="A")
    assert active(cs)
    cs.command(PresentToken(token="C", evse=1), PresentToken(token="D", evse=1))
    assert active(cs)
    cs.command(PresentToken(token="B", evse=1))
    assert not active(cs)
    cs.restore()
    assert cs.last("StopTransaction")["idTag"] == "B"


def test_r_02_a_remote_start_is_authorized_by_the_list():
    cs = booted(keys={"LocalPreAuthorize": "true", "AuthorizeRemoteTxRequests": "true"})
    send(cs, 1, entry("REMOTE"))
    cs.command(PlugIn(evse=1))
    assert cs.ask("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": 1}).status == "Accepted"
    assert not cs.sent("Authorize")
    assert cs.last("StartTransaction")["idTag"] == "REMOTE"


# --- When the Central System says otherwise ---------------------------------------------------------------------------


def conflicts(cs: CentralSystem) -> list[dict[str, Any]]:
    told = [call.payload for call in cs.sent("StatusNotification")]
    return [payload for payload in told if payload["errorCode"] == "LocalListConflict"]


def last_of_station(cs: CentralSystem) -> dict[str, Any]:
    return [call.payload for call in cs.sent("StatusNotification") if call["connectorId"] == 0][-1]


def test_s_14_a_23_a_contradicting_start_confirmation_is_told_and_the_list_stays():
    cs = booted(keys={"LocalPreAuthorize": "true"})
    send(cs, 1, entry("TAG1"))
    cs.tags["TAG1"] = {"status": "Invalid"}
    charge(cs, tag="TAG1")
    (told,) = conflicts(cs)
    assert (told["connectorId"], told["status"]) == (0, "Available")
    assert cs.last("StopTransaction")["reason"] == "DeAuthorized"
    assert version(cs) == 1
    cs.command(PresentToken(token="TAG1", evse=1), Unplug(evse=1))
    assert may_charge_offline(cs, "TAG1")


def test_s_14_after_an_offline_start_the_conflict_is_told():
    cs = booted()
    send(cs, 1, entry("TAG1"))
    cs.cut()
    charge(cs, tag="TAG1")
    cs.tags["TAG1"] = {"status": "Blocked"}
    cs.restore()
    cs.advance(1)
    assert len(conflicts(cs)) == 1


@pytest.mark.parametrize(("listed", "said"), [("Blocked", "Accepted"), ("Accepted", "Expired")])
def test_s_14_an_authorize_confirmation_may_contradict_as_well(listed, said):
    cs = booted()
    send(cs, 1, entry("TAG1", listed))
    cs.tags["TAG1"] = {"status": said}
    cs.command(PresentToken(token="TAG1", evse=1))
    assert conflicts(cs)


def test_s_14_each_conflict_is_told():
    cs = booted()
    send(cs, 1, entry("A", "Blocked"), entry("B", "Blocked"))
    cs.command(PresentToken(token="A", evse=1))
    cs.advance(100)
    cs.command(PresentToken(token="B", evse=1))
    assert len(conflicts(cs)) == 2


@pytest.mark.parametrize(
    ("listed", "said"),
    [("Accepted", "Accepted"), ("Accepted", "ConcurrentTx"), ("ConcurrentTx", "Accepted"), ("Blocked", "Invalid")],
)
def test_s_14_the_same_validity_is_no_conflict(listed, said):
    cs = booted()
    send(cs, 1, entry("TAG1", listed))
    cs.tags["TAG1"] = {"status": said}
    charge(cs, tag="TAG1")
    assert not conflicts(cs)


def test_s_14_a_13_a_list_that_is_not_in_use_contradicts_nothing():
    cs = booted(keys={"LocalAuthListEnabled": "false"})
    send(cs, 1, entry("TAG1", "Blocked"))
    charge(cs, tag="TAG1")
    assert not conflicts(cs)


@pytest.mark.parametrize("how", ["Full", "Differential", "disabled", "mended"])
def test_s_14_the_warning_ends_with_a_new_list(how):
    cs = charging()
    send(cs, 1, entry("TAG2", "Blocked"))
    cs.command(PresentToken(token="TAG2", evse=1))
    assert last_of_station(cs)["errorCode"] == "LocalListConflict"
    if how == "disabled":
        cs.configure("LocalAuthListEnabled", False)
    elif how == "mended":
        cs.command(ClearFault(evse=0))
    else:
        assert send(cs, 2, entry("TAG2"), kind=how) == "Accepted"
    assert last_of_station(cs)["errorCode"] == "NoError"
    assert active(cs)


def test_s_14_a_failed_update_leaves_the_warning():
    cs = booted()
    send(cs, 3, entry("TAG2", "Blocked"))
    cs.command(PresentToken(token="TAG2", evse=1))
    assert change(cs, 3) == "VersionMismatch"
    assert last_of_station(cs)["errorCode"] == "LocalListConflict"


def test_s_14_behind_a_fault_the_warning_waits():
    cs = booted()
    send(cs, 1, entry("TAG2", "Blocked"))
    cs.command(SetFault(evse=0, code=ErrorCode.INTERNAL_ERROR, fault_id="x"))
    cs.command(PresentToken(token="TAG2", evse=1))
    cs.command(ClearFault(evse=0, fault_id="x"))
    assert last_of_station(cs)["errorCode"] == "LocalListConflict"
