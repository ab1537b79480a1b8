"""Group 5 of the checklist, second half: queue, retries, restarts (X-19 to X-29, R-rules of delivery)."""

from __future__ import annotations

import itertools

import pytest
from fakes.central_system import CallError, Cut, Garbage, Hold
from fakes.judge import instant
from fakes.scenes import QUIET, booted, charge, charging

from twin.model.inputs import ClearQueue, PlugIn, PresentToken, PressStop, Unplug
from twin.model.spec import OnRestart

RETRY = {"TransactionMessageAttempts": "3", "TransactionMessageRetryInterval": "60", "MessageTimeout": "30"}


def tx_calls(cs, since: int = 0):
    return [c for c in cs.received[since:] if c.action in {"StartTransaction", "StopTransaction", "MeterValues"}]


def test_x_19_offline_everything_is_queued():
    cs = charging(keys={"MeterValueSampleInterval": "60"})
    cs.cut()
    cs.advance(601)
    cs.command(PressStop(evse=1), Unplug(evse=1))
    assert cs.station.queued >= 11
    assert cs.station.view(cs.now).station.queued_messages == cs.station.queued
    mark = cs.mark()
    cs.restore()
    assert [call.action for call in tx_calls(cs, mark)] == ["MeterValues"] * 10 + ["StopTransaction"]
    stamps = [instant(call["meterValue"][0]["timestamp"]) for call in cs.sent("MeterValues", mark)]
    assert all(later - earlier == pytest.approx(60, abs=1) for earlier, later in itertools.pairwise(stamps))
    assert cs.station.queued == 0


def test_x_20_one_chronological_queue_for_all_connectors():
    cs = booted(evses=2, keys={"AllowOfflineTxForUnknownId": "true"})
    cs.cut()
    for evse, tag in ((1, "A"), (2, "B")):
        charge(cs, evse, tag)
        cs.advance(30)
    for evse in (2, 1):
        cs.command(PressStop(evse=evse))
        cs.advance(30)
    cs.restore()
    calls = tx_calls(cs)
    assert [call.action for call in calls] == ["StartTransaction"] * 2 + ["StopTransaction"] * 2
    stamps = [instant(call["timestamp"]) for call in calls]
    assert stamps == sorted(stamps)
    assert [call["connectorId"] for call in calls[:2]] == [1, 2]
    assert [call["transactionId"] for call in calls[2:]] == [2, 1]


def test_x_20_new_messages_wait_until_the_queue_is_empty():
    cs = charging(evses=2, keys={"LocalPreAuthorize": "true"})
    cs.script("StopTransaction", CallError("InternalError"))
    cs.command(PressStop(evse=1))
    charge(cs, 2, "TAG2")
    cs.advance(30)
    assert not [call for call in cs.sent("StartTransaction") if call["connectorId"] == 2]
    cs.advance(60)
    assert [call.action for call in tx_calls(cs)][1:] == ["StopTransaction", "StopTransaction", "StartTransaction"]


def test_x_21_x_27_others_overtake_a_message_that_waits_for_its_resend():
    cs = charging(evses=2, keys=RETRY)
    cs.script("StopTransaction", CallError("InternalError"))
    cs.command(PressStop(evse=1))
    mark = cs.mark()
    cs.command(PlugIn(evse=2), PresentToken(token="OTHER", evse=2))
    assert {"StatusNotification", "Authorize"} <= set(cs.actions(mark))
    assert cs.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}).status == "Accepted"
    assert cs.actions(mark)[-1] == "Heartbeat"


@pytest.mark.parametrize(
    ("answer", "delay"),
    [
        (CallError("InternalError"), 0),
        (CallError("GenericError"), 0),
        (CallError("NotSupported"), 0),
        (Hold(), 30),
        (Garbage('[3,"{id}",{"idTagInfo":{"status":"Sure"}}]'), 0),
        (Garbage('[3,"{id}",[]]'), 0),
        (Garbage('[3,"{id}"]'), 30),
        (Garbage('{"id":"{id}"}'), 30),
        (Garbage("]["), 30),
    ],
    ids=["InternalError", "GenericError", "NotSupported", "silence", "bad enum", "list", "short", "object", "no JSON"],
)
def test_x_22_x_23_x_26_t_32_failures_are_sent_again_at_growing_intervals(answer, delay):
    cs = charging(keys=RETRY)
    cs.advance(100)
    cs.script("StopTransaction", answer, answer)
    cs.command(PressStop(evse=1))
    first = cs.now
    cs.advance(1000)
    sends = cs.sent("StopTransaction")
    assert len(sends) == 3
    assert len({call.id for call in sends}) == 3
    assert sends[0].payload == sends[1].payload == sends[2].payload
    assert sends[1].at - first == pytest.approx(60 + delay, abs=31 if delay else 1)
    assert sends[2].at - sends[1].at == pytest.approx(120 + delay, abs=31 if delay else 1)
    assert cs.station.queued == 0


def test_x_24_after_the_last_failure_it_is_dropped_and_told():
    cs = charging(keys=RETRY)
    cs.always["StopTransaction"] = CallError("InternalError")
    cs.command(PressStop(evse=1), Unplug(evse=1))
    cs.advance(1000)
    assert len(cs.sent("StopTransaction")) == 3
    assert cs.noted("message_dropped")[0].fields["action"] == "StopTransaction"
    del cs.always["StopTransaction"]
    charge(cs)
    assert cs.actions()[-1] in {"StartTransaction", "StatusNotification"}
    assert len(cs.sent("StartTransaction")) == 2


@pytest.mark.parametrize("attempts", [1, 5])
def test_x_24_k_33_attempts_count_the_first_send(attempts):
    cs = charging(keys=RETRY | {"TransactionMessageAttempts": str(attempts)})
    cs.always["StopTransaction"] = CallError("InternalError")
    cs.command(PressStop(evse=1))
    cs.advance(5000)
    assert len(cs.sent("StopTransaction")) == attempts


def test_k_34_retry_interval():
    cs = charging(keys=RETRY | {"TransactionMessageRetryInterval": "7"})
    cs.always["StopTransaction"] = CallError("InternalError")
    cs.command(PressStop(evse=1))
    cs.advance(100)
    times = [call.at for call in cs.sent("StopTransaction")]
    assert times[1] - times[0] == pytest.approx(7, abs=0.5)
    assert times[2] - times[1] == pytest.approx(14, abs=0.5)


def test_x_25_a_lost_link_uses_no_attempt_and_keeps_the_place():
    cs = charging(keys=RETRY | {"TransactionMessageAttempts": "2", "MeterValueSampleInterval": "600"})
    cs.script("StopTransaction", *[Cut(2)] * 6, CallError("InternalError"))
    cs.command(PressStop(evse=1))
    cs.command(Unplug(evse=1), PlugIn(evse=1))
    cs.advance(1000)
    sends = cs.sent("StopTransaction")
    assert len(sends) == 8
    assert len({str(call.payload) for call in sends}) == 1
    assert not cs.noted("message_dropped")


def test_x_25_attempts_before_the_loss_still_count():
    cs = charging(keys=RETRY | {"TransactionMessageAttempts": "2"})
    cs.script("StopTransaction", CallError("InternalError"), Cut(2), CallError("InternalError"))
    cs.command(PressStop(evse=1))
    cs.advance(1000)
    assert len(cs.sent("StopTransaction")) == 3


def test_x_25_a_lost_link_during_start_keeps_the_order():
    cs = booted(keys={"MeterValueSampleInterval": "10"})
    cs.script("StartTransaction", Cut(35))
    charge(cs)
    cs.advance(36)
    calls = tx_calls(cs)
    assert [call.action for call in calls[:3]] == ["StartTransaction", "StartTransaction", "MeterValues"]
    assert calls[0].payload == calls[1].payload
    assert calls[2]["transactionId"] == 1


CRASHES = ["before_store", "after_store", "unanswered", "answered"]


@pytest.mark.parametrize("crash", CRASHES)
def test_x_28_stop_survives_a_crash_at_any_point(crash):
    cs = charging(keys=RETRY)
    cs.advance(600)
    if crash in {"before_store", "after_store"}:
        cs.crash_next = crash
    if crash == "unanswered":
        cs.script("StopTransaction", Hold())
    cs.command(PressStop(evse=1))
    if crash in {"unanswered", "answered"}:
        cs.crash()
    cs.advance(5)
    if crash == "before_store":  # never taken: the transaction runs on
        assert cs.station.view(cs.now).sessions[0].active
        cs.command(PressStop(evse=1))
    cs.advance(200)
    stops = cs.sent("StopTransaction")
    assert len({str(call.payload) for call in stops}) == 1
    assert len(stops) == (2 if crash == "unanswered" else 1)
    assert cs.station.queued == 0


@pytest.mark.parametrize("crash", CRASHES)
def test_x_28_start_survives_a_crash_at_any_point(crash):
    cs = booted(keys=RETRY)
    cs.command(PlugIn(evse=1))
    cs.script("StartTransaction", *([Hold()] if crash == "unanswered" else []))
    if crash in {"before_store", "after_store"}:
        cs.script("Authorize", Hold())
        cs.command(PresentToken(token="TAG1", evse=1))
        cs.crash_next = crash
        cs.release()
    else:
        cs.command(PresentToken(token="TAG1", evse=1))
        cs.crash()
    cs.advance(120)
    starts = cs.sent("StartTransaction")
    assert len({str(call.payload) for call in starts}) == 1
    assert len(starts) == (2 if crash == "unanswered" else 1)
    assert cs.station.view(cs.now).sessions[0].transaction_id == 1
    assert cs.status() == "Charging"


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_x_28_rs_04_the_queue_survives_a_reset(kind):
    cs = charging(keys={"MeterValueSampleInterval": "60", **RETRY})
    cs.always["MeterValues"] = Hold()
    cs.advance(65)
    cs.ask("Reset", {"type": kind})
    del cs.always["MeterValues"]
    cs.advance(120)
    assert [call.action for call in tx_calls(cs)][-2:] == ["MeterValues", "StopTransaction"]
    assert cs.last("StopTransaction")["reason"] == f"{kind}Reset"


def test_x_28_overflow_drops_intermediate_meter_values_only():
    cs = booted(keys={"AllowOfflineTxForUnknownId": "true", "MeterValueSampleInterval": "10"}, queue_limit=20)
    cs.cut()
    charge(cs)
    cs.advance(2000)
    cs.command(PressStop(evse=1), Unplug(evse=1))
    charge(cs, tag="TAG2")
    cs.advance(2000)
    cs.command(PressStop(evse=1))
    assert cs.station.queued <= 21
    assert len(cs.rows.reports) <= 21
    assert {note.fields["action"] for note in cs.noted("message_dropped")} == {"MeterValues"}
    cs.restore()
    cs.advance(5)
    actions = [call.action for call in tx_calls(cs)]
    assert actions.count("StartTransaction") == actions.count("StopTransaction") == 2
    assert actions[0] == "StartTransaction"
    assert actions[-1] == "StopTransaction"


def test_x_29_power_loss_by_setting_ends_the_transaction_after_a_restart():
    cs = charging(on_restart=OnRestart.POWER_LOSS, keys={"MeterValueSampleInterval": "60"})
    cs.advance(600)
    register = cs.station.view(cs.now).meters[0].energy_wh
    mark = cs.mark()
    cs.crash(downtime_s=3600)
    cs.advance(10)
    assert cs.actions(mark)[0] == "BootNotification"
    stop = cs.last("StopTransaction")
    assert stop["reason"] == "PowerLoss"
    assert register - 400 <= stop["meterStop"] <= register + 1  # the last known register: at most a sample old
    assert instant(stop["timestamp"]) <= cs.now - 3600
    assert cs.status() in {"Preparing", "Finishing"}


def test_x_29_resume_goes_on():
    cs = charging(keys={"MeterValueSampleInterval": "60"})
    cs.advance(600)
    cs.crash(downtime_s=600)
    cs.advance(60)
    assert not cs.sent("StopTransaction")
    assert cs.status() == "Charging"


def test_restart_changes_no_later_frame_of_an_idle_box():
    cs = charging(keys={"MeterValueSampleInterval": "60"})
    cs.advance(90)
    for _ in range(5):
        cs.crash()
    mark = cs.mark()
    cs.advance(241)
    assert len(cs.sent("MeterValues", mark)) in {4, 5}
    assert cs.station.queued == 0


def test_clear_queue_forgets_messages_and_says_so():
    cs = charging(keys={"MeterValueSampleInterval": "60"})
    cs.cut()
    cs.advance(301)
    cs.command(ClearQueue())
    assert cs.station.queued == 0
    assert not cs.rows.reports
    mark = cs.mark()
    cs.restore()
    assert not tx_calls(cs, mark)
    cs.command(PressStop(evse=1))
    assert cs.last("StopTransaction")["transactionId"] == 1


def test_clear_queue_with_an_unanswered_start_means_minus_1():
    cs = booted(keys={"AllowOfflineTxForUnknownId": "true"})
    cs.cut()
    charge(cs)
    cs.command(ClearQueue())
    cs.restore()
    cs.command(PressStop(evse=1))
    assert not cs.sent("StartTransaction")
    assert cs.last("StopTransaction")["transactionId"] == -1


def test_many_messages_are_delivered_in_one_go_and_the_disk_is_clean():
    cs = charging(keys=QUIET | {"MeterValueSampleInterval": "10"})
    cs.cut()
    cs.advance(3600)
    mark = cs.mark()
    cs.restore()
    assert len(cs.sent("MeterValues", mark)) == 360
    assert not cs.rows.reports


def test_x_22_used_attempts_survive_a_crash():
    cs = charging(keys=RETRY)
    cs.always["StopTransaction"] = CallError("InternalError")
    cs.command(PressStop(evse=1))
    cs.advance(61)
    assert len(cs.sent("StopTransaction")) == 2
    cs.crash()
    cs.advance(2000)
    assert len(cs.sent("StopTransaction")) == 3
    assert cs.station.queued == 0


def test_x_23_the_wait_is_not_cut_short_by_a_reconnect_storm():
    cs = charging(keys=RETRY)
    cs.always["StopTransaction"] = CallError("InternalError")
    cs.command(PressStop(evse=1))
    for _ in range(10):
        cs.advance(1)
        cs.blink()
    assert len(cs.sent("StopTransaction")) <= 3
    cs.advance(300)
    assert len(cs.sent("StopTransaction")) <= 3


def test_x_05_the_late_start_confirmation_after_its_time_out_is_not_used():
    cs = booted(keys=RETRY)
    cs.script("StartTransaction", Hold())
    charge(cs)
    cs.advance(31)
    late = cs.held.pop()
    cs.say(f'[3,"{late.id}",{{"transactionId":99,"idTagInfo":{{"status":"Accepted"}}}}]')
    cs.advance(120)
    assert len(cs.sent("StartTransaction")) == 2
    cs.command(PressStop(evse=1))
    assert cs.last("StopTransaction")["transactionId"] == 1


@pytest.mark.parametrize("interval", ["1", "60"])
def test_restart_after_a_day_does_not_flood(interval):
    cs = charging(keys={"MeterValueSampleInterval": interval, "ClockAlignedDataInterval": interval})
    cs.cut()
    cs.crash(downtime_s=86_400)
    mark = cs.mark()
    cs.restore()
    assert len(cs.sent("MeterValues", mark)) <= 20


@pytest.mark.parametrize("answer", ["before", "after"])
def test_clear_queue_with_a_start_in_flight(answer):
    cs = booted(keys={"MeterValueSampleInterval": "10"})
    cs.script("StartTransaction", Hold())
    charge(cs)
    cs.advance(5)
    cs.command(ClearQueue())
    if answer == "after":
        cs.release({"transactionId": 44, "idTagInfo": {"status": "Accepted"}})
    cs.advance(40)
    cs.command(PressStop(evse=1))
    cs.advance(120)
    assert cs.last("StopTransaction")["transactionId"] in {44, 1, -1}  # what is in flight is no longer queued
    assert cs.station.queued == 0


def test_x_20_a_boot_in_between_keeps_the_order():
    cs = booted(evses=2, keys={"AllowOfflineTxForUnknownId": "true", "MeterValueSampleInterval": "30"})
    cs.cut()
    charge(cs, 1, "A")
    cs.advance(61)
    cs.crash(downtime_s=5)
    charge(cs, 2, "B")
    cs.advance(61)
    cs.command(PressStop(evse=1), PressStop(evse=2))
    cs.restore()
    stamps = [instant(call.payload.get("timestamp") or call["meterValue"][0]["timestamp"]) for call in tx_calls(cs)]
    assert stamps == sorted(stamps)
    assert [call["transactionId"] for call in cs.sent("StopTransaction")] == [1, 2]


STORY = [  # of one box with two connectors: what happens, then how long nothing does
    (lambda cs: cs.command(PlugIn(evse=1)), 7),
    (lambda cs: cs.command(PresentToken(token="A", evse=1)), 43),
    (lambda cs: cs.ask("RemoteStartTransaction", {"idTag": "R", "connectorId": 2}), 13),
    (lambda cs: cs.command(PlugIn(evse=2)), 27),
    (lambda cs: cs.cut(), 89),
    (lambda cs: cs.command(PresentToken(token="A", evse=1)), 5),
    (lambda cs: cs.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}) if cs.link else None, 3),
    (lambda cs: cs.restore(), 31),
    (lambda cs: cs.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}), 11),
    (lambda cs: cs.command(Unplug(evse=1)), 17),
    (lambda cs: cs.ask("UnlockConnector", {"connectorId": 2}), 9),
    (lambda cs: cs.command(Unplug(evse=2)), 61),
]


def tell(crash_after: int | None) -> tuple[list[tuple[str, dict]], list[str], list[str]]:
    cs = booted(evses=2, keys={"MeterValueSampleInterval": "30", "StopTxnSampledData": "Energy.Active.Import.Register"})
    for number, (happen, seconds) in enumerate(STORY):
        happen(cs)
        if number == crash_after:
            cs.crash()
        cs.advance(seconds)
    ends = [cs.status(number) for number in (1, 2)]
    return [(call.action, call.payload) for call in tx_calls(cs)], ends, sorted(cs.configuration())


@pytest.mark.parametrize("crash_after", range(len(STORY)))
def test_x_28_a_restart_between_any_two_steps_changes_no_transaction_message(crash_after):
    assert tell(crash_after) == tell(None)
