"""The ways of a box to a certificate of its own, for tests: real keys in a folder, a real authority."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fakes.authorities import Authority
from fakes.central_system import CentralSystem

from twin.crypto.keys import make_key
from twin.model.effects import MakeKey
from twin.model.inputs import KeyMade


def make(cs: CentralSystem, folder: Path) -> str:
    """Do the newest job that makes a key, and return the fingerprint."""
    job = cs.wanted(MakeKey)
    csr, fingerprint = make_key(folder, job.common_name, job.organization, job.keep)
    cs.finish(KeyMade(job.job_id, csr, fingerprint))
    return fingerprint


def ask(cs: CentralSystem, folder: Path) -> str:
    """Let the Central System ask for a new certificate signing request, and return it."""
    reply = cs.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    assert reply.status == "Accepted"
    make(cs, folder)
    return cs.last("SignCertificate")["csr"]


def enrol(cs: CentralSystem, folder: Path, authority: Authority, **fields: Any) -> str:
    """Get a certificate all the way, and return it."""
    pem = authority.answer(ask(cs, folder), **fields)
    assert cs.ask("CertificateSigned", {"certificateChain": pem}).status == "Accepted"
    return pem
