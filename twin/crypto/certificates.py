"""X.509 certificates: what they say, who signed whom, and what the Security whitepaper wants of them (§2.6, §6.1).

Pure: no clock and no file. Instants are UTC epoch seconds, problems are sentences for a person. Decides what a good
certificate is; must not know what a box does with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate, ExtensionNotFound
from cryptography.x509.oid import NameOID, ObjectIdentifier

from twin.errors import CertificateError

MIN_RSA_BITS = 2048
MIN_EC_BITS = 224
"""The least sizes of keys (Security whitepaper A00.FR.502, .503)."""

MAX_SERIAL_BITS = 160
"""The longest serial number: 20 octets (RFC 5280 §4.1.2.2), which are the 40 digits of Security whitepaper §6.1."""

_MAX_PATH = 10
_WEAK_HASHES = frozenset({"md5", "sha1"})
_PARSE_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class HashData(NamedTuple):
    """Name a certificate as CertificateHashDataType does: lower-case hexadecimal (Security whitepaper §6.1)."""

    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


def read(pem: str) -> list[Certificate]:
    """Return the certificates in a PEM text, in their order. Raises CertificateError where any cannot be read."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for certificate in found:
            _touch(certificate)
    except _PARSE_ERRORS as error:
        raise CertificateError(f"no certificates in PEM form: {_first_sentence(error)}") from error
    return found


def readable(pems: Iterable[str]) -> Iterator[Certificate]:
    """Yield the certificates in PEM texts but for those of a kind that is not known, as there may be among many."""
    for pem in pems:
        try:
            yield from read(pem)
        except CertificateError:
            continue


def read_one(pem: str) -> Certificate:
    """Return the only certificate in a PEM text. Raises CertificateError."""
    found = read(pem)
    if len(found) != 1:
        raise CertificateError(f"one certificate was expected, and {len(found)} came")
    return found[0]


def read_der(der: bytes) -> Certificate:
    """Return a certificate as TLS carries it. Raises CertificateError."""
    try:
        found = x509.load_der_x509_certificate(der)
        _touch(found)
    except _PARSE_ERRORS as error:
        raise CertificateError(f"no certificate in DER form: {_first_sentence(error)}") from error
    return found


def _first_sentence(error: Exception) -> str:
    """Return what is wrong, without the advice to programmers that follows it."""
    return str(error).partition(". ")[0]


def _touch(certificate: Certificate) -> None:
    """Look at all that is used later, since the parser is lazy and may fail late."""
    certificate.public_key()
    _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.serial_number
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc


def write(certificate: Certificate) -> str:
    """Return a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def split(pem: str) -> tuple[str, ...]:
    """Return each certificate of a PEM text by itself. Raises CertificateError."""
    return tuple(write(certificate) for certificate in read(pem))


# --- What a certificate says ------------------------------------------------------------------------------------------


def fingerprint(certificate: Certificate) -> str:
    """Return the SHA-256 of the public key (SubjectPublicKeyInfo in DER) in hexadecimal."""
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def digest(certificate: Certificate) -> str:
    """Return the SHA-256 of a certificate in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def common_name(certificate: Certificate) -> str | None:
    """Return the CN of the subject."""
    return _name(certificate, NameOID.COMMON_NAME)


def organization(certificate: Certificate) -> str | None:
    """Return the O of the subject."""
    return _name(certificate, NameOID.ORGANIZATION_NAME)


def _name(certificate: Certificate, oid: ObjectIdentifier) -> str | None:
    found = certificate.subject.get_attributes_for_oid(oid)
    if not found:
        return None
    value = found[0].value
    return value if isinstance(value, str) else value.decode(errors="replace")


def starts_at(certificate: Certificate) -> float:
    """Return from when a certificate is valid."""
    return certificate.not_valid_before_utc.timestamp()


def ends_at(certificate: Certificate) -> float:
    """Return until when a certificate is valid."""
    return certificate.not_valid_after_utc.timestamp()


def hash_data(certificate: Certificate, issuer: Certificate, algorithm: str) -> HashData:
    """Return the hashes that name a certificate; `algorithm` is SHA256, SHA384 or SHA512.

    As in OCSP (RFC 6960 §4.1.1): over the issuer's name in DER, and over its public key's BIT STRING without tag,
    length and count of unused bits.
    """
    name, key = (
        hashlib.new(algorithm.lower(), data).hexdigest()
        for data in (certificate.issuer.public_bytes(), _key_bits(issuer))
    )
    return HashData(name, key, f"{abs(certificate.serial_number):x}")


def _key_bits(certificate: Certificate) -> bytes:
    """Return the content of the BIT STRING in SubjectPublicKeyInfo, which is its second and last element."""
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    _, body, _ = _element(spki)
    _, _, rest = _element(body)
    _, bits, _ = _element(rest)
    return bits[1:]  # the first octet counts the unused bits


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Split DER into the first element's tag and content, and what follows (X.690 §8.1)."""
    length, start = der[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]


# --- Who signed whom --------------------------------------------------------------------------------------------------


def signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Tell whether this issuer's key signed a certificate that names it as its issuer."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*_PARSE_ERRORS, InvalidSignature):
        return False
    return True


def is_self_signed(certificate: Certificate) -> bool:
    """Tell whether a certificate vouches for itself, as roots do."""
    return signed_by(certificate, certificate)


def may_sign(certificate: Certificate) -> bool:
    """Tell whether a certificate may vouch for others (RFC 5280 §4.2.1.3, §4.2.1.9); old roots say nothing of it."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except ExtensionNotFound:
        return certificate.version is x509.Version.v1 or is_self_signed(certificate)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except ExtensionNotFound:
        return constraints.ca
    return constraints.ca and usage.key_cert_sign


def issuer_of(certificate: Certificate, others: Iterable[Certificate]) -> Certificate | None:
    """Return the certificate that vouches for this one: itself, or one of the others."""
    if is_self_signed(certificate):
        return certificate
    return next((other for other in others if signed_by(certificate, other)), None)


# --- What is wrong with one -------------------------------------------------------------------------------------------


def key_problem(certificate: Certificate) -> str | None:
    """Say what is wrong with a certificate's key (Security whitepaper A00.FR.501 … .503)."""
    match certificate.public_key():
        case rsa.RSAPublicKey(key_size=bits) | dsa.DSAPublicKey(key_size=bits):
            return None if bits >= MIN_RSA_BITS else f"the key has {bits} bits, and {MIN_RSA_BITS} are the least"
        case ec.EllipticCurvePublicKey(key_size=bits):
            return None if bits >= MIN_EC_BITS else f"the key has {bits} bits, and {MIN_EC_BITS} are the least"
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return None
        case _:
            return "the key is of a kind that is not known"


def signature_problem(certificate: Certificate) -> str | None:
    """Say what is wrong with the hash that was signed (Security whitepaper A00.FR.504, .506)."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "it is signed in a way that is not known"
    if algorithm is not None and algorithm.name in _WEAK_HASHES:
        return f"it is signed with {algorithm.name.upper()}, which is broken"
    return None


def validity_problem(certificate: Certificate, now: float) -> str | None:
    """Say that a certificate is not valid yet, or no more."""
    if now < starts_at(certificate):
        return f"it is not valid before {certificate.not_valid_before_utc.isoformat()}"
    return expiry_problem(certificate, now)


def expiry_problem(certificate: Certificate, now: float) -> str | None:
    """Say that a certificate is not valid any more."""
    return f"it expired on {certificate.not_valid_after_utc.isoformat()}" if now > ends_at(certificate) else None


def serial_problem(certificate: Certificate) -> str | None:
    """Say that a certificate cannot be named by its serial number (Security whitepaper A00.FR.508, §6.1)."""
    serial = certificate.serial_number
    fine = serial >= 0 and serial.bit_length() <= MAX_SERIAL_BITS
    return None if fine else "its serial number is negative, or longer than 20 octets"


def root_problem(certificate: Certificate, now: float) -> str | None:
    """Say why a certificate cannot be trusted to vouch for others."""
    if not may_sign(certificate):
        return "it is not the certificate of an authority"
    return key_problem(certificate) or validity_problem(certificate, now)


def chain_problem(chain: Sequence[Certificate], roots: Sequence[Certificate], now: float) -> str | None:
    """Say why no path leads from the first certificate, by way of the others, to a root (RFC 5280 §6, without CRLs).

    The first one may become valid later; all others on the path must be valid then, at the latest of both instants.
    """
    at = max(now, starts_at(chain[0]))
    current, others = chain[0], list(chain[1:])
    for between in range(_MAX_PATH):
        if (problem := signature_problem(current)) is not None:
            return problem
        if any(_vouches(root, current, between, at) for root in roots):
            return None
        above = next((one for one in others if _vouches(one, current, between, at)), None)
        if above is None:
            return "no trusted root certificate vouches for it"
        others.remove(above)
        current = above
    return "the chain is too long"


def _vouches(authority: Certificate, current: Certificate, between: int, at: float) -> bool:
    """Tell whether an authority makes a path longer that has so many others on it already (RFC 5280 §6.1.4 m)."""
    if not signed_by(current, authority) or root_problem(authority, at) is not None:
        return False
    try:
        longest = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    except ExtensionNotFound:
        return True
    return longest is None or between <= longest
