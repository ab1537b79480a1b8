"""Signatures of firmware images (Security whitepaper L01.FR.04, .12).

The whitepaper asks for RSA-PSS or "ECSchnorr", both with SHA-256. No toolkit signs images in the latter way; with a
key on an elliptic curve the manufacturers' tools make ECDSA signatures, and those are taken here. RSA with the padding
of PKCS#1 v1.5 is refused, as the whitepaper does not name it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from twin.crypto import certificates
from twin.errors import CertificateError


def is_genuine(path: Path, signature_b64: str, certificate_pem: str) -> bool:
    """Tell whether the holder of a certificate signed a file as a whole. The file is never in memory as a whole.

    Raises OSError where the file cannot be read; a certificate or signature that cannot be read proves nothing.
    """
    try:
        key = certificates.read(certificate_pem)[0].public_key()
        signature = base64.b64decode("".join(signature_b64.split()), validate=True)
    except (CertificateError, binascii.Error, ValueError):
        return False
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    try:
        match key:
            case rsa.RSAPublicKey():
                pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
                key.verify(signature, digest, pss, Prehashed(hashes.SHA256()))
            case ec.EllipticCurvePublicKey():
                key.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
            case _:
                return False
    except InvalidSignature:
        return False
    return True
