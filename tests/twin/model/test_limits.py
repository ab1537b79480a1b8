"""Whole twins with any profiles at all, against a reading of OCPP 1.6 that shares no code with them."""

from __future__ import annotations

import math
from itertools import count

import msgspec
import pytest
from fakes import naive_charging as naive
from fakes.profiles import DEFAULT, MAX, MONDAY, TX, profiles, stacks
from fakes.smart_charging import ONE, amps, ask, box, charge, charging, composite, limit
from fakes.twins import NOON
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from twin.errors import Rejected
from twin.model.asked import ClearChargingProfile, SetChargingProfile
from twin.model.effects import Answered
from twin.model.inputs import PlugIn, PressStop, ReportMeter, SetEvReady, Unplug
from twin.model.installed import Installed
from twin.model.spec import EvseSpec, EvSpec
from twin.model.terms import ProfilePurpose, Quantity, RateUnit, Status

SECONDS = 200


def moved(one):
    """Bring a profile that is about MONDAY to about noon of the first of January."""

    def late(at):
        return None if at is None else at + NOON - MONDAY

    schedule = replace(one.schedule, starts_at=late(one.schedule.starts_at))
    return replace(one, schedule=schedule, valid_from=late(one.valid_from), valid_to=late(one.valid_to))


CASES = st.fixed_dictionaries(
    {"default": stacks(DEFAULT), "own_default": stacks(DEFAULT), "tx": stacks(TX), "maximum": stacks(MAX)}
)
PLACES = {"default": 0, "own_default": 1, "tx": 1, "maximum": 0}


def with_profiles(found, late):
    """Give a twin that charges since NOON and got profiles `late` seconds after, and the naive reading of a second."""
    bench, ids = charging(), count(1)
    began = bench.now
    bench.wait(late)
    kept = {name: [] for name in found}
    for name, number in PLACES.items():
        for one in found[name]:
            numbered = replace(moved(one), id=next(ids))
            # Those that contradict themselves are refused.
            if ask(bench, SetChargingProfile, evse=number, profile=numbered) == Answered("Accepted"):
                kept[name].append(numbered)
    installed = bench.now

    def value(second):
        return naive.allowed_a(second, began, spec=ONE[0], phases=3, installed=installed, **kept)

    return bench, value


def energy(bench):
    return bench.twin.view(bench.now).meters[0].energy_wh


def expected_wh(value, start, seconds):
    amperes = (value(start + second) for second in range(seconds))
    return sum(690 * allowed for allowed in amperes if allowed >= 6) / 3600


@settings(max_examples=30, deadline=None)
@given(CASES, st.integers(0, 50))
def test_sc_15_to_sc_41_a_twin_does_each_second_what_the_naive_reading_says(found, late):
    bench, value = with_profiles(found, late)
    start, before = bench.now, energy(bench)
    expected = naive.composite(SECONDS, lambda second: math.floor(value(start + second) * 10 + 1e-6) / 10)
    assert composite(bench, duration_s=SECONDS, unit=RateUnit.A) == expected
    shown = limit(bench)
    for _ in range(SECONDS):
        allowed = value(bench.now)
        assert amps(bench) == pytest.approx(allowed if allowed >= 6 else 0, abs=1e-5)
        assert bench.evse().status is (Status.CHARGING if allowed >= 6 else Status.SUSPENDED_EVSE)
        # The next change comes when it was said to, and not before.
        changed = replace(limit(bench), until=None) != replace(shown, until=None)
        assert changed is (shown.until == bench.now)
        shown = limit(bench)
        bench.wait(1)
    assert energy(bench) - before == pytest.approx(expected_wh(value, start, SECONDS))


@settings(max_examples=30, deadline=None)
@given(CASES, st.integers(0, 50), st.booleans())
def test_energy_is_exact_though_the_program_is_late_or_away(found, late, away):
    bench, value = with_profiles(found, late)
    start, before = bench.now, energy(bench)
    bench.now += SECONDS
    if away:
        bench.restart(alive=start)
    else:
        bench.take(bench.twin.tick(bench.now))
    assert energy(bench) - before == pytest.approx(expected_wh(value, start, SECONDS))


EVSES = (EvseSpec(), EvseSpec(phases=1), EvseSpec(max_w=11_000))
_number = st.integers(1, 3)
STEPS = st.one_of(
    st.tuples(st.just("charge"), _number, st.sampled_from([None, EvSpec(max_a=13), EvSpec(battery_kwh=1, soc_pct=99)])),
    st.tuples(st.just("stop"), _number),
    st.tuples(st.just("unplug"), _number),
    st.tuples(st.just("ready"), _number, st.booleans()),
    st.tuples(st.just("meter"), _number, st.sampled_from([0.0, 3000.0])),
    st.tuples(st.just("put"), st.just(0), profiles(MAX)),
    st.tuples(st.just("put"), st.integers(0, 3), profiles(DEFAULT, 1)),
    st.tuples(st.just("put"), _number, profiles(TX, 1)),
    st.tuples(st.just("clear"), st.sampled_from(ProfilePurpose)),
    st.tuples(st.just("wait"), st.integers(1, 120)),
    st.tuples(st.just("restart"), st.integers(0, 120)),
)


def take(bench, step):
    match step:
        case ("charge", number, ev):
            charge(bench, number, ev, token=f"T{number}")
        case ("stop", number):
            bench.command(PressStop(evse=number))
        case ("unplug", number):
            bench.command(Unplug(evse=number))
        case ("ready", number, ready):
            bench.command(PlugIn(evse=number))
            bench.command(SetEvReady(evse=number, ready=ready))
        case ("meter", number, power_w):
            bench.command(ReportMeter(evse=number, values={Quantity.POWER_W: power_w}))
        case ("put", number, one):
            ask(bench, SetChargingProfile, evse=number, profile=moved(one))
        case ("clear", purpose):
            ask(bench, ClearChargingProfile, purpose=purpose)
        case ("wait", seconds):
            bench.wait(seconds)
        case ("restart", seconds):
            alive, bench.now = bench.now, bench.now + seconds
            bench.restart(alive)
            bench.accept(0)


def station_profile(bench):
    """Return the ChargePointMaxProfile from what would be stored, and since when; all here have the same level."""
    if (data := bench.twin.dump().get("profiles")) is None:
        return None
    entries = msgspec.convert(msgspec.json.decode(data)["d"], tuple[Installed, ...])
    return next(((one.profile, one.since) for one in entries if one.profile.purpose is MAX), None)


def check(bench):
    view = bench.twin.view(bench.now)
    for one, allowed, meter, owner in zip(view.evses, view.limits, view.meters, view.sessions, strict=True):
        assert allowed.allowed is (allowed.limit_w > 0)
        if owner.active and one.plugged:
            assert (one.status is Status.SUSPENDED_EVSE) is not allowed.allowed
        if one.meter_source == "simulated":
            assert meter.power_w <= allowed.limit_w + 1e-6
        assert allowed.until is None or allowed.until > bench.now
    if (found := station_profile(bench)) is not None:
        profile, since = found
        ruling, unit = naive.says(profile, bench.now, since), profile.schedule.unit
        drawn = sum(one.limit_a if unit is RateUnit.A else one.limit_w for one in view.limits)
        assert ruling is None or drawn <= ruling.limit + 1e-6
    due = bench.twin.next_deadline()
    assert due is None or due > bench.now


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_sc_18_sc_29_whatever_happens_limits_hold(steps):
    bench = box(EVSES)
    for step in steps:
        try:
            take(bench, step)
        except Rejected:
            continue
        bench.now = float(math.ceil(bench.now))  # the naive reading knows whole seconds only
        bench.wait(0)
        check(bench)
