from __future__ import annotations

import pytest
from fakes.twins import Bench

from twin.model import security_events
from twin.model.box import Step
from twin.model.effects import Note, SecurityEvent, Tell
from twin.model.inputs import SetDoorOpen
from twin.model.spec import CsmsSpec


def raised(level: int, kind: str, *, asked: bool = False) -> list[type]:
    bench = Bench(csms=CsmsSpec(security_profile=level))
    step = Step(bench.twin._box, bench.now)
    security_events.event(step, kind, "why", asked=asked)
    return [type(effect) for effect in step.effects]


@pytest.mark.parametrize("kind", sorted(security_events.CRITICAL))
def test_sec_22_critical_events_are_told_where_a_profile_is_in_force(kind):
    assert raised(0, kind) == [Note]
    assert raised(1, kind) == [Note, Tell]
    assert raised(0, kind, asked=True) == [Note, Tell]


@pytest.mark.parametrize(
    "kind",
    [
        "FailedToAuthenticateAtCentralSystem",
        "CentralSystemFailedToAuthenticate",
        "ReconfigurationOfSecurityParameters",
        "InvalidMessages",
        "AttemptedReplayAttacks",
        "InvalidCentralSystemCertificate",
        "InvalidChargePointCertificate",
        "InvalidTLSVersion",
        "InvalidTLSCipherSuite",
    ],
)
def test_sec_23_other_events_are_noted_only(kind):
    assert raised(3, kind) == [Note]


@pytest.mark.parametrize("kind", ["InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate"])
def test_sec_24_what_the_central_system_waits_for_is_told(kind):
    assert raised(0, kind) == [Note]
    assert raised(0, kind, asked=True) == [Note, Tell]


def test_sec_21_an_event_is_durable_and_has_the_time_of_the_box_own_clock():
    bench = Bench()
    bench.accept()
    bench.twin._box.station.clock_offset_s = 100.0
    bench.command(SetDoorOpen(open=True))
    tell = next(e for e in bench.effects if isinstance(e, Tell) and isinstance(e.report, SecurityEvent))
    assert tell.durable
    assert tell.report == SecurityEvent("TamperDetectionActivated", bench.now + 100.0, "The door was opened")


def test_the_first_start_is_a_start_of_the_device_and_a_restart_of_the_program_is_none():
    bench = Bench()
    bench.restart()
    kinds = [note.fields["security_type"] for note in bench.notes("security_event")]
    assert kinds == ["StartupOfTheDevice"]


def test_a_burst_of_the_like_is_one_event():
    bench = Bench()
    for _ in range(3):
        bench.take(bench.twin.misheard("broken", bench.now))
        bench.take(bench.twin.exhausted(bench.now))
    kinds = [note.fields["security_type"] for note in bench.notes("security_event")]
    assert kinds == ["StartupOfTheDevice", "InvalidMessages", "MemoryExhaustion"]
    bench.now += security_events.MEMORY_S
    bench.take(bench.twin.misheard("broken", bench.now))
    bench.take(bench.twin.exhausted(bench.now))
    assert len(bench.notes("security_event")) == 5
