"""Both sides of TLS for tests: certificates that trustme does not make, and servers with TLS of their own manner."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID
from fakes.links import Script

PEM = serialization.Encoding.PEM

WEAK = "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:AES128-SHA:@SECLEVEL=0"


def written(path: Path, *pems: trustme.Blob) -> str:
    """Write one PEM after the other into a file and return its path."""
    path.write_bytes(b"".join(pem.bytes() for pem in pems))
    return str(path)


def without_san(authority: trustme.CA, common_name: str, *, rsa_bits: int | None = None) -> trustme.LeafCert:
    """Issue a certificate whose only name is its commonName (Security whitepaper A00.FR.510)."""
    key = ec.generate_private_key(ec.SECP256R1()) if rsa_bits is None else rsa.generate_private_key(65537, rsa_bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return trustme.LeafCert(private, _issued(authority, subject, key.public_key()), [])


def signed(authority: trustme.CA, csr: str) -> str:
    """Issue the certificate that a charge point asks for with SignCertificate."""
    request = x509.load_pem_x509_csr(csr.encode())
    assert request.is_signature_valid
    return _issued(authority, request.subject, request.public_key()).decode()


def _issued(authority: trustme.CA, subject: x509.Name, key: CertificatePublicKeyTypes) -> bytes:
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    signer = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=100))
        .sign(signer, hashes.SHA256())
        .public_bytes(PEM)
    )


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a server's side of TLS speak TLS 1.1 only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def weak(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a server's side of TLS speak suites without AES-GCM only."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(WEAK)
    return context


def mutual(context: ssl.SSLContext, authority: trustme.CA) -> ssl.SSLContext:
    """Make a server's side of TLS ask for certificates of this authority (security profile 3)."""
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return context


def alerting(context: ssl.SSLContext) -> Script:
    """Make a script that shakes hands and, unlike asyncio's servers, tells the other side why it does not want to."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while (data := await reader.read(65536)) and _shakes(tls, incoming, data):
            writer.write(outgoing.read())
        writer.write(outgoing.read())
        while await reader.read(65536):
            pass  # closing with something unread would break the connection before the alert arrives

    return script


def _shakes(tls: ssl.SSLObject, incoming: ssl.MemoryBIO, data: bytes) -> bool:
    incoming.write(data)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return True
    except ssl.SSLError:
        return False
    return True
