"""Cards at readers: double swipes, shared readers, restarts while a card waits."""

from __future__ import annotations

import pytest
from fakes.twins import NOON, Bench

from twin.model.effects import AuthorizationAsked, SessionEnded, SessionStarted
from twin.model.inputs import (
    AuthorizationAnswered,
    ClearFault,
    LinkDown,
    PlugIn,
    PresentToken,
    PressStop,
    SetFault,
    TokenInfo,
)
from twin.model.terms import AuthorizationStatus, ErrorCode, Status, StopReason

ACCEPTED = TokenInfo(AuthorizationStatus.ACCEPTED)
GROUP = TokenInfo(AuthorizationStatus.ACCEPTED, "family")


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


def test_a_03_a_group_that_is_learned_only_from_the_answer_stops_the_transaction():
    bench = accepted(**{"AuthCacheCtrlr.Enabled": "false"})
    bench.command(PlugIn(evse=1))
    bench.command(PresentToken(token="A"))
    answer(bench, GROUP)
    bench.command(PresentToken(token="B", request_id="stop"))
    answer(bench, GROUP)
    ended = bench.last(SessionEnded)
    assert (ended.reason, ended.token, ended.request_id) == (StopReason.LOCAL, "B", "stop")
    bench.command(PlugIn(evse=2))
    assert len(bench.reports(SessionStarted)) == 1


def test_a_card_decided_here_waits_connection_time_out_for_the_next_plug():
    bench = accepted(**{"TxCtrlr.EVConnectionTimeOut": "300", "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"})
    bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))
    bench.command(PresentToken(token="A"))
    bench.wait(299)
    bench.command(PlugIn(evse=2))
    assert bench.last(SessionStarted).token == "A"


def test_an_unanswered_card_does_not_spin_the_end_of_another_ones_wait():
    bench = accepted()
    bench.command(PresentToken(token="A"))
    answer(bench)
    bench.command(PresentToken(token="B"))
    bench.now += 61
    bench.take(bench.twin.tick(bench.now))
    due = bench.twin.next_deadline()
    assert due is not None
    assert due > bench.now


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


def test_who_was_granted_and_plugged_in_during_a_fault_charges_when_it_is_cleared():
    bench = accepted()
    bench.command(PresentToken(evse=1, token="A", request_id="swipe"))
    answer(bench)
    bench.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    bench.command(PlugIn(evse=1))
    assert not bench.reports(SessionStarted)
    bench.command(ClearFault(evse=1))
    assert bench.last(SessionStarted).request_id == "swipe"
    assert bench.evse().status is Status.CHARGING
