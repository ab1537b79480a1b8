"""What a Central System may do wrong or otherwise: the twin tells of it and goes on (T-21, T-26, T-28, T-32, T-33)."""

from __future__ import annotations

import json

import pytest
from fakes.central_system import CallError, CentralSystem, Garbage, Hold, spec
from fakes.judge import iso
from fakes.scenes import QUIET, booted, charge, charging

from twin.model.inputs import PlugIn, PresentToken
from twin.model.spec import CsmsSpec


def complaints(cs) -> list[tuple]:
    return [(note.fields["action"], note.fields["code"]) for note in cs.noted("protocol_error")]


def test_x_04_an_id_of_another_open_transaction_is_told_and_both_go_on():
    cs = charging(evses=2)
    cs.script("StartTransaction", {"transactionId": 1, "idTagInfo": {"status": "Accepted"}})
    charge(cs, 2, "TAG2")
    assert complaints(cs) == [("StartTransaction", "PropertyConstraintViolation")]
    assert [evse.charging for evse in cs.station.view(cs.now).evses] == [True, True]
    cs.command(PresentToken(token="TAG2", evse=2), PresentToken(token="TAG1", evse=1))
    assert [stop["transactionId"] for stop in cs.sent("StopTransaction")] == [1, 1]
    assert [stop["idTag"] for stop in cs.sent("StopTransaction")] == ["TAG2", "TAG1"]


def test_x_04_an_id_may_come_again_once_its_transaction_is_over():
    cs = charging()
    cs.command(PresentToken(token="TAG1", evse=1))
    cs.script("StartTransaction", {"transactionId": 1, "idTagInfo": {"status": "Accepted"}})
    cs.command(PresentToken(token="TAG2", evse=1))
    assert cs.last("StartTransaction")["idTag"] == "TAG2"
    assert complaints(cs) == []


@pytest.mark.parametrize("number", [0, -1, 2, 99])
def test_r_10_a_remote_stop_of_an_unknown_transaction_is_told(number):
    cs = charging()
    assert cs.ask("RemoteStopTransaction", {"transactionId": number}).status == "Rejected"
    assert complaints(cs) == [("RemoteStopTransaction", "PropertyConstraintViolation")]
    assert cs.station.view(cs.now).evses[0].charging


def test_r_10_a_remote_stop_of_a_known_transaction_is_no_error():
    cs = charging()
    assert cs.ask("RemoteStopTransaction", {"transactionId": 1}).status == "Accepted"
    assert complaints(cs) == []


@pytest.mark.parametrize("unreadable", ['"-1"', "null", "-1"])
@pytest.mark.parametrize("code", ["FormatViolation", "FormationViolation", "Nonsense", ""])
def test_t_26_an_error_about_an_unreadable_call_is_told_and_breaks_nothing(unreadable, code):
    cs = booted()
    cs.script("StatusNotification", Garbage(f'[4,{unreadable},"{code}","",{{}}]'))
    cs.command(PlugIn(evse=1))
    assert len(cs.noted("protocol_error")) == 1
    cs.advance(31)
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Charging"


@pytest.mark.parametrize("code", ["OccurenceConstraintViolation", "OccurrenceConstraintViolation"])
def test_t_26_both_spellings_of_a_misspelt_code_are_one(code):
    cs = booted()
    cs.script("StatusNotification", Garbage(f'[4,"{{id}}","{code}","",{{}}]'))
    cs.command(PlugIn(evse=1))
    [note] = cs.noted("message_dropped")
    assert note.fields["reason"].startswith("OccurenceConstraintViolation")


@pytest.mark.parametrize(
    "answer", ["[4]", '[4,"{id}"]', '[4,"{id}","Foo"]', '[4,"{id}",7,null]', '[4,"{id}","A","b",[],1]']
)
def test_t_25_an_error_that_lacks_something_frees_the_lane_or_is_told(answer):
    cs = booted()
    cs.script("StatusNotification", Garbage(answer))
    cs.command(PlugIn(evse=1))
    cs.advance(31)
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Charging"
    assert cs.noted("protocol_error") or cs.noted("message_dropped")


@pytest.mark.parametrize(
    "written",
    [
        "{}",
        "{fraction}Z",
        "{fraction}0000Z",
        "{seconds}Z",
        "{seconds}",
        "{seconds}+00:00",
        "{seconds}-00:00",
    ],
)
def test_t_33_the_clock_is_read_with_and_without_fraction_and_zone(written):
    cs = booted(keys={"HeartbeatInterval": "60"})
    cs.offset_s = 3600.0

    def time(_payload: dict) -> dict:
        text = iso(cs.now + cs.offset_s)
        fraction = text.removesuffix("Z")
        return {"currentTime": written.format(text, fraction=fraction, seconds=fraction.partition(".")[0])}

    cs.always["Heartbeat"] = time
    cs.advance(61)
    cs.command(PlugIn(evse=1))
    assert cs.last("StatusNotification")["timestamp"].startswith("2026-01-05T11:01")
    assert complaints(cs) == []


def test_t_33_a_foreign_zone_is_converted():
    cs = booted(keys={"HeartbeatInterval": "60"})
    cs.always["Heartbeat"] = {"currentTime": "2026-01-05T16:31:00.250+05:30"}
    cs.advance(61)
    cs.command(PlugIn(evse=1))
    assert cs.last("StatusNotification")["timestamp"].startswith("2026-01-05T11:01")


def test_t_30_a_tolerant_box_reads_over_members_that_ocpp_does_not_have():
    cs = CentralSystem(spec(1, QUIET, csms=CsmsSpec(tolerant=True)), linked=False)
    cs.always["BootNotification"] = lambda _: cs.boot_answer() | {"vendor": {"x": 1}}
    cs.always["StatusNotification"] = {"x": 1}
    cs.tags["TAG1"] = {"status": "Accepted", "expiry": "never"}
    cs.restore()
    charge(cs)
    assert cs.status() == "Charging"
    assert cs.ask("ClearCache", {"x": 1}).status == "Accepted"
    assert cs.ask("Reset", {"type": "Soft", "x": 1}).status == "Accepted"
    assert complaints(cs) == []


def test_t_30_a_tolerant_box_takes_null_for_nothing_where_it_may_be_left_out():
    cs = CentralSystem(spec(1, QUIET, csms=CsmsSpec(tolerant=True)), linked=False)
    cs.tags["TAG1"] = {"status": "Accepted", "expiryDate": None, "parentIdTag": None}
    cs.restore()
    charge(cs)
    assert cs.status() == "Charging"
    assert cs.ask("GetConfiguration", {"key": None}).code is None
    assert cs.ask("UnlockConnector", {"connectorId": None}).code == "TypeConstraintViolation"


def test_t_30_a_tolerant_box_takes_nothing_else_that_is_wrong():
    cs = CentralSystem(spec(1, QUIET, csms=CsmsSpec(tolerant=True)))
    assert cs.ask("Reset", {"type": "Warm", "x": 1}).code == "PropertyConstraintViolation"
    assert cs.ask("Reset", {"x": 1}).code == "ProtocolError"
    assert cs.ask("Nonsense", {"x": 1}).code == "NotImplemented"


def test_t_32_a_central_system_that_forgot_the_box_makes_it_boot_first():
    cs = charging()
    cs.blink()
    cs.script("StopTransaction", CallError("SecurityError", "boot first"))
    mark = cs.mark()
    cs.command(PresentToken(token="TAG1", evse=1))
    assert len(cs.sent("BootNotification", mark)) == 1
    cs.advance(61)
    assert cs.last("StopTransaction")["transactionId"] == 1
    assert len(cs.sent("BootNotification", mark)) == 1


def test_t_32_a_security_error_after_the_boot_on_this_connection_causes_no_other():
    cs = booted()
    cs.always["StatusNotification"] = CallError("SecurityError")
    mark = cs.mark()
    cs.command(PlugIn(evse=1))
    cs.advance(600)
    assert cs.sent("BootNotification", mark) == []


@pytest.mark.parametrize("action", ["Authorize", "StartTransaction"])
def test_t_32_a_confirmation_without_what_it_must_have_is_told(action):
    cs = booted()
    cs.script(action, {})
    charge(cs)
    assert complaints(cs)[0] == (action, "ProtocolError")


def test_t_21_a_late_answer_is_told_and_its_words_are_not_taken():
    cs = booted(keys={"MessageTimeout": "10", "TransactionMessageRetryInterval": "1"})
    cs.script("StartTransaction", Hold())
    charge(cs)
    cs.advance(12)
    assert len(cs.sent("StartTransaction")) == 2
    late = cs.held.pop()
    cs.say(json.dumps([3, late.id, {"transactionId": 77, "idTagInfo": {"status": "Blocked"}}]))
    assert len(cs.noted("protocol_error")) == 1
    view = cs.station.view(cs.now)
    assert (view.sessions[0].transaction_id, view.evses[0].charging) == (1, True)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("ReserveNow", {"connectorId": 1, "expiryDate": "tomorrow", "idTag": "T", "reservationId": 1}),
        ("SendLocalList", {"listVersion": 1, "updateType": "Partly"}),
        ("GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "kW"}),
        ("UpdateFirmware", {"location": "x", "retrieveDate": ""}),
        ("GetLog", {"logType": "x", "requestId": 1, "log": {"remoteLocation": "x"}}),
        ("CertificateSigned", {"certificateChain": "x" * 10_001}),
        ("DeleteCertificate", {"certificateHashData": {"hashAlgorithm": "MD5"}}),
    ],
)
def test_t_28_sc_02_illegal_payloads_of_all_profiles_are_told(action, payload):
    cs = charging()
    reply = cs.ask(action, payload)
    assert reply.code in {"PropertyConstraintViolation", "ProtocolError"}
    assert complaints(cs) == [(action, reply.code)]
    assert cs.station.view(cs.now).evses[0].charging
