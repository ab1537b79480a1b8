"""Group 18 of the checklist: roots (Security whitepaper M03, M04, M05)."""

from __future__ import annotations

import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from fakes.authorities import DAY, Authority, ec_key, rsa_key
from fakes.central_system import T0
from fakes.enrolling import enrol
from fakes.scenes import booted
from fakes.trusting import (
    CENTRAL,
    MANUFACTURER,
    READY,
    box,
    delete,
    events,
    hash_data,
    install,
    installed,
    logged,
)

from twin.model.spec import CsmsSpec, KeySpec
from twin.model.terms import LinkProblem

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


LONG_SERIAL = """\
-----BEGIN CERTIFICATE-----
MIIBijCCATCgAwIBAgIZASNFZ4mrze8BI0VniavN7wEjRWeJq83vATAKBggqhkjO
PQQDAjAYMQowCAYDVQQKDAFYMQowCAYDVQQDDAFSMB4XDTI2MTEyNTE1MDEwMloX
DTM2MTEyMjE1MDEwMlowGDEKMAgGA1UECgwBWDEKMAgGA1UEAwwBUjBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABJb3v39s9b80/X9oB5rURdJtn593TeCazDJ8I2eq
Tjcgv7ur+UuNk8UKaMyod3ahyXBOqHiZCh/kWkao6jU8hLWjUzBRMB0GA1UdDgQW
BBSBS02yQKLoz48nZBN7ZF6WNxsZzTAfBgNVHSMEGDAWgBSBS02yQKLoz48nZBN7
ZF6WNxsZzTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIDx6GAei
ItVD2B3Cs4hIsJUUsSxcvpXBQxreOiyYOOThAiEAzT3Fpm7U58aCue4UQe+Ke7xz
Uv2O/rCXC2Lu9JxLp08=
-----END CERTIFICATE-----
"""


def test_sec_17_sec_19_a_serial_number_that_no_message_can_hold_is_rejected():
    """W6.1: `serialNumber` has at most 40 characters, so that such a root could be neither listed nor deleted."""
    cs = box()
    assert install(cs, LONG_SERIAL) == "Rejected"
    assert "serial number" in cs.last("SecurityEventNotification")["techInfo"]


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


def test_sec_19_so_is_one_that_the_configuration_gives():
    root = Authority()
    middle = Authority("Middle", above=root)
    cs = box(middle, root)
    assert installed(cs)["certificateHashData"] == [hash_data(middle, root), hash_data(root)]
    assert delete(cs, hash_data(middle, root)) == "Accepted"


def test_sec_19_a_configured_root_that_cannot_be_read_does_no_harm(tmp_path):
    """What the machine's OpenSSL takes need not be known here: an odd curve, say."""
    root = Authority()
    odd = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    csms = CsmsSpec(roots=(odd, root.pem), certificate_file="box.pem", password="p")
    cs = booted(keys=READY, serial_number="SN-1", csms=csms, manufacturer_roots=(odd,))
    assert installed(cs)["certificateHashData"] == [hash_data(root)]
    enrol(cs, tmp_path, root)
    assert install(cs, Authority("Other")) == "Accepted"
    firmware = {"location": "http://f/", "retrieveDateTime": "2026-01-01T00:00:00Z", "signature": "AAAA"}
    update = {"requestId": 1, "firmware": firmware | {"signingCertificate": root.pem}}
    assert cs.ask("SignedUpdateFirmware", update).status == "InvalidCertificate"
    assert cs.configure("SecurityProfile", 3) == "Accepted"
    cs.advance(5)
    assert delete(cs, hash_data(root)) == "Failed"


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


def test_sec_18_the_old_root_does_not_come_back_without_the_new_ones_word():
    """M05.FR.10."""
    old = Authority("Old")
    cs = checked(old)
    install(cs, old.renewed())
    assert install(cs, old) == "Rejected"


def test_sec_18_a_fallback_takes_no_room():
    """M05.FR.08: one certificate, plus the fallback for a while."""
    first = Authority("First")
    cs = box(keys={"AdditionalRootCertificateCheck": KeySpec("true"), "CertificateStoreMaxLength": 1})
    second = first.renewed()
    assert [install(cs, root) for root in (first, second, second.renewed())] == ["Accepted"] * 3


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


@pytest.mark.parametrize("proven", ["directly", "by an intermediate authority", "in an unknown way", "by an odd one"])
def test_sec_20_of_several_roots_the_one_that_proved_the_central_system_stays(proven):
    """M04.FR.06: which root it was cannot be told where an intermediate authority is between."""
    root, other = Authority("Root"), Authority("Other")
    cs = box(root, other, profile=2, password="p")
    signer = root if proven == "directly" else Authority("Middle", above=root)
    pem = signer.certify(ec_key().public_key())
    shown = {"in an unknown way": None, "by an odd one": b"0"}
    cs.certificate = shown.get(proven, ssl.PEM_cert_to_DER_cert(pem))
    cs.blink()
    assert delete(cs, hash_data(root)) == "Failed"
    assert delete(cs, hash_data(other)) == ("Accepted" if proven == "directly" else "Failed")


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
