"""Central Systems with manners of their own: hasty, late, wordy, forgetful. None of them is wrong, or not by much."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes.central_system import CallError, CentralSystem, Cut, Hold, Later, spec
from fakes.judge import instant
from fakes.scenes import QUIET, booted, charge, charging, transaction

from twin.model.inputs import PlugIn, PresentToken, PressStop, SetNetwork, Unplug

ANSWERABLE = [
    ("GetConfiguration", {}),
    ("ClearCache", {}),
    ("ChangeConfiguration", {"key": "ResetRetries", "value": "2"}),
    ("DataTransfer", {"vendorId": "x"}),
    ("GetLocalListVersion", {}),
    ("UnlockConnector", {"connectorId": 9}),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 60}),
    ("Nonsense", {}),
    ("CancelReservation", {"reservationId": 5}),
]


def answers(cs: CentralSystem, since: int) -> list[str]:
    """List the ids of the answers, in the order in which they came."""
    texts = [what for _, who, what in cs.log[since:] if who == "twin"]
    return [json.loads(text)[1] for text in texts if text.startswith(("[3", "[4"))]


# --- Many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("busy", [True, False])
def test_t_19_t_23_calls_in_one_breath_are_answered_each_and_in_order(busy):
    cs = booted()
    if busy:  # its own lane is taken: the answers go out all the same
        cs.script("StatusNotification", Hold())
        cs.command(PlugIn(evse=1))
    mark = len(cs.log)
    ids = [f"p{number}" for number in range(3 * len(ANSWERABLE))]
    for number, message_id in enumerate(ids):
        cs.call(*ANSWERABLE[number % len(ANSWERABLE)], message_id=message_id)
    assert answers(cs, mark) == ids


def test_t_19_calls_from_within_an_answer():
    """The Central System calls before it answers StartTransaction, and again in the same breath as its answer."""
    cs = booted()
    cs.script("StartTransaction", Hold())
    charge(cs)
    assert cs.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}).status == "Accepted"
    assert cs.ask("GetConfiguration", {}).payload
    cs.release()
    assert cs.ask("RemoteStopTransaction", {"transactionId": transaction(cs)}).status == "Accepted"
    assert cs.last("StopTransaction")["reason"] == "Remote"


def test_r_11_a_remote_stop_right_behind_the_remote_start():
    cs = booted()
    cs.command(PlugIn(evse=1))
    cs.call("RemoteStartTransaction", {"idTag": "A", "connectorId": 1})
    assert cs.ask("RemoteStopTransaction", {"transactionId": transaction(cs)}).status == "Accepted"
    assert cs.last("StopTransaction")["transactionId"] == 1
    cs.call("RemoteStartTransaction", {"idTag": "B", "connectorId": 1})
    assert [call["idTag"] for call in cs.sent("StartTransaction")] == ["A", "B"]


def test_r_06_two_remote_starts_in_one_breath_make_one_transaction():
    cs = booted()
    cs.command(PlugIn(evse=1))
    cs.script("Authorize", Hold())
    assert cs.ask("RemoteStartTransaction", {"idTag": "A", "connectorId": 1}).status == "Accepted"
    assert cs.ask("RemoteStartTransaction", {"idTag": "B", "connectorId": 1}).status == "Rejected"
    cs.release()
    assert [call["idTag"] for call in cs.sent("StartTransaction")] == ["A"]


# --- Late, or never ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [29, 31, 95])
def test_t_20_t_21_a_slow_central_system_gets_its_transaction(late):
    cs = booted()
    cs.script("StartTransaction", Later(late))
    charge(cs)
    cs.advance(400)
    ids = {json.dumps(call.payload, sort_keys=True) for call in cs.sent("StartTransaction")}
    assert len(ids) == 1
    cs.command(PressStop(evse=1))
    assert cs.last("StopTransaction")["transactionId"] == transaction_of(cs)


def transaction_of(cs: CentralSystem) -> int:
    """Give the id from the answer that came in time."""
    in_time = [number for call, number in cs.given if call is cs.sent("StartTransaction")[-1]]
    assert in_time
    return in_time[0]


def test_x_06_x_22_start_transaction_is_never_answered():
    cs = booted(keys={"TransactionMessageAttempts": "2", "TransactionMessageRetryInterval": "10"})
    cs.always["StartTransaction"] = Hold()
    charge(cs)
    cs.advance(200)
    assert len(cs.sent("StartTransaction")) == 2
    assert cs.status() == "Charging"
    cs.command(PressStop(evse=1))
    assert cs.last("StopTransaction")["transactionId"] == -1


@pytest.mark.parametrize("action", ["Authorize", "StartTransaction", "StopTransaction", "StatusNotification"])
@pytest.mark.parametrize("away", [1, 3600, 200_000])
def test_x_25_the_link_goes_where_an_answer_should_come(action, away):
    cs = booted()
    cs.script(action, Cut(away))
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1))
    cs.advance(20)
    if cs.station.view(cs.now).evses[0].transaction_id is None and not cs.sent("StartTransaction"):
        cs.advance(away + 10)
        cs.command(PresentToken(token="TAG1", evse=1))
    cs.advance(10)
    if cs.station.view(cs.now).sessions[0].active:
        cs.command(PressStop(evse=1))
    cs.advance(away + 400)
    assert cs.last("StopTransaction")["meterStop"] >= cs.last("StartTransaction")["meterStart"]
    assert cs.station.view(cs.now).station.queued_messages == 0
    assert cs.status() == "Finishing"


@pytest.mark.parametrize("code", ["InternalError", "GenericError", "NotSupported", "PropertyConstraintViolation"])
def test_x_22_x_24_errors_to_all_that_is_not_needed_do_no_harm(code):
    cs = booted(keys={"MeterValueSampleInterval": "60", "TransactionMessageAttempts": "1"})
    for action in ("StatusNotification", "MeterValues", "Heartbeat"):
        cs.always[action] = CallError(code)
    charge(cs)
    cs.advance(3600)
    cs.command(PressStop(evse=1), Unplug(evse=1))
    cs.advance(300)
    assert [len(cs.sent(action)) for action in ("StartTransaction", "StopTransaction")] == [1, 1]
    assert cs.statuses(1)[-1] == "Available"


def test_x_20_x_28_a_week_without_the_central_system():
    cs = booted(keys={"MeterValueSampleInterval": "900", "AllowOfflineTxForUnknownId": "true"})
    cs.cut()
    for day in range(7):
        charge(cs, tag=f"DAY{day}")
        cs.advance(8 * 3600)
        cs.command(PressStop(evse=1), Unplug(evse=1))
        cs.advance(16 * 3600)
        if day == 3:
            cs.crash(downtime_s=60)
    mark = cs.mark()
    cs.restore()
    cs.advance(60)
    starts, stops = cs.sent("StartTransaction", mark), cs.sent("StopTransaction", mark)
    assert [start["idTag"] for start in starts] == [f"DAY{day}" for day in range(7)]
    assert [stop["transactionId"] for stop in stops] == [given for _, given in cs.given][-7:]
    at = [
        instant(call.payload.get("timestamp") or call["meterValue"][0]["timestamp"])
        for call in cs.received[mark:]
        if call.action in {"StartTransaction", "StopTransaction", "MeterValues"}
    ]
    assert at == sorted(at)
    assert len(at) == 7 * (2 + 32)


def test_b_13_the_link_goes_at_every_stage_of_booting():
    cs = CentralSystem(spec(1, QUIET), linked=False)
    cs.script("BootNotification", Cut(3), Cut(3), cs.boot_answer("Pending", 10), Cut(3))
    cs.restore()
    cs.advance(300)
    assert cs.status() == "Available"
    charge(cs)
    assert cs.status() == "Charging"


# --- Wordy and odd, but legal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '[2,"{id}","GetConfiguration",{"key":["\\u0048eartbeatInterval"]}]',
        ' \n[ 2 ,\r\n\t"{id}" , "GetConfiguration" , { "key" : [ "HEARTBEATINTERVAL" ] } ]\n ',
        '[2,"{id}","\\u0047et\\u0043onfiguration",{"\\u006bey":["HeartbeatInterval"]}]',
    ],
)
def test_t_14_c_03_json_may_be_written_in_many_ways(text):
    cs = booted()
    for message_id in ("a", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "ü€😀", " ", "0", "-1"):
        cs.judge.called(message_id, "GetConfiguration")
        cs.say(text.replace("{id}", message_id))
        payload = cs.replies[message_id].payload
        assert payload is not None
        assert [item["key"] for item in payload["configurationKey"]] == ["HeartbeatInterval"]


@pytest.mark.parametrize("number", [0, -1, -(2**31), 2**31 - 1, 2**31, 2**53 + 1, -(2**63)])
def test_x_04_transaction_ids_are_kept_to_the_last_digit(number):
    cs = booted()
    cs.script("StartTransaction", {"transactionId": number, "idTagInfo": {"status": "Accepted"}})
    charge(cs)
    cs.crash()
    cs.advance(5)
    assert cs.ask("RemoteStopTransaction", {"transactionId": number}).status == "Accepted"
    assert cs.last("StopTransaction")["transactionId"] == number


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"idTag": "A", "connectorId": "1"}, "TypeConstraintViolation"),
        ({"idTag": "A", "connectorId": 1.5}, "TypeConstraintViolation"),
        ({"idTag": "A", "connectorId": None}, "TypeConstraintViolation"),
        ({"idTag": 7}, "TypeConstraintViolation"),
        ({"idTag": "A" * 21}, "PropertyConstraintViolation"),
        ({"connectorId": 1}, "ProtocolError"),
        ({"idtag": "A"}, "FormationViolation"),
        ({"idTag": "A", "chargingProfile": []}, "TypeConstraintViolation"),
    ],
)
def test_t_28_what_is_wrong_is_refused_and_nothing_happens(payload, code):
    cs = booted()
    mark = cs.mark()
    assert cs.ask("RemoteStartTransaction", payload).code in {code, "ProtocolError"}
    assert cs.actions(mark) == []
    assert cs.status() == "Available"


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("Reset", {"type": "soft"}),
        ("ChangeAvailability", {"connectorId": 1, "type": "INOPERATIVE"}),
        ("SendLocalList", {"listVersion": 1, "updateType": "full"}),
        ("GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "a"}),
    ],
)
def test_t_34_enums_are_case_sensitive(action, payload):
    cs = booted()
    assert cs.ask(action, payload).code == "PropertyConstraintViolation"
    cs.advance(120)
    assert len(cs.sent("BootNotification")) == 1
    assert cs.status() == "Available"


def test_t_16_t_29_an_id_may_come_again_after_its_answer():
    cs = booted()
    for _ in range(3):
        cs.call("ClearCache", {}, message_id="same")
        assert cs.replies.pop("same").status == "Accepted"
        cs.advance(1)


# --- Networks ---------------------------------------------------------------------------------------------------------


def test_t_07_t_08_s_15_a_link_that_flaps():
    cs = charging(keys={"MeterValueSampleInterval": "7"})
    for _ in range(30):
        cs.advance(5)
        cs.cut()
        cs.advance(2)
        cs.restore()
    cs.command(PressStop(evse=1))
    assert len(cs.sent("BootNotification")) == 1
    assert cs.statuses(1) == ["Available", "Preparing", "Charging", "Finishing"]
    at = [instant(call["meterValue"][0]["timestamp"]) for call in cs.sent("MeterValues")]
    assert at == sorted(set(at))


@pytest.mark.parametrize("seconds", [1, 120, 100_000])
def test_x_19_an_uplink_without_network_for_a_while(seconds):
    cs = charging()
    cs.command(SetNetwork(network=False))
    cs.advance(seconds)
    cs.command(PressStop(evse=1), Unplug(evse=1))
    cs.command(SetNetwork(network=True))
    cs.advance(30)
    assert cs.last("StopTransaction")["transactionId"] == 1
    assert cs.statuses(1)[-1] == "Available"
    assert len(cs.sent("BootNotification")) == 1


def test_b_05_v_17_a_central_system_whose_clock_jumps_about():
    cs = charging(keys={"HeartbeatInterval": "60", "MeterValueSampleInterval": "30"})
    for offset in (3600.0, -7200.0, 86_400.0, 0.0):
        cs.offset_s = offset
        cs.advance(300)
    cs.command(PressStop(evse=1))
    values = [value_of(call.payload) for call in cs.sent("MeterValues")]
    assert values == sorted(values)
    assert len(values) == 40
    assert instant(cs.last("StopTransaction")["timestamp"]) >= instant(cs.last("StartTransaction")["timestamp"])


def value_of(payload: dict[str, Any]) -> float:
    return float(payload["meterValue"][0]["sampledValue"][0]["value"])
