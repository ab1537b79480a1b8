from __future__ import annotations

import pytest
from fakes.twins import Bench
from hypothesis import given
from hypothesis import strategies as st

from twin.model import metering
from twin.model.asked import RemoteStart, Trigger
from twin.model.effects import AuthorizationAsked, Metered, Reading
from twin.model.inputs import AuthorizationAnswered, PlugIn, PresentToken, ReportMeter, TokenInfo, UseMeterSource
from twin.model.spec import EvseSpec, EvSpec
from twin.model.state import Register
from twin.model.terms import AuthorizationStatus, MeterSource, Quantity, ReadingContext


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)), max_size=20))
def test_v_17_a_register_never_falls(steps):
    register, now, last = Register(0.0), 0.0, 0.0
    for rate_w, seconds in steps:
        register.run(now, rate_w)
        now += seconds
        assert register.read(now) >= last - 1e-6
        last = register.read(now)


def test_a_register_knows_when_it_will_stand_where():
    register = Register(100.0, 50.0, 3600.0)
    assert register.when(60.0) == 110.0
    assert Register(0.0).when(1.0) is None


@pytest.mark.parametrize("item", ["Voltage", "Voltage.L1", "Voltage.L2-N", "Current.Import.L3", "SoC", "Frequency"])
def test_supported_items(item):
    assert metering.is_supported(item)


@pytest.mark.parametrize("item", ["Current.Export", "SoC.L1", "Voltage.L4", "voltage", "Frequency.L1", ""])
def test_unsupported_items(item):
    assert not metering.is_supported(item)


def test_v_15_a_measurand_is_reported_on_all_its_phases_and_v_14_numbers_agree():
    bench = Bench(settings={"SampledDataCtrlr.TxUpdatedMeasurands": "Voltage,Current.Import,Power.Active.Import"})
    bench.accept()
    bench.command(PlugIn(evse=1, ev=EvSpec(max_a=10, phases=3)))
    bench.command(PresentToken(evse=1, token="A"))
    bench.request(Trigger(request_ref="r", message="MeterValues", evse=1))
    samples = bench.last(Metered).readings[0].samples
    assert [(s.measurand, s.phase) for s in samples][:3] == [("Voltage", p) for p in ("L1-N", "L2-N", "L3-N")]
    assert len(samples) == 7


def test_the_first_external_energy_neither_falls_nor_jumps_in_a_session():
    bench = Bench(settings={"AuthorizeLater": ""})
    bench.command(ReportMeter(evse=1, values={Quantity.ENERGY_WH: 5000.0}))
    assert bench.twin.view(bench.now).meters[0].energy_wh == 5000.0  # nobody charges: the real register is taken over
    bench.command(ReportMeter(evse=1, values={Quantity.ENERGY_WH: 100.0}))  # the meter was swapped
    assert bench.twin.view(bench.now).meters[0].energy_wh == 5000.0
    bench.command(ReportMeter(evse=1, values={Quantity.ENERGY_WH: 160.0}))
    assert bench.twin.view(bench.now).meters[0].energy_wh == 5060.0


def test_power_alone_is_integrated_and_the_simulation_can_be_had_back():
    bench = Bench()
    bench.command(ReportMeter(evse=1, values={Quantity.POWER_W: 3600.0}))
    bench.wait(10)
    view = bench.twin.view(bench.now)
    assert view.meters[0].energy_wh == pytest.approx(10.0)
    assert view.evses[0].meter_source is MeterSource.MIXED
    bench.command(UseMeterSource(evse=1, source=MeterSource.SIMULATED))
    assert bench.twin.view(bench.now).meters[0].power_w == 0


@given(st.integers(2, 40), st.integers(0, 200))
def test_v_25_thinning_keeps_both_ends(limit, many):
    readings = [Reading(float(at), ReadingContext.SAMPLE_PERIODIC, ()) for at in range(many)]
    kept = metering.thinned(readings, limit)
    assert len(kept) <= max(limit, 2) or len(readings) <= limit
    assert kept[:1] == readings[:1]
    assert kept[-1:] == readings[-1:]


def test_direct_current_has_no_phases_and_bypasses_the_cars_own_charger():
    plaza = EvseSpec(max_a=375, voltage_v=400, max_w=150_000, dc=True)
    bench = Bench(evses=(plaza,), settings={"SampledDataCtrlr.TxUpdatedMeasurands": "Voltage,Current.Import"})
    bench.accept()
    bench.command(PlugIn(evse=1, ev=EvSpec(battery_kwh=77, soc_pct=20, max_a=16, phases=3)))
    bench.request(RemoteStart(request_ref="r", token="A", evse=1))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(TokenInfo(AuthorizationStatus.ACCEPTED)))
    view = bench.twin.view(bench.now)
    assert (view.limits[0].limit_w, view.limits[0].limit_a, view.limits[0].phases) == (150_000, 375, 1)
    assert (view.meters[0].current_l1_a, view.meters[0].current_l2_a, view.meters[0].voltage_l1_v) == (375, None, 400)
    bench.request(Trigger(request_ref="t", message="MeterValues", evse=1))
    assert [(s.value, s.phase) for s in bench.last(Metered).readings[0].samples] == [(400, None), (375, None)]
