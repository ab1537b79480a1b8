"""Meters from outside in a session, and reports that overtake its start."""

from __future__ import annotations

import pytest
from fakes.twins import Bench

from twin.model.asked import SetVariable, Trigger
from twin.model.effects import AuthorizationAsked, Metered, SessionEnded, SessionStarted
from twin.model.inputs import (
    AuthorizationAnswered,
    PlugIn,
    PresentToken,
    PressStop,
    ReportMeter,
    StartAnswered,
    TokenInfo,
    Unplug,
    UnplugEvSide,
)
from twin.model.spec import EvseSpec, EvSpec
from twin.model.terms import AuthorizationStatus, Measurand, Quantity, ReadingContext, Status, StopReason

ACCEPTED = TokenInfo(AuthorizationStatus.ACCEPTED)


def started(ev=None, *, lock=True, **settings):
    bench = Bench(evses=(EvseSpec(lock=lock),), settings=settings)
    bench.accept()
    bench.command(PlugIn(evse=1, ev=ev))
    bench.command(PresentToken(evse=1, token="A"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    return bench


def test_a_22_a_real_register_uses_up_the_allowance_too():
    bench = started(**{"TxCtrlr.MaxEnergyOnInvalidId": "500"})
    bench.command(ReportMeter(evse=1, values={Quantity.ENERGY_WH: 1000.0}))
    bench.answer(bench.last(SessionStarted), StartAnswered(1, TokenInfo(AuthorizationStatus.BLOCKED)))
    bench.command(ReportMeter(evse=1, values={Quantity.ENERGY_WH: 1400.0}))
    bench.wait(1)
    assert not bench.reports(SessionEnded)
    bench.command(ReportMeter(evse=1, values={Quantity.ENERGY_WH: 1600.0}))
    bench.wait(1)
    assert bench.last(SessionEnded).reason is StopReason.DE_AUTHORIZED


def test_a_full_simulated_car_at_a_real_power_sensor_is_not_due_for_ever():
    bench = started(ev=EvSpec(battery_kwh=1, soc_pct=99))
    bench.command(ReportMeter(evse=1, values={Quantity.POWER_W: 7000.0}))
    bench.now += 3600
    bench.take(bench.twin.tick(bench.now))
    due = bench.twin.next_deadline()
    assert due is not None
    assert due > bench.now


def test_x_05_triggered_values_that_overtake_the_start_name_no_transaction():
    bench = started()
    bench.request(Trigger(request_ref="r", message="MeterValues", evse=1))
    assert bench.last(Metered).session_id is None
    bench.answer(bench.last(SessionStarted), StartAnswered(7, ACCEPTED))
    bench.request(Trigger(request_ref="r", message="MeterValues", evse=1))
    assert bench.last(Metered).session_id == bench.last(SessionStarted).session_id


@pytest.mark.parametrize(("line", "share"), [("L1", 1.0), ("L3", 0.0)])
def test_v_19_a_phase_that_the_car_does_not_use_carries_no_power(line, share):
    measurands = {"SampledDataCtrlr.TxUpdatedMeasurands": f"Power.Active.Import,Power.Active.Import.{line}"}
    bench = started(ev=EvSpec(phases=1, max_a=16), **measurands)
    bench.answer(bench.last(SessionStarted), StartAnswered(7, ACCEPTED))
    bench.request(Trigger(request_ref="r", message="MeterValues", evse=1))
    total, phase = bench.last(Metered).readings[0].samples
    assert (phase.phase, phase.value) == (line, total.value * share)


def test_x_16_a_transaction_keeps_a_fixed_cable_however_often_it_is_unplugged():
    bench = started(lock=False, **{"TxCtrlr.StopTxOnEVSideDisconnect": "false"})
    bench.command(UnplugEvSide(evse=1))
    before = bench.evse()
    bench.command(Unplug(evse=1))
    assert bench.evse() == before
    assert (before.status, before.error_info) == (Status.SUSPENDED_EV, "EV side disconnected")


def test_v_24_data_asked_for_during_the_transaction_begins_with_its_begin():
    bench = started()
    bench.wait(61)
    name = "SampledDataCtrlr.TxEndedMeasurands"
    register = Measurand.ENERGY_ACTIVE_IMPORT_REGISTER
    bench.request(SetVariable(request_ref="r", name=name, value=register, label="StopTxnSampledData"))
    bench.wait(60)
    bench.command(PressStop(evse=1))
    begin, *_, end = bench.last(SessionEnded).readings
    assert (begin.context, begin.samples[0].value) == (ReadingContext.TRANSACTION_BEGIN, 0)
    assert (end.context, end.samples[0].value) == (
        ReadingContext.TRANSACTION_END,
        bench.last(SessionEnded).meter_stop_wh,
    )
