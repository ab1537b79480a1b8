"""Availability and faults in states where a careless box would do too much."""

from __future__ import annotations

from fakes.twins import Bench

from twin.model.asked import ChangeAvailability
from twin.model.inputs import PlugIn
from twin.model.terms import Status


def test_av_01_operative_for_an_operative_box_disturbs_nothing():
    bench = Bench()
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.wait(60)
    assert bench.evse().status is Status.FINISHING
    bench.request(ChangeAvailability(request_ref="r", evse=0, operative=True))
    assert bench.evse().status is Status.FINISHING


def test_h2_a_cable_is_a_new_attempt_when_the_whole_box_is_operative_again():
    bench = Bench()
    bench.accept()
    bench.command(PlugIn(evse=1))
    bench.wait(60)
    for operative in (False, True):
        bench.request(ChangeAvailability(request_ref="r", evse=0, operative=operative))
    assert bench.evse().status is Status.PREPARING
    bench.wait(60)
    assert bench.evse().status is Status.FINISHING
