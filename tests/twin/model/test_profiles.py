"""Which charging profiles a twin takes and keeps, and what it says of them."""

from __future__ import annotations

import math

import pytest
from fakes.profiles import DAY, DEFAULT, MAX, TX, profile
from fakes.smart_charging import amps, ask, box, charge, charging, composite, know, limit, noted, put, set_clock
from fakes.twins import NOON, Bench

from twin.model.asked import (
    ClearChargingProfile,
    GetCompositeSchedule,
    Reset,
    SetChargingProfile,
)
from twin.model.effects import (
    Answered,
    Changed,
    CompositeAnswered,
    Refusal,
)
from twin.model.inputs import (
    PressStop,
    SetPowered,
    Unplug,
)
from twin.model.spec import EvseSpec, OnRestart
from twin.model.terms import (
    LimitSource,
    ProfileKind,
    RateUnit,
    Recurrency,
    ResetKind,
    Status,
)

# --- SetChargingProfile: checks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 99, -1])
def test_sc_01_an_unknown_connector_is_an_error(number):
    bench = box()
    refusal = put(bench, number, 16)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "PropertyConstraintViolation"
    assert "profiles" not in bench.twin.dump()


@pytest.mark.parametrize(
    ("number", "purpose", "word"),
    [
        (0, MAX, "Accepted"),
        (1, MAX, "Rejected"),
        (0, TX, "Rejected"),
        (1, TX, "Accepted"),
        (0, DEFAULT, "Accepted"),
        (1, DEFAULT, "Accepted"),
    ],
)
def test_sc_03_each_purpose_has_its_connectors(number, purpose, word):
    assert put(charging(), number, 16, purpose=purpose) == word


def test_sc_04_a_tx_profile_needs_a_transaction():
    bench = box((EvseSpec(), EvseSpec()))
    assert put(bench, 1, 16, purpose=TX) == "Rejected"
    charge(bench, 1)
    assert put(bench, 2, 16, purpose=TX) == "Rejected"
    assert put(bench, 1, 16, purpose=TX) == "Accepted"
    bench.command(PressStop(evse=1))
    assert put(bench, 1, 16, purpose=TX) == "Rejected"


def test_sc_05_a_transaction_id_names_the_one_that_runs():
    bench = box()
    charge(bench)
    assert put(bench, 1, 16, purpose=TX, transaction_id=7) == "Rejected"  # nobody can know it yet
    know(bench)
    assert put(bench, 1, 16, purpose=TX, transaction_id=8) == "Rejected"
    assert put(bench, 1, 16, purpose=TX, transaction_id=7) == "Accepted"
    assert put(bench, 1, 16, purpose=TX, id=2) == "Accepted"


@pytest.mark.parametrize(("number", "purpose"), [(0, MAX), (0, DEFAULT), (1, DEFAULT)])
def test_sc_05_only_a_tx_profile_names_a_transaction(number, purpose):
    assert put(charging(), number, 16, purpose=purpose, transaction_id=7) == "Rejected"


@pytest.mark.parametrize(
    "made",
    [
        profile((1, 16)),
        profile((0, 16), (60, 10), (60, 8)),
        profile((0, 16), (60, 10), (30, 8)),
        profile(),
        profile(16, recurrency=Recurrency.DAILY),
        profile(16, kind=ProfileKind.RECURRING, starts_at=NOON),
        profile(-1),
        profile(math.inf),
        profile(math.nan),
        profile((0, 16, 0)),
        profile((0, 16, 4)),
        profile(16, duration_s=0),
        profile(16, duration_s=-60),
        profile(16, min_rate=-0.1),
        profile(16, valid_from=NOON, valid_to=NOON),
        profile(16, stack_level=-1),
    ],
)
def test_sc_06_sc_07_what_makes_no_sense_is_rejected(made):
    bench = box()
    assert ask(bench, SetChargingProfile, evse=0, profile=made) == Answered("Rejected")
    assert not bench.notes("profile_set")


def test_sc_06_a_recurrency_of_something_that_does_not_recur_is_ignored():
    bench = charging()
    assert put(bench, 0, 16, recurrency=Recurrency.DAILY, kind=ProfileKind.RELATIVE) == "Accepted"
    assert amps(bench) == 16


@pytest.mark.parametrize(
    ("settings", "made", "word"),
    [
        ({"ProfileStackLevel": "3"}, profile(16, stack_level=3), "Accepted"),
        ({"ProfileStackLevel": "3"}, profile(16, stack_level=4), "Rejected"),
        ({"ProfileStackLevel": "0"}, profile(16, stack_level=0), "Accepted"),
        ({"PeriodsPerSchedule": "2"}, profile((0, 16), (1, 10)), "Accepted"),
        ({"PeriodsPerSchedule": "2"}, profile((0, 16), (1, 10), (2, 8)), "Rejected"),
        ({"RateUnit": "Current"}, profile(16), "Accepted"),
        ({"RateUnit": "Current"}, profile(7000, unit="W"), "Rejected"),
        ({"RateUnit": "Power"}, profile(16), "Rejected"),
        ({"Entries": "0"}, profile(16), "Rejected"),
    ],
)
def test_sc_07_k_41_k_42_k_43_k_45_the_keys_bound_what_is_taken(settings, made, word):
    bench = box(settings={f"SmartChargingCtrlr.{name}": value for name, value in settings.items()})
    assert ask(bench, SetChargingProfile, evse=0, profile=made) == Answered(word)


def test_sc_07_k_45_a_full_store_still_takes_what_replaces():
    bench = box(settings={"SmartChargingCtrlr.Entries": "2"})
    words = [put(bench, 0, 16, id=n, stack_level=n) for n in (1, 2, 3)]
    assert words == ["Accepted", "Accepted", "Rejected"]
    assert put(bench, 0, 10, id=9, stack_level=2) == "Accepted"
    assert put(bench, 0, 10, id=1, stack_level=5) == "Accepted"


def test_k_41_the_highest_level_also_bounds_their_number():
    bench = box(settings={"SmartChargingCtrlr.ProfileStackLevel": "2"})
    assert [put(bench, 0, 16, id=n, stack_level=n) for n in (0, 1, 2)] == ["Accepted", "Accepted", "Rejected"]
    assert put(bench, 0, 16, id=3, purpose=MAX) == "Accepted"


# --- Storage ----------------------------------------------------------------------------------------------------------


def test_sc_09_the_same_id_replaces_wherever_it_was():
    bench = charging()
    put(bench, 0, 16, id=5, stack_level=1)
    put(bench, 1, 10, id=5, stack_level=3)
    assert amps(bench) == 10
    ask(bench, ClearChargingProfile, id=5)
    assert amps(bench) == 32


def test_sc_09_the_same_purpose_and_level_replaces_on_the_same_connector():
    bench = charging(evses=(EvseSpec(), EvseSpec()))
    put(bench, 1, 16, id=1)
    put(bench, 2, 16, id=2)
    put(bench, 1, 10, id=3)
    assert noted(bench, "profile_cleared") == [(1, 1)]
    assert noted(bench, "profile_set") == [(1, 1), (2, 2), (1, 3)]
    assert amps(bench) == 10


def test_sc_09_another_level_or_purpose_is_added():
    bench = charging()
    put(bench, 0, 16, id=1)
    put(bench, 0, 10, id=2, stack_level=1)
    put(bench, 0, 20, id=3, purpose=MAX)
    put(bench, 1, 12, id=4, purpose=TX)
    assert not bench.notes("profile_cleared")


def test_sc_10_replacing_acts_at_once_though_the_new_one_begins_later():
    bench = charging()
    put(bench, 0, 10, id=1)
    put(bench, 0, 16, id=2, valid_from=bench.now + 60)
    assert amps(bench) == 32
    bench.wait(60)
    assert amps(bench) == 16


def test_sc_11_the_old_one_runs_until_the_new_one_is_in():
    bench = charging()
    put(bench, 0, 10, id=1)
    assert put(bench, 0, (5, 16), id=2) == "Rejected"
    assert amps(bench) == 10
    put(bench, 0, 16, id=2)
    assert amps(bench) == 16


def test_sc_12_profiles_survive_restart_reboot_and_power_cut():
    bench = charging()
    put(bench, 0, 16, id=1)
    put(bench, 1, 10, purpose=TX, id=2)
    bench.restart(alive=bench.now)
    assert amps(bench) == 10
    bench.accept(0)
    ask(bench, Reset, kind=ResetKind.HARD)
    bench.wait(60)
    bench.command(SetPowered(powered=False))
    bench.command(SetPowered(powered=True))
    bench.wait(60)
    bench.accept(0)
    charge(bench)
    assert (amps(bench), limit(bench).source) == (16, LimitSource.TX_DEFAULT_PROFILE)


def test_sc_13_a_tx_profile_goes_with_its_transaction():
    bench = charging()
    put(bench, 1, 10, purpose=TX, id=2)
    bench.command(PressStop(evse=1))
    assert noted(bench, "profile_cleared") == [(1, 2)]
    bench.command(Unplug(evse=1))
    charge(bench, token="B")
    assert amps(bench) == 32


def test_sc_13_a_tx_profile_goes_with_a_transaction_that_a_power_loss_ends():
    bench = charging(on_restart=OnRestart.POWER_LOSS)
    put(bench, 1, 10, purpose=TX, id=2)
    bench.restart(alive=bench.now)
    assert "profiles" not in bench.twin.dump()


def test_sc_14_a_default_profile_on_a_connector_takes_the_place_of_that_for_all_level_by_level():
    bench = charging(evses=(EvseSpec(), EvseSpec()))
    charge(bench, 2, token="B")
    put(bench, 0, 16, id=1)
    put(bench, 0, 12, id=2, stack_level=2, valid_from=bench.now + 60)
    put(bench, 2, 20, id=3)
    assert (amps(bench, 1), amps(bench, 2)) == (16, 20)
    bench.wait(60)
    assert (amps(bench, 1), amps(bench, 2)) == (12, 12)


def test_sc_20_both_bounds_are_allowed_in_a_tx_profile():
    bench = charging()
    put(bench, 1, 10, purpose=TX, valid_from=bench.now + 10, valid_to=bench.now + 20)
    found = []
    for _ in range(3):
        found.append(amps(bench))
        bench.wait(10)
    assert found == [32, 10, 32]


def test_an_evse_that_the_configuration_took_away_takes_its_profiles_with_it():
    bench = box((EvseSpec(), EvseSpec()))
    put(bench, 2, 16, id=1)
    put(bench, 1, 16, id=2)
    bench.spec = box().spec
    bench.restart()
    assert b'"id":1' not in bench.twin.dump()["profiles"]
    assert b'"id":2' in bench.twin.dump()["profiles"]


def test_a_box_that_lost_smart_charging_forgets_its_profiles():
    bench = box()
    put(bench, 0, 16)
    bench.settings |= Bench(settings={"DeviceDataCtrlr.SupportedProfiles": "Core"}).settings
    bench.restart()
    assert "profiles" not in bench.twin.dump()


# --- ClearChargingProfile ---------------------------------------------------------------------------------------------


def filled():
    bench = charging(evses=(EvseSpec(), EvseSpec()))
    put(bench, 0, 30, id=1, purpose=MAX)
    put(bench, 0, 16, id=2)
    put(bench, 0, 16, id=3, stack_level=1)
    put(bench, 2, 16, id=4)
    put(bench, 1, 16, id=5, purpose=TX)
    return bench


@pytest.mark.parametrize(
    ("fields", "gone"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"id": 3}, [3]),
        ({"id": 3, "evse": 2, "purpose": MAX, "stack_level": 7}, [3]),
        ({"id": 77, "evse": 0}, []),
        ({"evse": 0}, [1, 2, 3]),
        ({"evse": 2}, [4]),
        ({"evse": 99}, []),
        ({"purpose": DEFAULT}, [2, 3, 4]),
        ({"stack_level": 1}, [3]),
        ({"stack_level": 0, "purpose": DEFAULT}, [2, 4]),
        ({"stack_level": 0, "purpose": DEFAULT, "evse": 0}, [2]),
        ({"stack_level": 1, "purpose": TX}, []),
    ],
)
def test_sc_34_sc_35_what_matches_is_cleared(fields, gone):
    bench = filled()
    assert ask(bench, ClearChargingProfile, **fields) == Answered("Accepted" if gone else "Unknown")
    assert [profile_id for _, profile_id in noted(bench, "profile_cleared")] == gone


def test_sc_35_clearing_acts_at_once():
    bench = charging()
    put(bench, 0, 0)
    bench.effects.clear()
    ask(bench, ClearChargingProfile)
    assert bench.evse().status is Status.CHARGING
    assert bench.effects.index(Changed(("limit", 1))) < bench.effects.index(Changed(("meter", 1)))
    assert bench.twin.next_deadline() is None or bench.twin.next_deadline() > bench.now


# --- GetCompositeSchedule ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "duration_s"), [(2, 60), (-1, 60), (1, 0), (1, -5)])
def test_sc_36_what_cannot_be_computed_is_rejected(number, duration_s):
    assert ask(box(), GetCompositeSchedule, evse=number, duration_s=duration_s) == CompositeAnswered(number)


def test_sc_37_sc_41_without_profiles_it_is_the_hardware_s_maximum():
    bench = box()
    answer = ask(bench, GetCompositeSchedule, evse=1, duration_s=600)
    assert (answer.evse, answer.unit, answer.duration_s, answer.starts_at) == (1, RateUnit.A, 600, bench.now)
    assert composite(bench) == [(0, 32)]
    assert composite(bench, unit=RateUnit.W) == [(0, 22_080)]


def test_sc_37_it_begins_with_the_receipt_on_the_central_system_s_clock():
    bench = charging()
    set_clock(bench, bench.now + 100.75)
    put(bench, 0, (0, 10), (60, 16), starts_at=NOON + 110)
    answer = ask(bench, GetCompositeSchedule, evse=1, duration_s=600)
    assert answer.starts_at == NOON + 100.75
    assert composite(bench) == [(0, 32), (9, 10), (69, 16)]


def test_sc_40_all_that_is_active_is_merged_and_converted():
    bench = charging()
    put(bench, 0, (0, 16), (120, 16), (180, 25), id=1, purpose=MAX, starts_at=bench.now)
    put(bench, 1, (0, 6_900), (60, 13_800), id=2, purpose=TX, unit="W", duration_s=300)
    found = [(0, 10), (60, 16), (180, 20), (300, 25)]
    assert composite(bench, unit=RateUnit.A) == found
    assert composite(bench, unit=RateUnit.W) == [(second, limit * 690) for second, limit in found]


def test_sc_40_without_a_unit_it_is_that_of_the_profiles():
    bench = charging()
    put(bench, 0, 6_900, unit="W")
    assert ask(bench, GetCompositeSchedule, evse=1, duration_s=60).unit is RateUnit.W
    put(bench, 0, 10, purpose=MAX, id=2)
    assert ask(bench, GetCompositeSchedule, evse=1, duration_s=60).unit is RateUnit.A


def test_sc_08_sc_40_a_converted_limit_has_one_decimal_and_is_never_too_high():
    bench = charging()
    put(bench, 0, 11_000, unit="W")
    assert composite(bench, unit=RateUnit.A) == [(0, 15.9)]
    put(bench, 0, 8.1)
    assert composite(bench, unit=RateUnit.A) == [(0, 8.1)]


def test_sc_40_a_limit_below_six_amperes_is_told_as_it_is():
    bench = charging()
    put(bench, 0, 1_000, unit="W")
    assert composite(bench) == [(0, 1000)]
    assert bench.evse().status is Status.SUSPENDED_EVSE


def test_an_idle_connector_answers_as_if_somebody_began_now():
    bench = box()
    put(bench, 0, (0, 10), (60, 16))
    bench.wait(100)
    assert composite(bench) == [(0, 10), (60, 16)]


def test_sc_39_connector_0_is_the_sum_of_what_charges():
    bench = charging(evses=(EvseSpec(), EvseSpec(), EvseSpec()))
    charge(bench, 2, token="B")
    put(bench, 0, 16, id=1)
    put(bench, 2, (0, 10), (60, 20), id=2)
    assert composite(bench, 0) == [(0, 26), (60, 36)]
    assert composite(bench, 0, unit=RateUnit.W) == [(0, 26 * 690), (60, 36 * 690)]
    put(bench, 0, 20, id=3, purpose=MAX, duration_s=30)
    assert composite(bench, 0) == [(0, 20), (30, 26), (60, 36)]
    assert [composite(bench, number)[0] for number in (1, 2)] == [(0, 10), (0, 10)]


def test_sc_39_connector_0_of_an_idle_box_is_what_might_charge():
    bench = box((EvseSpec(), EvseSpec()))
    assert composite(bench, 0) == [(0, 64)]
    put(bench, 0, 40, purpose=MAX)
    assert composite(bench, 0) == [(0, 40)]


def test_sc_22_a_relative_station_profile_counts_from_when_it_came():
    bench = charging()
    bench.wait(1000)
    put(bench, 0, (0, 10), (60, 16), purpose=MAX)
    assert composite(bench) == [(0, 10), (60, 16)]
    bench.wait(59)
    assert amps(bench) == 10
    bench.wait(1)
    assert amps(bench) == 16


def test_direct_current_has_no_phases_in_a_composite_schedule():
    bench = box((EvseSpec(dc=True, max_a=200, voltage_v=400),))
    answer = ask(bench, GetCompositeSchedule, evse=1, duration_s=60)
    assert (answer.unit, answer.periods[0].limit, answer.periods[0].phases) == (RateUnit.W, 80_000, None)


def test_a_window_without_end_is_cut_and_says_so():
    bench = box()
    put(bench, 0, (0, 10), (3600, 20), starts_at=NOON, recurrency=Recurrency.DAILY)
    answer = ask(bench, GetCompositeSchedule, evse=1, duration_s=2**31 - 1)
    assert answer.duration_s == 500 * DAY
    assert answer.periods[-1].start_s < answer.duration_s


# --- At any time ------------------------------------------------------------------------------------------------------


def test_a_twin_with_profiles_but_nobody_charging_has_nothing_to_wait_for():
    bench = box()
    before = bench.twin.next_deadline()
    put(bench, 0, (0, 10), (60, 16), starts_at=bench.now)
    assert bench.twin.next_deadline() == before
    dumped = bench.twin.dump()["profiles"]
    assert bench.twin.dump()["profiles"] is dumped
