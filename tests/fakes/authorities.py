"""Certificate authorities at any instant, virtual ones too: roots, intermediate ones, and what they sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID
from fakes.central_system import T0

DAY = 86_400.0
YEAR = 365 * DAY


def name(common_name: str | None, organization: str | None = "Example CPO") -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text is not None])


def at(instant: float) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@dataclass
class Authority:
    """A root, or with `above` an intermediate authority."""

    common_name: str = "Example Root"
    above: Authority | None = None
    starts: float = T0 - YEAR
    ends: float = T0 + 10 * YEAR
    key: Any = None
    ca: bool | None = True
    path_length: int | None = None

    def __post_init__(self) -> None:
        self.key = self.key or ec_key()
        signer = self.above or self
        builder = _builder(name(self.common_name), name(signer.common_name), self.key.public_key(), self.starts)
        builder = builder.not_valid_after(at(self.ends))
        if self.ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(self.ca, self.path_length), critical=True)
        self.certificate = builder.sign(signer.key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    def certify(
        self,
        public_key: Any,
        common_name: str | None = "SN-1",
        organization: str | None = "Example CPO",
        starts: float = T0 - DAY,
        ends: float = T0 + YEAR,
        digest: Any = None,
    ) -> str:
        """Sign a certificate for somebody else's key, and return its PEM."""
        builder = _builder(name(common_name, organization), name(self.common_name), public_key, starts)
        signed = builder.not_valid_after(at(ends)).sign(self.key, digest or hashes.SHA256())
        return signed.public_bytes(Encoding.PEM).decode()

    def answer(self, csr: str, **fields: Any) -> str:
        """Sign what a certificate signing request asks for, but for other `fields`."""
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        asked = {
            "common_name": request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value,
            "organization": request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value,
        }
        return self.certify(request.public_key(), **(asked | fields))

    def renewed(self, **fields: Any) -> Authority:
        """Return a new authority that this one vouches for, as SEC-18 wants it."""
        return Authority(**({"common_name": f"{self.common_name} 2", "above": self} | fields))


def private_key(pem: bytes) -> Any:
    return load_pem_private_key(pem, None)


def _builder(subject: x509.Name, issuer: x509.Name, public_key: Any, starts: float) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at(starts))
    )
