import msgspec
import pytest

from twin.model.effects import (
    Answered,
    AuthorizationAsked,
    Booted,
    DataAnswered,
    HeartbeatDue,
    Metered,
    Reading,
    Sample,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    VariablesAnswered,
    VariableValue,
)
from twin.model.spec import TwinSpec
from twin.model.terms import BootReason, ErrorCode, Measurand, ReadingContext, Status, StopReason
from twin.ocpp.v16 import encode
from twin.ocpp.v16.keys import key_table

SPEC = TwinSpec(id="garage", identity="garage")
KEYS = key_table({})
NOON = 1359720000.25
READING = Reading(NOON, ReadingContext.TRIGGER, (Sample(Measurand.VOLTAGE, 230.1, "L1-N"),))


def payload(message):
    return msgspec.json.decode(msgspec.json.encode(message))


def report(told, spec=SPEC, transaction_id=None):
    return encode.action(told), payload(encode.report(told, spec, transaction_id))


def test_a_plain_box_says_who_it_is_in_three_words():
    assert report(Booted(BootReason.POWER_UP)) == (
        "BootNotification",
        {"chargePointVendor": "ocpp-twin", "chargePointModel": "Twin", "firmwareVersion": "1.0"},
    )


def test_a_box_says_all_that_is_known_of_it():
    spec = TwinSpec(
        id="garage",
        identity="garage",
        vendor="V",
        model="M",
        serial_number="S",
        charge_box_serial_number="B",
        iccid="I",
        imsi="J",
        meter_type="T",
        meter_serial_number="N",
    )
    assert report(Booted(BootReason.POWER_UP, "2.0"), spec)[1] == {
        "chargePointVendor": "V",
        "chargePointModel": "M",
        "chargePointSerialNumber": "S",
        "chargeBoxSerialNumber": "B",
        "firmwareVersion": "2.0",
        "iccid": "I",
        "imsi": "J",
        "meterType": "T",
        "meterSerialNumber": "N",
    }


def test_a_heartbeat_is_empty():
    assert report(HeartbeatDue()) == ("Heartbeat", {})


def test_a_status_has_the_time_of_the_event():
    assert report(StatusChanged(0, Status.AVAILABLE, ErrorCode.NO_ERROR, NOON)) == (
        "StatusNotification",
        {
            "connectorId": 0,
            "errorCode": "NoError",
            "status": "Available",
            "timestamp": "2013-02-01T12:00:00.250Z",
        },
    )


def test_a_long_text_is_cut_to_what_the_message_takes():
    told = StatusChanged(1, Status.FAULTED, ErrorCode.OTHER_ERROR, NOON, "i" * 60, "v" * 300, "e" * 60)
    body = report(told)[1]
    assert (body["info"], body["vendorId"], body["vendorErrorCode"]) == ("i" * 50, "v" * 255, "e" * 50)


def test_another_error_always_says_something_about_itself():
    told = StatusChanged(1, Status.FAULTED, ErrorCode.OTHER_ERROR, NOON)
    assert report(told)[1]["vendorErrorCode"] == "Unspecified"


def test_a_card_is_asked_about_as_it_was_shown():
    assert report(AuthorizationAsked("a", "04A2b3")) == ("Authorize", {"idTag": "04A2b3"})


def test_a_start():
    assert report(SessionStarted("s", 1, "TAG", NOON, 1234)) == (
        "StartTransaction",
        {"connectorId": 1, "idTag": "TAG", "meterStart": 1234, "timestamp": "2013-02-01T12:00:00.250Z"},
    )
    assert report(SessionStarted("s", 1, "TAG", NOON, 1234, reservation_id=0))[1]["reservationId"] == 0


def test_a_stop_by_card_has_its_tag_and_one_without_has_none():
    told = SessionEnded("s", 1, NOON, 9, StopReason.LOCAL, "TAG")
    assert report(told, transaction_id=0) == (
        "StopTransaction",
        {
            "transactionId": 0,
            "meterStop": 9,
            "timestamp": "2013-02-01T12:00:00.250Z",
            "idTag": "TAG",
            "reason": "Local",
        },
    )
    assert "idTag" not in report(SessionEnded("s", 1, NOON, 9, StopReason.REMOTE), transaction_id=7)[1]


def test_a_session_that_was_never_named_is_minus_one():
    assert report(SessionEnded("s", 1, NOON, 9, StopReason.LOCAL))[1]["transactionId"] == -1
    assert report(Metered(1, (READING,), "s"))[1]["transactionId"] == -1


def test_a_stop_carries_what_was_collected():
    told = SessionEnded("s", 1, NOON, 9, StopReason.OTHER, readings=(READING,))
    (value,) = report(told, transaction_id=7)[1]["transactionData"]
    assert value["timestamp"] == "2013-02-01T12:00:00.250Z"


def test_meter_values_outside_a_session_have_no_transaction():
    assert report(Metered(0, (READING,))) == (
        "MeterValues",
        {
            "connectorId": 0,
            "meterValue": [
                {
                    "timestamp": "2013-02-01T12:00:00.250Z",
                    "sampledValue": [
                        {
                            "value": "230.1",
                            "context": "Trigger",
                            "measurand": "Voltage",
                            "phase": "L1-N",
                            "location": "Outlet",
                            "unit": "V",
                        }
                    ],
                }
            ],
        },
    )


def test_an_instant_without_samples_is_left_out():
    told = Metered(1, (Reading(NOON, ReadingContext.TRIGGER, ()), READING))
    assert len(report(told)[1]["meterValue"]) == 1


@pytest.mark.parametrize("measurand", Measurand)
def test_every_measurand_has_its_unit_or_none(measurand):
    unitless = {Measurand.FREQUENCY, Measurand.POWER_FACTOR, Measurand.RPM}  # Errata 3.84, V-14
    reading = Reading(NOON, ReadingContext.SAMPLE_CLOCK, (Sample(measurand, 1.0),))
    (sampled,) = report(Metered(1, (reading,)))[1]["meterValue"][0]["sampledValue"]
    assert ("unit" in sampled) == (measurand not in unitless)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-0.0001, "0"),
        (7360.0, "7360"),
        (100.0, "100"),
        (0.98, "0.98"),
        (16.12345, "16.123"),
        (-3.5, "-3.5"),
        (1e12, "1000000000000"),
    ],
)
def test_values_are_written_without_ado(value, text):
    assert encode.number(value) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (NOON, "2013-02-01T12:00:00.250Z"),
        (1700000000.999, "2023-11-14T22:13:20.999Z"),
    ],
)
def test_times_are_utc_with_milliseconds(at, text):
    assert encode.iso(at) == text


def test_one_word_answers():
    assert payload(encode.outcome(Answered("Scheduled"), KEYS)) == {"status": "Scheduled"}
    assert payload(encode.outcome(DataAnswered("UnknownVendorId"), KEYS)) == {"status": "UnknownVendorId"}
    assert payload(encode.outcome(DataAnswered("Accepted", ""), KEYS)) == {"status": "Accepted", "data": ""}


def test_settings_are_shown_by_their_keys():
    shown = VariablesAnswered(
        known=(
            VariableValue("OCPPCommCtrlr.HeartbeatInterval", False, "300"),
            VariableValue("Vendor.Mine", True, None),
        ),
        unknown=("Vendor.nOnsense", "SecurityCtrlr.BasicAuthPassword"),
    )
    assert payload(encode.outcome(shown, KEYS)) == {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "Mine", "readonly": True},
        ],
        "unknownKey": ["nOnsense", "AuthorizationKey"],
    }


def test_an_empty_list_is_left_out():
    assert payload(encode.outcome(VariablesAnswered((), ("x",)), KEYS)) == {"unknownKey": ["x"]}
