"""The box's own key pairs, which are made here, lie on disk and never leave (Security whitepaper A02.FR.05)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

_PRIVATE = 0o600


def make_key(folder: Path, common_name: str, organization: str, keep: Collection[str] | None = None) -> tuple[str, str]:
    """Make a key pair and a certificate signing request for it; return the request (PKCS#10 in PEM) and a fingerprint.

    The private key (EC P-256) lies in `<folder>/<fingerprint>.pem`, readable by its owner alone and on the disk for
    good before this returns; the fingerprint is the SHA-256 of the public key. Where `keep` is given, keys of other
    fingerprints are removed. Raises OSError.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = hashlib.sha256(public).hexdigest()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / f"{fingerprint}.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    if keep is not None:
        _remove_all_but(folder, {*keep, fingerprint})
    return _request(key, common_name, organization), fingerprint


def _request(key: ec.EllipticCurvePrivateKey, common_name: str, organization: str) -> str:
    # Security whitepaper A00.FR.509, .511; A02.FR.13: O is the operator's name, CN the serial number.
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def _write(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_all_but(folder: Path, keep: Collection[str]) -> None:
    for path in folder.glob("*.pem"):
        if path.stem not in keep:
            path.unlink(missing_ok=True)
