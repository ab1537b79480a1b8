"""Group 1 of the checklist from T-13 on: framing, errors, data rules. Every frame is the judge's business as well."""

from __future__ import annotations

import json

import pytest
from fakes.central_system import Hold
from fakes.judge import ERROR_CODES
from fakes.scenes import booted, charge, charging

from twin.model.inputs import PlugIn, PresentToken

FOREIGN = [  # actions of the feature profiles that a box may lack
    "CancelReservation",
    "ClearChargingProfile",
    "GetCompositeSchedule",
    "GetDiagnostics",
    "GetLocalListVersion",
    "ReserveNow",
    "SendLocalList",
    "SetChargingProfile",
    "TriggerMessage",
    "UpdateFirmware",
]
TIME = "2026-01-05T10:00:00Z"
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a" * 64, "issuerKeyHash": "b" * 64, "serialNumber": "1"}
FIRMWARE = {"location": "http://x.example/a.bin", "retrieveDateTime": TIME, "signingCertificate": "c", "signature": "s"}
OTHERS = {  # actions of the other profiles and of the security extension
    "CancelReservation": {"reservationId": 1},
    "ClearChargingProfile": {},
    "GetCompositeSchedule": {"connectorId": 1, "duration": 600},
    "GetDiagnostics": {"location": "http://x.example/"},
    "GetLocalListVersion": {},
    "ReserveNow": {"connectorId": 1, "expiryDate": "2026-01-05T12:00:00Z", "idTag": "T", "reservationId": 1},
    "SendLocalList": {"listVersion": 1, "updateType": "Full"},
    "SetChargingProfile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "UpdateFirmware": {"location": "http://x.example/a.bin", "retrieveDate": TIME},
    "CertificateSigned": {"certificateChain": "c"},
    "DeleteCertificate": {"certificateHashData": HASHES},
    "ExtendedTriggerMessage": {"requestedMessage": "Heartbeat"},
    "GetInstalledCertificateIds": {"certificateType": "ManufacturerRootCertificate"},
    "GetLog": {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "http://x.example/"}},
    "InstallCertificate": {"certificateType": "ManufacturerRootCertificate", "certificate": "c"},
    "SignedUpdateFirmware": {"requestId": 1, "firmware": FIRMWARE},
}
CORE = {
    "ChangeAvailability": {"connectorId": 1, "type": "Operative"},
    "ChangeConfiguration": {"key": "ConnectionTimeOut", "value": "60"},
    "ClearCache": {},
    "DataTransfer": {"vendorId": "v"},
    "GetConfiguration": {},
    "RemoteStartTransaction": {"idTag": "TAG"},
    "RemoteStopTransaction": {"transactionId": 1},
    "Reset": {"type": "Soft"},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "UnlockConnector": {"connectorId": 1},
}


def twin_frames(cs, start: int) -> list:
    return [json.loads(what) for _, who, what in cs.log[start:] if who == "twin"]


CALLS = CORE | OTHERS


@pytest.mark.parametrize("action", CALLS)
def test_t_13_t_17_t_23_every_call_has_exactly_one_answer(action):
    cs = booted()
    start = len(cs.log)
    message_id = cs.call(action, CALLS[action])
    answers = [frame for frame in twin_frames(cs, start) if frame[0] in {3, 4}]
    assert [frame[:2] for frame in answers] == [[3, message_id]]


def test_t_14_frames_are_ascii_where_nothing_else_is_needed():
    cs = charging()
    assert all(what.isascii() for _, who, what in cs.log if who == "twin")


@pytest.mark.parametrize("action", ["reset", "RESET", "Reset ", "Reset.req", "ResetRequest", ""])
def test_t_15_actions_are_bare_and_case_sensitive(action):
    assert booted().ask(action, {"type": "Soft"}).code == "NotImplemented"


@pytest.mark.parametrize("action", ["ClearCache", "GetConfiguration"])
def test_t_15_null_is_accepted_for_an_empty_payload(action):
    cs = booted()
    cs.judge.called("n1", action)
    cs.say(f'[2,"n1","{action}",null]')
    assert cs.replies["n1"].payload is not None


def test_t_15_null_is_accepted_as_an_empty_confirmation():
    cs = booted()
    cs.script("StatusNotification", Hold())
    cs.command(PlugIn(evse=1))
    call = cs.held.pop()
    cs.judge.answered(call.id)
    cs.say(f'[3,"{call.id}",null]')
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Charging"


def test_t_16_t_18_one_call_in_flight_over_all_connectors():
    cs = booted(evses=2)
    cs.always["StatusNotification"] = Hold()
    cs.command(PlugIn(evse=1), PlugIn(evse=2))
    cs.advance(5)
    assert len(cs.held) == 1
    cs.release()
    assert len(cs.held) == 1
    cs.release()
    assert cs.held == []
    assert sorted((cs.statuses(1)[-1], cs.statuses(2)[-1])) == ["Preparing", "Preparing"]


@pytest.mark.parametrize("action", CALLS)
def test_t_19_incoming_calls_are_answered_while_waiting(action):
    cs = booted()
    cs.script("Authorize", Hold())
    charge(cs)
    assert cs.held[0].action == "Authorize"
    assert cs.ask(action, CALLS[action]).payload is not None


def test_t_20_the_lane_is_free_after_the_time_out():
    cs = booted(keys={"MessageTimeout": "20"})
    cs.script("StatusNotification", Hold())
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1))
    assert not cs.sent("Authorize")
    cs.advance(21)
    assert cs.sent("Authorize")
    assert cs.status() == "Charging"


def test_t_21_a_late_answer_satisfies_no_other_call():
    cs = booted(evses=2, keys={"MessageTimeout": "10"})
    cs.script("Authorize", Hold(), Hold())
    charge(cs, 1, "A")
    cs.advance(11)
    charge(cs, 2, "B")
    late = cs.held.pop(0)
    cs.say(f'[3,"{late.id}",{{"idTagInfo":{{"status":"Accepted"}}}}]')
    assert not any(session.active for session in cs.station.view(cs.now).sessions)
    assert cs.noted("protocol_error")
    cs.release()
    assert cs.last("StartTransaction")["idTag"] == "B"


@pytest.mark.parametrize("frame", ['[3,"nobody",{}]', '[4,"nobody","InternalError","",{}]', '[3,"",{}]', "[3,null,{}]"])
def test_t_21_answers_to_nothing_are_dropped(frame):
    cs = charging()
    start = len(cs.log)
    cs.say(frame)
    assert twin_frames(cs, start) == []
    assert cs.noted("protocol_error")


def test_t_21_the_second_answer_is_dropped():
    cs = booted()
    cs.script("StartTransaction", Hold())
    charge(cs)
    call = cs.held[0]
    cs.release({"transactionId": 5, "idTagInfo": {"status": "Accepted"}})
    cs.say(f'[3,"{call.id}",{{"transactionId":6,"idTagInfo":{{"status":"Blocked"}}}}]')
    cs.advance(1)
    assert cs.station.view(cs.now).sessions[0].transaction_id == 5
    assert cs.station.view(cs.now).sessions[0].active


@pytest.mark.parametrize("frame", ['[1,"x","Reset",{}]', '[5,"x",{}]', '[9,"x","Reset",{}]', "[0]", '[6,"a","B",{}]'])
def test_t_22_unknown_message_types_are_ignored(frame):
    cs = charging()
    start = len(cs.log)
    cs.say(frame)
    assert twin_frames(cs, start) == []
    assert cs.ask("ClearCache").payload


BAD = [
    "",
    " ",
    "null",
    "42",
    "{}",
    "[]",
    "[2]",
    '[2,"a"]',
    '[2,"a","Reset"]',
    '[2,"a","Reset",{"type":"Soft"},{}]',
    '["2","a","Reset",{}]',
    '[2,7,"Reset",{}]',
    '[2,null,"Reset",{}]',
    '[2,"a",5,{}]',
    '[2,"a","Reset",',
    '[3,"a"]',
    '[4,"a"]',
    '[4,"a",1,2,3]',
    "[" * 5000,
    "\ufeff[]",
    '[2,"a","Reset",{"type":NaN}]',
    '[2.0,"a","ClearCache",{}]',
    '[true,"a","ClearCache",{}]',
    "\x00",
    '[2,"\\ud800","ClearCache",{}]',
]


@pytest.mark.parametrize("frame", BAD)
def test_t_23_no_frame_whatsoever_breaks_the_twin(frame):
    cs = charging()
    for message_id in ("a", "7", "", "-1", "\ud800"):
        cs.judge.called(message_id, "Reset")
    cs.say(frame)
    assert cs.ask("ClearCache").payload
    assert cs.station.view(cs.now).sessions[0].active
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.last("StopTransaction")


@pytest.mark.parametrize("frame", ["", "{}", "[2]", '[2,"a","Reset",'])
def test_t_23_bad_frames_are_told(frame):
    cs = booted()
    for message_id in ("a", "-1"):  # -1: an id that could not be read
        cs.judge.called(message_id, "Reset")
    cs.say(frame)
    assert cs.noted("protocol_error")


def test_t_24_what_the_pdu_can_express_is_a_result():
    cs = booted()
    assert cs.ask("ChangeConfiguration", {"key": "Nope", "value": "1"}).status == "NotSupported"
    assert cs.ask("UnlockConnector", {"connectorId": 9}).status == "NotSupported"
    assert cs.ask("RemoteStopTransaction", {"transactionId": 9}).status == "Rejected"


def test_t_25_t_26_errors_have_all_five_elements():
    cs = booted()
    start = len(cs.log)
    cs.ask("Nonsense", {})
    [frame] = twin_frames(cs, start)
    assert len(frame) == 5
    assert frame[2] in ERROR_CODES
    assert isinstance(frame[3], str)
    assert len(frame[3]) <= 255
    assert isinstance(frame[4], dict)


@pytest.mark.parametrize("action", ["Nonsense", "Foo.Bar", "resetAll"])
def test_t_27_unknown_actions_are_not_implemented(action):
    assert booted().ask(action, {}).code == "NotImplemented"


@pytest.mark.parametrize("action", FOREIGN)
@pytest.mark.parametrize("payload", [{}, {"x": 1}])
def test_t_27_c_10_actions_of_absent_profiles_are_not_supported(action, payload):
    profiles = "Core" if action == "TriggerMessage" else "Core,RemoteTrigger"
    assert booted(keys={"SupportedFeatureProfiles": profiles}).ask(action, payload).code == "NotSupported"


@pytest.mark.parametrize("action", sorted(OTHERS.keys() - set(FOREIGN)))
def test_t_27_the_security_extension_is_always_understood(action):
    cs = booted(keys={"SupportedFeatureProfiles": "Core"})
    assert cs.ask(action, OTHERS[action]).code is None


@pytest.mark.parametrize("action", ["BootNotification", "StartTransaction", "Authorize", "Heartbeat"])
def test_t_27_actions_of_the_other_direction_are_refused(action):
    assert booted().ask(action, {}).code in {"NotSupported", "NotImplemented"}


INCOMPLETE = {"ProtocolError", "OccurenceConstraintViolation"}
VIOLATIONS = [
    ("Reset", {}, INCOMPLETE),
    ("ChangeConfiguration", {"key": "a"}, INCOMPLETE),
    ("ChangeAvailability", {"connectorId": 1}, INCOMPLETE),
    ("RemoteStartTransaction", {}, INCOMPLETE),
    ("UnlockConnector", {}, INCOMPLETE),
    ("DataTransfer", {}, INCOMPLETE),
    ("TriggerMessage", {}, INCOMPLETE),
    ("Reset", {"type": 5}, {"TypeConstraintViolation"}),
    ("UnlockConnector", {"connectorId": "1"}, {"TypeConstraintViolation"}),
    ("UnlockConnector", {"connectorId": 1.5}, {"TypeConstraintViolation"}),
    ("UnlockConnector", {"connectorId": None}, {"TypeConstraintViolation"}),
    ("UnlockConnector", {"connectorId": True}, {"TypeConstraintViolation"}),
    ("RemoteStopTransaction", {"transactionId": "1"}, {"TypeConstraintViolation"}),
    ("ChangeConfiguration", {"key": "a", "value": 1}, {"TypeConstraintViolation"}),
    ("ChangeConfiguration", {"key": "a", "value": True}, {"TypeConstraintViolation"}),
    ("GetConfiguration", {"key": "a"}, {"TypeConstraintViolation"}),
    ("GetConfiguration", {"key": [1]}, {"TypeConstraintViolation"}),
    ("RemoteStartTransaction", {"idTag": 1}, {"TypeConstraintViolation"}),
    ("Reset", {"type": "Warm"}, {"PropertyConstraintViolation"}),
    ("Reset", {"type": "soft"}, {"PropertyConstraintViolation"}),
    ("ChangeAvailability", {"connectorId": 1, "type": "operative"}, {"PropertyConstraintViolation"}),
    ("RemoteStartTransaction", {"idTag": "x" * 21}, {"PropertyConstraintViolation"}),
    ("ChangeConfiguration", {"key": "k" * 51, "value": "1"}, {"PropertyConstraintViolation"}),
    ("ChangeConfiguration", {"key": "k", "value": "v" * 501}, {"PropertyConstraintViolation"}),
    ("GetConfiguration", {"key": ["k" * 51]}, {"PropertyConstraintViolation"}),
    ("DataTransfer", {"vendorId": "v" * 256}, {"PropertyConstraintViolation"}),
    ("DataTransfer", {"vendorId": "v", "messageId": "m" * 51}, {"PropertyConstraintViolation"}),
    ("Reset", [], {"FormationViolation", "TypeConstraintViolation"}),
    ("Reset", "Soft", {"FormationViolation", "TypeConstraintViolation"}),
]


@pytest.mark.parametrize(("action", "payload", "codes"), VIOLATIONS)
def test_t_28_t_34_t_35_violations_have_their_codes(action, payload, codes):
    cs = charging()
    cs.judge.called("v", action)
    cs.say(json.dumps([2, "v", action, payload]))
    assert cs.replies["v"].code in codes, cs.replies["v"]
    assert cs.noted("protocol_error")
    assert cs.station.view(cs.now).sessions[0].active


@pytest.mark.parametrize("action", CALLS)
def test_t_30_properties_outside_the_pdu_are_a_violation(action):
    cs = charging()
    code = cs.ask(action, CALLS[action] | {"extra": 1}).code
    assert code in {"FormationViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation"}


def test_t_30_also_in_nested_objects():
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0, "extra": 1}],
        },
    }
    reply = booted().ask("RemoteStartTransaction", {"idTag": "T", "connectorId": 1, "chargingProfile": profile})
    assert reply.code is not None


def test_t_29_an_id_that_is_too_long():
    cs = booted()
    message_id = "x" * 37
    cs.call("ClearCache", {}, message_id)
    assert cs.replies[message_id].code in ERROR_CODES
    cs.call("ClearCache", {}, "x" * 36)
    assert cs.replies["x" * 36].status == "Accepted"


def test_t_32_a_bad_confirmation_is_a_failed_request_and_no_more():
    cs = booted()
    for answer in ({}, {"idTagInfo": {}}, {"idTagInfo": {"status": "Maybe"}}, {"idTagInfo": {"status": 1}}, {"x": 1}):
        cs.script("Authorize", answer)
        cs.command(PresentToken(token="TAG1", evse=1))
        cs.advance(61)
    assert len(cs.sent("Authorize")) == 5
    assert not cs.sent("StartTransaction")
    assert len(cs.noted("protocol_error")) >= 5
    charge(cs)
    assert cs.status() == "Charging"


@pytest.mark.parametrize("tag", ["a", "A b!#~*+/-_=:.@|", "x" * 20, "0", "null", "%s{}"])
def test_t_36_no_assumption_on_tags(tag):
    cs = charging(tag=tag)
    assert cs.last("Authorize")["idTag"] == tag
    assert cs.last("StartTransaction")["idTag"] == tag


@pytest.mark.parametrize("number", [0, -1, 2, 255, 2**31, 2**63, 2**64, -(2**70)])
def test_t_37_connector_ids_out_of_range_never_crash(number):
    cs = charging()
    for action, payload in (
        ("UnlockConnector", {"connectorId": number}),
        ("RemoteStartTransaction", {"connectorId": number, "idTag": "T"}),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": number}),
        ("RemoteStopTransaction", {"transactionId": number}),
    ):
        reply = cs.ask(action, payload)
        assert reply.code != "InternalError"
    assert cs.station.view(cs.now).evses[0].charging


def test_user_calls_have_their_outcome():
    cs = booted()
    cs._carry_out(cs.station.call("DataTransfer", {"vendorId": "v"}, "t1", cs.now))
    cs.script("DataTransfer", Hold())
    cs._carry_out(cs.station.call("DataTransfer", {"vendorId": "v"}, "t2", cs.now))
    cs.advance(31)
    assert [(outcome.tag, outcome.status) for outcome in cs.calls] == [("t1", "ok"), ("t2", "timeout")]
    assert cs.calls[0].data == {"status": "Accepted"}


def test_t_16_ids_of_the_two_directions_are_independent():
    cs = booted()
    cs.script("StatusNotification", Hold())
    cs.command(PlugIn(evse=1))
    [call] = cs.held
    cs.call("ClearCache", {}, call.id)
    assert cs.replies[call.id].status == "Accepted"
    cs.release()
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Charging"


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**70, -(2**65)])
def test_x_04_huge_transaction_ids_break_nothing(number):
    cs = booted(keys={"TransactionMessageAttempts": "1"})
    cs.script("StartTransaction", {"transactionId": number, "idTagInfo": {"status": "Accepted"}})
    charge(cs)
    cs.crash()
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.last("StopTransaction")["transactionId"] in {number, -1}


@pytest.mark.parametrize("action", ["ChangeAvailability", "RemoteStopTransaction", "Reset", "TriggerMessage"])
def test_r8_the_reply_goes_before_what_it_causes(action):
    cs = charging(evses=2)
    payload = CORE[action] | ({"connectorId": 2, "type": "Inoperative"} if action == "ChangeAvailability" else {})
    start = len(cs.log)
    cs.ask(action, payload)
    kinds = [frame[0] for frame in twin_frames(cs, start)]
    assert kinds[0] == 3
    assert 2 in kinds


def test_t_18_a_users_call_keeps_to_the_lane():
    cs = booted()
    cs.script("StatusNotification", Hold())
    cs.command(PlugIn(evse=1))
    cs._carry_out(cs.station.call("Heartbeat", {}, "t1", cs.now))
    assert cs.calls == []
    cs.release()
    assert [(outcome.tag, outcome.status) for outcome in cs.calls] == [("t1", "ok")]


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("GetConfiguration", {"key": ["heartbeatinterval", "HEARTBEATINTERVAL", "Nope", "nope"]}),
        ("GetConfiguration", {"key": [""]}),
        ("ChangeConfiguration", {"key": "", "value": ""}),
        ("RemoteStartTransaction", {"idTag": ""}),
        ("DataTransfer", {"vendorId": "v", "data": ""}),
    ],
)
def test_t_23_odd_but_legal_payloads_have_an_answer(action, payload):
    reply = booted().ask(action, payload)
    assert reply.code in {None, "PropertyConstraintViolation"}
