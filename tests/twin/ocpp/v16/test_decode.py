import json

import pytest

from twin.errors import ProtocolError
from twin.model import inputs
from twin.model.effects import (
    AuthorizationAsked,
    Booted,
    HeartbeatDue,
    Metered,
    SessionEnded,
    SessionStarted,
    StatusChanged,
)
from twin.model.spec import KeySpec
from twin.model.terms import AuthorizationStatus, BootReason, ErrorCode, Registration, ResetKind, Status, StopReason
from twin.ocpp.v16 import decode
from twin.ocpp.v16.keys import key_table

KEYS = key_table({"VendorKey": KeySpec("7")})
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}]},
}
BOOTED = Booted(BootReason.POWER_UP)
ASKED = AuthorizationAsked("a", "TAG")
STARTED = SessionStarted("s", 1, "TAG", 0.0, 0)
ENDED = SessionEnded("s", 1, 0.0, 0, StopReason.LOCAL)
TIME = "2013-02-01T20:53:32Z"
INSTANT = 1359752012.0


def request(action, payload, **options):
    return decode.request(action, payload, "ref", KEYS, **options)


def refused(action, payload, **options):
    with pytest.raises(ProtocolError) as caught:
        request(action, payload, **options)
    assert caught.value.message_id == "ref"
    return caught.value.code


@pytest.mark.parametrize(
    ("action", "payload", "meant"),
    [
        (
            "ChangeAvailability",
            {"connectorId": 0, "type": "Inoperative"},
            inputs.ChangeAvailability(request_ref="ref", evse=0, operative=False),
        ),
        (
            "ChangeAvailability",
            {"connectorId": -7, "type": "Operative"},
            inputs.ChangeAvailability(request_ref="ref", evse=-7, operative=True),
        ),
        (
            "ChangeConfiguration",
            {"key": "heartbeatINTERVAL", "value": "60"},
            inputs.SetVariable(
                request_ref="ref", name="OCPPCommCtrlr.HeartbeatInterval", value="60", label="HeartbeatInterval"
            ),
        ),
        (
            "ChangeConfiguration",
            {"key": "vendorkey", "value": ""},
            inputs.SetVariable(request_ref="ref", name="Vendor.VendorKey", value="", label="VendorKey"),
        ),
        ("ClearCache", {}, inputs.ClearCache(request_ref="ref")),
        ("DataTransfer", {"vendorId": "v"}, inputs.DataTransfer(request_ref="ref", vendor_id="v")),
        (
            "DataTransfer",
            {"vendorId": "v", "messageId": "m", "data": "d"},
            inputs.DataTransfer(request_ref="ref", vendor_id="v", message_id="m", data="d"),
        ),
        ("GetConfiguration", {}, inputs.GetVariables(request_ref="ref")),
        ("GetConfiguration", {"key": []}, inputs.GetVariables(request_ref="ref")),
        (
            "GetConfiguration",
            {"key": ["x", "resetretries"]},
            inputs.GetVariables(request_ref="ref", names=("Vendor.x", "OCPPCommCtrlr.ResetRetries")),
        ),
        ("RemoteStartTransaction", {"idTag": "T"}, inputs.RemoteStart(request_ref="ref", token="T")),
        (
            "RemoteStartTransaction",
            {"idTag": "T", "connectorId": 2, "chargingProfile": PROFILE},
            inputs.RemoteStart(request_ref="ref", token="T", evse=2),
        ),
        ("RemoteStopTransaction", {"transactionId": -1}, inputs.RemoteStop(request_ref="ref", transaction_id=-1)),
        ("Reset", {"type": "Hard"}, inputs.Reset(request_ref="ref", kind=ResetKind.HARD)),
        (
            "TriggerMessage",
            {"requestedMessage": "Heartbeat"},
            inputs.Trigger(request_ref="ref", message="Heartbeat"),
        ),
        (  # CC-06: answered by the twin, no matter what it is
            "TriggerMessage",
            {"requestedMessage": "Nonsense", "connectorId": 0},
            inputs.Trigger(request_ref="ref", message="Nonsense", evse=0),
        ),
        ("UnlockConnector", {"connectorId": 1}, inputs.UnlockConnector(request_ref="ref", evse=1)),
    ],
)
def test_requests_are_understood(action, payload, meant):
    assert request(action, payload) == meant


@pytest.mark.parametrize("action", ["Nonsense", "", "heartbeat", "changeavailability", "BootNotificationResponse"])
def test_an_unknown_action_is_not_implemented(action):
    assert refused(action, {}) == "NotImplemented"


@pytest.mark.parametrize(
    "action",
    ["ReserveNow", "SendLocalList", "SetChargingProfile", "GetDiagnostics", "UpdateFirmware", "GetLog", "Heartbeat"],
)
def test_an_action_of_an_absent_profile_is_not_supported(action):
    assert refused(action, {"any": "thing"}) == "NotSupported"


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Reset", {}, "ProtocolError"),
        ("ChangeAvailability", {"connectorId": 1}, "ProtocolError"),
        ("RemoteStartTransaction", {"idTag": "T", "chargingProfile": {}}, "ProtocolError"),
        ("Reset", {"type": 1}, "TypeConstraintViolation"),
        ("Reset", {"type": None}, "TypeConstraintViolation"),
        ("UnlockConnector", {"connectorId": "1"}, "TypeConstraintViolation"),
        ("UnlockConnector", {"connectorId": True}, "TypeConstraintViolation"),
        ("UnlockConnector", {"connectorId": 1.0}, "TypeConstraintViolation"),
        ("UnlockConnector", {"connectorId": 1.5}, "TypeConstraintViolation"),
        ("GetConfiguration", {"key": "x"}, "TypeConstraintViolation"),
        ("GetConfiguration", {"key": [1]}, "TypeConstraintViolation"),
        ("GetConfiguration", {"key": None}, "TypeConstraintViolation"),
        ("ChangeConfiguration", {"key": "a", "value": 60}, "TypeConstraintViolation"),
        ("DataTransfer", {"vendorId": "v", "data": {}}, "TypeConstraintViolation"),
        ("RemoteStartTransaction", {"idTag": "T", "chargingProfile": []}, "TypeConstraintViolation"),
        ("Reset", {"type": "Medium"}, "PropertyConstraintViolation"),
        ("Reset", {"type": "hard"}, "PropertyConstraintViolation"),
        ("ChangeAvailability", {"connectorId": 1, "type": ""}, "PropertyConstraintViolation"),
        ("ChangeConfiguration", {"key": "k" * 51, "value": ""}, "PropertyConstraintViolation"),
        ("ChangeConfiguration", {"key": "k", "value": "v" * 501}, "PropertyConstraintViolation"),
        ("RemoteStartTransaction", {"idTag": "T" * 21}, "PropertyConstraintViolation"),
        ("RemoteStopTransaction", {"transactionId": 2**70}, "PropertyConstraintViolation"),
        ("DataTransfer", {"vendorId": "v" * 256}, "PropertyConstraintViolation"),
        ("Reset", {"type": "Hard", "extra": 1}, "FormationViolation"),
        ("ClearCache", {"extra": None}, "FormationViolation"),
        ("RemoteStartTransaction", {"idTag": "T", "chargingProfile": {**PROFILE, "x": 1}}, "FormationViolation"),
    ],
)
def test_a_bad_payload_earns_its_code(action, payload, code):
    assert refused(action, payload) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chargingSchedulePeriod": []}, "OccurenceConstraintViolation"),
        ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.11}]}, "PropertyConstraintViolation"),
        ({"minChargingRate": 0.05}, "PropertyConstraintViolation"),
        ({"startSchedule": "noon"}, "PropertyConstraintViolation"),
        ({"chargingRateUnit": "kW"}, "PropertyConstraintViolation"),
        ({"duration": 1.5}, "TypeConstraintViolation"),
    ],
)
def test_a_charging_profile_is_checked_although_it_is_ignored(change, code):
    schedule = PROFILE["chargingSchedule"] | change
    profile = PROFILE | {"chargingSchedule": schedule}
    assert refused("RemoteStartTransaction", {"idTag": "T", "chargingProfile": profile}) == code


@pytest.mark.parametrize("tenths", range(0, 1000, 7))
def test_every_multiple_of_a_tenth_is_a_limit(tenths):
    periods = [{"startPeriod": 0, "limit": tenths / 10}]
    profile = PROFILE | {"chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod": periods}}
    request("RemoteStartTransaction", {"idTag": "T", "chargingProfile": profile})


def test_too_many_keys_are_refused():
    assert request("GetConfiguration", {"key": ["a"] * 3}, max_keys=3).names == ("Vendor.a",) * 3
    assert refused("GetConfiguration", {"key": ["a"] * 4}, max_keys=3) == "OccurenceConstraintViolation"


@pytest.mark.parametrize(
    ("report", "payload", "meant"),
    [
        (
            BOOTED,
            {"status": "Pending", "currentTime": TIME, "interval": 30},
            inputs.BootAnswered(Registration.PENDING, 30, INSTANT),
        ),
        (  # OCPP-J errata 2.3: the first schemas said `number`
            BOOTED,
            {"status": "Accepted", "currentTime": TIME, "interval": 30.0},
            inputs.BootAnswered(Registration.ACCEPTED, 30, INSTANT),
        ),
        (HeartbeatDue(), {"currentTime": TIME}, inputs.HeartbeatAnswered(INSTANT)),
        (
            ASKED,
            {"idTagInfo": {"status": "Accepted"}},
            inputs.AuthorizationAnswered(inputs.TokenInfo(AuthorizationStatus.ACCEPTED)),
        ),
        (
            ASKED,
            {"idTagInfo": {"status": "Expired", "parentIdTag": "P", "expiryDate": TIME}},
            inputs.AuthorizationAnswered(inputs.TokenInfo(AuthorizationStatus.EXPIRED, "P", INSTANT)),
        ),
        (
            STARTED,
            {"transactionId": 0, "idTagInfo": {"status": "ConcurrentTx"}},
            inputs.StartAnswered(0, inputs.TokenInfo(AuthorizationStatus.CONCURRENT_TX)),
        ),
        (ENDED, {}, inputs.StopAnswered()),
        (
            ENDED,
            {"idTagInfo": {"status": "Blocked"}},
            inputs.StopAnswered(inputs.TokenInfo(AuthorizationStatus.BLOCKED)),
        ),
        (Metered(1, ()), {}, inputs.Acknowledged()),
        (StatusChanged(0, Status.AVAILABLE, ErrorCode.NO_ERROR, 0.0), {}, inputs.Acknowledged()),
    ],
)
def test_confirmations_are_understood(report, payload, meant):
    assert decode.answer(report, payload) == meant


@pytest.mark.parametrize(
    ("report", "payload", "code"),
    [
        (BOOTED, {}, "ProtocolError"),
        (BOOTED, {"status": "Accepted", "currentTime": TIME, "heartbeatInterval": 300}, "FormationViolation"),
        (BOOTED, {"status": "Accepted", "currentTime": TIME, "interval": -1}, "PropertyConstraintViolation"),
        (BOOTED, {"status": "Accepted", "currentTime": TIME, "interval": 1.5}, "PropertyConstraintViolation"),
        (BOOTED, {"status": "Accepted", "currentTime": TIME, "interval": "300"}, "TypeConstraintViolation"),
        (BOOTED, {"status": "Accepted", "currentTime": TIME, "interval": 1e300}, "PropertyConstraintViolation"),
        (HeartbeatDue(), {"currentTime": "now"}, "PropertyConstraintViolation"),
        (HeartbeatDue(), {"currentTime": 0}, "TypeConstraintViolation"),
        (ASKED, {"idTagInfo": {"status": "Fine"}}, "PropertyConstraintViolation"),
        (ASKED, {"idTagInfo": {"status": "Accepted", "x": 1}}, "FormationViolation"),
        (ASKED, {"idTagInfo": {"status": "Accepted", "parentIdTag": "P" * 21}}, "PropertyConstraintViolation"),
        (STARTED, {"transactionId": "1", "idTagInfo": {"status": "Accepted"}}, "TypeConstraintViolation"),
        (STARTED, {"idTagInfo": {"status": "Accepted"}}, "ProtocolError"),
        (ENDED, {"status": "Accepted"}, "FormationViolation"),
        (Metered(1, ()), {"x": 1}, "FormationViolation"),
    ],
)
def test_a_confirmation_that_breaks_its_schema_is_refused(report, payload, code):
    with pytest.raises(ProtocolError) as caught:
        decode.answer(report, payload)
    assert (caught.value.code, caught.value.message_id) == (code, None)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2013-02-01T20:53:32Z", INSTANT),
        ("2013-02-01T20:53:32", INSTANT),
        ("2013-02-01T20:53:32.486Z", INSTANT + 0.486),
        ("2013-02-01T20:53:32.4861234Z", INSTANT + 0.486123),
        ("2013-02-01T22:53:32+02:00", INSTANT),
        ("2013-02-01T13:23:32.5-07:30", INSTANT + 0.5),
        ("1970-01-01T00:00:00Z", 0.0),
        ("0001-01-01T00:00:00+14:00", -62135647200.0),
    ],
)
def test_times_come_with_and_without_fraction_and_zone(text, instant):
    answer = decode.answer(HeartbeatDue(), json.loads(json.dumps({"currentTime": text})))
    assert answer.current_time == pytest.approx(instant)
