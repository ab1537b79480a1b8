from __future__ import annotations

import pytest
from fakes.twins import Bench
from hypothesis import given
from hypothesis import strategies as st

from twin.model.asked import RemoteStart
from twin.model.inputs import PlugIn, PressStop, ReportMeter, SetPowered, Unplug, UseMeterSource
from twin.model.spec import EvseSpec, EvSpec
from twin.model.terms import MeterSource, Quantity, Status
from twin.model.twin import Twin
from twin.model.view import EvseView, MeterView

POWER, ENERGY, VOLTAGE = Quantity.POWER_W, Quantity.ENERGY_WH, Quantity.VOLTAGE_L1_V
SIMULATED_W = 16 * 3 * 230.0


def charging() -> Bench:
    """Give a twin whose car draws 11,040 W in the simulation."""
    bench = Bench(evses=(EvseSpec(max_a=16),), settings={"AuthCtrlr.AuthorizeRemoteStart": "false"})
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.request(RemoteStart(request_ref="r", token="A", evse=1))
    assert meter(bench).power_w == SIMULATED_W
    return bench


def meter(bench: Bench) -> MeterView:
    return bench.twin.view(bench.now).meters[0]


def evse(bench: Bench) -> EvseView:
    return bench.twin.view(bench.now).evses[0]


def say(bench: Bench, max_age_s: float | None = None, **values: float) -> None:
    known = {Quantity(name): value for name, value in values.items()}
    bench.command(ReportMeter(evse=1, values=known, max_age_s=max_age_s))


def use(bench: Bench, source: str, *values: Quantity, fallback: bool = False) -> None:
    bench.command(UseMeterSource(evse=1, source=MeterSource(source), values=values, fallback=fallback))


# --- Age --------------------------------------------------------------------------------------------------------------


def test_a_value_that_is_too_old_stands_and_is_marked():
    bench = charging()
    say(bench, 60, power_w=5000)
    bench.wait(59)
    assert not meter(bench).stale
    bench.wait(2)
    assert (meter(bench).stale, meter(bench).power_w) == (True, 5000)
    say(bench, 60, power_w=4000)
    assert (meter(bench).stale, meter(bench).power_w) == (False, 4000)


def test_age_counts_from_when_it_was_measured_and_ends_with_a_value_that_has_none():
    bench = charging()
    bench.command(ReportMeter(evse=1, values={POWER: 5000}, at=bench.now - 50, max_age_s=60))
    bench.wait(11)
    assert meter(bench).stale
    say(bench, power_w=5000)
    bench.wait(86_400)
    assert not meter(bench).stale


def test_zero_that_stands_in_for_a_silent_sensor_is_stale_at_once():
    bench = charging()
    say(bench, 0, power_w=0)
    assert (meter(bench).stale, meter(bench).power_w) == (True, 0)


def test_an_old_value_is_still_old_after_a_restart():
    bench = charging()
    say(bench, 60, power_w=5000)
    bench.twin = Twin.restore(bench.spec, bench.settings, bench.twin.dump(), bench.now, ids=bench.ids)
    bench.take(bench.twin.start(bench.now))
    bench.wait(61)
    assert meter(bench).stale


# --- Each value its own source ----------------------------------------------------------------------------------------


def test_with_a_fallback_the_simulation_takes_over_without_a_jump_and_gives_back():
    bench = charging()
    use(bench, "external", POWER, ENERGY, fallback=True)
    assert meter(bench).power_w == SIMULATED_W  # no sensor has said anything yet
    say(bench, 60, power_w=3600, energy_wh=1000)
    assert evse(bench).meter_source is MeterSource.EXTERNAL
    bench.wait(59)
    before = meter(bench).energy_wh
    bench.wait(1)
    assert meter(bench).energy_wh == pytest.approx(before)
    assert (meter(bench).power_w, meter(bench).stale) == (SIMULATED_W, True)
    assert evse(bench).meter_source is MeterSource.SIMULATED
    bench.wait(36)
    assert meter(bench).energy_wh == pytest.approx(before + SIMULATED_W / 100)
    say(bench, 60, power_w=3600, energy_wh=1000 + SIMULATED_W / 100 + 5)
    assert meter(bench).energy_wh == pytest.approx(before + SIMULATED_W / 100 + 5)
    assert meter(bench).power_w == 3600


def test_named_values_stay_simulated_whatever_sensors_say():
    bench = charging()
    say(bench, power_w=3600, voltage_l1_v=225)
    use(bench, "simulated", POWER)
    say(bench, power_w=3600, voltage_l1_v=226)
    assert (meter(bench).power_w, meter(bench).voltage_l1_v) == (SIMULATED_W, 226)
    use(bench, "external", POWER)
    assert meter(bench).power_w == 0  # until the sensor speaks
    say(bench, power_w=3600)
    assert meter(bench).power_w == 3600
    use(bench, "simulated", POWER)
    use(bench, "simulated")  # of all, as before: until a sensor speaks
    say(bench, power_w=3600)
    assert meter(bench).power_w == 3600


def test_all_external_but_one():
    bench = charging()
    use(bench, "external")
    assert meter(bench).power_w == 0
    use(bench, "simulated", POWER, ENERGY)
    assert meter(bench).power_w == SIMULATED_W
    use(bench, "external")
    assert (meter(bench).power_w, evse(bench).meter_source) == (0, MeterSource.EXTERNAL)


def test_a_real_register_beside_a_simulated_power():
    bench = charging()
    use(bench, "simulated", POWER)
    say(bench, energy_wh=500)
    assert meter(bench).power_w == SIMULATED_W
    bench.wait(3600)
    assert meter(bench).energy_wh == pytest.approx(0, abs=1)


# --- A register alone -------------------------------------------------------------------------------------------------


def test_power_follows_from_a_register_where_nothing_measures_it():
    bench = charging()
    say(bench, energy_wh=500)
    assert meter(bench).power_w == 0
    bench.wait(10)
    say(bench, energy_wh=510)
    assert meter(bench).power_w == pytest.approx(3600)
    assert evse(bench).charging
    bench.wait(10)
    say(bench, energy_wh=510)  # its next step is not due yet
    assert meter(bench).power_w == pytest.approx(3600)


def test_a_register_that_stands_still_is_a_car_that_takes_nothing():
    bench = charging()
    for energy in (500, 510):
        say(bench, energy_wh=energy)
        bench.wait(10)
    assert evse(bench).status is Status.CHARGING
    bench.wait(51)
    assert meter(bench).power_w == 0
    assert evse(bench).status is Status.SUSPENDED_EV
    say(bench, energy_wh=520)
    assert evse(bench).status is Status.CHARGING


def test_a_swapped_meter_says_nothing_about_power():
    bench = charging()
    for energy in (500, 510, 3, 13):
        say(bench, energy_wh=energy)
        assert meter(bench).power_w in (0, pytest.approx(3600))
        bench.wait(10)


# --- The register never falls -----------------------------------------------------------------------------------------

_names = st.lists(st.sampled_from([POWER, ENERGY, VOLTAGE]), unique=True, max_size=3).map(tuple)
_commands = st.one_of(
    st.builds(
        ReportMeter,
        evse=st.just(1),
        values=st.dictionaries(st.sampled_from([POWER, ENERGY]), st.floats(-1e4, 1e6), min_size=1),
        max_age_s=st.sampled_from([None, 0.0, 5.0, 60.0]),
    ),
    st.builds(
        UseMeterSource,
        evse=st.just(1),
        source=st.sampled_from([MeterSource.SIMULATED, MeterSource.EXTERNAL]),
        values=_names,
        fallback=st.booleans(),
    ),
    st.sampled_from(
        [
            PlugIn(evse=1, ev=EvSpec(battery_kwh=50, soc_pct=20)),
            Unplug(evse=1),
            SetPowered(powered=False),
            SetPowered(powered=True),
            PressStop(evse=1),
        ]
    ),
    st.sampled_from(["start", "restart"]),
)


@given(st.lists(st.tuples(_commands, st.sampled_from([0.0, 0.5, 7.0, 61.0, 3600.0])), max_size=25))
def test_v_17_whatever_is_switched_the_register_never_falls(story):
    bench = Bench(evses=(EvseSpec(max_a=16),), settings={"AuthCtrlr.AuthorizeRemoteStart": "false"})
    bench.accept()
    last = meter(bench).energy_wh
    for what, seconds in story:
        match what:
            case "start":
                bench.request(RemoteStart(request_ref="r", token="A", evse=1))
            case "restart":
                bench.twin = Twin.restore(bench.spec, bench.settings, bench.twin.dump(), bench.now, ids=bench.ids)
                bench.take(bench.twin.start(bench.now))
            case PressStop() if evse(bench).session_id is None or not bench.twin.wants_link:
                pass
            case _:
                bench.command(what)
        assert meter(bench).energy_wh >= last - 1e-6
        last = meter(bench).energy_wh
        bench.wait(seconds)
        assert meter(bench).energy_wh >= last - 1e-6
        last = meter(bench).energy_wh
        assert meter(bench).power_w >= -1e4


@given(st.lists(st.tuples(st.floats(0, 1e4), st.booleans(), st.sampled_from([1.0, 59.0, 61.0])), max_size=20))
def test_no_switch_by_itself_moves_the_register(story):
    bench = charging()
    for power, external, seconds in story:
        before = meter(bench).energy_wh
        if external:
            say(bench, 60, power_w=power)
            use(bench, "external", POWER, fallback=power > 5e3)
        else:
            use(bench, "simulated", POWER)
        assert meter(bench).energy_wh == pytest.approx(before)
        bench.wait(seconds)
