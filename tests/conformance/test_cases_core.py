"""The Open Charge Alliance's test cases for charge points, Core: boot, sessions, cache, remote control, resets.

Each test is one case of its compliance testing tool ("TestCaseDocument", 2024-04), told from its messages.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fakes.central_system import CentralSystem, Hold
from fakes.judge import instant
from fakes.scenes import booted, charge, transaction

from twin.model.inputs import (
    ClearFault,
    JamLock,
    PlugIn,
    PresentToken,
    PressStop,
    SetFault,
    SetPowered,
    Unplug,
    UnplugEvSide,
)
from twin.model.spec import EvseSpec
from twin.model.terms import ErrorCode

FIXED = EvseSpec(lock=False)
TAG, OTHER = "VALID1", "VALID2"

REQUIRED = {  # TC_019, step 4: accessibility of what Core and the optional profiles require
    "AuthorizeRemoteTxRequests": None,
    "ClockAlignedDataInterval": False,
    "ConnectionTimeOut": False,
    "ConnectorPhaseRotation": False,
    "GetConfigurationMaxKeys": True,
    "HeartbeatInterval": False,
    "LocalAuthorizeOffline": False,
    "LocalPreAuthorize": False,
    "MeterValuesAlignedData": False,
    "MeterValuesSampledData": False,
    "MeterValueSampleInterval": False,
    "NumberOfConnectors": True,
    "ResetRetries": False,
    "StopTransactionOnInvalidId": False,
    "StopTxnAlignedData": False,
    "StopTxnSampledData": False,
    "SupportedFeatureProfiles": True,
    "TransactionMessageAttempts": False,
    "TransactionMessageRetryInterval": False,
    "UnlockConnectorOnEVSideDisconnect": None,
    "LocalAuthListEnabled": False,
    "LocalAuthListMaxLength": True,
    "SendLocalListMaxLength": True,
    "ChargeProfileMaxStackLevel": True,
    "ChargingScheduleAllowedChargingRateUnit": True,
    "ChargingScheduleMaxPeriods": True,
    "MaxChargingProfilesInstalled": True,
}


def charging(cs: CentralSystem, connector: int = 1, tag: str = TAG, **more: Any) -> int:
    """Bring about the reusable state Charging: plug in, then a remote start; return the transaction id."""
    authorizes = cs.configuration("AuthorizeRemoteTxRequests")["AuthorizeRemoteTxRequests"] == "true"
    was_reserved = cs.statuses(connector)[-1:] == ["Reserved"]
    mark = cs.mark()
    cs.command(PlugIn(evse=connector))
    assert cs.statuses(connector, mark) == ([] if was_reserved else ["Preparing"])
    request = {"connectorId": connector, "idTag": tag, **more}
    assert cs.ask("RemoteStartTransaction", request).status == "Accepted"
    assert [call["idTag"] for call in cs.sent("Authorize", mark)] == ([tag] if authorizes else [])
    started = cs.sent("StartTransaction", mark)
    assert [(call["connectorId"], call["idTag"]) for call in started] == [(connector, tag)]
    assert cs.statuses(connector, mark) == ["Preparing", "Charging"]
    return next(given for call, given in cs.given if call is started[0])


def authorized(cs: CentralSystem, connector: int = 1, tag: str = TAG) -> None:
    """Bring about the reusable state Authorized."""
    mark = cs.mark()
    cs.command(PresentToken(token=tag, evse=connector))
    assert [call["idTag"] for call in cs.sent("Authorize", mark)] == [tag]
    assert cs.status(connector) == "Preparing"


def cached(cs: CentralSystem, tag: str = TAG) -> None:
    """Bring about the memory state IdTagCached."""
    number = charging(cs, tag=tag)
    cs.command(PresentToken(token=tag, evse=1))
    assert cs.last("StopTransaction")["transactionId"] == number
    assert cs.status() == "Finishing"
    cs.command(Unplug(evse=1))
    assert cs.status() == "Available"


def set_availability(cs: CentralSystem, connector: int, kind: str) -> str:
    return cs.ask("ChangeAvailability", {"connectorId": connector, "type": kind}).status


def present_statuses(cs: CentralSystem, since: int) -> dict[int, str]:
    return {call["connectorId"]: call["status"] for call in cs.sent("StatusNotification", since)}


# --- Cold boot --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", ["Rejected", "Pending"])
def test_tc_001_tc_002_b_01_to_b_11_cold_boot(verdict):
    cs = booted(evses=2)
    cs.command(SetPowered(powered=False))
    cs.script("BootNotification", cs.boot_answer(verdict, 20), lambda _: cs.boot_answer("Accepted", 45))
    mark = cs.mark()
    cs.command(SetPowered(powered=True))
    cs.advance(19)
    first = cs.sent("BootNotification", mark)
    assert len(first) == 1
    assert cs.actions(mark) == ["BootNotification"]
    if verdict == "Pending":
        assert len(cs.configuration()) > 40
        assert cs.configure("MeterValueSampleInterval", 15) == "Accepted"
    cs.advance(20)
    boots = cs.sent("BootNotification", mark)
    assert [round(boot.at - first[0].at) for boot in boots] == [0, 20]
    assert present_statuses(cs, mark) == {0: "Available", 1: "Available", 2: "Available"}
    mark = cs.mark()
    cs.advance(3 * 45 + 1)
    beats = [call.at for call in cs.sent("Heartbeat", mark)]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(beats)] == [45] * (len(beats) - 1)
    assert len(beats) >= 2


# --- Sessions ---------------------------------------------------------------------------------------------------------


def test_tc_003_plugin_first():
    cs = booted()
    mark = cs.mark()
    cs.command(PlugIn(evse=1))
    assert cs.status() == "Preparing"
    cs.command(PresentToken(token=TAG, evse=1))
    assert cs.actions(mark) == ["StatusNotification", "Authorize", "StartTransaction", "StatusNotification"]
    assert cs.status() == "Charging"


def test_tc_004_1_identification_first():
    cs = booted()
    authorized(cs)
    mark = cs.mark()
    cs.command(PlugIn(evse=1))
    assert sorted(cs.actions(mark)) == ["StartTransaction", "StatusNotification"]
    assert cs.status() == "Charging"


def test_tc_004_2_x_09_identification_first_connection_time_out():
    cs = booted(keys={"ConnectionTimeOut": "30"})
    authorized(cs)
    cs.advance(29)
    assert cs.status() == "Preparing"
    cs.advance(2)
    assert cs.status() == "Available"
    assert not cs.sent("StartTransaction")


def test_tc_068_a_02_only_the_id_tag_that_started_stops():
    cs = booted()
    charging(cs)
    cs.command(PresentToken(token=OTHER, evse=1))
    assert not cs.sent("StopTransaction")
    mark = cs.mark()
    cs.command(PresentToken(token=TAG, evse=1))
    assert not cs.sent("Authorize", mark)
    assert cs.last("StopTransaction")["idTag"] == TAG
    assert cs.status() == "Finishing"


def test_tc_069_a_03_the_parent_id_tag_stops():
    cs = booted()
    cs.tags[TAG] = cs.tags[OTHER] = {"status": "Accepted", "parentIdTag": "PARENT"}
    charging(cs)
    mark = cs.mark()
    cs.command(PresentToken(token=OTHER, evse=1))
    assert cs.sent("Authorize", mark)[0]["idTag"] == OTHER
    assert cs.last("StopTransaction")["idTag"] == OTHER
    assert cs.status() == "Finishing"


@pytest.mark.parametrize("unlocks", [True, False])
def test_tc_005_1_tc_005_2_x_17_s_18_ev_side_disconnected(unlocks):
    cs = booted()
    assert cs.configure("MinimumStatusDuration", 0) == "Accepted"
    assert cs.configure("StopTransactionOnEVSideDisconnect", True) == "Accepted"
    assert cs.configure("UnlockConnectorOnEVSideDisconnect", unlocks) == "Accepted"
    charging(cs)
    cs.command(UnplugEvSide(evse=1))
    assert cs.last("StopTransaction")["reason"] == "EVDisconnected"
    assert cs.status() == "Finishing"
    if not unlocks:
        assert cs.ask("UnlockConnector", {"connectorId": 1}).status == "Unlocked"
    cs.command(Unplug(evse=1))
    assert cs.status() == "Available"


def test_tc_005_3_x_16_s_17_ev_side_disconnected_does_not_stop():
    cs = booted()
    assert cs.configure("StopTransactionOnEVSideDisconnect", False) == "Accepted"
    assert cs.configure("UnlockConnectorOnEVSideDisconnect", False) == "Accepted"
    number = charging(cs)
    cs.command(UnplugEvSide(evse=1))
    told = cs.last("StatusNotification")
    assert (told["status"], told["info"]) == ("SuspendedEV", "EV side disconnected")
    assert cs.ask("RemoteStopTransaction", {"transactionId": number}).status == "Accepted"
    assert cs.last("StopTransaction")["reason"] == "Remote"
    assert "Finishing" in cs.statuses(1)


# --- Cache ------------------------------------------------------------------------------------------------------------


def test_tc_007_a_14_a_cached_id_starts_without_authorize():
    cs = booted()
    for key in ("AuthorizationCacheEnabled", "AuthorizeRemoteTxRequests", "LocalPreAuthorize"):
        assert cs.configure(key, True) == "Accepted"
    cached(cs)
    mark = cs.mark()
    cs.command(PlugIn(evse=1))
    assert cs.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}).status == "Accepted"
    assert cs.actions(mark) == ["StatusNotification", "StartTransaction", "StatusNotification"]
    assert cs.status() == "Charging"


@pytest.mark.parametrize("swipes", [True, False])
def test_tc_061_cc_01_clear_the_cache(swipes):
    cs = booted(keys={"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true", "ConnectionTimeOut": "30"})
    authorized(cs)
    if swipes:
        cs.command(PresentToken(token=TAG, evse=1))
    else:
        cs.advance(31)
    assert cs.status() == "Available"
    assert cs.ask("ClearCache").status == "Accepted"
    mark = cs.mark()
    cs.command(PresentToken(token=TAG, evse=1))
    assert cs.sent("Authorize", mark)


# --- Remote control ---------------------------------------------------------------------------------------------------


def test_tc_010_remote_start_cable_first():
    charging(booted())


@pytest.mark.parametrize("authorizes", [True, False])
@pytest.mark.parametrize("comes", [True, False])
def test_tc_011_1_tc_011_2_r_07_remote_start_first(authorizes, comes):
    cs = booted(keys={"ConnectionTimeOut": "30"})
    cs.configure("AuthorizeRemoteTxRequests", authorizes)
    mark = cs.mark()
    assert cs.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}).status == "Accepted"
    assert bool(cs.sent("Authorize", mark)) is authorizes
    assert cs.statuses(1, mark) == ["Preparing"]
    if comes:
        cs.advance(20)
        cs.command(PlugIn(evse=1))
        assert cs.last("StartTransaction")["idTag"] == TAG
        assert cs.status() == "Charging"
    else:
        cs.advance(31)
        assert cs.status() == "Available"


def test_tc_012_r_11_remote_stop():
    cs = booted()
    number = charging(cs)
    assert cs.ask("RemoteStopTransaction", {"transactionId": number}).status == "Accepted"
    assert cs.last("StopTransaction")["reason"] == "Remote"
    assert cs.status() == "Finishing"


def test_tc_026_tc_027_tc_028_r_06_r_10_remote_requests_are_rejected():
    cs = booted(keys={"LocalPreAuthorize": "false"})
    assert cs.ask("RemoteStartTransaction", {"connectorId": 0, "idTag": TAG}).status == "Rejected"
    number = charging(cs)
    assert cs.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}).status == "Rejected"
    assert cs.ask("RemoteStopTransaction", {"transactionId": number + 1}).status == "Rejected"
    assert len(cs.sent("StartTransaction")) == 1
    assert not cs.sent("StopTransaction")


# --- Reset ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_tc_013_tc_014_s_09_reset_without_transaction(kind):
    cs = booted(evses=2)
    assert set_availability(cs, 1, "Inoperative") == "Accepted"
    assert cs.status() == "Unavailable"
    mark = cs.mark()
    assert cs.ask("Reset", {"type": kind}).status == "Accepted"
    cs.advance(120)
    assert cs.actions(mark)[0] == "BootNotification"
    assert present_statuses(cs, mark) == {0: "Available", 1: "Unavailable", 2: "Available"}
    assert set_availability(cs, 1, "Operative") == "Accepted"
    assert cs.status() == "Available"


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_tc_015_tc_016_rs_02_rs_03_reset_with_transaction(kind):
    cs = booted(evses=2)
    charging(cs)
    mark = cs.mark()
    assert cs.ask("Reset", {"type": kind}).status == "Accepted"
    cs.advance(120)
    assert [call["reason"] for call in cs.sent("StopTransaction", mark)] == [f"{kind}Reset"]
    assert cs.statuses(1, mark)[0] == "Finishing"
    booted_at = next(n for n, call in enumerate(cs.received) if n >= mark and call.action == "BootNotification")
    after = present_statuses(cs, booted_at)
    assert after[1] in {"Finishing", "Preparing"}
    assert (after[0], after[2]) == ("Available", "Available")


# --- Unlock -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("busy", [True, False])
def test_tc_017_1_tc_018_1_u_03_unlock(busy):
    cs = booted()
    if busy:
        charging(cs)
    mark = cs.mark()
    assert cs.ask("UnlockConnector", {"connectorId": 1}).status == "Unlocked"
    if busy:
        assert cs.last("StopTransaction")["reason"] == "UnlockCommand"
        assert cs.statuses(1, mark) == ["Finishing"]
        cs.command(Unplug(evse=1))
        assert cs.status() == "Available"


@pytest.mark.parametrize("busy", [True, False])
def test_tc_017_2_tc_018_2_u_01_unlock_a_fixed_cable(busy):
    cs = booted(evse=FIXED)
    if busy:
        charging(cs)
    assert cs.ask("UnlockConnector", {"connectorId": 1}).status == "NotSupported"
    assert not cs.sent("StopTransaction")


def test_tc_030_tc_031_u_01_u_02_unlock_fails_or_is_unknown():
    cs = booted()
    cs.command(JamLock(evse=1, jammed=True))
    assert cs.ask("UnlockConnector", {"connectorId": 1}).status == "UnlockFailed"
    assert cs.ask("UnlockConnector", {"connectorId": 2}).status == "NotSupported"


# --- Configuration ----------------------------------------------------------------------------------------------------


def test_tc_019_c_04_c_05_retrieve_configuration():
    cs = booted()
    assert cs.ask("GetConfiguration", {"key": ["SupportedFeatureProfiles"]}).payload.get("unknownKey", []) == []
    found = cs.ask("GetConfiguration", {"key": []}).payload["configurationKey"]
    access = {item["key"]: item["readonly"] for item in found}
    for key, read_only in REQUIRED.items():
        assert key in access
        assert read_only in (None, access[key]), key
    most = int(cs.configuration("GetConfigurationMaxKeys")["GetConfigurationMaxKeys"])
    asked = [item["key"] for item in found][:most]
    again = cs.ask("GetConfiguration", {"key": asked}).payload
    assert [item["key"] for item in again["configurationKey"]] == asked
    assert again.get("unknownKey", []) == []


def test_tc_021_tc_040_1_tc_040_2_c_01_c_02_change_configuration():
    cs = booted()
    assert cs.configure("MeterValueSampleInterval", 37) == "Accepted"
    assert cs.configuration("MeterValueSampleInterval") == {"MeterValueSampleInterval": "37"}
    assert cs.configure("MeterValueSampleInterval", -1) == "Rejected"
    assert cs.configure("Testing", True) == "NotSupported"
    assert cs.configuration("MeterValueSampleInterval") == {"MeterValueSampleInterval": "37"}


# --- Meter values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "measurands", "context"),
    [
        ("MeterValueSampleInterval", "MeterValuesSampledData", "Sample.Periodic"),
        ("ClockAlignedDataInterval", "MeterValuesAlignedData", "Sample.Clock"),
    ],
)
def test_tc_070_tc_071_v_01_v_02_meter_values(key, measurands, context):
    cs = booted()
    cs.advance(7)
    wanted = ["Energy.Active.Import.Register", "Voltage", "Current.Offered"]
    assert cs.configure(measurands, ",".join(wanted)) == "Accepted"
    assert cs.configure(key, 20) == "Accepted"
    charging(cs)
    mark = cs.mark()
    cs.advance(61)
    calls = [call for call in cs.sent("MeterValues", mark) if call["connectorId"] == 1]
    assert len(calls) >= 3
    at = sorted({instant(value["timestamp"]) for call in calls for value in call["meterValue"]})
    assert {round(later - earlier, 3) for earlier, later in itertools.pairwise(at)} == {20}
    if context == "Sample.Clock":
        assert {moment % 20 for moment in at} == {0}
    for call in calls:
        samples = [sample for value in call["meterValue"] for sample in value["sampledValue"]]
        assert {sample["context"] for sample in samples} == {context}
        assert {sample.get("measurand", wanted[0]) for sample in samples} == set(wanted)


# --- Refused and broken -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Invalid", "Expired", "Blocked"])
def test_tc_023_a_05_authorize_is_refused(status):
    cs = booted()
    assert cs.configure("MinimumStatusDuration", 10) == "Accepted"
    assert cs.configure("LocalPreAuthorize", True) == "Accepted"
    cs.tags["BAD"] = {"status": status}
    cs.command(PlugIn(evse=1))
    cs.advance(10)
    assert cs.status() == "Preparing"
    cs.command(PresentToken(token="BAD", evse=1))
    cs.advance(300)
    assert not cs.sent("StartTransaction")


def test_tc_024_x_02_a_lock_failure_prevents_the_transaction():
    cs = booted()
    assert cs.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}).status == "Accepted"
    assert cs.status() == "Preparing"
    cs.command(SetFault(evse=1, code=ErrorCode.CONNECTOR_LOCK_FAILURE), PlugIn(evse=1))
    told = cs.last("StatusNotification")
    assert (told["status"], told["errorCode"]) == ("Faulted", "ConnectorLockFailure")
    cs.advance(300)
    assert not cs.sent("StartTransaction")


def test_tc_041_a_faulted_connector_starts_nothing():
    cs = booted()
    cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert cs.status() == "Faulted"
    cs.command(PlugIn(evse=1), PresentToken(token=TAG, evse=1))
    assert cs.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": TAG}).status == "Rejected"
    cs.advance(300)
    assert not cs.sent("StartTransaction")
    cs.command(ClearFault(evse=1))
    assert cs.status() in {"Preparing", "Finishing"}


# --- Power ------------------------------------------------------------------------------------------------------------


def test_tc_032_2_x_29_power_failure_stops_the_transaction():
    cs = booted(evses=2)
    number = charging(cs)
    cs.command(SetPowered(powered=False))
    cs.advance(60)
    mark = cs.mark()
    cs.command(SetPowered(powered=True))
    cs.advance(60)
    assert cs.actions(mark)[0] == "BootNotification"
    assert present_statuses(cs, mark) == {0: "Available", 1: cs.status(), 2: "Available"}
    assert cs.status() in {"Preparing", "Finishing"}
    stop = cs.last("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (number, "PowerLoss")


def test_tc_034_s_09_unavailable_survives_a_power_failure():
    cs = booted(evses=2)
    mark = cs.mark()
    assert set_availability(cs, 0, "Inoperative") == "Accepted"
    everywhere = {0: "Unavailable", 1: "Unavailable", 2: "Unavailable"}
    assert present_statuses(cs, mark) == everywhere
    cs.command(SetPowered(powered=False), SetPowered(powered=True))
    mark = cs.mark()
    cs.advance(60)
    assert present_statuses(cs, mark) == everywhere


# --- Offline ----------------------------------------------------------------------------------------------------------


def offline_keys(**more: str) -> dict[str, str]:
    return {"LocalAuthorizeOffline": "true", "AllowOfflineTxForUnknownId": "true", "MaxEnergyOnInvalidId": "0", **more}


def test_tc_036_x_19_x_20_meter_values_of_an_offline_time():
    cs = booted(keys={"MeterValueSampleInterval": "20"})
    charging(cs)
    cs.advance(45)
    cs.cut()
    cs.advance(100)
    cs.restore()
    cs.advance(60)
    at = [instant(call["meterValue"][0]["timestamp"]) for call in cs.sent("MeterValues")]
    assert len(at) == 10
    assert {round(later - earlier, 3) for earlier, later in itertools.pairwise(at)} == {20}


@pytest.mark.parametrize("way", ["list", "cache", "unknown"])
def test_tc_037_1_a_15_a_16_offline_start(way):
    cs = booted(keys=offline_keys())
    if way == "list":
        entry = {"idTag": TAG, "idTagInfo": {"status": "Accepted"}}
        fields = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry]}
        assert cs.ask("SendLocalList", fields).status == "Accepted"
    elif way == "cache":
        cached(cs)
    cs.cut()
    mark = cs.mark()
    charge(cs, tag=TAG)
    cs.advance(60)
    cs.restore()
    assert [call["idTag"] for call in cs.sent("StartTransaction", mark)] == [TAG]
    assert cs.statuses(1, mark) == ["Charging"]


@pytest.mark.parametrize("stops", [True, False])
def test_tc_037_2_tc_037_3_a_19_a_21_offline_start_of_an_invalid_id(stops):
    cs = booted(keys=offline_keys(StopTransactionOnInvalidId=str(stops).lower()))
    cs.cut()
    mark = cs.mark()
    charge(cs, tag="BAD")
    cs.advance(60)
    cs.tags["BAD"] = {"status": "Invalid"}
    cs.restore()
    assert cs.statuses(1, mark) == ["Charging", "Finishing" if stops else "SuspendedEVSE"]
    assert [call["reason"] for call in cs.sent("StopTransaction", mark)] == (["DeAuthorized"] if stops else [])


def test_tc_038_x_03_offline_stop():
    cs = booted()
    charging(cs)
    cs.cut()
    mark = cs.mark()
    cs.advance(60)
    cs.command(PresentToken(token=TAG, evse=1))
    stopped = cs.now
    cs.advance(60)
    cs.restore()
    stop = cs.sent("StopTransaction", mark)[0]
    assert stop.payload.get("reason", "Local") == "Local"
    assert instant(stop["timestamp"]) == pytest.approx(stopped, abs=1)
    assert cs.statuses(1, mark) == ["Finishing"]


def test_tc_039_x_05_offline_transaction():
    cs = booted(keys=offline_keys())
    cs.cut()
    mark = cs.mark()
    charge(cs, tag=TAG)
    cs.advance(600)
    cs.command(PressStop(evse=1), Unplug(evse=1))
    cs.script("StartTransaction", Hold())
    cs.restore()
    assert "StopTransaction" not in cs.actions(mark)
    cs.release({"transactionId": 4711, "idTagInfo": {"status": "Accepted"}})
    stop = cs.last("StopTransaction")
    assert (stop["transactionId"], stop.payload.get("reason", "Local")) == (4711, "Local")
    assert "Charging" not in cs.statuses(1, mark)


def test_tc_012_x_04_transaction_ids_of_all_sizes():
    for number in (0, -5, 2**31 - 1):
        cs = booted()
        cs.script("StartTransaction", {"transactionId": number, "idTagInfo": {"status": "Accepted"}})
        charge(cs, tag=TAG)
        assert transaction(cs) == number
        assert cs.ask("RemoteStopTransaction", {"transactionId": number}).status == "Accepted"
        assert cs.last("StopTransaction")["transactionId"] == number
