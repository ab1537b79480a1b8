"""Reservations over time, restarts and changed configurations."""

from __future__ import annotations

import msgspec
from fakes.twins import NOON, Bench

from twin.model.asked import CancelReservation, ReserveNow
from twin.model.effects import Answered, AuthorizationAsked, Booted, Reply, SessionStarted
from twin.model.inputs import AuthorizationAnswered, BootAnswered, PlugIn, PresentToken, TokenInfo
from twin.model.spec import EvseSpec, KeySpec
from twin.model.terms import AuthorizationStatus, Registration, Status


def reserve(bench: Bench, number: int = 1, evse: int = 1, seconds: float = 600.0, token: str = "A") -> str:
    request = ReserveNow(request_ref="r", reservation_id=number, evse=evse, token=token, until=bench.now + seconds)
    first = bench.request(request)[0]
    assert isinstance(first, Reply)
    return first.outcome.status


def test_r8_the_answer_comes_first():
    bench = Bench()
    assert reserve(bench) == "Accepted"
    effects = bench.request(CancelReservation(request_ref="c", reservation_id=1))
    assert effects[0] == Reply("c", Answered("Accepted"))


def test_rv_11_the_deadline_is_met_exactly_once_whatever_the_clocks_say():
    bench = Bench()
    bench.link_up()
    bench.answer(bench.last(Booted), BootAnswered(Registration.ACCEPTED, 0, NOON + 1234.567))
    until = bench.now + 1234.567 + 77.7
    bench.request(ReserveNow(request_ref="r", reservation_id=1, evse=1, token="A", until=until))
    assert bench.evse().status is Status.RESERVED
    bench.wait(78)
    assert len(bench.notes("reservation_ended")) == 1
    assert bench.evse().status is Status.AVAILABLE


def test_rv_15_what_expired_while_nothing_ran_ends_with_the_start():
    bench = Bench()
    reserve(bench)
    bench.now += 700
    bench.restart()
    assert bench.evse().status is Status.AVAILABLE
    (note,) = bench.notes("reservation_ended")
    assert note.fields == {"reservation_id": 1, "id_tag": "A", "until": NOON + 600, "reason": "expired"}


def test_rv_15_what_the_configuration_took_away_is_not_kept():
    bench = Bench()
    reserve(bench, 1, 1)
    reserve(bench, 2, 2)
    bench.spec = msgspec.structs.replace(bench.spec, evses=(EvseSpec(),))
    bench.restart()
    assert [note.fields["reservation_id"] for note in bench.notes("reservation_ended")] == [2]
    assert bench.evse().reservation_id == 1
    bench.settings = {"DeviceDataCtrlr.SupportedProfiles": KeySpec("Core")}
    bench.restart()
    assert bench.evse().status is Status.AVAILABLE


def test_rv_10_the_end_follows_from_the_swipe():
    bench = Bench()
    bench.accept()
    reserve(bench)
    bench.command(PlugIn(evse=1))
    bench.command(PresentToken(evse=1, token="a", request_id="swipe"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(TokenInfo(AuthorizationStatus.ACCEPTED)))
    assert bench.last(SessionStarted).reservation_id == 1
    (note,) = bench.notes("reservation_ended")
    assert (note.evse, note.fields["reason"], note.request_id) == (1, "used", "swipe")
