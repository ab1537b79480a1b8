"""Group 18 of the checklist: the box's own certificate (Security whitepaper A02, A03)."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from fakes.authorities import DAY, YEAR, Authority, ec_key
from fakes.central_system import T0, CallError, Hold
from fakes.enrolling import ask, enrol, make
from fakes.scenes import booted
from fakes.trusting import (
    box,
    events,
    install,
    logged,
    signed,
)

from twin.model.effects import MakeKey
from twin.model.inputs import PressReset, TransferFailed
from twin.model.terms import LinkProblem, TransferProblem

# --- SignCertificate --------------------------------------------------------------------------------------------------


def test_sec_13_sec_28_the_central_system_asks_for_a_new_certificate(tmp_path):
    """A02.FR.02, A02.FR.03, A02.FR.13: first the answer, then a key, then the request for a certificate."""
    cs = box()
    mark = cs.mark()
    assert cs.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}).status == "Accepted"
    assert cs.actions(mark) == []
    make(cs, tmp_path)
    assert cs.actions(mark) == ["SignCertificate"]
    csr = cs.last("SignCertificate")["csr"]
    request = x509.load_pem_x509_csr(csr.encode())
    assert len(csr) <= 5500
    assert request.is_signature_valid
    assert request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Example CPO"
    assert request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "SN-1"


def test_sec_13_sec_28_without_cpo_name_no_certificate_is_asked_for():
    """A02, prerequisites."""
    cs = booted()
    trigger = {"requestedMessage": "SignChargePointCertificate"}
    assert cs.ask("ExtendedTriggerMessage", trigger).status == "Rejected"
    assert cs.jobs == []
    assert cs.configure("CpoName", "Example CPO") == "Accepted"
    assert cs.ask("ExtendedTriggerMessage", trigger).status == "Accepted"
    assert cs.wanted(MakeKey).common_name == "CP1"  # without a serial number the identity stands in for it
    assert cs.ask("TriggerMessage", trigger).status == "NotImplemented"


def test_sec_13_a_name_that_no_certificate_can_hold_is_no_operator():
    cs = booted(keys={"CpoName": "x" * 65})
    assert cs.configure("CpoName", "é" * 33) == "Rejected"
    reply = cs.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    assert reply.status == "Rejected"


def test_sec_13_asking_twice_while_a_key_is_made_makes_one_key(tmp_path):
    cs = box()
    for _ in range(2):
        cs.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    assert len(cs.jobs) == 1
    make(cs, tmp_path)
    assert len(cs.sent("SignCertificate")) == 1
    ask(cs, tmp_path)
    assert len(cs.sent("SignCertificate")) == 2


def test_sec_13_a_box_that_is_not_accepted_yet_answers_with_its_request(tmp_path):
    """A00.FR.806: credentials may be changed while the registration is Pending."""
    cs = box()
    cs.script("BootNotification", cs.boot_answer("Pending", 600))
    cs.command(PressReset())
    cs.advance(60)
    mark = cs.mark()
    ask(cs, tmp_path)
    assert cs.actions(mark) == ["SignCertificate"]


@pytest.mark.parametrize("answer", [{"status": "Accepted"}, {"status": "Rejected"}, CallError("NotSupported"), Hold()])
def test_sec_14_whatever_the_answer_nothing_is_asked_again(answer, tmp_path):
    """A02, error handling; A02.FR.11, A02.FR.12."""
    cs = box()
    cs.script("SignCertificate", answer)
    ask(cs, tmp_path)
    cs.advance(DAY)
    cs.blink()
    cs.crash()
    cs.advance(DAY)
    assert len(cs.sent("SignCertificate")) == 1


def test_sec_14_a_request_that_the_link_lost_goes_again(tmp_path):
    cs = box()
    cs.script("SignCertificate", Hold())
    first = ask(cs, tmp_path)
    cs.blink()
    assert [call["csr"] for call in cs.sent("SignCertificate")] == [first, first]
    cs.blink()
    assert len(cs.sent("SignCertificate")) == 2


def test_sec_14_what_is_under_way_outlives_restarts(tmp_path):
    cs = box()
    cs.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    job = cs.wanted(MakeKey)
    cs.crash()
    assert cs.jobs == [job, job]
    cs.cut()
    make(cs, tmp_path)
    assert cs.sent("SignCertificate") == []
    cs.crash()
    cs.restore()
    assert len(cs.sent("SignCertificate")) == 1


def test_sec_13_a_key_that_could_not_be_made_ends_it(tmp_path):
    cs = box()
    cs.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    cs.finish(TransferFailed(cs.wanted(MakeKey).job_id, TransferProblem.FAILED, "No space left on device"))
    cs.crash()
    assert len(cs.jobs) == 1
    ask(cs, tmp_path)
    assert len(cs.sent("SignCertificate")) == 1


def test_sec_14_keys_stay_as_long_as_they_are_needed(tmp_path):
    """A02.FR.05; a certificate may still come for one of the last keys, but not for all that ever were."""
    root = Authority()
    cs = box(root)
    enrol(cs, tmp_path, root)
    for _ in range(8):
        ask(cs, tmp_path)
    assert len(list(tmp_path.glob("*.pem"))) <= 6
    assert cs.station.access.key is None  # which is for profile 3 only


# --- CertificateSigned ------------------------------------------------------------------------------------------------


def test_sec_15_a_good_certificate_is_accepted(tmp_path):
    """A02.FR.06."""
    root = Authority()
    cs = box(root)
    enrol(cs, tmp_path, root)
    assert logged(cs)[-1] == "ReconfigurationOfSecurityParameters"
    assert events(cs) == []
    assert cs.connection == 1  # at this profile it proves nothing yet


def test_sec_15_a_chain_of_authorities_is_accepted(tmp_path):
    root = Authority()
    middle = Authority("Middle", above=root)
    cs = box()
    install(cs, root)
    chain = middle.answer(ask(cs, tmp_path)) + middle.pem + root.pem
    assert signed(cs, chain) == "Accepted"


def test_sec_15_the_same_certificate_again_is_accepted_again(tmp_path):
    root = Authority()
    cs = box(root)
    pem = enrol(cs, tmp_path, root)
    assert signed(cs, pem) == "Accepted"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda root, csr: "hello", id="no PEM"),
        pytest.param(lambda root, csr: root.pem, id="not ours"),
        pytest.param(lambda root, csr: root.certify(ec_key().public_key()), id="another key"),
        pytest.param(lambda root, csr: Authority("Other").answer(csr), id="another authority"),
        pytest.param(lambda root, csr: root.answer(csr, common_name="SN-2"), id="another serial number"),
        pytest.param(lambda root, csr: root.answer(csr, organization="Other"), id="another operator"),
        pytest.param(lambda root, csr: root.answer(csr, organization=None), id="no operator"),
        pytest.param(lambda root, csr: root.answer(csr, ends=T0 - 1), id="expired"),
    ],
)
def test_sec_15_a_bad_certificate_is_rejected_and_the_central_system_told(bad, tmp_path):
    """A02.FR.07, A03.FR.07."""
    root = Authority()
    cs = box(root)
    chain = bad(root, ask(cs, tmp_path))
    reply = cs.ask("CertificateSigned", {"certificateChain": chain})
    assert reply.status == "Rejected"
    assert events(cs) == ["InvalidChargePointCertificate"]
    assert logged(cs)[-1] == "InvalidChargePointCertificate"
    assert cs.configure("SecurityProfile", 3) == "Rejected"


def test_sec_15_a_chain_beyond_the_limit_is_rejected(tmp_path):
    """W7.3."""
    root = Authority()
    cs = box(root, keys={"CertificateSignedMaxChainSize": 500})
    assert signed(cs, root.answer(ask(cs, tmp_path))) == "Rejected"


def test_sec_15_without_a_root_no_certificate_can_be_checked(tmp_path):
    cs = box()
    assert signed(cs, Authority().answer(ask(cs, tmp_path))) == "Rejected"


def test_sec_15_a_certificate_after_a_rejected_request_is_rejected(tmp_path):
    root = Authority()
    cs = box(root)
    cs.script("SignCertificate", {"status": "Rejected"})
    assert signed(cs, root.answer(ask(cs, tmp_path))) == "Rejected"


def test_sec_15_a_certificate_after_a_restart_is_accepted(tmp_path):
    root = Authority()
    cs = box(root)
    csr = ask(cs, tmp_path)
    cs.crash()
    assert signed(cs, root.answer(csr)) == "Accepted"


# --- Which certificate is in use --------------------------------------------------------------------------------------


def at_profile_3(root, folder, **fields):
    cs = box(root)
    first = enrol(cs, folder, root, **fields)
    assert cs.configure("SecurityProfile", 3) == "Accepted"
    cs.advance(5)
    assert cs.access.chain == first
    return cs, first


def test_sec_16_a_new_certificate_is_used_at_once(tmp_path):
    """A02.FR.08, A03.FR.08: the box connects anew with it."""
    root = Authority()
    cs, _ = at_profile_3(root, tmp_path)
    connection = cs.connection
    second = enrol(cs, tmp_path, root, starts=T0 - 60)
    cs.advance(5)
    assert cs.connection == connection + 1
    assert cs.access.chain == second
    assert (tmp_path / f"{cs.access.key}.pem").exists()
    cs.crash()
    assert cs.access.chain == second


def test_sec_16_one_that_is_not_yet_valid_is_used_from_its_time_on(tmp_path):
    root = Authority()
    cs, first = at_profile_3(root, tmp_path)
    second = enrol(cs, tmp_path, root, starts=T0 + DAY)
    cs.crash()
    cs.advance_to(T0 + DAY - 10)
    assert cs.access.chain == first
    cs.advance_to(T0 + DAY + 10)
    assert cs.access.chain == second


def test_sec_16_the_newest_counts_whatever_their_order(tmp_path):
    """A02.FR.09."""
    root = Authority()
    cs, first = at_profile_3(root, tmp_path, starts=T0 - 60)
    connection = cs.connection
    enrol(cs, tmp_path, root, starts=T0 - 2 * DAY)
    assert (cs.connection, cs.access.chain) == (connection, first)


def test_sec_16_an_old_certificate_serves_while_the_new_one_does_not_work(tmp_path):
    """A02.FR.10."""
    root = Authority()
    cs, first = at_profile_3(root, tmp_path)
    cs.admits = lambda access: None if access.chain == first else LinkProblem.OTHER
    enrol(cs, tmp_path, root, starts=T0 - 60)
    cs.advance(30)
    assert cs.link
    assert cs.access.chain == first
    cs.crash()
    cs.advance(DAY)
    assert cs.access.chain == first
    cs.admits = lambda _: None
    third = enrol(cs, tmp_path, root, starts=T0 - 30)
    cs.advance(5)
    assert cs.access.chain == third


@pytest.mark.parametrize(
    "problem", [LinkProblem.UNREACHABLE, LinkProblem.BAD_SERVER_CERTIFICATE, LinkProblem.TLS_VERSION], ids=str
)
def test_sec_16_who_never_saw_a_new_certificate_tells_nothing_about_it(problem, tmp_path):
    """A02.FR.09: a Central System that was away meanwhile is shown the newest one when it is back."""
    root = Authority()
    cs, _ = at_profile_3(root, tmp_path)
    cs.admits = lambda _: problem
    second = enrol(cs, tmp_path, root, starts=T0 - 60)
    cs.advance(600)
    cs.admits = lambda _: None
    cs.advance(60)
    assert cs.access.chain == second


def test_sec_16_the_configured_certificate_serves_while_the_first_one_does_not_work(tmp_path):
    root = Authority()
    cs = box(root, profile=3, certificate_file="box.pem")
    assert cs.access.chain is None
    cs.admits = lambda access: None if access.chain is None else LinkProblem.OTHER
    enrol(cs, tmp_path, root)
    cs.advance(60)
    assert cs.link
    assert cs.access.chain is None
    cs.advance(DAY)
    assert cs.access.chain is None


def test_sec_14_a_month_before_the_end_the_box_asks_by_itself(tmp_path):
    """A03.FR.02, A03.FR.03, A03.FR.13."""
    root = Authority()
    cs = box(root)
    enrol(cs, tmp_path, root, ends=T0 + 100 * DAY)
    cs.advance_to(T0 + 70 * DAY - 60)
    assert len(cs.jobs) == 1
    cs.advance_to(T0 + 70 * DAY + 60)
    assert len(cs.jobs) == 2
    make(cs, tmp_path)
    assert len(cs.sent("SignCertificate")) == 2
    pem = root.answer(cs.last("SignCertificate")["csr"], starts=T0 + 70 * DAY, ends=T0 + YEAR)
    assert signed(cs, pem) == "Accepted"
    cs.advance(40 * DAY)
    assert len(cs.jobs) == 2


def test_sec_14_the_request_waits_for_the_operators_name(tmp_path):
    """A03, prerequisites."""
    root = Authority()
    cs = box(root)
    enrol(cs, tmp_path, root, ends=T0 + 100 * DAY)
    assert cs.configure("CpoName", "") == "Accepted"
    cs.advance_to(T0 + 80 * DAY)
    assert len(cs.jobs) == 1
    assert cs.configure("CpoName", "Another CPO") == "Accepted"
    cs.advance(60)
    assert cs.wanted(MakeKey).organization == "Another CPO"
    assert len(cs.jobs) == 2


@pytest.mark.parametrize(("level", "asked"), [(2, 0), (3, 1)])
def test_sec_14_a_configured_certificate_is_succeeded_in_time_too(level, asked):
    """A03.FR.02: where it is in use."""
    csms = {"certificate_file": "box.pem", "certificate_validity": (T0 - DAY, T0 + 50 * DAY), "password": "p"}
    cs = box(Authority(), profile=level, **csms)
    cs.advance_to(T0 + 20 * DAY - 60)
    assert len(cs.jobs) == 0
    cs.advance(120)
    assert len(cs.jobs) == asked
    if asked:
        cs.finish(TransferFailed(cs.wanted(MakeKey).job_id, TransferProblem.FAILED, "disk full"))
    cs.crash()
    cs.advance(20 * DAY)
    assert len(cs.jobs) == asked  # once


def test_sec_14_the_request_waits_for_the_connection(tmp_path):
    root = Authority()
    cs = box(root)
    enrol(cs, tmp_path, root, ends=T0 + 100 * DAY)
    cs.cut()
    cs.advance_to(T0 + 71 * DAY)
    make(cs, tmp_path)
    cs.advance(DAY)
    assert len(cs.sent("SignCertificate")) == 1
    cs.restore()
    assert len(cs.sent("SignCertificate")) == 2


def test_sec_14_short_lived_certificates_are_not_asked_for_without_end(tmp_path):
    root = Authority()
    cs = box(root)
    enrol(cs, tmp_path, root, ends=T0 + 9 * DAY)
    cs.advance(1)
    assert len(cs.jobs) == 2  # less than a month is left, so at once
    make(cs, tmp_path)
    assert signed(cs, root.answer(cs.last("SignCertificate")["csr"], starts=T0, ends=T0 + 9 * DAY)) == "Accepted"
    cs.advance_to(T0 + 6 * DAY - 60)
    assert len(cs.jobs) == 2
    cs.advance_to(T0 + 6 * DAY + 60)
    assert len(cs.jobs) == 3


def test_sec_16_old_certificates_go_after_a_month(tmp_path):
    """A02.FR.10, A03.FR.10."""
    root = Authority()
    cs, first = at_profile_3(root, tmp_path)
    signature = first.splitlines()[-2].encode()
    enrol(cs, tmp_path, root, starts=T0 - 60, ends=T0 + YEAR)
    cs.advance(5)
    assert signature in cs.rows.parts["certificates"]
    cs.advance_to(T0 + 32 * DAY)
    enrol(cs, tmp_path, root, starts=T0 + 31 * DAY, ends=T0 + 2 * YEAR)
    assert signature not in cs.rows.parts["certificates"]
