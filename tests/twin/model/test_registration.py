"""Registration and clock at their edges."""

from __future__ import annotations

import pytest
from fakes.twins import NOON, Bench

from twin.model.effects import Booted, HeartbeatDue, Metered
from twin.model.inputs import BootAnswered, HeartbeatAnswered, LinkDown, PressReset
from twin.model.terms import Registration


def test_b_11_a_registration_that_is_withdrawn_leaves_no_heartbeat_due():
    bench = Bench()
    bench.accept()
    bench.answer(bench.last(Booted), BootAnswered(Registration.PENDING, 1000, bench.now))
    bench.wait(400)
    assert not bench.reports(HeartbeatDue)
    assert bench.twin.next_deadline() == NOON + 1000


@pytest.mark.parametrize("nonsense", [-62_135_596_800.0, 253_402_300_799.0])
def test_a_clock_that_cannot_be_written_is_not_taken(nonsense):
    bench = Bench(settings={"AlignedDataCtrlr.Interval": "60"})
    bench.link_up()
    bench.answer(bench.last(Booted), BootAnswered(Registration.ACCEPTED, 300, nonsense))
    bench.wait(60)
    assert bench.last(Metered).readings[0].at == NOON + 60


def test_v_02_a_heartbeat_answered_on_the_grid_does_not_skip_its_instant():
    bench = Bench(settings={"AlignedDataCtrlr.Interval": "60"})
    bench.accept()
    bench.now = NOON + 60
    bench.answer(HeartbeatDue(), HeartbeatAnswered(bench.now))
    bench.take(bench.twin.tick(bench.now))
    assert bench.last(Metered).readings[0].at == NOON + 60


def test_a_clock_that_runs_at_a_rate_of_its_own_does_not_follow_the_central_system():
    # B-05: to a box whose day lasts an hour the Central System's time says nothing, and would turn stops before starts.
    bench = Bench(settings={"AlignedDataCtrlr.Interval": "60"})
    bench.twin.pace(paced=True)
    bench.link_up()
    bench.answer(bench.last(Booted), BootAnswered(Registration.ACCEPTED, 300, NOON - 7200))
    bench.wait(60)
    assert bench.last(Metered).readings[0].at == NOON + 60
    bench.twin.pace(paced=False)
    bench.answer(HeartbeatDue(), HeartbeatAnswered(bench.now - 7200))
    bench.wait(60)
    assert bench.last(Metered).readings[0].at == NOON + 120 - 7200


def test_the_request_id_of_a_reset_follows_to_the_boot():
    bench = Bench()
    bench.accept()
    bench.command(PressReset(request_id="why"))
    bench.wait(1)
    bench.take(bench.twin.link(LinkDown("ws://csms", "reset"), bench.now))
    bench.wait(10)
    bench.accept()
    for name in ("disconnected", "connected", "booted"):
        assert bench.notes(name)[-1].request_id == "why"
    bench.take(bench.twin.link(LinkDown("ws://csms", "network"), bench.now))
    assert bench.notes("disconnected")[-1].request_id is None
