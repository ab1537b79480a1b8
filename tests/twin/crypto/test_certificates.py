"""What certificates say, against OpenSSL and against the OCSP code of the `cryptography` package."""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.x509 import load_pem_x509_certificate, ocsp
from fakes.authorities import DAY, YEAR, Authority, ec_key, rsa_key
from fakes.central_system import T0
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin.crypto import certificates
from twin.errors import CertificateError

OPENSSL = Path(__file__).parent / "openssl"


def certified(authority=None, key=None, **fields):
    signer = authority or Authority()
    return certificates.read_one(signer.certify((key or ec_key()).public_key(), **fields))


def test_sec_19_hash_data_is_what_openssl_computes():
    """`openssl ocsp -issuer root.pem -sha256 -cert root.pem -req_text` (Security whitepaper §6.1)."""
    root = certificates.read_one((OPENSSL / "root.pem").read_text())
    assert certificates.hash_data(root, root, "SHA256") == (
        "4c0dda6703ab05f01bf3231d23ffc38c822889f5f596126a8ebe3541836c8506",
        "682cac05aa2218bc42ddd48ef555d54a4c02b7e5492ef93e9d9559981124271d",
        "a1b2c3d4e5f60718293a4b5c6d7e8f90010203",
    )


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda a: a.name)
@pytest.mark.parametrize("make_key", [ec_key, rsa_key], ids=["ec", "rsa"])
def test_sec_19_hash_data_is_that_of_an_ocsp_request(algorithm, make_key):
    issuer = Authority(key=make_key())
    pem = issuer.certify(ec_key().public_key())
    certificate = load_pem_x509_certificate(pem.encode())
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer.certificate, algorithm).build()
    found = certificates.hash_data(certificates.read_one(pem), issuer.certificate, algorithm.name.upper())
    assert found.issuer_name_hash == request.issuer_name_hash.hex()
    assert found.issuer_key_hash == request.issuer_key_hash.hex()
    assert int(found.serial_number, 16) == request.serial_number
    assert not found.serial_number.startswith("0")
    assert len(found.serial_number) <= 40
    assert len(found.issuer_name_hash) <= 128


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIHgMIGaAgEBMA0GCSqG-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIHgMIGaAgEBMA0GCSqG\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\né\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_cannot_be_read(text):
    with pytest.raises(CertificateError):
        certificates.read(text)


SOUND = ssl.PEM_cert_to_DER_cert(Authority("Sub", above=Authority()).pem)


@pytest.mark.filterwarnings("ignore:.*")  # the parser warns of what OpenSSL takes
@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@example([(SOUND.index(b"\xa0\x03\x02\x01") + 4, 7)])  # version 8
def test_whatever_came_can_be_used_or_cannot_be_read(changes):
    data = bytearray(SOUND)
    for index, octet in changes:
        data[index] = octet
    try:
        found = certificates.read_one(ssl.DER_cert_to_PEM_cert(bytes(data)))
    except CertificateError:
        return
    certificates.root_problem(found, T0)
    certificates.chain_problem([found], [found], T0)
    certificates.hash_data(found, found, "SHA256")
    assert certificates.split(certificates.write(found)) == (certificates.write(found),)


def test_a_text_may_hold_several_and_other_things():
    one, other = Authority("One"), Authority("Other")
    text = f"a comment\n{one.pem}\r\n{other.pem.replace(chr(10), chr(13) + chr(10))}"
    assert certificates.split(text) == (one.pem, other.pem)
    with pytest.raises(CertificateError, match="2 came"):
        certificates.read_one(text)


def test_names_and_times_are_those_of_the_subject():
    found = certified(common_name="SN-7", organization="Maker", starts=T0, ends=T0 + DAY)
    assert (certificates.common_name(found), certificates.organization(found)) == ("SN-7", "Maker")
    assert (certificates.starts_at(found), certificates.ends_at(found)) == (T0, T0 + DAY)
    nameless = certified(common_name=None, organization=None)
    assert (certificates.common_name(nameless), certificates.organization(nameless)) == (None, None)


def test_a_signature_counts_only_under_the_issuers_name_and_key():
    root, other, namesake = Authority("Root"), Authority("Other"), Authority("Root")
    leaf = certified(root)
    assert certificates.signed_by(leaf, root.certificate)
    assert not certificates.signed_by(leaf, other.certificate)
    assert not certificates.signed_by(leaf, namesake.certificate)
    assert certificates.is_self_signed(root.certificate)
    assert not certificates.is_self_signed(leaf)
    assert certificates.issuer_of(leaf, [other.certificate, root.certificate]) is root.certificate
    assert certificates.issuer_of(root.certificate, []) is root.certificate
    assert certificates.issuer_of(leaf, [other.certificate]) is None


@pytest.mark.parametrize(
    ("make_key", "problem"),
    [
        pytest.param(ec_key, None, id="P-256"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP224R1()), None, id="P-224"),
        pytest.param(rsa_key, None, id="RSA 2048"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, None, id="Ed25519"),
        pytest.param(lambda: dsa.generate_private_key(2048), None, id="DSA 2048"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP192R1()), "192 bits", id="P-192"),
        pytest.param(lambda: rsa_key(1024), "1024 bits", id="RSA 1024"),
        pytest.param(lambda: dsa.generate_private_key(1024), "1024 bits", id="DSA 1024"),
    ],
)
def test_sec_07_keys_have_112_bits_of_security(make_key, problem):
    """A00.FR.501, A00.FR.502, A00.FR.503."""
    found = certificates.key_problem(certified(key=make_key()))
    assert found is None if problem is None else problem in found


def test_sec_07_a_broken_hash_is_told():
    """A00.FR.504, A00.FR.506."""
    leaf, root = (certificates.read_one((OPENSSL / name).read_text()) for name in ("leaf_sha1.pem", "root.pem"))
    assert "SHA1" in certificates.signature_problem(leaf)
    assert "SHA1" in certificates.chain_problem([leaf], [root], certificates.starts_at(leaf))
    assert certificates.signature_problem(certified(digest=hashes.SHA384())) is None


def test_validity_is_told_in_words():
    found = certified(starts=T0, ends=T0 + DAY)
    assert "not valid before 2026-01-05" in certificates.validity_problem(found, T0 - 1)
    assert certificates.validity_problem(found, T0) is None
    assert certificates.validity_problem(found, T0 + DAY) is None
    assert "expired on 2026-01-06" in certificates.validity_problem(found, T0 + DAY + 1)


def test_only_an_authority_may_vouch_for_others():
    assert certificates.root_problem(Authority().certificate, T0) is None
    assert certificates.root_problem(Authority(ca=None).certificate, T0) is None  # an old root says nothing of it
    assert "authority" in certificates.root_problem(Authority(ca=False).certificate, T0)
    assert "authority" in certificates.root_problem(certified(), T0)
    assert "expired" in certificates.root_problem(Authority(ends=T0 - 1).certificate, T0)


class TestChains:
    """A02.FR.06: the certificate must be part of the operator's hierarchy."""

    def problem(self, roots, *chain, now=T0):
        return certificates.chain_problem(list(chain), [root.certificate for root in roots], now)

    def test_directly_under_a_root(self):
        root = Authority()
        assert self.problem([Authority("Other"), root], certified(root)) is None

    def test_by_way_of_intermediate_authorities_in_any_order(self):
        root = Authority()
        upper = Authority("Upper", above=root)
        lower = Authority("Lower", above=upper)
        leaf = certified(lower)
        assert self.problem([root], leaf, lower.certificate, upper.certificate) is None
        assert self.problem([root], leaf, upper.certificate, lower.certificate, root.certificate) is None
        assert self.problem([root], leaf, lower.certificate) is not None
        assert self.problem([upper], leaf, lower.certificate) is None  # a trusted one need not have signed itself

    def test_a_root_in_the_chain_is_not_trusted_for_that(self):
        root = Authority()
        assert "vouches" in self.problem([Authority("Other")], certified(root), root.certificate)

    def test_one_that_is_no_authority_vouches_for_nobody(self):
        root = Authority()
        fake = Authority("Fake", above=root, ca=False)
        assert "vouches" in self.problem([root], certified(fake), fake.certificate)

    def test_an_authority_may_say_how_long_a_path_may_be(self):
        root = Authority(path_length=1)
        upper = Authority("Upper", above=root, path_length=0)
        lower = Authority("Lower", above=upper)
        assert self.problem([root], certified(upper), upper.certificate) is None
        assert self.problem([upper], certified(upper)) is None
        assert "vouches" in self.problem([root], certified(lower), lower.certificate, upper.certificate)
        assert "vouches" in self.problem([Authority(path_length=0, key=root.key)], certified(upper), upper.certificate)

    def test_an_expired_authority_vouches_for_nobody(self):
        root = Authority(ends=T0 - 1)
        assert "vouches" in self.problem([root], certified(root))

    def test_authorities_must_be_valid_when_the_certificate_begins(self):
        root = Authority(ends=T0 + DAY)
        assert "vouches" in self.problem([root], certified(root, starts=T0 + 2 * DAY, ends=T0 + YEAR))

    def test_a_circle_ends(self):
        root = Authority()
        one = Authority("One", above=root)
        assert "vouches" in self.problem([Authority("Other")], certified(one), one.certificate, one.certificate)
