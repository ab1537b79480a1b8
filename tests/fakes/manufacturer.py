"""A manufacturer of charge points, who signs firmware; all its certificates are valid in the year 2026."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, text), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "M")]
    )


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(name: str, issuer: str, end: datetime, *, authority: bool) -> str:
    usage = {
        "digital_signature": not authority,
        "key_cert_sign": authority,
        "crl_sign": authority,
        **dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        ),
    }
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(_key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .sign(_key(issuer), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


@cache
def root(name: str = "Root") -> str:
    """Return a manufacturer root certificate in PEM."""
    return _certificate(name, name, END, authority=True)


@cache
def signer(issuer: str = "Root", *, end: datetime = END) -> str:
    """Return a firmware signing certificate in PEM, directly under a root (SEC-34)."""
    return _certificate("Signer", issuer, end, authority=False)
