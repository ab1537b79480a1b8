"""Power cuts and restarts at awkward moments."""

from __future__ import annotations

import msgspec
from fakes.twins import Bench

from twin.model.effects import AuthorizationAsked, Changed, SessionStarted
from twin.model.inputs import (
    AuthorizationAnswered,
    PlugIn,
    PresentToken,
    PressReset,
    SetPowered,
    StartAnswered,
    TokenInfo,
)
from twin.model.spec import EvseSpec, EvSpec, OnRestart
from twin.model.terms import AuthorizationStatus, Status
from twin.model.twin import Twin

ACCEPTED = TokenInfo(AuthorizationStatus.ACCEPTED)


def charging(number=1, ev=None, **spec):
    bench = Bench(**spec)
    bench.accept()
    bench.command(PlugIn(evse=number, ev=ev))
    bench.command(PresentToken(evse=number, token="A"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    return bench


def test_a_box_without_power_shows_no_charging():
    bench = charging()
    bench.command(SetPowered(powered=False))
    assert bench.evse().status is Status.FINISHING
    assert bench.notes("status_changed")[-1].fields["previous"] is Status.CHARGING


def test_x_08_after_a_restart_as_after_a_power_cut_a_cable_is_a_new_attempt():
    bench = Bench(on_restart=OnRestart.POWER_LOSS)
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.restart()
    bench.wait(59)
    assert bench.evse().status is Status.PREPARING
    bench.wait(1)
    assert bench.evse().status is Status.FINISHING


def test_a_power_cut_forgets_who_waited_for_the_next_plug():
    bench = Bench(on_restart=OnRestart.POWER_LOSS)
    bench.accept()
    bench.command(PresentToken(token="A"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    bench.restart()
    bench.command(PlugIn(evse=1))
    assert not bench.reports(SessionStarted)


def test_a_battery_that_got_full_while_the_program_was_away_took_no_more():
    bench = charging(ev=EvSpec(battery_kwh=10, soc_pct=50))
    bench.now += 10 * 3600
    bench.restart()
    assert round(bench.twin.view(bench.now).meters[0].energy_wh) == 5000
    assert bench.evse().status is Status.SUSPENDED_EV


def test_r1_an_answer_for_an_evse_that_is_gone_is_taken():
    bench = charging(number=2)
    started = bench.last(SessionStarted)
    bench.spec = msgspec.structs.replace(bench.spec, evses=(EvseSpec(),))
    bench.twin = Twin.restore(bench.spec, {}, bench.twin.dump(), bench.now, ids=bench.ids)
    bench.take(bench.twin.start(bench.now))
    bench.answer(started, StartAnswered(7, ACCEPTED))
    assert bench.twin.transaction_id(started.session_id) == 7


def test_a_reset_shows_that_nobody_may_charge_any_more():
    bench = Bench()
    bench.accept()
    bench.command(PresentToken(evse=2, token="A"))
    bench.answer(bench.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))
    assert bench.evse(2).authorized
    effects = bench.command(PressReset())
    assert Changed(("evse", 2)) in effects
    assert (bench.evse(2).authorized, bench.evse(2).status) == (False, Status.AVAILABLE)
