"""Group 18 of the checklist: certificates (Security whitepaper A02, A03, M03, M04, M05)."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from fakes.authorities import DAY, YEAR, Authority, ec_key, rsa_key
from fakes.central_system import T0, CallError, Hold
from fakes.enrolling import ask, enrol, make
from fakes.scenes import booted

from twin.model.effects import MakeKey
from twin.model.inputs import PressReset, TransferFailed
from twin.model.spec import CsmsSpec, KeySpec
from twin.model.terms import LinkProblem, TransferProblem

CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
READY = {"CpoName": "Example CPO"}
MONTH = 30 * DAY


def box(*roots: Authority, profile: int = 0, keys=None, **csms):
    """A box with a serial number that trusts these roots by its configuration."""
    given = CsmsSpec(security_profile=profile, roots=tuple(root.pem for root in roots), **csms)
    return booted(keys={**READY, **(keys or {})}, serial_number="SN-1", csms=given)


def install(cs, root, use=CENTRAL):
    pem = root if isinstance(root, str) else root.pem
    return cs.ask("InstallCertificate", {"certificateType": use, "certificate": pem}).status


def installed(cs, use=CENTRAL):
    return cs.ask("GetInstalledCertificateIds", {"certificateType": use}).payload


def hash_data(root, issuer=None, algorithm=hashes.SHA256):
    issuer = (issuer or root).certificate
    request = ocsp.OCSPRequestBuilder().add_certificate(root.certificate, issuer, algorithm()).build()
    return {
        "hashAlgorithm": algorithm.name.upper(),
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{request.serial_number:x}",
    }


def delete(cs, data):
    return cs.ask("DeleteCertificate", {"certificateHashData": data}).status


def events(cs):
    return [call["type"] for call in cs.sent("SecurityEventNotification")]


def logged(cs):
    return [note.fields["security_type"] for note in cs.noted("security_event")]


def signed(cs, chain):
    return cs.ask("CertificateSigned", {"certificateChain": chain}).status


# --- InstallCertificate -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", [CENTRAL, MANUFACTURER])
def test_sec_17_sec_19_a_root_is_installed_and_listed(use):
    """M05.FR.01, M05.FR.02, M03.FR.01 … M03.FR.04."""
    cs, root = box(), Authority()
    assert installed(cs, use) == {"status": "NotFound"}
    assert install(cs, root, use) == "Accepted"
    assert installed(cs, use) == {"status": "Accepted", "certificateHashData": [hash_data(root)]}
    other = MANUFACTURER if use == CENTRAL else CENTRAL
    assert installed(cs, other) == {"status": "NotFound"}
    assert logged(cs)[-1] == "ReconfigurationOfSecurityParameters"


def test_sec_17_several_of_a_type_are_allowed_and_outlive_a_restart():
    cs, one, other = box(), Authority("One"), Authority("Other", key=rsa_key())
    assert [install(cs, one), install(cs, other)] == ["Accepted", "Accepted"]
    cs.crash()
    assert installed(cs)["certificateHashData"] == [hash_data(one), hash_data(other)]


def test_sec_17_what_is_installed_already_is_not_installed_twice():
    cs, root = box(), Authority()
    assert [install(cs, root), install(cs, root)] == ["Accepted", "Accepted"]
    assert len(installed(cs)["certificateHashData"]) == 1


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param("hello", id="no PEM"),
        pytest.param("-----BEGIN CERTIFICATE-----\nMIHgMIGaAgEBMA0GCSqG-----END CERTIFICATE-----", id="broken"),
        pytest.param(Authority(ends=T0 - DAY).pem, id="expired"),
        pytest.param(Authority(starts=T0 + DAY).pem, id="not yet valid"),
        pytest.param(Authority(ca=False).pem, id="no authority"),
        pytest.param(Authority(key=rsa_key(1024)).pem, id="weak key"),
        pytest.param(Authority("Sub", above=Authority()).pem, id="issuer unknown"),
        pytest.param(Authority().certify(ec_key().public_key()), id="a leaf"),
        pytest.param(Authority("One").pem + Authority("Two").pem, id="two of them"),
    ],
)
def test_sec_17_an_invalid_certificate_is_rejected(pem):
    """M05.FR.06; the Central System is told that its certificate is invalid."""
    cs = box()
    assert install(cs, pem) == "Rejected"
    assert installed(cs) == {"status": "NotFound"}
    assert events(cs) == ["InvalidCentralSystemCertificate"]


def test_sec_17_a_full_store_rejects():
    """M05.FR.03."""
    cs = box(Authority("Configured"), keys={"CertificateStoreMaxLength": 2})
    assert install(cs, Authority("One")) == "Accepted"
    assert install(cs, Authority("Two"), MANUFACTURER) == "Accepted"
    assert install(cs, Authority("Three")) == "Rejected"
    assert install(cs, Authority("Three"), MANUFACTURER) == "Rejected"
    assert delete(cs, installed(cs, MANUFACTURER)["certificateHashData"][0]) == "Accepted"
    assert install(cs, Authority("Three")) == "Accepted"


def test_sec_17_an_intermediate_authority_is_named_by_its_issuer():
    cs, root = box(), Authority()
    middle = Authority("Middle", above=root)
    assert [install(cs, root), install(cs, middle)] == ["Accepted", "Accepted"]
    assert installed(cs)["certificateHashData"] == [hash_data(root), hash_data(middle, root)]


def test_sec_17_a_new_root_does_not_end_the_connection():
    cs = box(profile=1, password="p")
    install(cs, Authority())
    assert cs.connection == 1


# --- AdditionalRootCertificateCheck -----------------------------------------------------------------------------------


def checked(*roots, **csms):
    csms = {"profile": 2, "password": "p"} | csms
    return box(*roots, keys={"AdditionalRootCertificateCheck": KeySpec("true")}, **csms)


def test_sec_18_a_root_that_the_old_one_did_not_sign_is_rejected():
    """M05.FR.09, M05.FR.10."""
    old = Authority("Old")
    cs = checked(old)
    for new in (Authority("New"), Authority("New", above=Authority("Old"))):
        assert install(cs, new) == "Rejected"
    assert installed(cs)["certificateHashData"] == [hash_data(old)]
    assert cs.station.access.roots is None


def test_sec_18_a_signed_root_replaces_the_old_one_which_stays_as_fallback_until_it_works():
    """M05.FR.08, M05.FR.11, M05.FR.12."""
    old = Authority("Old")
    new = old.renewed()
    cs = checked(old)
    assert install(cs, new) == "Accepted"
    assert cs.station.access.roots == (new.pem,)
    assert installed(cs)["certificateHashData"] == [hash_data(new, old), hash_data(old)]
    assert cs.connection == 1  # it counts from the next connection on
    cs.blink()
    assert installed(cs)["certificateHashData"] == [hash_data(new, old)]
    cs.crash()
    assert cs.station.access.roots == (new.pem,)


def test_sec_18_while_the_new_root_does_not_work_the_old_one_does():
    """M05.FR.13: each try with the new root that fails is followed by one with the old."""
    old = Authority("Old")
    new = old.renewed()
    cs = checked(old)
    tried = []

    def admits(access):
        tried.append(access.roots)
        return LinkProblem.BAD_SERVER_CERTIFICATE if access.roots == (new.pem,) else None

    cs.admits = admits
    install(cs, new)
    cs.blink()
    cs.advance(10)
    assert cs.link
    assert tried == [(new.pem,), (old.pem,)]
    assert "InvalidCentralSystemCertificate" in logged(cs)
    assert len(installed(cs)["certificateHashData"]) == 2
    cs.blink()
    cs.advance(10)
    assert tried[2:] == [(new.pem,), (old.pem,)]  # the new one has its chance each time
    cs.admits = lambda _: None
    cs.blink()
    assert installed(cs)["certificateHashData"] == [hash_data(new, old)]


def test_sec_18_a_second_new_root_must_be_signed_by_the_first_and_the_proven_one_stays():
    old = Authority("Old")
    new = old.renewed()
    newer = new.renewed()
    cs = checked(old)
    install(cs, new)
    assert install(cs, old.renewed(common_name="Aside")) == "Rejected"
    assert install(cs, newer) == "Accepted"
    assert installed(cs)["certificateHashData"] == [hash_data(newer, new), hash_data(old)]


def test_sec_18_without_tls_nothing_proves_the_new_root():
    old = Authority("Old")
    cs = checked(old, profile=1)
    install(cs, old.renewed())
    cs.blink()
    assert len(installed(cs)["certificateHashData"]) == 2


def test_sec_18_the_first_root_needs_no_other():
    cs = checked(profile=1)
    assert install(cs, Authority()) == "Accepted"
    assert install(cs, Authority("Other")) == "Rejected"
    assert install(cs, Authority("Maker"), MANUFACTURER) == "Accepted"
    assert install(cs, Authority("Maker 2"), MANUFACTURER) == "Accepted"  # the check is about the Central System only


# --- DeleteCertificate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [hashes.SHA256, hashes.SHA384, hashes.SHA512], ids=lambda one: one.name)
@pytest.mark.parametrize("use", [CENTRAL, MANUFACTURER])
def test_sec_20_a_root_is_deleted_by_any_hash(use, algorithm):
    """M04.FR.01, M04.FR.02, M04.FR.04, M04.FR.07."""
    cs, root, other = box(), Authority("One"), Authority("Other")
    install(cs, root, use)
    install(cs, other, use)
    data = hash_data(root, algorithm=algorithm)
    data |= {"issuerNameHash": data["issuerNameHash"].upper(), "serialNumber": data["serialNumber"].upper().zfill(40)}
    assert delete(cs, data) == "Accepted"
    assert installed(cs, use)["certificateHashData"] == [hash_data(other)]
    assert delete(cs, data) == "NotFound"
    cs.crash()
    assert installed(cs, use)["certificateHashData"] == [hash_data(other)]
    assert logged(cs).count("ReconfigurationOfSecurityParameters") == 3


def test_sec_20_a_root_in_use_cannot_be_deleted():
    """M04.FR.03, M04.FR.06."""
    root, other = Authority("Root"), Authority("Other")
    cs = box(root, profile=2, password="p")
    install(cs, other)
    assert delete(cs, hash_data(root)) == "Failed"
    assert delete(cs, hash_data(other)) == "Accepted"  # it came after the connection was opened
    assert installed(cs)["certificateHashData"] == [hash_data(root)]


def test_sec_20_without_tls_no_root_is_in_use():
    """M04, remarks: even the last one may go. A configured one is not trusted any more either."""
    root = Authority()
    cs = box(root, profile=1, password="p")
    assert cs.station.access.roots is None
    assert delete(cs, hash_data(root)) == "Accepted"
    assert installed(cs) == {"status": "NotFound"}
    cs.crash()
    assert cs.station.access.roots == ()
    assert install(cs, root) == "Accepted"
    assert cs.station.access.roots is None


def test_sec_20_the_box_own_certificate_cannot_be_deleted(tmp_path):
    """M04.FR.05."""
    root = Authority()
    cs = box(root)
    pem = enrol(cs, tmp_path, root)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, root.certificate, hashes.SHA256()).build()
    data = hash_data(root) | {"serialNumber": f"{request.serial_number:x}"}
    assert delete(cs, data) == "Failed"


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
