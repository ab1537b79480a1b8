"""Cards at readers of their own and at the shared one."""

from __future__ import annotations

import pytest
from fakes.twins import Bench

from twin.model.effects import AuthorizationAsked, SessionEnded
from twin.model.inputs import AuthorizationAnswered, PlugIn, PresentToken, TokenInfo
from twin.model.terms import AuthorizationStatus, Status

ACCEPTED = TokenInfo(AuthorizationStatus.ACCEPTED)


def accepted(**settings):
    bench = Bench(settings=settings)
    bench.accept()
    return bench


def answer(bench, info=ACCEPTED):
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(info))


@pytest.mark.parametrize("plugged", [(), (1,), (1, 2)])
def test_a_card_shown_twice_at_the_shared_reader_is_asked_about_once(plugged):
    bench = accepted()
    for number in plugged:
        bench.command(PlugIn(evse=number))
    bench.command(PresentToken(token="A"))
    bench.command(PresentToken(token="a"))
    assert len(bench.reports(AuthorizationAsked)) == 1


def test_a_02_the_owner_stops_at_the_shared_reader_without_a_question():
    bench = accepted()
    bench.command(PlugIn(evse=2))
    bench.command(PresentToken(token="A"))
    answer(bench)
    bench.command(PresentToken(token="a"))
    assert len(bench.reports(AuthorizationAsked)) == 1
    assert bench.last(SessionEnded).token == "a"


def test_b1_a_card_shown_a_second_time_takes_the_attempt_back():
    bench = accepted()
    bench.command(PresentToken(evse=1, token="A"))
    answer(bench)
    assert bench.evse().status is Status.PREPARING
    bench.command(PresentToken(evse=1, token="A"))
    assert bench.evse().status is Status.AVAILABLE
    assert not bench.evse().authorized
