"""Hardware, cars and profiles merged, against a second evaluation that goes second by second."""

from __future__ import annotations

import pytest
from fakes import naive_charging as naive
from fakes.profiles import DEFAULT, MAX, MONDAY, TX, profile, stacks
from hypothesis import given
from hypothesis import strategies as st

from twin.model.plan import MAX_INTERVALS, Outlet, Plan
from twin.model.schedule import Layer
from twin.model.spec import EvseSpec, EvSpec
from twin.model.terms import LimitSource, RateUnit, Recurrency

BEGAN = float(MONDAY)
AC = EvseSpec()
ONE_PHASE = EvseSpec(phases=1)
DC = EvseSpec(dc=True, max_a=200, voltage_v=400)


def layers(*found, began=BEGAN):
    return tuple(Layer(one, began) for one in sorted(found, key=lambda one: -one.stack_level))


def outlet(spec=AC, phases=None, number=1, **fields):
    return Outlet(number, spec, spec.lines if phases is None else phases, **fields)


def only(plan, at=BEGAN):
    ceilings, _ = plan.at(at)
    assert len(ceilings) == 1
    return ceilings[0]


def with_tx(one, spec=AC, phases=None, **more):
    return only(Plan((outlet(spec, phases, tx=layers(one)),), **more))


def test_sc_19_without_profiles_the_hardware_bounds():
    found = only(Plan((outlet(),)))
    assert (found.rate.a, found.rate.w, found.source) == (32, 22_080, LimitSource.HARDWARE)
    limited = only(Plan((outlet(EvseSpec(max_w=11_040)),)))
    assert (limited.rate.a, limited.rate.w) == (16, 11_040)


@pytest.mark.parametrize(
    ("made", "spec", "phases", "a", "w"),
    [
        (profile(16), AC, 3, 16, 11_040),
        (profile(16), AC, 1, 16, 3_680),
        (profile(11_040, unit="W"), AC, 3, 16, 11_040),
        # SC-27: a limit for three phases is taken unchanged for the one that is in use.
        (profile((0, 6_900, 3), unit="W"), AC, 1, 30, 6_900),
        (profile((0, 10, 3)), ONE_PHASE, 1, 10, 2_300),
        (profile(6_900, unit="W"), AC, 1, 30, 6_900),
        # SC-28: a limit for one phase bounds the total all the same where the box cannot switch.
        (profile((0, 4_140, 1), unit="W"), AC, 3, 6, 4_140),
        (profile(40_000, unit="W"), DC, 1, 100, 40_000),
        (profile(100), DC, 1, 100, 40_000),
    ],
)
def test_sc_26_sc_27_units_are_converted_by_nominal_voltage_and_phases(made, spec, phases, a, w):
    found = with_tx(made, spec, phases)
    assert (found.rate.a, found.rate.w, found.phases) == (pytest.approx(a), pytest.approx(w), phases)


def test_sc_28_a_box_that_can_switches_to_one_phase():
    one = profile((0, 2_300, 1), unit="W")
    assert with_tx(one, switches=True)[0:2] == ((10, 2_300), 1)
    assert with_tx(profile((0, 2_300, 2), unit="W"), switches=True).phases == 1
    assert with_tx(profile(2_300, unit="W"), switches=True).phases == 3
    assert not with_tx(one).enough  # 3.3 A on each of three phases


@pytest.mark.parametrize(
    ("limit", "spec", "enough"), [(0, AC, False), (5.9, AC, False), (6, AC, True), (0, DC, False), (1, DC, True)]
)
def test_sc_29_less_than_six_amperes_cannot_be_offered(limit, spec, enough):
    assert with_tx(profile(limit), spec).enough is enough


def test_sc_17_a_tx_profile_overrules_the_default_one_upwards_too():
    of = {"tx": layers(profile(20, purpose=TX, id=2)), "default": layers(profile(10, id=1))}
    found = only(Plan((outlet(**of),)))
    assert (found.rate.a, found.source, found.profile_id) == (20, LimitSource.TX_PROFILE, 2)


def test_sc_17_the_least_of_both_purposes_counts():
    def source(tx, maximum):
        plan = Plan((outlet(tx=layers(profile(tx, purpose=TX))),), layers(profile(maximum, purpose=MAX, id=9)))
        found = only(plan)
        return found.rate.a, found.source, found.profile_id

    assert source(20, 10) == (10, LimitSource.CHARGE_POINT_MAX_PROFILE, 9)
    assert source(10, 20) == (10, LimitSource.TX_PROFILE, 1)
    assert source(50, 60) == (32, LimitSource.HARDWARE, None)


def test_sc_17_where_a_tx_profile_is_over_the_default_one_counts_again():
    one = outlet(tx=layers(profile(20, purpose=TX, duration_s=60)), default=layers(profile(10)))
    assert [only(Plan((one,)), BEGAN + s).rate.a for s in (59, 60)] == [20, 10]


def test_a_car_that_takes_less_is_the_reason():
    car = EvSpec(max_a=10)
    found = only(Plan((outlet(tx=layers(profile(16, purpose=TX)), car=car),)))
    assert (found.rate.a, found.source, found.profile_id) == (10, LimitSource.EV, None)
    alone = only(Plan((outlet(car=car),), layers(profile(16, purpose=MAX))))
    assert (alone.rate.a, alone.source) == (10, LimitSource.EV)


def test_sc_29_a_car_that_takes_less_than_six_amperes_is_offered_six():
    assert only(Plan((outlet(car=EvSpec(max_a=4)),))).enough
    assert not only(Plan((outlet(car=EvSpec(max_a=4), tx=layers(profile(5, purpose=TX))),))).enough


def rates(plan, unit=RateUnit.A):
    return [ceiling.rate.of(unit) for ceiling in plan.at(BEGAN)[0]]


def test_sc_18_the_station_s_limit_is_shared():
    maximum = layers(profile(32, purpose=MAX))
    two = (outlet(number=1), outlet(number=2))
    assert rates(Plan(two, maximum)) == [16, 16]
    assert rates(Plan((two[0], two[1]._replace(tx=layers(profile(10, purpose=TX)))), maximum)) == [22, 10]
    assert rates(Plan((two[0]._replace(car=EvSpec(max_a=10)), two[1]), maximum)) == [10, 22]


def test_sc_18_a_car_that_takes_nothing_is_kept_ready_with_six_amperes():
    plan = Plan((outlet(number=1), outlet(number=2, eager=False)), layers(profile(32, purpose=MAX)))
    assert rates(plan) == [26, 6]


def test_sc_18_too_little_for_two_is_given_to_the_first():
    plan = Plan((outlet(number=1), outlet(number=2)), layers(profile(10, purpose=MAX)))
    assert rates(plan) == [10, 0]
    assert [ceiling.enough for ceiling in plan.at(BEGAN)[0]] == [True, False]


def test_sc_18_a_minimum_charging_rate_is_weighed():
    tx = layers(profile(32, purpose=TX, min_rate=16))
    plan = Plan((outlet(number=1, tx=tx), outlet(number=2)), layers(profile(20, purpose=MAX)))
    assert rates(plan) == [20, 0]


def test_sc_18_who_is_paused_by_a_profile_of_its_own_leaves_all_to_the_others():
    paused = outlet(number=1, tx=layers(profile(5, purpose=TX)))
    assert rates(Plan((paused, outlet(number=2)), layers(profile(30, purpose=MAX))))[1] == 30


@given(stacks(MAX), st.lists(st.tuples(stacks(TX), stacks(DEFAULT), st.booleans()), max_size=4))
def test_sc_18_all_together_never_draw_more_than_the_station_may(maximum, found):
    outlets = tuple(
        outlet(number=number, tx=layers(*tx), default=layers(*default), eager=eager)
        for number, (tx, default, eager) in enumerate(found, start=1)
    )
    plan = Plan(outlets, layers(*maximum))
    for second in range(MONDAY, MONDAY + 400, 7):
        rule = naive.ruling(maximum, second, MONDAY)
        if rule is not None:
            unit = rule[0].schedule.unit
            drawn = [one.rate.of(unit) for one in plan.at(second)[0] if one.enough]
            assert sum(drawn) <= rule[1].limit + 1e-6


CASES = st.fixed_dictionaries(
    {"tx": stacks(TX), "default": stacks(DEFAULT), "own_default": stacks(DEFAULT), "maximum": stacks(MAX)}
)


@given(CASES, st.sampled_from([AC, ONE_PHASE, EvseSpec(max_w=7_360)]), st.integers(-60, 60))
def test_sc_17_sc_37_sc_41_a_plan_says_each_second_what_the_naive_reading_says(case, spec, late):
    phases, began = spec.phases, float(MONDAY + late)
    levels = {one.stack_level for one in case["own_default"]}
    default = [*case["own_default"], *(one for one in case["default"] if one.stack_level not in levels)]
    one = outlet(spec, tx=layers(*case["tx"], began=began), default=layers(*default, began=began))
    plan = Plan((one,), layers(*case["maximum"], began=began), schedule=True)

    def value(second):
        return naive.allowed_a(MONDAY + second, began, spec=spec, phases=phases, **case)

    for second, ceilings in plan.from_second(BEGAN, 400):
        assert ceilings[0].rate.a == pytest.approx(value(second))
        assert ceilings[0].rate.w == pytest.approx(value(second) * phases * 230)
    starts = {second for second, _ in plan.from_second(BEGAN, 400)}
    assert {second for second, _ in naive.composite(400, value)} <= starts


def test_sc_41_recurrences_inside_the_window_count():
    one = profile((0, 10), starts_at=MONDAY, recurrency=Recurrency.DAILY, duration_s=3600)
    plan = Plan((outlet(default=layers(one)),), schedule=True)
    found = [(second, ceilings[0].rate.a) for second, ceilings in plan.from_second(BEGAN, 2 * 86_400)]
    assert found == [(0, 10), (3600, 32), (86_400, 10), (90_000, 32)]


@pytest.mark.parametrize(("at", "second"), [(9.25, 9), (9.75, 10), (10.0, 10)])
def test_sc_41_a_boundary_between_two_seconds_is_rounded(at, second):
    one = profile((0, 10), starts_at=MONDAY + at)
    plan = Plan((outlet(default=layers(one)),), schedule=True)
    assert [(n, ceilings[0].rate.a) for n, ceilings in plan.from_second(BEGAN, 60)] == [(0, 32), (second, 10)]


def test_a_window_without_end_is_looked_at_a_piece_at_a_time():
    one = profile((0, 10), (3600, 20), starts_at=MONDAY, recurrency=Recurrency.DAILY)
    found = Plan((outlet(default=layers(one)),)).from_second(BEGAN, 2**31)
    assert next(second for count, (second, _) in enumerate(found) if count == MAX_INTERVALS) == 500 * 86_400
