"""Which of several certificates is used, and when something is due: without a Central System."""

from __future__ import annotations

import pytest
from fakes.authorities import Authority, ec_key
from fakes.twins import NOON, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.model import certificates, security
from twin.model.asked import (
    CertificateId,
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from twin.model.box import Step
from twin.model.credentials import MONTH_S, Credentials, OwnCertificate
from twin.model.effects import Reply
from twin.model.spec import CsmsSpec
from twin.model.terms import CertificateUse, HashAlgorithm

DAY_S = 86_400.0


def own(name: str, starts_d: float, ends_d: float, **more) -> OwnCertificate:
    return OwnCertificate(name, f"chain {name}", f"key {name}", NOON + starts_d * DAY_S, NOON + ends_d * DAY_S, **more)


def holding(*held: OwnCertificate, in_use: str | None = None, **spec) -> Bench:
    bench = Bench(**spec)
    bench.accept()
    bench.twin._box.credentials = Credentials(own=held, in_use=in_use)
    return bench


def choose(bench: Bench) -> str | None:
    certificates.use_newest(Step(bench.twin._box, bench.now))
    return bench.twin._box.credentials.in_use


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param([own("a", 1, 9)], None, id="not yet"),
        pytest.param([own("a", -9, -1)], None, id="no more"),
        pytest.param([own("a", -2, 9), own("b", -1, 9)], "b", id="the newest"),
        pytest.param([own("b", -1, 9), own("a", -2, 9)], "b", id="the newest, whatever the order"),
        pytest.param([own("a", -1, 9), own("b", -1, 9)], "b", id="the last of equals"),
        pytest.param([own("a", -2, 9), own("b", -1, 9, failed=True)], "a", id="one that works"),
        pytest.param([own("a", -9, -1), own("b", -1, 9, failed=True)], "b", id="better than none"),
    ],
)
def test_the_newest_valid_certificate_is_used(held, expected):
    assert choose(holding(*held)) == expected


def test_the_last_one_is_kept_when_it_has_expired():
    bench = holding(own("a", -9, -1), in_use="a")
    assert choose(bench) == "a"
    assert len(bench.twin._box.credentials.own) == 1


def test_one_that_failed_is_not_used_again_where_the_configuration_has_one():
    bench = holding(own("a", -1, 9, failed=True), csms=CsmsSpec(certificate_file="box.pem"))
    assert choose(bench) is None
    assert security.deadlines(bench.twin._box) == [None, None, None]


def test_a_superseded_one_stays_for_a_month():
    bench = holding(own("a", -9, 99), own("b", 0, 99), in_use="b")
    bench.now = NOON + MONTH_S
    choose(bench)
    assert len(bench.twin._box.credentials.own) == 2
    bench.now += 1
    choose(bench)
    assert len(bench.twin._box.credentials.own) == 1


def test_due_times_follow_the_box_own_clock():
    settings = {"SecurityCtrlr.OrganizationName": "Example CPO"}
    bench = holding(own("a", -1, 99, renew_at=NOON + 50), own("b", 1, 99), in_use="a", settings=settings)
    bench.twin._box.station.clock_offset_s = 10.0
    assert security.deadlines(bench.twin._box) == [None, NOON + DAY_S - 10, NOON + 40]


HASHES = CertificateId(HashAlgorithm.SHA256, "00", "00", "0")
PEMS = st.text(max_size=40) | st.sampled_from([Authority().pem, Authority().certify(ec_key().public_key())])


@settings(deadline=None)
@given(
    st.builds(CertificateSigned, request_ref=st.just("r"), chain=PEMS)
    | st.builds(InstallCertificate, request_ref=st.just("r"), use=st.sampled_from(CertificateUse), certificate=PEMS)
    | st.builds(DeleteCertificate, request_ref=st.just("r"), id=st.just(HASHES))
    | st.builds(GetInstalledCertificateIds, request_ref=st.just("r"), use=st.sampled_from(CertificateUse))
)
def test_r_8_the_answer_comes_once_and_first(request):
    bench = Bench()
    bench.accept()
    effects = bench.request(request)
    assert isinstance(effects[0], Reply)
    assert sum(isinstance(effect, Reply) for effect in effects) == 1


CERTIFICATES = st.lists(
    st.builds(
        lambda n, starts, length, failed, renew: own(
            f"{n}", starts, starts + length, failed=failed, renew_at=None if renew is None else NOON + renew * DAY_S
        ),
        st.integers(0, 10**9),
        st.integers(-40, 40),
        st.integers(1, 60),
        st.booleans(),
        st.none() | st.integers(-40, 40),
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)


@settings(deadline=None)
@given(CERTIFICATES, st.booleans(), st.data())
def test_whatever_a_box_holds_time_goes_on(held, configured, data):
    """R3: what is due is done, and is not due again at the same instant."""
    in_use = data.draw(st.none() | st.sampled_from([one.id for one in held])) if held else None
    csms = CsmsSpec(security_profile=3, certificate_file="box.pem" if configured else None)
    bench = holding(*held, in_use=in_use, csms=csms)
    box = bench.twin._box
    for _ in range(20):
        due = min((at for at in security.deadlines(box) if at is not None), default=None)
        if due is None:
            break
        bench.now = max(bench.now, due)
        security.due(Step(box, bench.now))
    else:
        raise AssertionError(f"something stays due: {security.deadlines(box)}")
    current = box.credentials.current
    if current is not None and current.id != in_use:
        assert current.starts_at <= bench.now
