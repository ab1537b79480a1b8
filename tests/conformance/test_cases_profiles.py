"""The Open Charge Alliance's test cases for charge points: lists, firmware, diagnostics, reservations, triggers.

Each test is one case of its compliance testing tool ("TestCaseDocument", 2024-04), told from its messages.
"""

from __future__ import annotations

import pytest
from fakes.bookings import cancel, remote_start, reserve
from fakes.central_system import CentralSystem
from fakes.depot import IMAGE, depot
from fakes.judge import iso
from fakes.scenes import booted, charge

from twin.model.inputs import PlugIn, PresentToken, SetFault, SetFirmwareOutcome
from twin.model.terms import ErrorCode, FirmwareOutcome, TransferProblem

TAG, OTHER = "VALID1", "VALID2"
FSN, DSN = "FirmwareStatusNotification", "DiagnosticsStatusNotification"


def send_list(cs: CentralSystem, version: int, kind: str = "Full", *tags: str) -> str:
    entries = [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in tags]
    fields = {"listVersion": version, "updateType": kind}
    return cs.ask("SendLocalList", fields | ({"localAuthorizationList": entries} if tags else {})).status


def list_version(cs: CentralSystem) -> int:
    return cs.ask("GetLocalListVersion").payload["listVersion"]


def make(cs: CentralSystem, connector: int, state: str) -> None:
    """Bring about SetConnectorFaulted, -Unavailable, -Occupied, or with connector 0 the same for all of the box."""
    match state:
        case "Faulted":
            cs.command(SetFault(evse=connector, code=ErrorCode.GROUND_FAILURE))
        case "Unavailable":
            fields = {"connectorId": connector, "type": "Inoperative"}
            assert cs.ask("ChangeAvailability", fields).status == "Accepted"
        case "Occupied":
            for number in [connector] if connector else [1, 2]:
                cs.command(PlugIn(evse=number))
                assert cs.status(number) == "Preparing"


# --- Local authorization list -----------------------------------------------------------------------------------------


def test_tc_042_1_ll_01_a_list_that_is_not_enabled_has_no_version():
    cs = booted()
    assert cs.configure("LocalAuthListEnabled", False) == "Accepted"
    assert list_version(cs) == -1


def test_tc_042_2_ll_02_an_empty_list_has_version_0():
    cs = booted()
    assert cs.configure("LocalAuthListEnabled", True) == "Accepted"
    assert send_list(cs, 1) == "Accepted"
    assert list_version(cs) == 0


def test_tc_043_tc_043_2_ll_03_ll_04_send_local_list():
    cs = booted()
    assert send_list(cs, 2, "Full", TAG) == "Accepted"
    assert list_version(cs) == 2
    assert send_list(cs, 5, "Differential", OTHER) == "Accepted"
    assert list_version(cs) == 5
    assert send_list(cs, 4, "Differential", OTHER) == "VersionMismatch"
    assert list_version(cs) == 5


def test_tc_043_1_ll_09_a_box_without_lists_says_so():
    cs = booted(keys={"SupportedFeatureProfiles": "Core"})
    fields = {"listVersion": 1, "updateType": "Full"}
    assert cs.ask("SendLocalList", fields).code == "NotSupported"
    assert cs.ask("GetLocalListVersion").code == "NotSupported"


def test_tc_008_a_14_a_listed_id_starts_without_authorize():
    cs = booted(keys={"LocalPreAuthorize": "true", "AuthorizationCacheEnabled": "false"})
    assert cs.configure("AuthorizeRemoteTxRequests", True) == "Accepted"
    assert send_list(cs, 1, "Full", TAG) == "Accepted"
    mark = cs.mark()
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, TAG) == "Accepted"
    assert cs.actions(mark) == ["StatusNotification", "StartTransaction", "StatusNotification"]
    assert cs.statuses(1, mark) == ["Preparing", "Charging"]


# --- Firmware and diagnostics -----------------------------------------------------------------------------------------


def test_tc_044_1_fw_02_firmware_update():
    cs = depot(evses=2)
    mark = cs.mark()
    assert cs.ask("UpdateFirmware", {"location": IMAGE, "retrieveDate": iso(cs.now)}).payload == {}
    cs.advance(300)
    assert cs.steps(FSN, mark) == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert cs.sent("BootNotification", mark)
    assert [cs.status(number) for number in (0, 1, 2)] == ["Available"] * 3


def test_tc_044_2_fw_03_the_download_fails():
    cs = depot()
    cs.ends.append(TransferProblem.FAILED)
    fields = {"location": "ftp://127.0.0.1:21/download_fail.fwi", "retrieveDate": iso(cs.now), "retries": 0}
    assert cs.ask("UpdateFirmware", fields).payload == {}
    cs.advance(300)
    assert cs.steps(FSN) == ["Downloading", "DownloadFailed"]
    assert cs.status() == "Available"
    charge(cs)
    assert cs.status() == "Charging"


def test_tc_044_3_fw_04_the_installation_fails():
    cs = depot()
    cs.command(SetFirmwareOutcome(outcome=FirmwareOutcome.INSTALLATION_FAILED))
    assert cs.ask("UpdateFirmware", {"location": IMAGE, "retrieveDate": iso(cs.now)}).payload == {}
    cs.advance(300)
    assert cs.steps(FSN) == ["Downloading", "Downloaded", "Installing", "InstallationFailed"]
    assert cs.status() == "Available"


@pytest.mark.parametrize("works", [True, False])
def test_tc_045_1_tc_045_2_dg_02_get_diagnostics(works):
    cs = depot()
    if not works:
        cs.ends.append(TransferProblem.FAILED)
    fields = {"location": "ftp://127.0.0.1:21/files/failedLocation", "retries": 0}
    assert cs.ask("GetDiagnostics", fields).payload["fileName"]
    cs.advance(300)
    assert cs.steps(DSN) == ["Uploading", "Uploaded" if works else "UploadFailed"]


# --- Reservations -----------------------------------------------------------------------------------------------------


def test_tc_046_1_rv_07_rv_10_local_start():
    cs = booted(evses=2)
    make(cs, 2, "Unavailable")
    assert reserve(cs, 1, TAG) == "Accepted"
    assert cs.status() == "Reserved"
    mark = cs.mark()
    cs.command(PresentToken(token=OTHER, evse=1))
    assert OTHER not in [call["idTag"] for call in cs.sent("Authorize", mark)]
    assert cs.statuses(1, mark) == []
    cs.command(PresentToken(token=TAG, evse=1))
    assert cs.status() == "Preparing"
    cs.command(PlugIn(evse=1))
    started = cs.last("StartTransaction")
    assert (started["idTag"], started["reservationId"]) == (TAG, 7)
    assert cs.status() == "Charging"


@pytest.mark.parametrize("connector", [1, 0])
def test_tc_046_2_tc_049_rv_10_remote_start(connector):
    cs = booted(evses=2)
    make(cs, 2, "Unavailable")
    assert reserve(cs, connector, TAG) == "Accepted"
    assert remote_start(cs, OTHER) == "Rejected"
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, TAG) == "Accepted"
    started = cs.last("StartTransaction")
    assert (started["idTag"], started["reservationId"]) == (TAG, 7)
    assert cs.statuses(1)[-2:] == ["Preparing", "Charging"]


def test_tc_047_rv_11_expiry():
    cs = booted(evses=2)
    make(cs, 2, "Unavailable")
    assert reserve(cs, 1, TAG, seconds=30) == "Accepted"
    cs.advance(29)
    assert cs.status() == "Reserved"
    cs.advance(2)
    assert cs.status() == "Available"
    charge(cs, tag=OTHER)
    assert "reservationId" not in cs.last("StartTransaction").payload


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("connector", [1, 0])
@pytest.mark.parametrize("state", ["Faulted", "Occupied", "Unavailable"])
def test_tc_048_1_to_3_tc_050_1_to_3_rv_02_rv_03_the_box_says_what_is_wrong(state, connector, late):
    cs = booted(evses=2)
    make(cs, connector, state)
    assert reserve(cs, connector, TAG, seconds=-1 if late else 60) == state


def test_tc_048_4_rv_03_an_expiry_in_the_past_is_rejected():
    cs = booted(evses=2)
    assert [reserve(cs, connector, TAG, seconds=-1) for connector in (0, 1)] == ["Rejected", "Rejected"]
    assert not cs.noted("reservation_made")


def test_tc_051_tc_052_rv_13_cancel():
    cs = booted()
    assert reserve(cs, 1, TAG) == "Accepted"
    assert cancel(cs, 8) == "Rejected"
    assert cs.status() == "Reserved"
    assert cancel(cs, 7) == "Accepted"
    assert cs.status() == "Available"
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, OTHER) == "Accepted"
    assert "reservationId" not in cs.last("StartTransaction").payload


def test_tc_053_rv_08_the_parent_id_tag_may_charge():
    cs = booted(evses=2)
    make(cs, 2, "Unavailable")
    cs.tags[OTHER] = {"status": "Accepted", "parentIdTag": "PARENT"}
    assert reserve(cs, 1, TAG, parentIdTag="PARENT") == "Accepted"
    cs.command(PresentToken(token=OTHER, evse=1))
    assert cs.last("Authorize")["idTag"] == OTHER
    assert cs.status() == "Preparing"
    cs.command(PlugIn(evse=1))
    started = cs.last("StartTransaction")
    assert (started["idTag"], started["reservationId"]) == (OTHER, 7)
    assert cs.status() == "Charging"


# --- Triggers and vendor messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "connector"),
    [("MeterValues", 1), ("Heartbeat", None), ("StatusNotification", 1), (DSN, None), (FSN, None)],
)
def test_tc_054_cc_05_trigger_message(message, connector):
    cs = booted(evses=2)
    mark = cs.mark()
    fields = {"requestedMessage": message} | ({} if connector is None else {"connectorId": connector})
    assert cs.ask("TriggerMessage", fields).status == "Accepted"
    assert cs.actions(mark) == [message]
    said = cs.last(message).payload
    assert said.get("connectorId") == connector
    if message in (DSN, FSN):
        assert said == {"status": "Idle"}


def test_tc_055_cc_09_trigger_for_an_unknown_connector():
    cs = booted(evses=2)
    mark = cs.mark()
    assert cs.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 3}).status == "Rejected"
    assert cs.actions(mark) == []


def test_tc_062_cc_03_data_transfer_of_an_unknown_vendor():
    cs = booted()
    fields = {"vendorId": "org.example.unknown", "messageId": "m", "data": "{}"}
    assert cs.ask("DataTransfer", fields).payload == {"status": "UnknownVendorId"}
