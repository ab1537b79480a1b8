"""A box whose certificates a Central System looks after, for tests."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from fakes.authorities import DAY, Authority
from fakes.scenes import booted

from twin.model.spec import CsmsSpec

CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
READY = {"CpoName": "Example CPO"}
MONTH = 30 * DAY


def box(*roots: Authority, profile: int = 0, keys=None, **csms):
    """A box with a serial number that trusts these roots by its configuration."""
    given = CsmsSpec(security_profile=profile, roots=tuple(root.pem for root in roots), **csms)
    return booted(keys={**READY, **(keys or {})}, serial_number="SN-1", csms=given)


def install(cs, root, use=CENTRAL):
    pem = root if isinstance(root, str) else root.pem
    return cs.ask("InstallCertificate", {"certificateType": use, "certificate": pem}).status


def installed(cs, use=CENTRAL):
    return cs.ask("GetInstalledCertificateIds", {"certificateType": use}).payload


def hash_data(root, issuer=None, algorithm=hashes.SHA256):
    issuer = (issuer or root).certificate
    request = ocsp.OCSPRequestBuilder().add_certificate(root.certificate, issuer, algorithm()).build()
    return {
        "hashAlgorithm": algorithm.name.upper(),
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{request.serial_number:x}",
    }


def delete(cs, data):
    return cs.ask("DeleteCertificate", {"certificateHashData": data}).status


def events(cs):
    return [call["type"] for call in cs.sent("SecurityEventNotification")]


def logged(cs):
    return [note.fields["security_type"] for note in cs.noted("security_event")]


def signed(cs, chain):
    return cs.ask("CertificateSigned", {"certificateChain": chain}).status
