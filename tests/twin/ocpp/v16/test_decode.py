import json

import pytest

from twin.errors import ProtocolError
from twin.model import asked, inputs
from twin.model.effects import (
    AuthorizationAsked,
    Booted,
    CertificateAsked,
    FirmwareReported,
    HeartbeatDue,
    LogReported,
    Metered,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
)
from twin.model.profile import Profile, Schedule, SchedulePeriod
from twin.model.spec import KeySpec
from twin.model.terms import (
    AuthorizationStatus,
    BootReason,
    CertificateUse,
    ErrorCode,
    FirmwareStatus,
    HashAlgorithm,
    LogKind,
    LogStatus,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    Recurrency,
    Registration,
    ResetKind,
    Status,
    StopReason,
)
from twin.model.variables import PROFILES
from twin.ocpp.v16 import decode
from twin.ocpp.v16.actions import FEATURE_PROFILES, KNOWN_ACTIONS, REQUESTS
from twin.ocpp.v16.keys import key_table

KEYS = key_table({"VendorKey": KeySpec("7")})
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}]},
}
MEANT = Profile(
    id=1,
    stack_level=0,
    purpose=ProfilePurpose.TX,
    kind=ProfileKind.RELATIVE,
    schedule=Schedule(RateUnit.A, (SchedulePeriod(0, 16.1),)),
)
FULL_PROFILE = {
    "chargingProfileId": -1,
    "transactionId": 4,
    "stackLevel": 3,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Weekly",
    "validFrom": "2013-02-01T20:53:32Z",
    "validTo": "2013-02-01T22:53:33+02:00",
    "chargingSchedule": {
        "duration": 3600,
        "startSchedule": "2013-02-01T20:53:32",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 0, "numberPhases": 1},
            {"startPeriod": 60, "limit": 11000.0},
        ],
        "minChargingRate": 0.3,
    },
}
FULL_MEANT = Profile(
    id=-1,
    stack_level=3,
    purpose=ProfilePurpose.TX_DEFAULT,
    kind=ProfileKind.RECURRING,
    schedule=Schedule(
        RateUnit.W,
        (SchedulePeriod(0, 0.0, 1), SchedulePeriod(60, 11000.0)),
        duration_s=3600,
        starts_at=1359752012.0,
        min_rate=0.3,
    ),
    recurrency=Recurrency.WEEKLY,
    valid_from=1359752012.0,
    valid_to=1359752013.0,
    transaction_id=4,
)
BOOTED = Booted(BootReason.POWER_UP)
ASKED = AuthorizationAsked("a", "TAG")
STARTED = SessionStarted("s", 1, "TAG", 0.0, 0)
ENDED = SessionEnded("s", 1, 0.0, 0, StopReason.LOCAL)
TIME = "2013-02-01T20:53:32Z"
INSTANT = 1359752012.0


def profile_of(**changes):
    return {"connectorId": 1, "csChargingProfiles": PROFILE | changes}


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
            asked.ChangeAvailability(request_ref="ref", evse=0, operative=False),
        ),
        (
            "ChangeAvailability",
            {"connectorId": -7, "type": "Operative"},
            asked.ChangeAvailability(request_ref="ref", evse=-7, operative=True),
        ),
        (
            "ChangeConfiguration",
            {"key": "heartbeatINTERVAL", "value": "60"},
            asked.SetVariable(
                request_ref="ref", name="OCPPCommCtrlr.HeartbeatInterval", value="60", label="HeartbeatInterval"
            ),
        ),
        (
            "ChangeConfiguration",
            {"key": "vendorkey", "value": ""},
            asked.SetVariable(request_ref="ref", name="Vendor.VendorKey", value="", label="VendorKey"),
        ),
        ("ClearCache", {}, asked.ClearCache(request_ref="ref")),
        ("DataTransfer", {"vendorId": "v"}, asked.DataTransfer(request_ref="ref", vendor_id="v")),
        (
            "DataTransfer",
            {"vendorId": "v", "messageId": "m", "data": "d"},
            asked.DataTransfer(request_ref="ref", vendor_id="v", message_id="m", data="d"),
        ),
        ("GetConfiguration", {}, asked.GetVariables(request_ref="ref")),
        ("GetConfiguration", {"key": []}, asked.GetVariables(request_ref="ref")),
        (
            "GetConfiguration",
            {"key": ["x", "resetretries"]},
            asked.GetVariables(request_ref="ref", names=("Vendor.x", "OCPPCommCtrlr.ResetRetries")),
        ),
        ("RemoteStartTransaction", {"idTag": "T"}, asked.RemoteStart(request_ref="ref", token="T")),
        (
            "RemoteStartTransaction",
            {"idTag": "T", "connectorId": 2, "chargingProfile": PROFILE},
            asked.RemoteStart(request_ref="ref", token="T", evse=2, profile=MEANT),
        ),
        ("RemoteStopTransaction", {"transactionId": -1}, asked.RemoteStop(request_ref="ref", transaction_id=-1)),
        ("Reset", {"type": "Hard"}, asked.Reset(request_ref="ref", kind=ResetKind.HARD)),
        (
            "TriggerMessage",
            {"requestedMessage": "Heartbeat"},
            asked.Trigger(request_ref="ref", message="Heartbeat"),
        ),
        (  # CC-06: answered by the twin, no matter what it is
            "TriggerMessage",
            {"requestedMessage": "Nonsense", "connectorId": 0},
            asked.Trigger(request_ref="ref", message="Nonsense", evse=0),
        ),
        ("UnlockConnector", {"connectorId": 1}, asked.UnlockConnector(request_ref="ref", evse=1)),
        (
            "UpdateFirmware",
            {"location": "ftp://a/b.bin", "retrieveDate": TIME},
            asked.UpdateFirmware(request_ref="ref", location="ftp://a/b.bin", retrieve_at=INSTANT),
        ),
        (
            "UpdateFirmware",
            {"location": "", "retrieveDate": TIME, "retries": 2, "retryInterval": 30},
            asked.UpdateFirmware(request_ref="ref", location="", retrieve_at=INSTANT, retries=2, retry_interval_s=30),
        ),
        ("GetDiagnostics", {"location": "ftp://a/"}, asked.GetLog(request_ref="ref", location="ftp://a/")),
        (
            "GetDiagnostics",
            {"location": "x", "startTime": TIME, "stopTime": TIME, "retries": 0, "retryInterval": 1},
            asked.GetLog(
                request_ref="ref", location="x", oldest=INSTANT, latest=INSTANT, retries=0, retry_interval_s=1
            ),
        ),
        (
            "SendLocalList",
            {"listVersion": 3, "updateType": "Full"},
            asked.SendLocalList(request_ref="ref", version=3, full=True),
        ),
        (
            "SendLocalList",
            {
                "listVersion": -1,
                "updateType": "Differential",
                "localAuthorizationList": [
                    {"idTag": "A"},
                    {"idTag": "B", "idTagInfo": {"status": "Blocked", "parentIdTag": "P", "expiryDate": TIME}},
                ],
            },
            asked.SendLocalList(
                request_ref="ref",
                version=-1,
                full=False,
                entries=(asked.ListEntry("A"), asked.ListEntry("B", AuthorizationStatus.BLOCKED, "P", INSTANT)),
            ),
        ),
        ("GetLocalListVersion", {}, asked.GetLocalListVersion(request_ref="ref")),
        (
            "ReserveNow",
            {"connectorId": 0, "expiryDate": TIME, "idTag": "T", "reservationId": 5, "parentIdTag": "P"},
            asked.ReserveNow(request_ref="ref", reservation_id=5, evse=0, token="T", until=INSTANT, parent="P"),
        ),
        ("CancelReservation", {"reservationId": 5}, asked.CancelReservation(request_ref="ref", reservation_id=5)),
        (
            "SetChargingProfile",
            {"connectorId": 1, "csChargingProfiles": PROFILE},
            asked.SetChargingProfile(request_ref="ref", evse=1, profile=MEANT),
        ),
        (
            "SetChargingProfile",
            {"connectorId": 0, "csChargingProfiles": FULL_PROFILE},
            asked.SetChargingProfile(request_ref="ref", evse=0, profile=FULL_MEANT),
        ),
        ("ClearChargingProfile", {}, asked.ClearChargingProfile(request_ref="ref")),
        (
            "ClearChargingProfile",
            {"id": 1, "connectorId": 0, "chargingProfilePurpose": "TxProfile", "stackLevel": 2},
            asked.ClearChargingProfile(request_ref="ref", id=1, evse=0, purpose=ProfilePurpose.TX, stack_level=2),
        ),
        (
            "GetCompositeSchedule",
            {"connectorId": 1, "duration": 600},
            asked.GetCompositeSchedule(request_ref="ref", evse=1, duration_s=600),
        ),
        (
            "GetCompositeSchedule",
            {"connectorId": 1, "duration": -1, "chargingRateUnit": "W"},
            asked.GetCompositeSchedule(request_ref="ref", evse=1, duration_s=-1, unit=RateUnit.W),
        ),
        ("CertificateSigned", {"certificateChain": "c"}, asked.CertificateSigned(request_ref="ref", chain="c")),
        (
            "DeleteCertificate",
            {
                "certificateHashData": {
                    "hashAlgorithm": "SHA384",
                    "issuerNameHash": "AA",
                    "issuerKeyHash": "Bb",
                    "serialNumber": "0C",
                }
            },
            asked.DeleteCertificate(request_ref="ref", id=asked.CertificateId(HashAlgorithm.SHA384, "aa", "bb", "0c")),
        ),
        (
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate", "connectorId": 1},
            asked.Trigger(request_ref="ref", message="SignChargePointCertificate", evse=1, extended=True),
        ),
        (
            "GetInstalledCertificateIds",
            {"certificateType": "ManufacturerRootCertificate"},
            asked.GetInstalledCertificateIds(request_ref="ref", use=CertificateUse.MANUFACTURER_ROOT),
        ),
        (
            "GetLog",
            {
                "logType": "SecurityLog",
                "requestId": 9,
                "log": {"remoteLocation": "x", "oldestTimestamp": TIME, "latestTimestamp": TIME},
                "retries": 1,
                "retryInterval": 2,
            },
            asked.GetLog(
                request_ref="ref",
                location="x",
                kind=LogKind.SECURITY,
                oldest=INSTANT,
                latest=INSTANT,
                retries=1,
                retry_interval_s=2,
                request_id=9,
            ),
        ),
        (
            "InstallCertificate",
            {"certificateType": "CentralSystemRootCertificate", "certificate": "c"},
            asked.InstallCertificate(request_ref="ref", use=CertificateUse.CENTRAL_SYSTEM_ROOT, certificate="c"),
        ),
        (  # SEC-31
            "SignedUpdateFirmware",
            {
                "requestId": 9,
                "firmware": {
                    "location": "x",
                    "retrieveDateTime": TIME,
                    "installDateTime": TIME,
                    "signingCertificate": "c",
                    "signature": "s",
                },
                "retries": 1,
                "retryInterval": 2,
            },
            asked.UpdateFirmware(
                request_ref="ref",
                location="x",
                retrieve_at=INSTANT,
                install_at=INSTANT,
                retries=1,
                retry_interval_s=2,
                request_id=9,
                signing=asked.Signing("c", "s"),
            ),
        ),
    ],
)
def test_requests_are_understood(action, payload, meant):
    assert request(action, payload) == meant


SIGNED = {"location": "x", "retrieveDateTime": TIME, "signingCertificate": "c", "signature": "s"}


@pytest.mark.parametrize(("member", "longest"), [("location", 512), ("signingCertificate", 5500), ("signature", 800)])
def test_sec_31_t_35_parts_of_a_signed_update_have_their_lengths(member, longest):
    fits = {"requestId": 1, "firmware": SIGNED | {member: "x" * longest}}
    assert request("SignedUpdateFirmware", fits).request_id == 1
    long = {"requestId": 1, "firmware": SIGNED | {member: "x" * (longest + 1)}}
    assert refused("SignedUpdateFirmware", long) == "PropertyConstraintViolation"


@pytest.mark.parametrize("member", SIGNED)
def test_sec_31_what_a_signed_update_must_have(member):
    firmware = {name: value for name, value in SIGNED.items() if name != member}
    assert refused("SignedUpdateFirmware", {"requestId": 1, "firmware": firmware}) == "ProtocolError"
    assert refused("SignedUpdateFirmware", {"firmware": SIGNED}) == "ProtocolError"


def test_r_09_without_smart_charging_the_profile_of_a_remote_start_is_left_alone():
    payload = {"idTag": "T", "chargingProfile": PROFILE}
    assert request("RemoteStartTransaction", payload, profiles=("Core",)).profile is None


@pytest.mark.parametrize("action", ["Nonsense", "", "heartbeat", "changeavailability", "BootNotificationResponse"])
def test_an_unknown_action_is_not_implemented(action):
    assert refused(action, {}) == "NotImplemented"


@pytest.mark.parametrize("action", FEATURE_PROFILES)
def test_t_27_c_10_sc_01_an_action_of_an_absent_profile_is_not_supported(action):
    others = set(PROFILES) - {FEATURE_PROFILES[action]}
    assert refused(action, {"any": "thing"}, profiles=others) == "NotSupported"
    assert refused(action, {"any": "thing"}, profiles={"Core", FEATURE_PROFILES[action]}) != "NotSupported"


@pytest.mark.parametrize("action", sorted(KNOWN_ACTIONS - set(REQUESTS)))
def test_t_27_an_action_of_the_other_direction_is_not_supported(action):
    assert refused(action, {"any": "thing"}) == "NotSupported"


@pytest.mark.parametrize("action", sorted(set(REQUESTS) - set(FEATURE_PROFILES)))
def test_core_and_the_security_extension_are_always_served(action):
    assert refused(action, {"any": "thing"}, profiles=("Core",)) == "FormationViolation"


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
        # SC-02, SC-36: illegal words
        ("SetChargingProfile", profile_of(chargingProfilePurpose="Tx"), "PropertyConstraintViolation"),
        ("SetChargingProfile", profile_of(chargingProfileKind="absolute"), "PropertyConstraintViolation"),
        ("SetChargingProfile", profile_of(recurrencyKind="Monthly"), "PropertyConstraintViolation"),
        ("SetChargingProfile", profile_of(stackLevel=-1), "PropertyConstraintViolation"),
        ("SetChargingProfile", profile_of(stackLevel="1"), "TypeConstraintViolation"),
        ("SetChargingProfile", {"connectorId": 1}, "ProtocolError"),
        ("ClearChargingProfile", {"chargingProfilePurpose": "x"}, "PropertyConstraintViolation"),
        (
            "GetCompositeSchedule",
            {"connectorId": 1, "duration": 1, "chargingRateUnit": "kW"},
            "PropertyConstraintViolation",
        ),
        ("GetCompositeSchedule", {"connectorId": 1}, "ProtocolError"),
        (
            "ReserveNow",
            {"connectorId": 1, "expiryDate": "soon", "idTag": "T", "reservationId": 1},
            "PropertyConstraintViolation",
        ),
        (
            "ReserveNow",
            {"connectorId": 1, "expiryDate": TIME, "idTag": "T" * 21, "reservationId": 1},
            "PropertyConstraintViolation",
        ),
        ("SendLocalList", {"listVersion": 1, "updateType": "full"}, "PropertyConstraintViolation"),
        ("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{}]}, "ProtocolError"),
        ("UpdateFirmware", {"location": "x", "retrieveDate": TIME, "retries": 1.0}, "TypeConstraintViolation"),
        ("GetLog", {"logType": "Log", "requestId": 1, "log": {"remoteLocation": "x"}}, "PropertyConstraintViolation"),
        (
            "GetLog",
            {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "x" * 513}},
            "PropertyConstraintViolation",
        ),
        ("CertificateSigned", {"certificateChain": "c" * 10_001}, "PropertyConstraintViolation"),
        (
            "InstallCertificate",
            {"certificateType": "ManufacturerRootCertificate", "certificate": "c" * 5501},
            "PropertyConstraintViolation",
        ),
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
        (FirmwareReported(FirmwareStatus.IDLE), {}, inputs.Acknowledged()),
        (LogReported(LogStatus.IDLE), {}, inputs.Acknowledged()),
        (SecurityEvent("x", 0.0), {}, inputs.Acknowledged()),
        (CertificateAsked("csr"), {"status": "Accepted"}, inputs.CertificateRequestAnswered(True)),
        (CertificateAsked("csr"), {"status": "Rejected"}, inputs.CertificateRequestAnswered(False)),
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
        (SecurityEvent("x", 0.0), {"status": "Accepted"}, "FormationViolation"),
        (CertificateAsked("csr"), {}, "ProtocolError"),
        (CertificateAsked("csr"), {"status": "Pending"}, "PropertyConstraintViolation"),
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
        ("2013-02-01T22:53:32+0200", INSTANT),
        ("2013-02-01T13:23:32.5-07:30", INSTANT + 0.5),
        ("1970-01-01T00:00:00Z", 0.0),
        ("0001-01-01T00:00:00+14:00", -62135647200.0),
    ],
)
def test_t_33_times_come_with_and_without_fraction_and_zone(text, instant):
    answer = decode.answer(HeartbeatDue(), json.loads(json.dumps({"currentTime": text})))
    assert answer.current_time == pytest.approx(instant)
