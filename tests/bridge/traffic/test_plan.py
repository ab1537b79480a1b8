import math
import statistics
from dataclasses import replace
from random import Random

import pytest
from fakes.traffic import CAR, plan

from bridge.traffic.plan import CAR as OURS
from bridge.traffic.plan import Amount, Ending, Plan, Plans
from twin.model.spec import EvSpec

HOUR = 3600.0
MIDNIGHT = 1_767_571_200.0
MANY = 4000


def arrivals(one, hours, place="lot-1/1"):
    """Return when cars would come if each of them left at once."""
    at, number, found = MIDNIGHT, 0, []
    while True:
        number += 1
        at += one.wait_s(place, number, at)
        if at >= MIDNIGHT + hours * HOUR:
            return found
        found.append(at)


def test_arrivals_are_a_poisson_process():
    waits = [plan(arrivals_per_h=2.0).wait_s("lot-1/1", number, MIDNIGHT) for number in range(MANY)]
    assert statistics.mean(waits) == pytest.approx(1800, rel=4 / math.sqrt(MANY))
    assert statistics.stdev(waits) == pytest.approx(1800, rel=8 / math.sqrt(MANY))
    late = sum(wait > 3600 for wait in waits) / MANY
    assert late == pytest.approx(math.exp(-2), abs=0.03)


@pytest.mark.parametrize(("day", "busy", "calm"), [("home", 18, 3), ("work", 8, 22)])
def test_a_day_has_its_hours(day, busy, calm):
    one = plan(arrivals_per_h=10.0, day=day)
    found = arrivals(one, 24 * 30)
    assert len(found) == pytest.approx(10 * 24 * 30, rel=0.06), "as many as on average"
    hours = [int((at - MIDNIGHT) // HOUR) % 24 for at in found]
    assert hours.count(busy) > 4 * hours.count(calm)
    ahead = [int((at - MIDNIGHT) // HOUR) % 24 for at in arrivals(replace(one, utc_offset_s=2 * HOUR), 24 * 30)]
    assert ahead.count(busy - 2) == pytest.approx(hours.count(busy), rel=0.2)


def test_the_same_seed_draws_the_same_and_another_one_does_not():
    one = plan(first="any", energy=Amount(10_000, 0.5), dwell=Amount(HOUR, 0.5), cars=(CAR, EvSpec("other")))
    drawn = [one.visit("lot-1/1", number) for number in range(20)]
    assert drawn == [replace(one).visit("lot-1/1", number) for number in range(20)]
    assert drawn != [one.visit("lot-1/2", number) for number in range(20)]
    assert drawn != [replace(one, seed=2).visit("lot-1/1", number) for number in range(20)]
    assert one.wait_s("lot-1/1", 7, MIDNIGHT) == one.wait_s("lot-1/1", 7, MIDNIGHT + HOUR)


def test_what_is_drawn_is_the_same_in_every_version():
    one = plan(dwell=Amount(HOUR, 0.5))
    assert one.wait_s("lot-1/1", 1, MIDNIGHT) == pytest.approx(3642.904546, abs=1e-6)
    assert one.visit("lot-1/1", 1).dwell_s == pytest.approx(3239.020131, abs=1e-6)


@pytest.mark.parametrize("spread", [0.0, 0.2, 1.0])
def test_an_amount_has_its_mean_and_spread(spread):
    random = Random(1)
    drawn = [Amount(100.0, spread).draw(random) for _ in range(20_000)]
    assert min(drawn) > 0
    assert statistics.mean(drawn) == pytest.approx(100, rel=0.03)
    assert statistics.pstdev(drawn) == pytest.approx(100 * spread, rel=0.08, abs=1e-9)


def test_a_car_takes_what_it_is_to_take():
    for number in range(200):
        car = plan(energy=Amount(30_000, 1.0)).visit("lot-1/1", number).car
        assert 0 <= car.soc_pct <= 100
        assert car.battery_kwh >= 40
    assert statistics.mean(
        (car := plan(energy=Amount(20_000, 0.5)).visit("lot-1/1", number).car).battery_kwh * (100 - car.soc_pct) / 100
        for number in range(2000)
    ) == pytest.approx(20, rel=0.05)


def test_without_an_energy_a_car_comes_as_it_is():
    cars = [plan(cars=(CAR, EvSpec("other"))).visit("lot-1/1", number).car for number in range(500)]
    assert {car.name for car in cars} == {f"{OURS}{CAR.name}", f"{OURS}other"}
    assert all(20 <= car.soc_pct <= 80 for car in cars)
    assert {(car.battery_kwh, car.max_a, car.phases) for car in cars} == {(40.0, 16, 3), (60.0, None, None)}


def test_weights_count():
    one = plan(tags=((("A", "B"), 3.0), (("BLOCKED",), 1.0)), endings=((Ending.CARD, 1.0), (Ending.UNPLUG, 4.0)))
    drawn = [one.visit("lot-1/1", number) for number in range(MANY)]
    tokens = [visit.token for visit in drawn]
    assert tokens.count("BLOCKED") / MANY == pytest.approx(0.25, abs=0.03)
    assert tokens.count("A") / MANY == pytest.approx(0.375, abs=0.03)
    assert sum(visit.ending is Ending.UNPLUG for visit in drawn) / MANY == pytest.approx(0.8, abs=0.03)
    assert {visit.ending for visit in drawn} == {Ending.CARD, Ending.UNPLUG}


def test_who_has_no_card_begins_with_the_cable():
    visits = [plan(tags=(), first="card").visit("lot-1/1", number) for number in range(20)]
    assert {(visit.token, visit.card_first) for visit in visits} == {(None, False)}


def test_as_many_come_as_are_told():
    assert plan(arrivals_per_h=1.0, dwell=Amount(10.0)).per_day() == pytest.approx(24, rel=0.01)
    assert plan(arrivals_per_h=60.0, dwell=Amount(HOUR)).per_day() == pytest.approx(24, rel=0.02), "dwell bounds it"
    assert plan(arrivals_per_h=1.0, dwell=Amount(HOUR)).per_day() == pytest.approx(12, rel=0.01)
    assert plan(arrivals_per_h=1.0, dwell=Amount(HOUR), day="work").per_day() < 12


def test_the_first_plan_that_names_a_twin_counts():
    one, two = plan(), plan(seed=2)
    plans = Plans(((frozenset({"garage"}), ("lot-1*",), one), (frozenset(), ("*",), two)))
    assert [plans.of(twin) for twin in ("garage", "lot-12", "lot-22")] == [one, one, two]
    assert Plans().of("garage") is None
    assert (bool(plans), bool(Plans())) == (True, False)


def test_a_plan_is_a_value():
    assert plan() == plan()
    assert isinstance(hash(plan()), int)
    assert Plan(1.0, Amount(1.0), (CAR,)) != plan()
