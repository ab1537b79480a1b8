"""Group 12 of the checklist: clear cache, data transfer, trigger message."""

from __future__ import annotations

import pytest
from fakes.central_system import Hold
from fakes.judge import instant
from fakes.scenes import booted, charge, charging

from twin.model.inputs import PlugIn, PresentToken, SetFault
from twin.model.terms import ErrorCode


def trigger(cs, message: str, **fields) -> str:
    return cs.ask("TriggerMessage", {"requestedMessage": message, **fields}).status


def test_cc_01_the_cache_is_emptied():
    cs = booted(keys={"ConnectionTimeOut": "10"})
    cs.command(PresentToken(token="TAG1", evse=1))
    cs.advance(11)
    assert cs.ask("ClearCache").status == "Accepted"
    cs.cut()
    charge(cs)
    assert not cs.station.view(cs.now).sessions[0].active


def test_cc_01_the_cache_stays_empty_after_a_restart():
    cs = booted(keys={"ConnectionTimeOut": "10"})
    cs.command(PresentToken(token="TAG1", evse=1))
    cs.advance(11)
    assert cs.ask("ClearCache").status == "Accepted"
    cs.crash()
    cs.cut()
    charge(cs)
    assert not cs.station.view(cs.now).sessions[0].active


def test_cc_01_clear_cache_when_it_is_switched_off():
    cs = booted(keys={"AuthorizationCacheEnabled": "false"})
    assert cs.ask("ClearCache").status in {"Accepted", "Rejected"}


@pytest.mark.parametrize(
    "payload",
    [
        {"vendorId": "org.example.unknown"},
        {"vendorId": "org.example.unknown", "messageId": "m", "data": "{}"},
        {"vendorId": "", "data": "x" * 100_000},
    ],
)
def test_cc_03_unknown_vendor_has_no_data(payload):
    reply = booted().ask("DataTransfer", payload)
    assert reply.payload == {"status": "UnknownVendorId"}


def test_cc_04_data_is_a_string():
    assert booted().ask("DataTransfer", {"vendorId": "v", "data": {"a": 1}}).code == "TypeConstraintViolation"


@pytest.mark.parametrize("message", ["Heartbeat", "StatusNotification", "MeterValues"])
def test_cc_05_answer_first_then_the_message(message):
    cs = booted()
    start = len(cs.log)
    assert trigger(cs, message) == "Accepted"
    twin = [what for _, who, what in cs.log[start:] if who == "twin"]
    assert twin[0].startswith("[3")
    assert f'"{message}"' in twin[1]


def test_cc_05_a_triggered_message_waits_its_turn_but_comes():
    cs = booted()
    cs.script("Authorize", Hold())
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1))
    mark = cs.mark()
    assert trigger(cs, "Heartbeat") == "Accepted"
    assert cs.actions(mark) == []
    cs.release()
    assert "Heartbeat" in cs.actions(mark)


@pytest.mark.parametrize(
    "message",
    ["Nonsense", "", "heartbeat", "SignChargePointCertificate", "LogStatusNotification", "StartTransaction"],
)
def test_cc_06_unknown_messages_are_not_implemented(message):
    cs = booted()
    mark = cs.mark()
    assert trigger(cs, message) == "NotImplemented"
    assert cs.actions(mark) == []


@pytest.mark.parametrize("message", ["DiagnosticsStatusNotification", "FirmwareStatusNotification"])
def test_cc_06_messages_of_absent_profiles_are_not_implemented(message):
    cs = booted(keys={"SupportedFeatureProfiles": "Core,RemoteTrigger"})
    assert trigger(cs, message) == "NotImplemented"
    assert trigger(booted(), message) == "Accepted"


@pytest.mark.parametrize(
    "message",
    [
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    ],
)
def test_cc_07_all_messages_that_can_be_triggered(message):
    cs = booted()
    cs.blink()  # CC-12: after a reconnect BootNotification can be had again
    mark = cs.mark()
    assert trigger(cs, message) == "Accepted"
    assert cs.actions(mark)[0] == message


@pytest.mark.parametrize("connector", [0, 1, 7, -3])
def test_cc_08_an_irrelevant_connector_is_ignored(connector):
    cs = booted()
    mark = cs.mark()
    assert trigger(cs, "Heartbeat", connectorId=connector) == "Accepted"
    assert cs.actions(mark) == ["Heartbeat"]


def test_cc_08_absent_means_0_and_every_connector():
    cs = booted(evses=3)
    mark = cs.mark()
    assert trigger(cs, "StatusNotification") == "Accepted"
    assert [call["connectorId"] for call in cs.sent("StatusNotification", mark)] == [0, 1, 2, 3]


def test_cc_08_meter_values_of_every_connector():
    cs = booted(evses=2)
    mark = cs.mark()
    assert trigger(cs, "MeterValues") == "Accepted"
    assert {1, 2} <= {call["connectorId"] for call in cs.sent("MeterValues", mark)} <= {0, 1, 2}


@pytest.mark.parametrize("connector", [0, 1, 2])
def test_cc_09_one_connector_0_too(connector):
    cs = booted(evses=2)
    mark = cs.mark()
    assert trigger(cs, "StatusNotification", connectorId=connector) == "Accepted"
    assert [call["connectorId"] for call in cs.sent("StatusNotification", mark)] == [connector]


@pytest.mark.parametrize("connector", [3, -1, 10**12])
@pytest.mark.parametrize("message", ["StatusNotification", "MeterValues"])
def test_cc_09_out_of_range_is_rejected(connector, message):
    cs = booted(evses=2)
    mark = cs.mark()
    assert trigger(cs, message, connectorId=connector) == "Rejected"
    assert cs.actions(mark) == []


def test_cc_10_v_11_triggered_meter_values():
    cs = charging(keys={"MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import"})
    cs.advance(77)
    assert trigger(cs, "MeterValues", connectorId=1) == "Accepted"
    call = cs.last("MeterValues")
    assert call["transactionId"] == 1
    [element] = call["meterValue"]
    assert instant(element["timestamp"]) == pytest.approx(cs.now, abs=1)
    assert {s["context"] for s in element["sampledValue"]} == {"Trigger"}
    assert {s.get("measurand") for s in element["sampledValue"]} == {
        "Energy.Active.Import.Register",
        "Power.Active.Import",
    }


def test_cc_10_without_a_transaction_no_transaction_id():
    cs = booted()
    assert trigger(cs, "MeterValues", connectorId=1) == "Accepted"
    assert "transactionId" not in cs.last("MeterValues").payload


def test_cc_10_before_the_start_is_confirmed():
    cs = booted()
    cs.script("StartTransaction", Hold())
    charge(cs)
    assert trigger(cs, "MeterValues", connectorId=1) == "Accepted"
    cs.release()
    assert cs.last("MeterValues").payload.get("transactionId", 1) == 1


def test_cc_11_current_data_and_error_codes():
    cs = booted()
    cs.command(PlugIn(evse=1), SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert trigger(cs, "StatusNotification", connectorId=1) == "Accepted"
    payload = cs.last("StatusNotification").payload
    assert (payload["status"], payload["errorCode"]) == ("Faulted", "GroundFailure")


def test_cc_12_boot_notification_is_rejected_once_accepted():
    cs = booted()
    mark = cs.mark()
    assert trigger(cs, "BootNotification") == "Rejected"
    assert cs.actions(mark) == []
