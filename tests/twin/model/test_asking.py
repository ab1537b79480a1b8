"""Questions about cards: link losses, restarts, and late answers."""

from __future__ import annotations

from fakes.twins import NOON, Bench

from twin.model.effects import AuthorizationAsked, SessionStarted
from twin.model.inputs import AuthorizationAnswered, LinkDown, PlugIn, PresentToken, PressStop, TokenInfo
from twin.model.terms import AuthorizationStatus, Status

ACCEPTED = TokenInfo(AuthorizationStatus.ACCEPTED)


def accepted(**settings):
    bench = Bench(settings=settings)
    bench.accept()
    return bench


def answer(bench, info=ACCEPTED):
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(info))


def test_a_card_that_waited_too_long_over_a_restart_is_refused():
    bench = accepted()
    bench.command(PlugIn(evse=1))
    bench.command(PresentToken(evse=1, token="A"))
    answer(bench)
    bench.command(PressStop(evse=1))
    bench.command(PresentToken(evse=1, token="A", request_id="late"))
    bench.now += 3600
    bench.restart()
    bench.accept()
    assert len(bench.reports(SessionStarted)) == 1  # although the cache knows A
    (refused,) = bench.notes("authorization_failed")
    assert (refused.fields["status"], refused.request_id) == ("Timeout", "late")


def test_a_card_is_not_asked_about_twice_because_the_box_registers_again():
    bench = accepted()
    bench.command(PresentToken(evse=1, token="A"))
    bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))
    bench.accept()
    assert len(bench.reports(AuthorizationAsked)) == 1


def test_a_late_decision_lends_its_request_id_to_nothing_else():
    bench = accepted()
    bench.command(PresentToken(evse=1, token="A", request_id="swipe"))
    bench.command(PlugIn(evse=2))
    bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))
    bench.now = NOON + 60
    bench.take(bench.twin.tick(bench.now))
    finishing = [note for note in bench.notes("status_changed") if note.evse == 2][-1]
    assert (finishing.fields["status"], finishing.request_id) == (Status.FINISHING, None)
