"""Signatures of firmware, made by OpenSSL's command line (`openssl dgst -sha256 -sign`)."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from fakes.authorities import Authority, ec_key, rsa_key

from twin.crypto.signing import is_genuine

OPENSSL = Path(__file__).parent / "openssl"
IMAGE = OPENSSL / "firmware.bin"


def text(name: str) -> str:
    return (OPENSSL / name).read_text()


@pytest.mark.parametrize(
    ("signature", "certificate"),
    [("signature_pss.txt", "signing_rsa.pem"), ("signature_ec.txt", "root.pem")],
)
def test_sec_34_signatures_by_openssl_are_genuine(signature, certificate):
    """L01.FR.04, L01.FR.12: RSA-PSS or a signature on an elliptic curve, with SHA-256, over the whole file."""
    assert is_genuine(IMAGE, text(signature), text(certificate))


def test_sec_34_another_padding_is_refused():
    assert not is_genuine(IMAGE, text("signature_v15.txt"), text("signing_rsa.pem"))


def test_sec_34_a_changed_file_is_not_genuine(tmp_path):
    changed = tmp_path / "firmware.bin"
    changed.write_bytes(IMAGE.read_bytes() + b"\n")
    assert not is_genuine(changed, text("signature_pss.txt"), text("signing_rsa.pem"))


@pytest.mark.parametrize(
    ("signature", "certificate"),
    [
        ("", "signing_rsa.pem"),
        ("not base64!", "signing_rsa.pem"),
        ("AAAA", "signing_rsa.pem"),
        ("AAAA", "root.pem"),
        ("AAAA", "firmware.bin"),
    ],
)
def test_what_cannot_be_read_proves_nothing(signature, certificate):
    assert not is_genuine(IMAGE, signature, text(certificate))


def test_the_signature_of_another_kind_of_key_proves_nothing():
    key = ed25519.Ed25519PrivateKey.generate()
    signature = base64.b64encode(key.sign(IMAGE.read_bytes())).decode()
    assert not is_genuine(IMAGE, signature, Authority().certify(key.public_key()))


@pytest.mark.parametrize("salt", [0, 32, padding.PSS.MAX_LENGTH])
def test_any_length_of_salt_is_taken(salt, tmp_path):
    key, image = rsa_key(), tmp_path / "big.bin"
    image.write_bytes(b"0123456789abcdef" * 100_000)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    signature = base64.b64encode(key.sign(image.read_bytes(), pss, hashes.SHA256())).decode()
    assert is_genuine(image, signature, Authority().certify(key.public_key()))


def test_only_sha_256_is_taken():
    key = ec_key()
    signature = base64.b64encode(key.sign(IMAGE.read_bytes(), ec.ECDSA(hashes.SHA384()))).decode()
    assert not is_genuine(IMAGE, signature, Authority().certify(key.public_key()))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        is_genuine(tmp_path / "none", text("signature_pss.txt"), text("signing_rsa.pem"))
