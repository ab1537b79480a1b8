import msgspec
import pytest

from twin.model.asked import CertificateId
from twin.model.effects import (
    Answered,
    AuthorizationAsked,
    Booted,
    CertificateAsked,
    CertificatesAnswered,
    CompositeAnswered,
    CompositePeriod,
    DataAnswered,
    FirmwareReported,
    HeartbeatDue,
    LogAnswered,
    LogReported,
    Metered,
    Reading,
    Refusal,
    Sample,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    VariablesAnswered,
    VariableValue,
    VersionAnswered,
)
from twin.model.spec import TwinSpec
from twin.model.terms import (
    BootReason,
    ErrorCode,
    FirmwareStatus,
    HashAlgorithm,
    LogStatus,
    Measurand,
    RateUnit,
    ReadingContext,
    Status,
    StopReason,
)
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


@pytest.mark.parametrize(
    ("status", "plain"),
    [
        ("Idle", "Idle"),
        ("DownloadScheduled", "Idle"),
        ("DownloadPaused", "Downloading"),
        ("Downloading", "Downloading"),
        ("Downloaded", "Downloaded"),
        ("DownloadFailed", "DownloadFailed"),
        ("SignatureVerified", "Downloaded"),
        ("InstallScheduled", "Downloaded"),
        ("InstallRebooting", "Installing"),
        ("Installing", "Installing"),
        ("Installed", "Installed"),
        ("InstallationFailed", "InstallationFailed"),
        ("InstallVerificationFailed", "InstallationFailed"),
        ("InvalidSignature", "InstallationFailed"),
    ],
)
def test_fw_02_sec_32_steps_of_an_update_have_more_words_when_it_is_signed(status, plain):
    told = FirmwareReported(FirmwareStatus(status))
    assert report(told) == ("FirmwareStatusNotification", {"status": plain})
    signed = FirmwareReported(FirmwareStatus(status), signed=True, request_id=7)
    assert report(signed) == ("SignedFirmwareStatusNotification", {"status": status, "requestId": 7})


def test_sec_33_without_a_request_there_is_no_number():
    idle = FirmwareReported(FirmwareStatus.IDLE, signed=True)
    assert report(idle) == ("SignedFirmwareStatusNotification", {"status": "Idle"})
    assert report(LogReported(LogStatus.IDLE, extended=True)) == ("LogStatusNotification", {"status": "Idle"})


@pytest.mark.parametrize("status", LogStatus)
def test_sec_26_steps_of_an_upload_have_more_words_when_get_log_asked(status):
    known = status in {"Idle", "Uploading", "Uploaded"}
    plain = {"status": str(status) if known else "UploadFailed"}
    assert report(LogReported(status)) == ("DiagnosticsStatusNotification", plain)
    extended = LogReported(status, extended=True, request_id=0)
    assert report(extended) == ("LogStatusNotification", {"status": status, "requestId": 0})


def test_sec_21_a_security_event_is_cut_to_what_the_message_takes():
    assert report(SecurityEvent("TamperDetectionActivated", NOON)) == (
        "SecurityEventNotification",
        {"type": "TamperDetectionActivated", "timestamp": "2013-02-01T12:00:00.250Z"},
    )
    _, long = report(SecurityEvent("k" * 51, NOON, "i" * 256))
    assert (long["type"], long["techInfo"]) == ("k" * 50, "i" * 255)


def test_sec_13_a_certificate_is_asked_for():
    assert report(CertificateAsked("PEM")) == ("SignCertificate", {"csr": "PEM"})


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


@pytest.mark.parametrize(
    ("action", "answered", "written"),
    [
        ("ChangeAvailability", Answered("Scheduled"), {"status": "Scheduled"}),
        ("DataTransfer", DataAnswered("UnknownVendorId"), {"status": "UnknownVendorId"}),
        ("DataTransfer", DataAnswered("Accepted", ""), {"status": "Accepted", "data": ""}),
        ("UpdateFirmware", Answered("Accepted"), {}),
        ("SignedUpdateFirmware", Answered("AcceptedCanceled"), {"status": "AcceptedCanceled"}),
        ("GetDiagnostics", LogAnswered("Accepted", "a.log"), {"fileName": "a.log"}),
        ("GetDiagnostics", LogAnswered("Rejected"), {}),
        ("GetDiagnostics", LogAnswered("Accepted", "x" * 256), {"fileName": "x" * 255}),
        ("GetLog", LogAnswered("Accepted", "a.log"), {"status": "Accepted", "filename": "a.log"}),
        ("GetLog", LogAnswered("Rejected"), {"status": "Rejected"}),
        ("GetLocalListVersion", VersionAnswered(-1), {"listVersion": -1}),
        ("GetInstalledCertificateIds", CertificatesAnswered(), {"status": "NotFound"}),
        (
            "GetInstalledCertificateIds",
            CertificatesAnswered((CertificateId(HashAlgorithm.SHA256, "aa", "bb", "01"),)),
            {
                "status": "Accepted",
                "certificateHashData": [
                    {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "01"}
                ],
            },
        ),
        ("GetCompositeSchedule", CompositeAnswered(7), {"status": "Rejected"}),
        (  # SC-08, SC-37, SC-38
            "GetCompositeSchedule",
            CompositeAnswered(1, RateUnit.A, 600, NOON, (CompositePeriod(0, 16.0, 3), CompositePeriod(60, 6.0499999))),
            {
                "status": "Accepted",
                "connectorId": 1,
                "scheduleStart": "2013-02-01T12:00:00.250Z",
                "chargingSchedule": {
                    "duration": 600,
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": 16.0, "numberPhases": 3},
                        {"startPeriod": 60, "limit": 6.0},
                    ],
                },
            },
        ),
    ],
)
def test_answers_are_confirmations(action, answered, written):
    assert payload(encode.outcome(answered, KEYS, action)) == written


def test_a_refusal_is_no_confirmation():
    with pytest.raises(ValueError, match="NotSupported"):
        encode.outcome(Refusal("NotSupported", ""), KEYS, "UpdateFirmware")


def test_settings_are_shown_by_their_keys():
    shown = VariablesAnswered(
        known=(
            VariableValue("OCPPCommCtrlr.HeartbeatInterval", False, "300"),
            VariableValue("Vendor.Mine", True, None),
        ),
        unknown=("Vendor.nOnsense", "SecurityCtrlr.BasicAuthPassword"),
    )
    assert payload(encode.outcome(shown, KEYS, "GetConfiguration")) == {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "Mine", "readonly": True},
        ],
        "unknownKey": ["nOnsense", "AuthorizationKey"],
    }


def test_an_empty_list_is_left_out():
    assert payload(encode.outcome(VariablesAnswered((), ("x",)), KEYS, "GetConfiguration")) == {"unknownKey": ["x"]}
