"""Group 7 of the checklist: remote start and stop."""

from __future__ import annotations

import pytest
from fakes.central_system import Hold
from fakes.scenes import booted, charge, charging

from twin.model.inputs import PlugIn, PresentToken, PressStop, SetFault, Unplug
from twin.model.terms import ErrorCode

PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}]},
}


def remote_start(cs, **fields) -> str:
    return cs.ask("RemoteStartTransaction", {"idTag": "REMOTE", **fields}).status


def order(cs) -> list[str]:
    """List the twin's frames since the last request: "3" for an answer, else the action."""
    found = []
    for _, who, what in cs.log:
        if who == "cs" and what.startswith("[2"):
            found.clear()
        elif who == "twin":
            found.append(what.split('"')[3] if what.startswith("[2") else what[1])
    return found


@pytest.mark.parametrize("authorize", [True, False])
def test_r_01_r_02_r_03_k_03_answer_first_then_authorize_if_so_configured(authorize):
    cs = booted(keys={"AuthorizeRemoteTxRequests": str(authorize).lower()})
    cs.command(PlugIn(evse=1))
    mark = cs.mark()
    assert remote_start(cs, connectorId=1) == "Accepted"
    assert order(cs)[0] == "3"
    assert ("Authorize" in cs.actions(mark)) is authorize
    assert cs.last("StartTransaction")["idTag"] == "REMOTE"
    assert cs.status() == "Charging"


def test_r_02_a_cached_tag_is_authorized_like_a_local_one():
    cs = booted(keys={"AuthorizeRemoteTxRequests": "true", "LocalPreAuthorize": "true"})
    charge(cs, tag="REMOTE")
    cs.command(PressStop(evse=1), Unplug(evse=1), PlugIn(evse=1))
    cs.script("Authorize", Hold())
    assert remote_start(cs, connectorId=1) == "Accepted"
    assert len(cs.sent("StartTransaction")) == 2 or cs.held


def test_r_03_the_verdict_comes_with_the_start_confirmation():
    cs = booted(keys={"AuthorizeRemoteTxRequests": "false"})
    cs.tags["REMOTE"] = {"status": "Blocked"}
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, connectorId=1) == "Accepted"
    assert cs.last("StopTransaction")["reason"] == "DeAuthorized"


@pytest.mark.parametrize("plugged", [True, False])
def test_r_04_refused_means_no_transaction_and_out_of_preparing(plugged):
    cs = booted(keys={"AuthorizeRemoteTxRequests": "true"})
    cs.tags["REMOTE"] = {"status": "Invalid"}
    if plugged:
        cs.command(PlugIn(evse=1))
    assert remote_start(cs, connectorId=1) == "Accepted"
    cs.advance(1)
    assert not cs.sent("StartTransaction")
    if not plugged:
        assert cs.status() == "Available"


@pytest.mark.parametrize("plugged", [1, 2])
def test_r_05_without_connector_one_is_chosen_or_it_is_rejected(plugged):
    cs = booted(evses=2)
    cs.command(PlugIn(evse=plugged))
    if remote_start(cs) == "Accepted":
        cs.advance(1)
        assert cs.last("StartTransaction")["connectorId"] == plugged


@pytest.mark.parametrize("connector", [0, -1, 3, 99999])
def test_r_06_t_37_no_such_connector_is_rejected(connector):
    cs = booted(evses=2)
    reply = cs.ask("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": connector})
    assert reply.code == "PropertyConstraintViolation" or reply.status == "Rejected"


@pytest.mark.parametrize("state", ["Faulted", "Unavailable", "station unavailable", "busy", "pending"])
def test_r_06_busy_or_out_of_order_is_rejected(state):
    cs = booted(evses=2)
    match state:
        case "Faulted":
            cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
        case "Unavailable":
            cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        case "station unavailable":
            cs.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
        case "busy":
            charge(cs)
        case "pending":
            assert remote_start(cs, connectorId=1) == "Accepted"
    assert remote_start(cs, connectorId=1) == "Rejected"


def test_r_07_no_plug_yet_means_preparing_and_waiting():
    cs = booted(keys={"ConnectionTimeOut": "60"})
    assert remote_start(cs, connectorId=1) == "Accepted"
    assert cs.status() == "Preparing"
    cs.advance(59)
    cs.command(PlugIn(evse=1))
    assert cs.last("StartTransaction")["idTag"] == "REMOTE"


def test_r_07_x_09_nobody_came():
    cs = booted(keys={"ConnectionTimeOut": "60"})
    assert remote_start(cs, connectorId=1) == "Accepted"
    cs.advance(61)
    assert cs.status() == "Available"
    cs.command(PlugIn(evse=1))
    assert not cs.sent("StartTransaction")
    assert remote_start(cs, connectorId=1) == "Accepted"


def test_r_07_other_connectors_do_not_take_the_waiting_remote_start():
    cs = booted(evses=2)
    assert remote_start(cs, connectorId=1) == "Accepted"
    cs.command(PlugIn(evse=2))
    assert not cs.sent("StartTransaction")


def test_r_09_a_profile_is_ignored_without_smart_charging():
    cs = booted()
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, connectorId=1, chargingProfile=PROFILE) == "Accepted"
    assert cs.last("StartTransaction")["idTag"] == "REMOTE"


def test_r_10_remote_stop_of_an_unknown_transaction_is_rejected():
    cs = charging()
    assert cs.ask("RemoteStopTransaction", {"transactionId": 2}).status == "Rejected"
    cs.command(PressStop(evse=1))
    assert cs.ask("RemoteStopTransaction", {"transactionId": 1}).status == "Rejected"


def test_r_10_minus_1_is_no_running_transaction_unless_it_is_its_id():
    cs = charging()
    assert cs.ask("RemoteStopTransaction", {"transactionId": -1}).status == "Rejected"


def test_r_11_remote_stop_is_like_a_local_one():
    cs = charging()
    assert cs.ask("RemoteStopTransaction", {"transactionId": 1}).status == "Accepted"
    assert order(cs)[0] == "3"
    stop = cs.last("StopTransaction")
    assert (stop["reason"], stop["transactionId"]) == ("Remote", 1)
    assert cs.status() == "Finishing"
    assert not cs.station.view(cs.now).evses[0].locked


def test_t_34_remote_start_and_card_compare_without_case():
    cs = booted()
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, connectorId=1) == "Accepted"
    mark = cs.mark()
    cs.command(PresentToken(token="remote", evse=1))
    assert "Authorize" not in cs.actions(mark)
    assert not cs.station.view(cs.now).sessions[0].active


def test_f2_remote_start_on_a_cable_that_was_never_pulled():
    cs = charging()
    cs.command(PressStop(evse=1))
    assert cs.status() == "Finishing"
    if remote_start(cs, connectorId=1) == "Accepted":
        assert len(cs.sent("StartTransaction")) == 2
        assert cs.statuses(1)[-2:] == ["Preparing", "Charging"]


def test_r_07_a_waiting_remote_start_survives_a_restart():
    cs = booted(keys={"ConnectionTimeOut": "120"})
    assert remote_start(cs, connectorId=1) == "Accepted"
    cs.crash()
    cs.advance(10)
    assert cs.status() == "Preparing"
    cs.command(PlugIn(evse=1))
    assert cs.last("StartTransaction")["idTag"] == "REMOTE"


def test_r_10_remote_stop_before_the_id_is_known_and_after():
    cs = booted()
    cs.script("StartTransaction", Hold())
    charge(cs)
    assert cs.ask("RemoteStopTransaction", {"transactionId": 1}).status == "Rejected"
    cs.release({"transactionId": 1, "idTagInfo": {"status": "Accepted"}})
    assert cs.ask("RemoteStopTransaction", {"transactionId": 1}).status == "Accepted"


def test_r_10_remote_stop_picks_the_right_connector():
    cs = charging(evses=2)
    charge(cs, 2, "TAG2")
    assert cs.ask("RemoteStopTransaction", {"transactionId": 2}).status == "Accepted"
    assert [s.active for s in cs.station.view(cs.now).sessions] == [True, False]
