"""Access, trials and refused links at their edges; the requirements themselves are in tests/conformance."""

from __future__ import annotations

import pytest
from fakes.authorities import Authority
from fakes.twins import Bench

from twin.model import security
from twin.model.asked import InstallCertificate, SetVariable
from twin.model.effects import Answered, Changed, Tell
from twin.model.inputs import LinkDown, LinkRefused, LinkUp, PressReset
from twin.model.spec import Access, CsmsSpec
from twin.model.terms import CertificateUse, LinkProblem

KEY = "00112233445566778899aabbccddeeff"
ROOT = Authority()
CSMS = CsmsSpec(password="secret", roots=(ROOT.pem,))


def secured(**csms) -> Bench:
    bench = Bench(csms=CsmsSpec(password="secret", roots=(ROOT.pem,), **csms))
    bench.accept()
    return bench


def set_profile(bench: Bench, value: object, ref: str = "r") -> str:
    request = SetVariable(request_ref=ref, name=security.PROFILE, value=str(value), label="SecurityProfile")
    bench.request(request)
    answer = bench.replies()[-1]
    assert isinstance(answer, Answered)
    return answer.status


def refuse(bench: Bench, problem: LinkProblem = LinkProblem.OTHER, times: int = 1) -> None:
    for _ in range(times):
        bench.take(bench.twin.link(LinkRefused("ws://csms", "refused", problem), bench.now))


def drop(bench: Bench) -> None:
    bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))


def test_what_a_connection_must_be_renewed_for():
    before = Access(1, b"a", "chain", "key", ("root",))
    assert not before.renews(before)
    assert not Access(1, b"a", "chain", "key", None).renews(before)
    for other in (Access(2, b"a", "chain", "key"), Access(1, b"b", "chain", "key"), Access(1, b"a", None, "key")):
        assert other.renews(before)


def test_a_profile_on_trial_shows_at_once_and_when_it_is_given_up():
    bench = secured()
    assert set_profile(bench, 1) == "Accepted"
    assert Changed(("station", 0)) in bench.effects
    assert bench.twin.view(bench.now).station.security_profile == 1
    drop(bench)
    refuse(bench, times=security.MAX_REFUSALS)
    assert bench.twin.view(bench.now).station.security_profile == 0
    assert bench.notes("configuration_changed")[-1].fields == {"key": "SecurityProfile", "value": "0"}


def test_refusals_before_a_success_do_not_count_afterwards():
    bench = secured()
    set_profile(bench, 1)
    drop(bench)
    refuse(bench, times=security.MAX_REFUSALS - 1)
    bench.link_up()
    bench.wait(security.PROVEN_S)
    drop(bench)
    refuse(bench, times=10)
    assert bench.twin.access.profile == 1


def test_a_connection_that_does_not_stand_proves_nothing():
    bench = secured()
    set_profile(bench, 1)
    drop(bench)  # the old one
    for _ in range(security.MAX_REFUSALS):
        assert bench.twin.access.profile == 1
        bench.link_up()
        bench.wait(security.PROVEN_S - 1)
        drop(bench)
    assert bench.twin.access.profile == 0


def test_a_further_step_on_a_connection_proves_the_step_before():
    bench = secured()
    set_profile(bench, 1)
    drop(bench)
    bench.link_up()
    set_profile(bench, 2)
    drop(bench)
    refuse(bench, times=security.MAX_REFUSALS)
    assert bench.twin.access.profile == 1


def test_a_higher_profile_while_one_is_on_trial_goes_back_to_the_proven_one():
    bench = secured()
    set_profile(bench, 1)
    set_profile(bench, 2)
    drop(bench)
    refuse(bench, times=security.MAX_REFUSALS)
    assert bench.twin.access.profile == 0


def test_a_reboot_and_a_restart_keep_a_trial():
    bench = secured()
    set_profile(bench, 1)
    drop(bench)
    refuse(bench)
    bench.command(PressReset())
    bench.wait(60)
    bench.restart()
    assert bench.twin.access.profile == 1
    refuse(bench, times=security.MAX_REFUSALS - 1)
    assert bench.twin.access.profile == 0


def test_the_reply_comes_before_all_that_follows_from_it():
    bench = secured()
    del bench.effects[:]
    set_profile(bench, 1)
    assert type(bench.effects[0]).__name__ == "Reply"
    assert not any(isinstance(effect, Tell) for effect in bench.effects)


def test_an_idle_box_stores_no_credentials():
    bench = secured()
    assert "certificates" not in bench.twin.dump()


def test_stored_credentials_are_written_once_as_long_as_they_stay():
    bench = secured()
    use = CertificateUse.MANUFACTURER_ROOT
    bench.request(InstallCertificate(request_ref="r", use=use, certificate=Authority("Maker").pem))
    first, second = (bench.twin.dump()["certificates"] for _ in range(2))
    assert first is second
    bench.restart()
    assert bench.twin.dump()["certificates"] == first


@pytest.mark.parametrize(
    "problem", [LinkProblem.OTHER, LinkProblem.TIMEOUT, LinkProblem.UNAUTHORIZED, LinkProblem.SUBPROTOCOL]
)
def test_an_old_root_is_tried_only_where_the_servers_certificate_is_at_fault(problem):
    bench = Bench(csms=CSMS, settings={"SecurityCtrlr.AdditionalRootCertificateCheck": "true"})
    bench.accept()
    new = ROOT.renewed()
    use = CertificateUse.CENTRAL_SYSTEM_ROOT
    bench.request(InstallCertificate(request_ref="r", use=use, certificate=new.pem))
    drop(bench)
    refuse(bench, problem)
    assert bench.twin.access.roots == (new.pem,)
    refuse(bench, LinkProblem.BAD_SERVER_CERTIFICATE)
    assert bench.twin.access.roots == (ROOT.pem,)
    refuse(bench, LinkProblem.BAD_SERVER_CERTIFICATE)
    assert bench.twin.access.roots == (new.pem,)
    bench.take(bench.twin.link(LinkUp("wss://csms"), bench.now))
    refuse(bench, LinkProblem.BAD_SERVER_CERTIFICATE)
    assert bench.twin.access.roots == (new.pem,)  # the old one is forgotten


def test_a_box_with_nothing_of_its_own_has_nothing_due():
    bench = secured()
    assert security.deadlines(bench.twin._box) == [None]
