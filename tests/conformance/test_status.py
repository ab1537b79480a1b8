"""Group 3 of the checklist: status notifications. The matrix (S-04) is the judge's, in every test of this folder."""

from __future__ import annotations

import pytest
from fakes.central_system import Hold
from fakes.judge import instant
from fakes.scenes import booted, charge, charging

from twin.model.inputs import (
    ClearFault,
    JamLock,
    PlugIn,
    PresentToken,
    PressStop,
    SetEvReady,
    SetFault,
    Unplug,
    UnplugEvSide,
)
from twin.model.spec import EvseSpec
from twin.model.terms import ErrorCode

NOT_ALONE = {"NoError", "LocalListConflict", "EVCommunicationError"}  # S-13, S-14: these have their own tests


def test_s_01_every_change_is_reported():
    cs = booted()
    charge(cs)
    cs.command(SetEvReady(evse=1, ready=False), SetEvReady(evse=1, ready=True))
    cs.command(PressStop(evse=1), Unplug(evse=1))
    assert cs.statuses(1) == [
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEV",
        "Charging",
        "Finishing",
        "Available",
    ]


def test_s_02_fields_and_time_of_the_event():
    cs = charging()
    cs.advance(100)
    cs.script("StatusNotification", Hold())
    cs.command(SetEvReady(evse=1, ready=False))
    cs.advance(5)
    cs.command(SetEvReady(evse=1, ready=True))
    at = cs.now
    cs.advance(15)
    cs.release()
    report = cs.sent("StatusNotification")[-1]
    assert report["status"] == "Charging"
    assert instant(report["timestamp"]) == pytest.approx(at, abs=1)
    assert report["errorCode"] == "NoError"


def test_s_03_connector_0_is_independent_of_the_connectors():
    cs = charging(evses=2)
    cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert cs.statuses(0) == ["Available"]
    cs.command(SetFault(evse=0, code=ErrorCode.INTERNAL_ERROR))
    assert cs.status(0) == "Faulted"
    cs.command(ClearFault(evse=0))
    assert cs.status(0) == "Available"


def test_s_04_a2_by_card_and_b1_by_the_same_card_again():
    cs = booted()
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Preparing"
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Available"
    cs.command(PlugIn(evse=1))
    assert not cs.sent("StartTransaction")


def test_s_04_b1_by_unplugging():
    cs = booted()
    cs.command(PlugIn(evse=1), Unplug(evse=1))
    assert cs.statuses(1) == ["Available", "Preparing", "Available"]


def test_s_04_f2_replug_starts_anew():
    cs = charging()
    cs.command(PressStop(evse=1))
    assert cs.status() == "Finishing"
    cs.command(PresentToken(token="TAG1", evse=1))
    assert len(cs.sent("StartTransaction")) == 2
    assert cs.status() == "Charging"
    assert cs.statuses(1)[-2] == "Preparing"  # F3 does not exist


def test_s_05_b4_the_car_does_not_ask():
    cs = booted()
    cs.command(PlugIn(evse=1), SetEvReady(evse=1, ready=False), PresentToken(token="TAG1", evse=1))
    assert cs.statuses(1) == ["Available", "Preparing", "SuspendedEV"]
    cs.command(SetEvReady(evse=1, ready=True))
    assert cs.status() == "Charging"


def test_s_05_both_suspended_is_suspended_evse():
    cs = booted(keys={"StopTransactionOnInvalidId": "false"})
    cs.tags["BAD"] = {"status": "Invalid"}
    cs.script("Authorize", {"idTagInfo": {"status": "Accepted"}})
    charge(cs, tag="BAD")
    assert cs.status() == "SuspendedEVSE"
    cs.command(SetEvReady(evse=1, ready=False))
    assert cs.status() == "SuspendedEVSE"


def test_s_06_preparing_before_and_finishing_after_the_transaction():
    cs = charging()
    cs.command(PresentToken(token="TAG1", evse=1))
    stop = cs.received.index(cs.last("StopTransaction"))
    assert cs.statuses(1, stop - 2)[-1] == "Finishing"
    cs.command(Unplug(evse=1))
    assert cs.status() == "Available"


def test_s_07_inoperative_while_preparing_is_never_one_step():
    cs = booted()
    cs.command(PlugIn(evse=1))
    mark = cs.mark()
    status = cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}).status
    if status == "Accepted":
        assert cs.statuses(1, mark) == ["Available", "Unavailable"]
    else:
        assert status == "Scheduled"
        cs.command(Unplug(evse=1))
        assert cs.statuses(1, mark)[-1] == "Unavailable"


@pytest.mark.parametrize("before", ["Available", "Preparing", "Charging", "SuspendedEV", "Finishing", "Unavailable"])
def test_s_08_fault_cleared_returns_to_the_status_before(before):
    cs = booted()
    if before == "Unavailable":
        cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
    elif before != "Available":
        cs.command(PlugIn(evse=1))
    if before in {"Charging", "SuspendedEV", "Finishing"}:
        cs.command(PresentToken(token="TAG1", evse=1))
    if before == "SuspendedEV":
        cs.command(SetEvReady(evse=1, ready=False))
    if before == "Finishing":
        cs.command(PressStop(evse=1))
    assert cs.status() == before
    cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert cs.status() == "Faulted"
    assert cs.last("StatusNotification")["errorCode"] == "GroundFailure"
    ended = bool(cs.sent("StopTransaction")) and before in {"Charging", "SuspendedEV"}
    if ended:
        assert cs.last("StopTransaction")["reason"] == "Other"
    cs.command(ClearFault(evse=1))
    assert cs.status() == ("Finishing" if ended else before)
    assert cs.last("StatusNotification")["errorCode"] == "NoError"


def test_s_08_simultaneous_faults_clear_one_by_one():
    cs = booted()
    cs.command(
        SetFault(evse=1, code=ErrorCode.GROUND_FAILURE, fault_id="a"),
        SetFault(evse=1, code=ErrorCode.OVER_VOLTAGE, fault_id="b"),
        ClearFault(evse=1, fault_id="b"),
    )
    assert cs.status() == "Faulted"
    assert cs.last("StatusNotification")["errorCode"] == "GroundFailure"
    cs.command(ClearFault(evse=1, fault_id="a"))
    assert (cs.status(), cs.last("StatusNotification")["errorCode"]) == ("Available", "NoError")


def test_s_08_no_energy_flows_while_faulted():
    cs = charging()
    cs.advance(60)
    cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    energy = cs.station.view(cs.now).meters[0].energy_wh
    cs.advance(600)
    assert cs.station.view(cs.now).meters[0].energy_wh == pytest.approx(energy)


def test_s_08_unplugging_while_faulted_is_seen_afterwards():
    cs = booted()
    cs.command(PlugIn(evse=1), SetFault(evse=1, code=ErrorCode.GROUND_FAILURE), Unplug(evse=1), ClearFault(evse=1))
    assert cs.status() == "Available"


@pytest.mark.parametrize("how", ["crash", "Soft", "Hard"])
def test_s_09_unavailable_survives_reboot(how):
    cs = booted(evses=2)
    assert cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}).status == "Accepted"
    mark = cs.mark()
    if how == "crash":
        cs.crash()
    else:
        cs.ask("Reset", {"type": how})
        cs.advance(30)
    assert cs.statuses(1, mark) == ["Unavailable"]
    assert cs.statuses(2, mark) == ["Available"]


def test_s_10_k_21_short_statuses_are_suppressed_the_stable_one_is_reported():
    cs = booted(keys={"MinimumStatusDuration": "10"})
    mark = cs.mark()
    cs.command(PlugIn(evse=1))
    cs.advance(2)
    cs.command(PresentToken(token="TAG1", evse=1))
    cs.advance(11)
    assert cs.statuses(1, mark) == ["Charging"]
    mark = cs.mark()
    cs.command(SetEvReady(evse=1, ready=False))
    cs.advance(3)
    cs.command(SetEvReady(evse=1, ready=True))
    cs.advance(20)
    assert "SuspendedEV" not in cs.statuses(1, mark)
    assert cs.status() == "Charging"


def test_s_12_other_error_with_vendor_error_code():
    cs = booted()
    cs.command(
        SetFault(evse=1, code=ErrorCode.OTHER_ERROR, info="it hums", vendor_id="org.example", vendor_error_code="E7")
    )
    payload = cs.last("StatusNotification").payload
    assert payload["errorCode"] == "OtherError"
    assert payload["info"] == "it hums"
    assert payload["vendorId"] == "org.example"
    assert payload["vendorErrorCode"] == "E7"


def test_s_12_other_error_without_a_code_still_has_one():
    cs = booted()
    cs.command(SetFault(evse=1, code=ErrorCode.OTHER_ERROR))
    assert cs.last("StatusNotification")["errorCode"] == "OtherError"


@pytest.mark.parametrize("code", [code for code in ErrorCode if code not in NOT_ALONE])
def test_s_11_s_12_every_error_code_is_reported(code):
    cs = booted()
    cs.command(SetFault(evse=1, code=code, vendor_error_code="1"))
    assert cs.last("StatusNotification")["errorCode"] == code
    cs.command(ClearFault(evse=1))
    assert cs.last("StatusNotification")["errorCode"] == "NoError"
    assert cs.status() == "Available"


def test_s_13_ev_communication_error_is_a_warning():
    cs = charging()
    cs.command(SetFault(evse=1, code=ErrorCode.EV_COMMUNICATION_ERROR))
    reports = [call for call in cs.sent("StatusNotification") if call["errorCode"] == "EVCommunicationError"]
    assert reports
    assert {call["status"] for call in reports} <= {"Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing"}
    assert not cs.sent("StopTransaction")
    cs.command(ClearFault(evse=1))
    assert (cs.status(), cs.last("StatusNotification")["errorCode"]) == ("Charging", "NoError")


def test_s_15_back_online_only_what_changed():
    cs = booted(evses=2)
    cs.cut()
    cs.command(PlugIn(evse=2))
    mark = cs.mark()
    cs.restore()
    assert [(call["connectorId"], call["status"]) for call in cs.sent("StatusNotification", mark)] == [(2, "Preparing")]


def test_s_15_s_16_outdated_statuses_are_not_replayed():
    cs = charging()
    cs.cut()
    cs.advance(10)
    cs.command(PressStop(evse=1), Unplug(evse=1), PlugIn(evse=1))
    at = cs.now
    cs.advance(40)
    mark = cs.mark()
    cs.restore()
    reports = cs.sent("StatusNotification", mark)
    assert [call["status"] for call in reports] == ["Preparing"]
    assert instant(reports[0]["timestamp"]) == pytest.approx(at, abs=1)


def test_s_15_there_and_back_again_needs_no_report():
    cs = booted()
    cs.cut()
    cs.command(PlugIn(evse=1), Unplug(evse=1))
    mark = cs.mark()
    cs.restore()
    assert cs.statuses(1, mark) in ([], ["Available"])


def test_s_16_a_status_that_was_lost_with_the_link_is_reported_again():
    cs = booted()
    cs.script("StatusNotification", Hold())
    cs.command(PlugIn(evse=1))
    cs.cut()
    mark = cs.mark()
    cs.restore()
    assert cs.statuses(1, mark) == ["Preparing"]


def test_s_17_x_16_car_side_unplugged_and_the_transaction_goes_on():
    cs = charging(keys={"StopTransactionOnEVSideDisconnect": "false"})
    cs.command(UnplugEvSide(evse=1))
    report = cs.last("StatusNotification")
    assert (report["status"], report["errorCode"]) == ("SuspendedEV", "NoError")
    assert "disconnect" in report["info"].lower()
    assert not cs.sent("StopTransaction")
    cs.advance(600)
    cs.command(PlugIn(evse=1))
    assert cs.status() == "Charging"
    assert len(cs.sent("StartTransaction")) == 1


def test_s_18_car_side_unplugged_ends_the_transaction():
    cs = charging(keys={"StopTransactionOnEVSideDisconnect": "true"})
    cs.command(UnplugEvSide(evse=1))
    report = cs.last("StatusNotification")
    assert cs.last("StopTransaction")["reason"] == "EVDisconnected"
    finishing = [call for call in cs.sent("StatusNotification") if call["status"] == "Finishing"]
    assert finishing
    assert finishing[0]["errorCode"] == "NoError"
    assert "disconnect" in finishing[0].payload.get("info", "").lower()
    assert report["errorCode"] == "NoError"


def test_s_04_c1_fixed_cable_pulled_at_the_car():
    cs = charging(evse=EvseSpec(lock=False))
    cs.command(Unplug(evse=1))
    assert cs.last("StopTransaction")["reason"] == "EVDisconnected"
    assert cs.status() == "Available"


def test_u_01_jammed_lock_is_no_obstacle_to_statuses():
    cs = charging()
    cs.command(JamLock(evse=1, jammed=True), PressStop(evse=1))
    assert cs.last("StopTransaction")["reason"] == "Local"


def test_s_08_a_fault_over_a_restart_is_still_there():
    cs = booted()
    cs.command(PlugIn(evse=1), SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    mark = cs.mark()
    cs.crash()
    assert cs.statuses(1, mark) == ["Faulted"]
    cs.command(ClearFault(evse=1))
    assert cs.status() in {"Preparing", "Finishing"}


def test_s_10_a_status_that_waits_for_its_duration_survives_the_link():
    cs = booted(keys={"MinimumStatusDuration": "10"})
    cs.command(PlugIn(evse=1))
    cs.advance(2)
    mark = cs.mark()
    cs.blink()
    cs.advance(20)
    assert cs.statuses(1, mark)[-1:] == ["Preparing"]


def test_s_12_info_too_long_for_the_wire_is_cut():
    cs = booted()
    cs.command(
        SetFault(evse=1, code=ErrorCode.GROUND_FAILURE, info="é" * 200, vendor_id="v" * 400, vendor_error_code="c" * 99)
    )
    assert cs.status() == "Faulted"


def test_s_16_statuses_of_a_boot_are_those_of_now():
    cs = booted()
    cs.script("BootNotification", Hold())
    cs.crash()
    cs.command(PlugIn(evse=1), Unplug(evse=1), PlugIn(evse=1))
    mark = cs.mark()
    cs.release()
    assert cs.statuses(1, mark) == ["Preparing"]
