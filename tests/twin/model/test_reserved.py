from __future__ import annotations

from fakes.twins import Bench

from twin.model import reserved, snapshot
from twin.model.box import Box
from twin.model.spec import EvseSpec
from twin.model.state import Reservation


def box(*kept: Reservation, evses: int = 2) -> Box:
    bench = Bench(evses=(EvseSpec(),) * evses)
    made = snapshot.fresh(bench.spec, {}, bench.now, bench.ids)
    made.station.reservations = list(kept)
    return made


def test_rv_07_an_evse_that_is_kept_admits_its_card_and_its_group_only():
    made = box(Reservation(1, 1, "A", 9e9, "F"))
    one, two = made.evses
    assert [reserved.admits(made, one, "a", None), reserved.admits(made, one, "B", "f")] == [True, True]
    assert [reserved.admits(made, one, "B", None), reserved.admits(made, one, "F", None)] == [False, False]
    assert reserved.admits(made, two, "B", None)


def test_rv_05_the_last_free_evse_is_for_those_who_were_promised_one():
    made = box(Reservation(1, 0, "A", 9e9), evses=1)
    (only,) = made.evses
    assert not reserved.admits(made, only, "B", None)
    assert reserved.admits(made, only, "A", None)


def test_rv_08_only_an_unknown_group_is_worth_a_question():
    made = box(Reservation(1, 1, "A", 9e9, "F"), Reservation(2, 2, "A", 9e9))
    one, two = made.evses
    assert reserved.hinges_on_parent(made, one, None)
    assert not reserved.hinges_on_parent(made, one, "G")
    assert not reserved.hinges_on_parent(made, two, None)


def test_rv_10_which_reservation_a_session_ends():
    own, any_one, groups = Reservation(1, 1, "A", 9e9), Reservation(2, 0, "A", 9e9), Reservation(3, 0, "Z", 8e9, "F")
    made = box(own, groups, any_one)
    one, two = made.evses
    assert reserved.ended_by(made, one, "A", "F") is own
    assert reserved.ended_by(made, one, "B", None) is None
    assert reserved.ended_by(made, two, "A", "F") is any_one
    assert reserved.ended_by(made, two, "B", "F") is groups
    assert reserved.ended_by(made, two, "B", "G") is None


def test_rv_11_it_ends_by_the_central_systems_clock():
    made = box()
    made.station.clock_offset_s = 100.0
    assert reserved.ends_at(made, Reservation(1, 1, "A", 1000.0)) == 900.0
