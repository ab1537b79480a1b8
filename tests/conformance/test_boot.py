"""Group 2 of the checklist (and T-07, T-08, T-11): boot, registration, heartbeat, clock."""

from __future__ import annotations

import itertools

import pytest
from fakes.central_system import T0, CallError, CentralSystem, Cut, Garbage, Hold, spec
from fakes.judge import instant, iso
from fakes.scenes import QUIET, booted, charge, charging

from twin.model.inputs import Boot, DropLink, PlugIn, PresentToken, SetNetwork, SetPowered, Unplug


def pending(status: str = "Pending", interval: int = 120, evses: int = 1, **keys: str) -> CentralSystem:
    cs = CentralSystem(spec(evses, {**QUIET, **keys}), linked=False)
    cs.always["BootNotification"] = lambda _: cs.boot_answer(status, interval)
    cs.restore()
    return cs


def test_b_01_boot_notification_after_start_crash_reset_and_power_cycle():
    cs = booted()
    assert cs.actions()[0] == "BootNotification"
    mark = cs.mark()
    cs.crash()
    assert cs.actions(mark)[0] == "BootNotification"
    mark = cs.mark()
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(30)
    assert cs.actions(mark)[0] == "BootNotification"
    mark = cs.mark()
    cs.command(SetPowered(powered=False))
    cs.advance(30)
    assert cs.actions(mark) == []
    cs.command(SetPowered(powered=True))
    cs.advance(30)
    assert cs.actions(mark)[0] == "BootNotification"


def test_b_02_nothing_goes_out_before_the_boot_is_answered():
    cs = CentralSystem(spec(2, {**QUIET, "HeartbeatInterval": "10", "ClockAlignedDataInterval": "10"}), linked=False)
    cs.always["BootNotification"] = Hold()
    cs.restore()
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1), PlugIn(evse=2))
    cs.advance(29)
    assert set(cs.actions()) == {"BootNotification"}
    assert not cs.sent("StatusNotification")


def test_b_02_queued_transaction_messages_wait_for_the_new_boot_too():
    cs = charging(keys={"MeterValueSampleInterval": "10"})
    cs.cut()
    cs.advance(35)
    mark = cs.mark()
    cs.always["BootNotification"] = Hold()
    cs.crash()
    cs.restore()
    cs.advance(20)
    assert set(cs.actions(mark)) == {"BootNotification"}


def test_b_03_fields_of_the_boot_notification():
    box = spec(
        vendor="Acme",
        model="Wall 11",
        firmware_version="2.0",
        serial_number="SN1",
        charge_box_serial_number="CB1",
        iccid="8949",
        imsi="262",
        meter_type="M1",
        meter_serial_number="MS1",
    )
    assert CentralSystem(box).last("BootNotification").payload == {
        "chargePointVendor": "Acme",
        "chargePointModel": "Wall 11",
        "chargePointSerialNumber": "SN1",
        "chargeBoxSerialNumber": "CB1",
        "firmwareVersion": "2.0",
        "iccid": "8949",
        "imsi": "262",
        "meterType": "M1",
        "meterSerialNumber": "MS1",
    }


def test_b_03_optional_fields_are_left_out():
    payload = CentralSystem(spec(firmware_version=None)).last("BootNotification").payload
    assert set(payload) == {"chargePointVendor", "chargePointModel"}


def test_b_04_interval_becomes_the_heartbeat_interval():
    cs = CentralSystem(spec(), boot_interval=77)
    assert cs.configuration("HeartbeatInterval") == {"HeartbeatInterval": "77"}
    mark = cs.mark()
    cs.advance(77 * 3 + 1)
    assert len(cs.sent("Heartbeat", mark)) == 3


def test_b_04_interval_0_keeps_the_configured_value():
    cs = CentralSystem(spec(keys={"HeartbeatInterval": "55"}), boot_interval=0)
    assert cs.configuration("HeartbeatInterval") == {"HeartbeatInterval": "55"}


def test_b_05_clock_follows_the_central_system():
    cs = CentralSystem(spec(keys=QUIET), linked=False)
    cs.offset_s = 5000.0
    cs.restore()
    charge(cs)
    assert instant(cs.last("StartTransaction")["timestamp"]) == pytest.approx(T0 + 5000, abs=1)
    assert instant(cs.last("StatusNotification")["timestamp"]) == pytest.approx(T0 + 5000, abs=1)


def test_b_06_accepted_reports_all_connectors_first_then_the_queue():
    cs = charging(evses=2)
    cs.cut()
    cs.command(PresentToken(token="TAG1", evse=1))
    mark = cs.mark()
    cs.crash()
    cs.restore()
    assert cs.actions(mark) == ["BootNotification"] + ["StatusNotification"] * 3 + ["StopTransaction"]
    assert [call["connectorId"] for call in cs.sent("StatusNotification", mark)] == [0, 1, 2]
    assert cs.statuses(0, mark) == ["Available"]
    assert cs.statuses(1, mark) == ["Finishing"]
    assert cs.statuses(2, mark) == ["Available"]


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_b_07_interval_is_the_least_wait_before_the_next_boot(status):
    cs = pending(status, 120)
    cs.advance(1000)
    times = [call.at for call in cs.sent("BootNotification")]
    assert 5 <= len(times) <= 9
    assert all(119.9 <= later - earlier <= 240 for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_b_07_interval_0_does_not_flood(status):
    cs = pending(status, 0)
    cs.advance(3600)
    assert 2 <= len(cs.sent("BootNotification")) <= 720


def test_b_08_rejected_answers_nothing_and_sends_nothing():
    cs = pending("Rejected")
    ids = [cs.call("GetConfiguration", {}), cs.call("TriggerMessage", {"requestedMessage": "BootNotification"})]
    cs.judge.triggered.clear()
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1))
    cs.advance(100)
    assert not any(message_id in cs.replies for message_id in ids)
    assert cs.actions() == ["BootNotification"]


def test_b_09_survives_the_central_system_closing_the_link_while_rejected():
    cs = pending("Rejected", 60)
    cs.cut("closed by the Central System")
    cs.advance(5)
    cs.restore()
    del cs.always["BootNotification"]
    cs.advance(120)
    assert cs.station.view(cs.now).station.registration == "Accepted"


def test_b_10_pending_answers_requests():
    cs = pending()
    assert cs.configuration("NumberOfConnectors") == {"NumberOfConnectors": "1"}
    assert cs.configure("MeterValueSampleInterval", 30) == "Accepted"
    assert cs.ask("ClearCache").status == "Accepted"
    assert cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}).status == "Accepted"


def test_b_11_pending_sends_only_what_was_triggered():
    cs = pending(HeartbeatInterval="10")
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1), Unplug(evse=1))
    cs.advance(60)
    assert cs.actions() == ["BootNotification"]
    assert cs.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}).status == "Accepted"
    assert cs.actions() == ["BootNotification", "StatusNotification"]
    assert cs.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}).status == "Accepted"
    assert cs.actions()[2:] == ["Heartbeat"]
    del cs.always["BootNotification"]
    assert cs.ask("TriggerMessage", {"requestedMessage": "BootNotification"}).status == "Accepted"
    assert cs.actions()[3] == "BootNotification"
    assert cs.station.view(cs.now).station.registration == "Accepted"


def test_b_12_pending_rejects_remote_start_and_stop():
    cs = pending()
    assert cs.ask("RemoteStartTransaction", {"idTag": "TAG1", "connectorId": 1}).status == "Rejected"
    assert cs.ask("RemoteStopTransaction", {"transactionId": 1}).status == "Rejected"


@pytest.mark.parametrize(
    "answer",
    [
        Hold(),
        CallError("InternalError"),
        Garbage('[3,"{id}",{"status":"Accepted"}]'),
        Garbage('[3,"{id}",{"status":"Perhaps","currentTime":"2026-01-05T10:00:00Z","interval":5}]'),
        Garbage('[3,"{id}",{"status":"Accepted","currentTime":"today","interval":5}]'),
        Garbage('[3,"{id}",null]'),
    ],
    ids=["silence", "CALLERROR", "incomplete", "bad enum", "bad time", "null"],
)
def test_b_13_t_32_no_usable_answer_means_another_boot_with_a_delay(answer):
    cs = CentralSystem(spec(keys=QUIET), linked=False)
    cs.script("BootNotification", answer)
    cs.restore()
    assert cs.actions() == ["BootNotification"]
    cs.advance(700)
    boots = cs.sent("BootNotification")
    assert len(boots) == 2
    assert boots[1].at - boots[0].at >= 1
    assert cs.station.view(cs.now).station.registration == "Accepted"


def test_b_13_registration_survives_a_lost_link_and_a_lost_answer():
    cs = pending("Pending", 60)
    cs.blink()
    cs.advance(59)
    assert "StatusNotification" not in cs.actions()
    del cs.always["BootNotification"]
    cs.advance(120)
    assert cs.statuses(1) == ["Available"]


def test_b_14_nobody_charges_before_the_first_acceptance():
    cs = pending(AllowOfflineTxForUnknownId="true")
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1))
    cs.advance(10)
    assert not cs.station.view(cs.now).sessions[0].active
    assert not cs.station.view(cs.now).evses[0].charging


def test_b_17_heartbeat_after_inactivity():
    cs = booted(keys={"HeartbeatInterval": "60"})
    mark = cs.mark()
    cs.advance(601)
    assert 9 <= len(cs.sent("Heartbeat", mark)) <= 10


def test_b_17_heartbeat_during_the_night_and_none_offline():
    cs = booted(keys={"HeartbeatInterval": "60"})
    cs.cut()
    mark = cs.mark()
    cs.advance(1000)
    cs.restore()
    assert len(cs.sent("Heartbeat", mark)) <= 1


def test_b_18_heartbeat_sets_the_clock():
    cs = booted(keys={"HeartbeatInterval": "60"})
    cs.offset_s = -3600.0
    cs.advance(61)
    cs.command(PlugIn(evse=1))
    assert instant(cs.last("StatusNotification")["timestamp"]) == pytest.approx(cs.now - 3600, abs=1)


@pytest.mark.parametrize("offset", [86_400.0, -86_400.0])
def test_b_19_clock_steps_do_not_disturb_timers(offset):
    cs = charging(keys={"HeartbeatInterval": "30", "MeterValueSampleInterval": "60"})
    cs.advance(61)
    cs.offset_s = offset
    mark = cs.mark()
    cs.advance(600)
    assert 9 <= len(cs.sent("MeterValues", mark)) <= 11
    assert len(cs.sent("Heartbeat", mark)) <= 21


def test_b_19_changed_heartbeat_interval_acts_at_once():
    cs = booted(keys={"HeartbeatInterval": "86400"})
    cs.advance(100)
    assert cs.configure("HeartbeatInterval", 10) == "Accepted"
    mark = cs.mark()
    cs.advance(31)
    assert len(cs.sent("Heartbeat", mark)) >= 2
    assert cs.configure("HeartbeatInterval", 86_400) == "Accepted"
    mark = cs.mark()
    cs.advance(1000)
    assert not cs.sent("Heartbeat", mark)


@pytest.mark.parametrize("how", ["cut", "drop_link", "network"])
def test_t_07_t_08_plain_reconnect_without_boot(how):
    cs = booted(evses=2)
    mark = cs.mark()
    if how == "cut":
        cs.cut()
        cs.command(PlugIn(evse=1))
        cs.restore()
    elif how == "drop_link":
        cs.command(DropLink(), PlugIn(evse=1))
    else:
        cs.command(SetNetwork(network=False), PlugIn(evse=1), SetNetwork(network=True))
    cs.advance(10)
    assert "BootNotification" not in cs.actions(mark)
    assert cs.statuses(1, mark) == ["Preparing"]
    assert cs.station.view(cs.now).station.registration == "Accepted"


def test_t_11_one_heartbeat_a_day_for_the_clock():
    cs = charging(keys={"MeterValueSampleInterval": "600", "HeartbeatInterval": "1200"})
    mark = cs.mark()
    cs.advance(2 * 86_400 + 60)
    assert len(cs.sent("Heartbeat", mark)) >= 2


def test_boot_command_sends_boot_notification_without_a_reboot():
    cs = charging()
    mark = cs.mark()
    cs.command(Boot())
    assert cs.actions(mark)[0] == "BootNotification"
    assert cs.station.view(cs.now).sessions[0].active
    assert cs.statuses(1, mark) == ["Charging"]


def test_t_33_times_with_fractions_and_zones_are_read():
    cs = CentralSystem(spec(keys=QUIET), linked=False)
    stamp = iso(T0 + 7200 + 600).replace("Z", "+02:00")
    cs.script("BootNotification", {"status": "Accepted", "currentTime": stamp, "interval": 0})
    cs.restore()
    assert instant(cs.last("StatusNotification")["timestamp"]) == pytest.approx(T0 + 600, abs=1)


def test_b_08_a_blinking_link_while_rejected_is_no_excuse():
    cs = pending("Rejected", 60)
    for _ in range(5):
        cs.advance(5)
        cs.blink()
    assert cs.actions() == ["BootNotification"]
    cs.advance(60)
    assert cs.actions() == ["BootNotification"] * 2


def test_b_11_triggered_meter_values_and_all_statuses_while_pending():
    cs = pending(evses=2)
    assert cs.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}).status == "Accepted"
    assert cs.actions() == ["BootNotification", "MeterValues"]
    assert cs.ask("TriggerMessage", {"requestedMessage": "StatusNotification"}).status == "Accepted"
    assert cs.actions()[2:] == ["StatusNotification"] * 3


def test_b_10_reset_while_pending():
    cs = pending()
    assert cs.ask("Reset", {"type": "Soft"}).status == "Accepted"
    cs.advance(30)
    assert cs.actions() == ["BootNotification"] * 2


@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
@pytest.mark.parametrize("interval", [-1, -(10**12), 10**9, 2**31, 10**18, 2**63, 10**30])
def test_b_04_b_07_absurd_intervals_break_nothing(status, interval):
    cs = CentralSystem(spec(keys=QUIET), linked=False)
    cs.script("BootNotification", cs.boot_answer(status, max(interval, 0)) | {"interval": interval})
    cs.restore()
    if interval >= 2**31:
        cs.judge.boot_asked()  # no integer of OCPP: the confirmation is unusable, so another boot may come
    cs.advance(3600)
    assert len(cs.sent("BootNotification")) <= 100
    assert len(cs.sent("Heartbeat")) <= 3600
    cs.command(PlugIn(evse=1))


@pytest.mark.parametrize(
    "stamp",
    ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-14:00"],
)
def test_b_05_absurd_times_break_nothing(stamp):
    cs = CentralSystem(spec(keys=QUIET), linked=False)
    cs.script("BootNotification", {"status": "Accepted", "currentTime": stamp, "interval": 60})
    cs.restore()
    charge(cs)
    cs.advance(200)
    assert cs.station.view(cs.now).sessions[0].active


@pytest.mark.parametrize("when", ["Preparing", "Charging", "Finishing"])
@pytest.mark.parametrize("unplugged", [True, False])
def test_b_01_power_cycle_at_any_time(when, unplugged):
    cs = booted()
    cs.command(PlugIn(evse=1))
    if when != "Preparing":
        cs.command(PresentToken(token="TAG1", evse=1))
    if when == "Finishing":
        cs.command(PresentToken(token="TAG1", evse=1))
    cs.command(SetPowered(powered=False))
    if unplugged:
        cs.command(Unplug(evse=1))
    mark = cs.mark()
    cs.advance(60)
    cs.command(SetPowered(powered=True))
    cs.advance(60)
    assert cs.actions(mark)[:3] == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert cs.status(1) in ({"Available"} if unplugged else {"Preparing", "Finishing"})
    assert len(cs.sent("StartTransaction")) == len(cs.sent("StopTransaction"))


def test_b_01_plugged_while_without_power():
    cs = booted()
    cs.command(SetPowered(powered=False), PlugIn(evse=1))
    assert cs.refused(PresentToken(token="TAG1", evse=1)) == "state_conflict"
    cs.command(SetPowered(powered=True))
    cs.advance(60)
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Charging"


def test_b_13_a_boot_that_was_lost_with_the_link_goes_again_with_the_next_link():
    cs = CentralSystem(spec(keys=QUIET), linked=False)
    cs.script("BootNotification", Hold())
    cs.restore()
    cs.advance(3)
    cs.blink()
    assert cs.actions()[:3] == ["BootNotification", "BootNotification", "StatusNotification"]


def test_b_07_a_triggered_boot_that_the_link_swallowed_does_not_shorten_the_wait():
    cs = CentralSystem(spec(1, QUIET), linked=False)
    cs.script("BootNotification", cs.boot_answer("Pending", 50), Cut(2))
    cs.restore()
    cs.advance(10)
    assert cs.ask("TriggerMessage", {"requestedMessage": "BootNotification"}).status == "Accepted"
    cs.advance(39)
    assert len(cs.sent("BootNotification")) == 2
    cs.advance(2)
    assert [round(boot.at - T0) for boot in cs.sent("BootNotification")] == [0, 10, 50]
    assert cs.status() == "Available"


def test_b_07_a_triggered_boot_without_an_answer_does_not_shorten_the_wait():
    cs = CentralSystem(spec(1, QUIET), linked=False)
    cs.script("BootNotification", cs.boot_answer("Pending", 500), Hold())
    cs.restore()
    cs.advance(10)
    assert cs.ask("TriggerMessage", {"requestedMessage": "BootNotification"}).status == "Accepted"
    cs.advance(600)
    assert [round(boot.at - T0) for boot in cs.sent("BootNotification")] == [0, 10, 500]


def test_b_08_only_an_answer_ends_rejected():
    cs = CentralSystem(spec(1, QUIET), linked=False)
    cs.script("BootNotification", cs.boot_answer("Rejected", 1000), Hold())
    cs.restore()
    cs.command(Boot())
    assert len(cs.sent("BootNotification")) == 2
    assert cs.replies.get(cs.call("GetConfiguration")) is None
    cs.release()
    assert cs.ask("GetConfiguration").payload
    assert cs.status() == "Available"
