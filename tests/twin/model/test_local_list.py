"""The local list as a twin keeps it: what it stores, and what it says of a change."""

from __future__ import annotations

from fakes.twins import Bench

from twin.model.asked import GetLocalListVersion, ListEntry, SendLocalList
from twin.model.effects import Answered, Changed, Reply, VersionAnswered
from twin.model.terms import AuthorizationStatus

CARD = ListEntry("Card", AuthorizationStatus.ACCEPTED, "family", 5.0)


def test_r8_the_answer_comes_first_then_the_station_shows_the_version():
    bench = Bench()
    effects = bench.request(SendLocalList(request_ref="r", version=3, full=True, entries=(CARD,)))
    assert effects[0] == Reply("r", Answered("Accepted"))
    assert Changed(("station", 0)) in effects
    assert bench.twin.view(bench.now).station.local_list_version == 3


def test_ll_08_a_refusal_is_all_that_happens():
    bench = Bench()
    effects = bench.request(SendLocalList(request_ref="r", version=0, full=True, entries=(CARD,)))
    assert effects == [Reply("r", Answered("Failed"))]


def test_ll_10_the_list_is_a_part_of_its_own_that_is_stored_when_it_changes():
    bench = Bench()
    bench.request(SendLocalList(request_ref="r", version=3, full=True, entries=(CARD,)))
    stored = bench.twin.dump()["list"]
    assert bench.twin.dump()["list"] is stored
    bench.restart()
    assert bench.twin.dump()["list"] == stored
    bench.request(GetLocalListVersion(request_ref="v"))
    assert bench.replies()[-1] == VersionAnswered(3)
    bench.request(SendLocalList(request_ref="r", version=4, full=True))
    assert "list" not in bench.twin.dump()
