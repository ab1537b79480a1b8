from __future__ import annotations

import pytest
from fakes.twins import NOON, Bench

from twin.errors import Rejected, SnapshotError
from twin.model.asked import ChangeAvailability, RemoteStart, Reset, UnlockConnector
from twin.model.effects import (
    Answered,
    AuthorizationAsked,
    Booted,
    Metered,
    Power,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    Tell,
)
from twin.model.inputs import (
    AuthorizationAnswered,
    BootAnswered,
    Failed,
    LinkDown,
    PlugIn,
    PresentToken,
    PressStop,
    SetFault,
    SetPowered,
    StartAnswered,
    StopAnswered,
    TokenInfo,
    Unanswered,
    Unplug,
)
from twin.model.spec import EvSpec, OnRestart
from twin.model.terms import (
    AuthorizationStatus,
    ErrorCode,
    Gate,
    Registration,
    ResetKind,
    Status,
    StopReason,
)
from twin.model.twin import Twin

ACCEPTED = TokenInfo(AuthorizationStatus.ACCEPTED)


def charging(**spec):
    bench = Bench(**spec)
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.command(PresentToken(evse=1, token="A", request_id="swipe"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    bench.answer(bench.last(SessionStarted), StartAnswered(7, ACCEPTED))
    return bench


def test_b_02_nothing_but_boot_until_it_is_answered():
    bench = Bench()
    bench.command(PlugIn(evse=1))
    bench.link_up()
    assert [type(e.report) for e in bench.effects if isinstance(e, Tell)] == [Booted]
    assert bench.twin.gate is Gate.CLOSED
    bench.answer(bench.last(Booted), BootAnswered(Registration.ACCEPTED, 300, bench.now))
    assert [(s.evse, s.status) for s in bench.reports(StatusChanged)] == [
        (0, Status.AVAILABLE),
        (1, Status.PREPARING),
        (2, Status.AVAILABLE),
    ]


def test_one_request_id_follows_a_swipe_to_the_accepted_transaction():
    bench = charging()
    for name in ("authorized", "transaction_started", "transaction_accepted"):
        assert [note.request_id for note in bench.notes(name)] == ["swipe"]
    assert bench.evse().status is Status.CHARGING
    assert bench.evse().transaction_id == 7


def test_r5_a_late_answer_finds_its_question_whatever_happened_since():
    bench = Bench()
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.command(PresentToken(evse=1, token="A"))
    ask = bench.last(AuthorizationAsked)
    bench.command(Unplug(evse=1))
    bench.answer(ask, AuthorizationAnswered(ACCEPTED))
    assert bench.evse().status is Status.PREPARING
    bench.command(PlugIn(evse=1))
    assert bench.reports(SessionStarted)
    bench.answer(ask, AuthorizationAnswered(ACCEPTED))
    assert len(bench.reports(SessionStarted)) == 1


def test_x_09_a_card_without_a_plug_and_a_plug_without_a_card():
    bench = Bench()
    bench.accept()
    bench.command(PresentToken(evse=1, token="A"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    bench.command(PlugIn(evse=2))
    bench.wait(60)
    assert bench.evse(1).status is Status.AVAILABLE
    assert bench.evse(2).status is Status.FINISHING
    assert not bench.reports(SessionStarted)


def test_a_19_a_card_that_turns_out_invalid_stops_the_transaction_and_keeps_the_cable():
    bench = Bench()
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.request(RemoteStart(request_ref="r", token="A", evse=1))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    bench.answer(bench.last(SessionStarted), StartAnswered(1, TokenInfo(AuthorizationStatus.BLOCKED)))
    ended = bench.last(SessionEnded)
    assert (ended.reason, ended.token) == (StopReason.DE_AUTHORIZED, None)
    assert bench.evse().locked
    bench.command(Unplug(evse=1))
    assert bench.evse().status is Status.FINISHING
    bench.command(PresentToken(evse=1, token="a"))
    assert bench.evse().status is Status.AVAILABLE


def test_x_06_a_start_that_was_never_taken_has_the_id_minus_one():
    bench = charging()
    started = bench.last(SessionStarted)
    assert bench.twin.transaction_id(started.session_id) == 7
    bench.command(PlugIn(evse=2))
    bench.command(PresentToken(evse=2, token="B"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    second = bench.last(SessionStarted)
    assert bench.twin.transaction_id(second.session_id) is None
    bench.answer(second, Failed("InternalError"))
    assert bench.twin.transaction_id(second.session_id) == -1


def test_s_08_a_transaction_survives_a_fault():
    bench = charging()
    bench.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert bench.evse().status is Status.FAULTED
    assert not bench.twin.view(bench.now).limits[0].allowed
    bench.take(bench.twin.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE), bench.now))
    assert len(bench.notes("fault")) == 1


def test_av_02_inoperative_waits_for_the_transaction_and_passes_finishing():
    bench = charging()
    bench.request(ChangeAvailability(request_ref="r", evse=1, operative=False))
    assert bench.replies()[-1] == Answered("Scheduled")
    bench.command(PressStop(evse=1))
    assert [s.status for s in bench.reports(StatusChanged)][-2:] == [Status.FINISHING, Status.UNAVAILABLE]


def test_u_03_unlock_ends_the_transaction_first():
    bench = charging()
    bench.request(UnlockConnector(request_ref="r", evse=1))
    assert bench.replies()[-1] == Answered("Unlocked")
    assert bench.last(SessionEnded).reason is StopReason.UNLOCK_COMMAND
    bench.request(UnlockConnector(request_ref="r", evse=9))
    assert bench.replies()[-1] == Answered("NotSupported")


def test_rs_02_a_soft_reset_waits_until_the_end_of_the_transaction_is_known():
    bench = charging()
    bench.request(Reset(request_ref="r", kind=ResetKind.SOFT))
    bench.wait(3)
    assert bench.twin.wants_link
    bench.answer(bench.last(SessionEnded), StopAnswered())
    bench.wait(1)
    assert Power(link=False) in bench.effects
    bench.wait(5)
    assert bench.twin.wants_link
    assert bench.twin.registration is None
    assert bench.evse().status is Status.FINISHING  # RS-07


def test_a_power_cut_ends_the_transaction_where_it_was():
    bench = charging()
    bench.wait(30)
    bench.command(SetPowered(powered=False))
    assert bench.last(SessionEnded).reason is StopReason.POWER_LOSS
    energy_wh = bench.twin.view(bench.now).meters[0].energy_wh
    bench.wait(1000)
    assert bench.twin.view(bench.now).meters[0].energy_wh == energy_wh
    with pytest.raises(Rejected, match="no power"):
        bench.command(PresentToken(evse=1, token="A"))


def test_a_resumed_restart_changes_no_register_and_no_transaction():
    bench = charging()
    bench.wait(30)
    before = bench.twin.view(bench.now)
    bench.restart()
    after = bench.twin.view(bench.now)
    assert (after.meters, after.sessions, after.evses) == (before.meters, before.sessions, before.evses)
    bench.accept()
    bench.wait(30)
    assert bench.last(Metered).readings[0].at == NOON + 60


def test_a_restart_as_after_a_power_cut_ends_the_transaction_when_the_program_was_last_alive():
    bench = charging(on_restart=OnRestart.POWER_LOSS)
    bench.wait(30)
    bench.restart(alive=NOON + 20)
    ended = bench.last(SessionEnded)
    assert (ended.reason, ended.at) == (StopReason.POWER_LOSS, NOON + 20)
    assert ended.meter_stop_wh == int(bench.twin.view(bench.now).meters[0].energy_wh)


def test_a_card_is_asked_about_again_after_a_restart():
    bench = Bench()
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.command(PresentToken(evse=1, token="A", request_id="swipe"))
    bench.restart()
    bench.accept()
    asks = bench.reports(AuthorizationAsked)
    assert [ask.token for ask in asks] == ["A", "A"]
    bench.answer(asks[-1], AuthorizationAnswered(ACCEPTED))
    assert bench.last(SessionStarted).request_id == "swipe"


def test_a_lost_link_lets_the_box_decide_alone():
    bench = charging()
    bench.command(PlugIn(evse=2))
    bench.command(PresentToken(evse=2, token="A"))
    bench.answer(bench.last(AuthorizationAsked), Unanswered(link_lost=True))
    bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))
    assert len(bench.reports(SessionStarted)) == 2  # A is in the cache


def test_the_shared_reader_lets_a_card_wait_for_the_next_plug():
    bench = Bench()
    bench.accept()
    bench.command(PresentToken(token="A"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    bench.command(PlugIn(evse=2))
    assert bench.last(SessionStarted).evse == 2


def test_a_full_battery_suspends():
    bench = Bench()
    bench.accept()
    bench.command(PlugIn(evse=1, ev=EvSpec(battery_kwh=10, soc_pct=50, max_w=5000)))
    bench.command(PresentToken(evse=1, token="A"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    bench.wait(3599)
    assert bench.evse().status is Status.CHARGING
    bench.wait(2)
    assert bench.evse().status is Status.SUSPENDED_EV
    assert bench.twin.view(bench.now).meters[0].soc_pct == pytest.approx(100)


def test_a_damaged_snapshot_is_told():
    bench = Bench()
    with pytest.raises(SnapshotError):
        Twin.restore(bench.spec, {}, {"station": b"{}"}, NOON, ids=bench.ids)
    with pytest.raises(SnapshotError, match="newer"):
        Twin.restore(bench.spec, {}, {"station": b'{"v":99,"d":{}}'}, NOON, ids=bench.ids)
