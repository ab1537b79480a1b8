"""What a decision on a card leads to: groups, waiting for a plug, faults in between."""

from __future__ import annotations

from fakes.twins import Bench

from twin.model.effects import AuthorizationAsked, SessionEnded, SessionStarted
from twin.model.inputs import (
    AuthorizationAnswered,
    ClearFault,
    LinkDown,
    PlugIn,
    PresentToken,
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
