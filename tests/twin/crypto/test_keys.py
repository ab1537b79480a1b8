import hashlib
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from fakes.authorities import Authority, private_key

from twin.crypto import certificates
from twin.crypto.keys import make_key


def test_sec_13_the_request_is_pkcs_10_in_pem_with_serial_number_and_operator(tmp_path):
    """A02.FR.03, A02.FR.13, A00.FR.509, A00.FR.511."""
    pem, _ = make_key(tmp_path, "SN-1", "Example CPO")
    assert pem.startswith("-----BEGIN CERTIFICATE REQUEST-----\n")
    assert len(pem) <= 5500
    request = x509.load_pem_x509_csr(pem.encode())
    assert request.is_signature_valid
    assert request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "SN-1"
    assert request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Example CPO"


def test_sec_13_the_longest_names_fit(tmp_path):
    pem, _ = make_key(tmp_path, "é" * 32, "Ω" * 32)
    assert len(pem) <= 5500


def test_sec_14_the_private_key_is_a_file_for_its_owner_alone(tmp_path):
    """A02.FR.05."""
    folder = tmp_path / "twin" / "keys"
    request, fingerprint = make_key(folder, "SN-1", "Example CPO")
    (path,) = folder.iterdir()
    assert path.name == f"{fingerprint}.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    public = private_key(path.read_bytes()).public_key()
    assert public == x509.load_pem_x509_csr(request.encode()).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert fingerprint == hashlib.sha256(spki).hexdigest()


def test_the_fingerprint_is_that_of_a_certificate_for_the_key(tmp_path):
    request, fingerprint = make_key(tmp_path, "SN-1", "Example CPO")
    assert certificates.fingerprint(certificates.read_one(Authority().answer(request))) == fingerprint


def test_each_key_is_another(tmp_path):
    assert make_key(tmp_path, "SN-1", "CPO")[1] != make_key(tmp_path, "SN-1", "CPO")[1]
    assert len(list(tmp_path.iterdir())) == 2


def test_keys_that_nobody_needs_any_more_go(tmp_path):
    _, first = make_key(tmp_path, "SN-1", "CPO")
    _, second = make_key(tmp_path, "SN-1", "CPO")
    (tmp_path / "notes.txt").write_text("not ours")
    _, third = make_key(tmp_path, "SN-1", "CPO", keep=[second])
    assert {path.name for path in tmp_path.iterdir()} == {f"{second}.pem", f"{third}.pem", "notes.txt"}
    assert first not in (second, third)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        make_key(tmp_path / "keys", "SN-1", "CPO")
