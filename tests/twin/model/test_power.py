"""How charging profiles act on a twin, in virtual time."""

from __future__ import annotations

import pytest
from fakes.profiles import DEFAULT, MAX, TX, profile
from fakes.smart_charging import OK, amps, ask, box, charge, charging, know, limit, noted, put, set_clock
from fakes.twins import NOON

from twin.model.asked import (
    ClearChargingProfile,
    RemoteStart,
)
from twin.model.effects import (
    AuthorizationAsked,
    Changed,
    Metered,
    Note,
    Reply,
    SessionStarted,
    StatusChanged,
    Tell,
)
from twin.model.inputs import (
    AuthorizationAnswered,
    LinkDown,
    PlugIn,
    PressStop,
    ReportMeter,
    SetEvReady,
    UnplugEvSide,
)
from twin.model.spec import EvseSpec, EvSpec
from twin.model.terms import (
    LimitSource,
    Measurand,
    Quantity,
    Status,
)

# --- What acts --------------------------------------------------------------------------------------------------------


def test_sc_17_sc_19_sc_30_sc_32_limits_come_and_go_with_profiles():
    bench = charging()
    bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))
    view = limit(bench)
    assert (view.allowed, view.limit_a, view.source, view.profile_id) == (True, 32, LimitSource.HARDWARE, None)
    bench.link_up()
    put(bench, 0, 16, id=1)
    assert (amps(bench), limit(bench).source, limit(bench).profile_id) == (16, LimitSource.TX_DEFAULT_PROFILE, 1)
    put(bench, 1, 20, id=2, purpose=TX)
    assert (amps(bench), limit(bench).source, limit(bench).profile_id) == (20, LimitSource.TX_PROFILE, 2)
    put(bench, 0, 8, id=3, purpose=MAX)
    assert (amps(bench), limit(bench).source, limit(bench).profile_id) == (8, LimitSource.CHARGE_POINT_MAX_PROFILE, 3)
    ask(bench, ClearChargingProfile, id=3)
    ask(bench, ClearChargingProfile, id=2)
    assert amps(bench) == 16
    ask(bench, ClearChargingProfile, id=1)
    assert amps(bench) == 32


def test_the_car_follows_at_once_and_meters_show_it():
    bench = charging(settings={"SampledDataCtrlr.TxUpdatedInterval": "60"})
    put(bench, 0, 16)
    assert bench.twin.view(bench.now).meters[0].power_w == 11_040
    assert bench.twin.view(bench.now).meters[0].current_l3_a == 16


def test_sc_22_limits_change_at_their_instants_and_energy_follows_exactly():
    bench = charging()
    put(bench, 1, (0, 10), (60, 20), (90, 8), purpose=TX)
    began, before = bench.now, bench.twin.view(bench.now).meters[0].energy_wh
    assert limit(bench).until == began + 60
    bench.now += 75.0  # late, as a busy machine is
    bench.take(bench.twin.tick(bench.now))
    assert limit(bench).until == began + 90
    energy = bench.twin.view(bench.now).meters[0].energy_wh - before
    assert energy == pytest.approx(690 * (10 * 60 + 20 * 15) / 3600)
    bench.wait(60)
    assert (amps(bench), limit(bench).until) == (8, None)


def test_energy_follows_limits_that_changed_while_the_program_was_away():
    bench = charging()
    put(bench, 1, (0, 10), (60, 0), (90, 20), purpose=TX)
    before = bench.twin.view(bench.now).meters[0].energy_wh
    alive, bench.now = bench.now, bench.now + 120
    bench.restart(alive)
    energy = bench.twin.view(bench.now).meters[0].energy_wh - before
    assert energy == pytest.approx(690 * (10 * 60 + 20 * 30) / 3600)


def test_a_limit_is_published_before_what_is_measured_under_it():
    bench = charging(settings={"SampledDataCtrlr.TxUpdatedInterval": "60"})
    put(bench, 1, (0, 10), (60, 16), purpose=TX)
    bench.effects.clear()
    bench.wait(60)
    metered = next(n for n, e in enumerate(bench.effects) if isinstance(e, Tell) and isinstance(e.report, Metered))
    assert Changed(("limit", 1)) in bench.effects[:metered]
    assert Changed(("meter", 1)) not in bench.effects[: bench.effects.index(Changed(("limit", 1)))]


def test_the_answer_comes_before_what_it_causes():
    bench = charging()
    bench.effects.clear()
    put(bench, 0, 0)
    kinds = [type(effect) for effect in bench.effects]
    assert kinds[:3] == [Reply, Note, Changed]
    assert StatusChanged in [type(e.report) for e in bench.effects if isinstance(e, Tell)]


def test_sc_29_a_pause_suspends_and_the_end_of_it_goes_on():
    bench = charging()
    put(bench, 0, (0, 0), (60, 5.9), (120, 6), starts_at=bench.now)
    assert bench.evse().status is Status.SUSPENDED_EVSE
    view = limit(bench)
    assert (view.allowed, view.limit_a, view.limit_w, view.source) == (False, 0, 0, LimitSource.TX_DEFAULT_PROFILE)
    assert view.until == bench.now + 120
    bench.wait(119)
    assert bench.evse().status is Status.SUSPENDED_EVSE
    assert bench.twin.view(bench.now).meters[0].power_w == 0
    bench.wait(1)
    assert bench.evse().status is Status.CHARGING
    words = [report.status for report in bench.reports(StatusChanged) if report.evse == 1]
    assert words[-3:] == [Status.CHARGING, Status.SUSPENDED_EVSE, Status.CHARGING]


def test_a_real_box_that_draws_on_in_a_pause_is_shown_as_charging():
    bench = charging()
    put(bench, 0, 0)
    for watts in (7000.0, 0.0):
        bench.command(ReportMeter(evse=1, values={Quantity.POWER_W: watts}))
        view = bench.twin.view(bench.now).evses[0]
        assert (view.status, view.charging) == (Status.SUSPENDED_EVSE, watts > 0)


def test_sc_29_a_pause_before_the_start_suspends_from_the_first_moment():
    bench = box()
    put(bench, 0, 0)
    charge(bench)
    assert [report.status for report in bench.reports(StatusChanged) if report.evse == 1][-1] is Status.SUSPENDED_EVSE
    assert bench.reports(SessionStarted)


def test_sc_29_a_car_that_is_not_ready_stays_the_lesser_reason():
    bench = charging()
    bench.command(SetEvReady(evse=1, ready=False))
    put(bench, 0, 0)
    assert bench.evse().status is Status.SUSPENDED_EVSE  # S-05
    ask(bench, ClearChargingProfile)
    assert bench.evse().status is Status.SUSPENDED_EV


def test_sc_29_direct_current_has_no_least_current():
    bench = charging(evses=(EvseSpec(dc=True, max_a=200, voltage_v=400),))
    put(bench, 0, 1000, unit="W")
    assert (bench.evse().status, limit(bench).limit_w, amps(bench)) == (Status.CHARGING, 1000, 2.5)
    put(bench, 0, 0, unit="W")
    assert bench.evse().status is Status.SUSPENDED_EVSE


def test_a_car_without_a_cable_is_not_offered_anything_but_still_suspended_by_the_profile():
    bench = charging(settings={"TxCtrlr.StopTxOnEVSideDisconnect": "false"})
    bench.command(UnplugEvSide(evse=1))
    assert bench.evse().status is Status.SUSPENDED_EV
    put(bench, 0, 0)
    assert bench.evse().status is Status.SUSPENDED_EVSE
    assert not limit(bench).allowed


def test_sc_26_offered_values_follow():
    items = "Current.Offered,Power.Offered"
    bench = charging(
        settings={
            "SampledDataCtrlr.TxUpdatedInterval": "60",
            "SampledDataCtrlr.TxUpdatedMeasurands": items,
        }
    )
    put(bench, 0, 5520, unit="W")
    bench.wait(60)
    values = {one.measurand: one.value for one in bench.last(Metered).readings[0].samples}
    assert values == {Measurand.CURRENT_OFFERED: 8, Measurand.POWER_OFFERED: 5520}


def test_sc_28_k_44_a_switch_to_one_phase_shows_in_the_meter():
    bench = charging(settings={"SmartChargingCtrlr.Phases3to1": "true"})
    put(bench, 0, (0, 16, 1), (60, 16, 3), starts_at=bench.now)
    view, meter = limit(bench), bench.twin.view(bench.now).meters[0]
    assert (view.phases, view.limit_w) == (1, 3680)
    assert (meter.current_l1_a, meter.current_l2_a) == (16, 0)
    bench.wait(60)
    assert limit(bench).phases == 3


def test_sc_28_phases_in_use_are_the_least_of_box_and_car():
    bench = charging(ev=EvSpec(phases=1))
    put(bench, 0, (0, 4600, 3), unit="W")
    assert (limit(bench).phases, amps(bench)) == (1, 20)


def test_a_car_s_own_limit_remains_the_source():
    bench = charging(ev=EvSpec(max_a=10))
    put(bench, 0, 16)
    put(bench, 0, 20, purpose=MAX, id=2)
    assert (amps(bench), limit(bench).source, limit(bench).profile_id) == (10, LimitSource.EV, None)


# --- Sharing ----------------------------------------------------------------------------------------------------------


def two():
    bench = charging(evses=(EvseSpec(), EvseSpec()))
    put(bench, 0, 32, purpose=MAX, id=9)
    assert amps(bench) == 32
    charge(bench, 2, token="B")
    return bench


def test_sc_18_who_charges_shares_and_gets_it_back():
    bench = two()
    assert (amps(bench, 1), amps(bench, 2)) == (16, 16)
    assert bench.twin.view(bench.now).meters[0].power_w == 11_040
    bench.effects.clear()
    bench.command(PressStop(evse=2))
    assert amps(bench, 1) == 32
    assert Changed(("limit", 1)) in bench.effects
    assert bench.twin.view(bench.now).meters[0].power_w == 22_080


def test_sc_18_a_car_that_is_full_or_not_ready_leaves_its_part_to_the_others():
    bench = two()
    bench.command(SetEvReady(evse=2, ready=False))
    assert (amps(bench, 1), amps(bench, 2)) == (26, 6)
    assert bench.evse(2).status is Status.SUSPENDED_EV
    bench.command(SetEvReady(evse=2, ready=True))
    assert (amps(bench, 1), amps(bench, 2)) == (16, 16)


def test_sc_18_a_full_battery_leaves_its_part_at_the_moment_it_is_full():
    bench = charging(evses=(EvseSpec(), EvseSpec()))
    put(bench, 0, 32, purpose=MAX, id=9)
    charge(bench, 2, ev=EvSpec(battery_kwh=1, soc_pct=50), token="B")
    assert amps(bench, 1) == 16
    bench.wait(500 / 11_040 * 3600 + 1)
    assert bench.evse(2).status is Status.SUSPENDED_EV
    assert amps(bench, 1) == 26


def test_sc_18_a_real_car_keeps_its_part_whatever_it_draws():
    bench = two()
    bench.command(ReportMeter(evse=2, values={Quantity.POWER_W: 0.0}))
    assert (amps(bench, 1), amps(bench, 2)) == (16, 16)


def test_sc_18_the_last_to_come_waits_where_it_does_not_suffice():
    bench = two()
    put(bench, 0, 10, purpose=MAX, id=9)
    assert [bench.evse(number).status for number in (1, 2)] == [Status.CHARGING, Status.SUSPENDED_EVSE]
    bench.command(PressStop(evse=1))
    assert bench.evse(2).status is Status.CHARGING


# --- The clock --------------------------------------------------------------------------------------------------------


def test_schedules_are_on_the_central_system_s_clock():
    bench = charging()
    put(bench, 0, (0, 10), (60, 16), starts_at=NOON + 3600)
    assert amps(bench) == 32
    set_clock(bench, bench.now + 3600)
    bench.wait(0)
    assert (amps(bench), limit(bench).until) == (10, NOON + 60)
    bench.wait(60)
    assert amps(bench) == 16
    set_clock(bench, bench.now)
    bench.wait(0)
    assert amps(bench) == 32


@pytest.mark.parametrize("ahead", [0.123456, 3599.1, 12_345.678901])
def test_a_clock_that_is_not_on_whole_seconds_misses_no_change(ahead):
    bench = charging()
    set_clock(bench, bench.now + 10 + ahead)
    bench.wait(0)
    now = bench.twin.view(bench.now)
    assert now.limits[0].limit_a == 32
    start = NOON + 20_000.0
    put(bench, 0, (0, 10), (1, 11), (2, 12), starts_at=start)
    bench.effects.clear()
    bench.wait(20_000)
    assert amps(bench) == 12
    assert sum(effect == Changed(("limit", 1)) for effect in bench.effects) < 20


def test_a_relative_profile_does_not_jump_with_the_clock():
    bench = charging()
    put(bench, 1, (0, 10), (60, 16), purpose=TX)
    set_clock(bench, bench.now + 3600)
    bench.wait(0)
    assert (amps(bench), limit(bench).until) == (10, NOON + 60)


# --- Remote start -----------------------------------------------------------------------------------------------------


def remote(bench, made, **fields):
    return ask(bench, RemoteStart, token="R", evse=1, profile=made, **fields).status


def test_r_08_sc_31_the_profile_of_a_remote_start_waits_for_its_transaction():
    bench = box(settings={"AuthCtrlr.AuthorizeRemoteStart": "true"})
    put(bench, 0, 12, id=1)
    assert remote(bench, profile(20, purpose=TX, id=2)) == "Accepted"
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(OK))
    bench.restart(bench.now)
    assert noted(bench, "profile_set") == [(None, 1)]
    bench.command(PlugIn(evse=1))
    assert noted(bench, "profile_set") == [(None, 1), (1, 2)]
    assert (amps(bench), limit(bench).source) == (20, LimitSource.TX_PROFILE)


def test_r_08_a_question_that_outlives_a_restart_keeps_the_profile():
    bench = box()
    remote(bench, profile(20, purpose=TX))
    bench.restart(bench.now)
    bench.accept(0)
    bench.command(PlugIn(evse=1))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(OK))
    assert amps(bench) == 20


def test_r_08_without_authorization_first():
    bench = box(settings={"AuthCtrlr.AuthorizeRemoteStart": "false"})
    bench.command(PlugIn(evse=1))
    assert remote(bench, profile(20, purpose=TX)) == "Accepted"
    assert amps(bench) == 20


@pytest.mark.parametrize(
    "made",
    [
        profile(20, purpose=DEFAULT),
        profile(20, purpose=MAX),
        profile(20, purpose=TX, transaction_id=7),
        profile((1, 20), purpose=TX),
        profile(20, purpose=TX, stack_level=99),
    ],
)
def test_r_08_a_profile_that_does_not_suit_is_rejected(made):
    bench = box()
    assert remote(bench, made) == "Rejected"
    assert not bench.reports(AuthorizationAsked)


def test_r_09_without_smart_charging_the_profile_is_ignored():
    bench = box(settings={"DeviceDataCtrlr.SupportedProfiles": "Core"})
    bench.command(PlugIn(evse=1))
    assert remote(bench, profile(10, purpose=DEFAULT)) == "Accepted"
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(OK))
    assert amps(bench) == 32


def test_r_08_an_attempt_that_ends_drops_the_profile():
    bench = box(settings={"TxCtrlr.EVConnectionTimeOut": "30", "AuthCtrlr.AuthorizeRemoteStart": "false"})
    remote(bench, profile(20, purpose=TX))
    bench.wait(60)
    charge(bench)
    assert amps(bench) == 32


def test_sc_31_a_later_profile_of_the_same_level_replaces_and_of_another_stacks():
    bench = box(settings={"AuthCtrlr.AuthorizeRemoteStart": "false"})
    bench.command(PlugIn(evse=1))
    remote(bench, profile(20, purpose=TX, id=1))
    know(bench, 7)
    put(bench, 1, 16, purpose=TX, id=2, transaction_id=7)
    assert noted(bench, "profile_cleared") == [(1, 1)]
    put(bench, 1, 10, purpose=TX, id=3, transaction_id=7, stack_level=1, duration_s=60)
    assert amps(bench) == 10
    bench.wait(60)
    assert amps(bench) == 16
