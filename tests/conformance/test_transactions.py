"""Group 5 of the checklist, first half: how transactions start and stop (X-01 to X-18)."""

from __future__ import annotations

import pytest
from fakes.central_system import CallError, Hold
from fakes.judge import instant
from fakes.scenes import booted, charge, charging

from twin.model.inputs import (
    EmergencyStop,
    PlugIn,
    PresentToken,
    PressReset,
    PressStop,
    SetPowered,
    Unplug,
    UnplugEvSide,
)
from twin.model.spec import EvseSpec
from twin.model.terms import ResetKind


def test_x_01_start_transaction_has_what_it_must():
    cs = booted(evses=2, evse=EvseSpec(meter_start_wh=1234.6))
    cs.advance(50)
    charge(cs, evse=2)
    payload = cs.last("StartTransaction").payload
    assert payload["connectorId"] == 2
    assert payload["idTag"] == "TAG1"
    assert payload["meterStart"] in (1234, 1235)
    assert instant(payload["timestamp"]) == pytest.approx(cs.now, abs=1)
    assert "reservationId" not in payload


def test_x_02_energy_need_not_wait_for_the_confirmation():
    cs = booted()
    cs.script("StartTransaction", Hold())
    charge(cs)
    cs.advance(20)
    view = cs.station.view(cs.now)
    assert view.evses[0].charging
    assert view.meters[0].energy_wh > 0


def test_x_03_times_and_registers_are_those_of_the_event():
    cs = booted(keys={"AllowOfflineTxForUnknownId": "true"})
    cs.cut()
    cs.advance(100)
    charge(cs)
    started = cs.now
    cs.advance(1800)
    cs.command(PressStop(evse=1))
    stopped, register = cs.now, cs.station.view(cs.now).meters[0].energy_wh
    cs.advance(7200)
    cs.restore()
    start, stop = cs.last("StartTransaction"), cs.last("StopTransaction")
    assert instant(start["timestamp"]) == pytest.approx(started, abs=1)
    assert instant(stop["timestamp"]) == pytest.approx(stopped, abs=1)
    assert start["meterStart"] == 0
    assert stop["meterStop"] == pytest.approx(register, abs=1)
    assert stop["meterStop"] > 1000


@pytest.mark.parametrize("number", [0, -1, -77, 2**31 - 1, -(2**31)])
def test_x_04_any_integer_is_a_transaction_id(number):
    cs = booted(keys={"MeterValueSampleInterval": "60"})
    cs.script("StartTransaction", {"transactionId": number, "idTagInfo": {"status": "Accepted"}})
    charge(cs)
    cs.advance(61)
    assert cs.last("MeterValues")["transactionId"] == number
    assert cs.ask("RemoteStopTransaction", {"transactionId": number}).status == "Accepted"
    assert cs.last("StopTransaction")["transactionId"] == number


def test_x_05_messages_wait_for_the_transaction_id():
    cs = booted(keys={"MeterValueSampleInterval": "5"})
    cs.script("StartTransaction", Hold())
    charge(cs)
    cs.advance(21)
    cs.command(PressStop(evse=1))
    assert not cs.sent("MeterValues")
    assert not cs.sent("StopTransaction")
    cs.release({"transactionId": 4711, "idTagInfo": {"status": "Accepted"}})
    assert [call["transactionId"] for call in cs.sent("MeterValues")] == [4711] * 4
    assert cs.last("StopTransaction")["transactionId"] == 4711
    assert [a for a in cs.actions() if a in {"MeterValues", "StopTransaction"}][-1] == "StopTransaction"


@pytest.mark.parametrize("answer", [CallError("InternalError"), Hold()])
def test_x_06_an_undeliverable_start_makes_the_id_minus_1(answer):
    cs = booted(
        keys={
            "MeterValueSampleInterval": "60",
            "TransactionMessageAttempts": "2",
            "TransactionMessageRetryInterval": "10",
            "MessageTimeout": "15",
        }
    )
    cs.script("StartTransaction", answer, answer)
    charge(cs)
    cs.advance(100)
    cs.command(PressStop(evse=1))
    assert len(cs.sent("StartTransaction")) == 2
    assert {call["transactionId"] for call in cs.sent("MeterValues")} == {-1}
    assert cs.last("StopTransaction")["transactionId"] == -1
    cs.command(Unplug(evse=1))
    charge(cs)
    assert cs.station.view(cs.now).sessions[0].transaction_id is not None


def test_x_07_one_transaction_per_connector_and_independent_ones():
    cs = charging(evses=2)
    charge(cs, evse=2, tag="TAG2")
    assert [call["connectorId"] for call in cs.sent("StartTransaction")] == [1, 2]
    cs.command(PresentToken(token="TAG2", evse=2))
    assert cs.last("StopTransaction")["transactionId"] == 2
    assert cs.station.view(cs.now).sessions[0].active


def test_x_07_transaction_data_survive_a_crash():
    cs = charging(keys={"MeterValueSampleInterval": "60"})
    cs.advance(300)
    cs.crash(downtime_s=30)
    assert cs.status() == "Charging"
    mark = cs.mark()
    cs.advance(121)
    assert {call["transactionId"] for call in cs.sent("MeterValues", mark)} == {1}
    cs.command(PresentToken(token="TAG1", evse=1))
    stop = cs.last("StopTransaction")
    assert stop["transactionId"] == 1
    assert stop["meterStop"] >= cs.last("StartTransaction")["meterStart"] + 500
    assert len(cs.sent("StartTransaction")) == 1


@pytest.mark.parametrize("timeout", [30, 90])
def test_x_08_x_09_k_06_swipe_without_plug_returns_to_available(timeout):
    cs = booted(keys={"ConnectionTimeOut": str(timeout)})
    cs.command(PresentToken(token="TAG1", evse=1))
    cs.advance(timeout - 1)
    assert cs.status() == "Preparing"
    cs.advance(2)
    assert cs.status() == "Available"
    cs.command(PlugIn(evse=1))
    cs.advance(5)
    assert not cs.sent("StartTransaction")  # the authorization is void


def test_x_08_k_06_the_time_runs_from_the_start_of_preparing():
    cs = booted(keys={"ConnectionTimeOut": "60"})
    cs.command(PlugIn(evse=1))
    cs.advance(40)
    cs.tags["BAD"] = {"status": "Invalid"}
    cs.command(PresentToken(token="BAD", evse=1))
    cs.advance(21)
    assert cs.status() == "Finishing"


def test_x_08_k_06_zero_means_no_time_out():
    cs = booted(keys={"ConnectionTimeOut": "0"})
    cs.command(PlugIn(evse=1))
    cs.advance(86_000)
    assert cs.status() == "Preparing"


def test_x_09_s_04_b6_plug_without_tag_goes_to_finishing():
    cs = booted(keys={"ConnectionTimeOut": "60"})
    cs.command(PlugIn(evse=1))
    cs.advance(61)
    assert cs.statuses(1) == ["Available", "Preparing", "Finishing"]
    cs.command(Unplug(evse=1))
    assert cs.status() == "Available"
    assert not cs.sent("StartTransaction")


def test_x_09_plug_timed_out_and_a_later_card_may_start_only_anew():
    cs = booted(keys={"ConnectionTimeOut": "60"})
    cs.command(PlugIn(evse=1))
    cs.advance(61)
    cs.command(Unplug(evse=1), PlugIn(evse=1), PresentToken(token="TAG1", evse=1))
    assert cs.statuses(1)[-3:] == ["Available", "Preparing", "Charging"]


def test_x_10_x_12_local_stop_by_card():
    cs = charging()
    cs.advance(3600)
    cs.command(PresentToken(token="TAG1", evse=1))
    payload = cs.last("StopTransaction").payload
    assert payload["transactionId"] == 1
    assert payload["idTag"] == "TAG1"
    assert payload.get("reason", "Local") == "Local"
    assert payload["meterStop"] > 0
    assert instant(payload["timestamp"]) == pytest.approx(cs.now, abs=1)


def stop_reasons():
    return {
        "Local": lambda cs: cs.command(PressStop(evse=1)),
        "Remote": lambda cs: cs.ask("RemoteStopTransaction", {"transactionId": 1}),
        "EVDisconnected": lambda cs: cs.command(Unplug(evse=1)),
        "SoftReset": lambda cs: cs.ask("Reset", {"type": "Soft"}),
        "HardReset": lambda cs: cs.ask("Reset", {"type": "Hard"}),
        "UnlockCommand": lambda cs: cs.ask("UnlockConnector", {"connectorId": 1}),
        "EmergencyStop": lambda cs: cs.command(EmergencyStop()),
    }


@pytest.mark.parametrize("reason", stop_reasons())
def test_x_11_x_12_reasons_and_no_tag(reason):
    cs = charging()
    cs.advance(10)
    stop_reasons()[reason](cs)
    cs.advance(60)
    stops = cs.sent("StopTransaction")
    assert [call.payload.get("reason", "Local") for call in stops] == [reason]
    assert "idTag" not in stops[0].payload
    assert stops[0]["transactionId"] == 1


def test_x_12_power_loss():
    cs = charging()
    cs.advance(600)
    register = cs.station.view(cs.now).meters[0].energy_wh
    lost = cs.now
    cs.command(SetPowered(powered=False))
    cs.advance(3600)
    assert not cs.sent("StopTransaction")
    cs.command(SetPowered(powered=True))
    cs.advance(60)
    stop = cs.last("StopTransaction")
    assert stop["reason"] == "PowerLoss"
    assert stop["meterStop"] == pytest.approx(register, abs=2)
    assert instant(stop["timestamp"]) == pytest.approx(lost, abs=1)


@pytest.mark.parametrize("kind", list(ResetKind))
def test_x_12_local_reset_button_is_a_reboot(kind):
    cs = charging()
    cs.command(PressReset(kind=kind))
    cs.advance(60)
    assert [call["reason"] for call in cs.sent("StopTransaction")] == ["Reboot"]


def test_x_12_emergency_stop_of_one_evse():
    cs = charging(evses=2)
    charge(cs, 2, "TAG2")
    cs.command(EmergencyStop(evse=2))
    assert [call["transactionId"] for call in cs.sent("StopTransaction")] == [2]
    assert cs.last("StopTransaction")["reason"] == "EmergencyStop"


def test_x_13_the_central_system_cannot_prevent_a_stop():
    cs = charging(keys={"TransactionMessageAttempts": "1"})
    cs.script("StopTransaction", CallError("InternalError"))
    cs.command(PressStop(evse=1))
    assert not cs.station.view(cs.now).sessions[0].active
    assert cs.status() == "Finishing"


def test_x_14_normal_end_unlocks():
    cs = charging()
    assert cs.station.view(cs.now).evses[0].locked
    cs.command(PressStop(evse=1))
    assert not cs.station.view(cs.now).evses[0].locked
    assert cs.status() == "Finishing"
    cs.command(Unplug(evse=1))
    assert cs.status() == "Available"


def test_x_15_v_15_nothing_of_the_transaction_after_its_stop():
    cs = charging(keys={"MeterValueSampleInterval": "10", "ClockAlignedDataInterval": "15"})
    cs.advance(100)
    cs.command(PressStop(evse=1))
    mark = cs.received.index(cs.last("StopTransaction"))
    cs.advance(600)
    assert not [call for call in cs.sent("MeterValues", mark) if "transactionId" in call.payload]
    cs.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    assert "transactionId" not in cs.last("MeterValues").payload


def test_x_16_cable_stays_locked_while_the_transaction_goes_on():
    cs = charging(keys={"StopTransactionOnEVSideDisconnect": "false", "UnlockConnectorOnEVSideDisconnect": "true"})
    cs.command(UnplugEvSide(evse=1))
    view = cs.station.view(cs.now)
    assert view.sessions[0].active
    assert view.evses[0].locked
    energy = view.meters[0].energy_wh
    cs.advance(600)
    assert cs.station.view(cs.now).meters[0].energy_wh == pytest.approx(energy)
    cs.command(PlugIn(evse=1))
    cs.advance(600)
    assert cs.station.view(cs.now).meters[0].energy_wh > energy


def test_x_17_k_25_k_35_car_side_stop_unlocks():
    cs = charging(keys={"UnlockConnectorOnEVSideDisconnect": "true"})
    cs.command(UnplugEvSide(evse=1))
    assert cs.last("StopTransaction")["reason"] == "EVDisconnected"
    assert not cs.station.view(cs.now).evses[0].locked


def test_x_17_k_35_car_side_stop_keeps_the_lock_until_the_card_comes():
    cs = charging(keys={"UnlockConnectorOnEVSideDisconnect": "false"})
    cs.command(UnplugEvSide(evse=1))
    assert cs.last("StopTransaction")["reason"] == "EVDisconnected"
    assert cs.station.view(cs.now).evses[0].locked
    cs.command(PresentToken(token="TAG1", evse=1))
    assert not cs.station.view(cs.now).evses[0].locked
    assert len(cs.sent("StartTransaction")) == 1


def test_x_17_no_energy_after_replug_until_a_new_transaction():
    cs = charging()
    cs.command(UnplugEvSide(evse=1), PlugIn(evse=1))
    energy = cs.station.view(cs.now).meters[0].energy_wh
    cs.advance(30)
    assert cs.station.view(cs.now).meters[0].energy_wh == pytest.approx(energy)
    cs.command(PresentToken(token="TAG1", evse=1))
    cs.advance(30)
    assert cs.station.view(cs.now).sessions[0].active
    assert len(cs.sent("StartTransaction")) == 2


def test_x_18_k_35_fixed_cable_makes_the_unlock_key_read_only_false():
    cs = booted(evse=EvseSpec(lock=False))
    assert cs.configuration("UnlockConnectorOnEVSideDisconnect") == {"UnlockConnectorOnEVSideDisconnect": "false"}
    assert cs.configure("UnlockConnectorOnEVSideDisconnect", True) == "Rejected"
    assert cs.configuration("UnlockConnectorOnEVSideDisconnect") == {"UnlockConnectorOnEVSideDisconnect": "false"}


def test_x_17_a_locked_cable_hangs_there_until_the_card_frees_it():
    cs = charging(keys={"UnlockConnectorOnEVSideDisconnect": "false"})
    cs.command(Unplug(evse=1))
    assert cs.status() == "Finishing"
    assert cs.station.view(cs.now).evses[0].locked
    cs.advance(600)
    cs.command(PresentToken(token="TAG1", evse=1))
    assert not cs.station.view(cs.now).evses[0].locked
    assert cs.status() == "Available"
    assert len(cs.sent("StartTransaction")) == 1


def test_one_swipe_can_be_followed_through_all_events():
    cs = booted()
    cs.script("StartTransaction", Hold())
    cs.command(PlugIn(evse=1), PresentToken(token="TAG1", evse=1, request_id="r1"))
    cs.advance(5)
    cs.release()
    cs.command(PresentToken(token="TAG1", evse=1, request_id="r2"))
    followed = {note.name: note.request_id for note in cs.notes if note.request_id is not None}
    assert followed["authorized"] in {"r1", "r2"}
    assert followed["transaction_started"] == followed["transaction_accepted"] == "r1"
    assert followed["transaction_stopped"] == "r2"
