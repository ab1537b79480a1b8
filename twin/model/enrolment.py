"""How a box gets a certificate of its own: a key pair, a request, the Central System's word (whitepaper A02, A03).

What is under way outlives restarts and lost links. Once the Central System has answered, nothing is asked again, even
if no certificate comes (A02, error handling; SEC-14).
"""

from __future__ import annotations

import msgspec

from twin.model.box import Box, Step
from twin.model.credentials import BY_CERTIFICATE, MONTH_S
from twin.model.effects import CertificateAsked, MakeKey
from twin.model.inputs import Answer, CertificateRequestAnswered, KeyMade, TransferFailed, Unanswered
from twin.model.security_events import PROFILE
from twin.model.spec import TwinSpec
from twin.model.terms import Instant

CPO_NAME = "SecurityCtrlr.OrganizationName"

MAX_NAME = 64
"""X.520: how long a CN and an O may be, in bytes of UTF-8 to be safe."""

_MAX_KEYS = 4
"""For how many of the last keys a certificate is still taken."""


def common_name(spec: TwinSpec) -> str:
    """Return the serial number that the box's certificate names (Security whitepaper A00.FR.511)."""
    return spec.serial_number or spec.charge_box_serial_number or spec.identity


def operator(box: Box) -> str:
    """Return the operator's name that the box's certificate names (A02.FR.13)."""
    return (box.variables.text(CPO_NAME) or "").strip()


def may_sign(box: Box) -> bool:
    """Tell whether a certificate can be asked for: the operator's name must be set (A02, prerequisites)."""
    return all(1 <= len(name.encode()) <= MAX_NAME for name in (operator(box), common_name(box.spec)))


def sign(step: Step, *, renewing: bool = False) -> None:
    """Begin to get a new certificate, with a new key (A02.FR.02); one that is being made serves as well.

    `renewing`: the box does so by itself.
    """
    box, held = step.box, step.box.credentials
    if not may_sign(box):
        return
    ordered = held.ordered or box.ids()
    box.credentials = msgspec.structs.replace(held, ordered=ordered, renewing=renewing)
    if held.ordered is None:
        _order(step)


def _order(step: Step) -> None:
    box, held = step.box, step.box.credentials
    if held.ordered is not None:
        step.do(MakeKey(held.ordered, common_name(box.spec), operator(box), held.needed_keys))


def renew(step: Step) -> None:
    """Begin to get a new certificate because the present one ends soon (A03.FR.02; SEC-14)."""
    box, held = step.box, step.box.credentials
    own = tuple(msgspec.structs.replace(one, renew_at=None) if one.id == held.in_use else one for one in held.own)
    validity = box.spec.csms.certificate_validity if held.current is None else None
    succeeded = held.succeeded if validity is None else validity[1]
    box.credentials = msgspec.structs.replace(held, own=own, succeeded=succeeded)
    sign(step, renewing=True)


def restarted(step: Step) -> None:
    """Go on after a restart of the program: a key that was being made is made again."""
    _order(step)


def key_made(step: Step, event: KeyMade) -> None:
    """Ask for a certificate for a new key (A02.FR.03)."""
    box, held = step.box, step.box.credentials
    if event.job_id != held.ordered:
        return
    keys = (*held.keys, event.key)[-_MAX_KEYS:]
    box.credentials = msgspec.structs.replace(held, ordered=None, keys=keys, csr=event.csr)
    box.connection.csr_told = False
    ask(step, triggered=not held.renewing)


def failed(step: Step, event: TransferFailed) -> None:
    """Take it that no key could be made."""
    if event.job_id == step.box.credentials.ordered:
        step.box.credentials = msgspec.structs.replace(step.box.credentials, ordered=None, renewing=False)


def ask(step: Step, *, triggered: bool = False) -> None:
    """Send the request that the Central System has yet to answer, if it can be sent now.

    `triggered`: it was asked for, so that it may be sent before the box is accepted (B-11).
    """
    box, held = step.box, step.box.credentials
    if held.csr is None or box.connection.csr_told or not (box.online or (triggered and box.connection.up)):
        return
    box.connection.csr_told = True
    step.tell(CertificateAsked(held.csr), triggered=triggered)


def answered(step: Step, report: CertificateAsked, answer: Answer) -> None:
    """Take the Central System's word on a request; if the link went first, it is sent again on the next."""
    box, held = step.box, step.box.credentials
    if report.csr != held.csr:
        return
    box.connection.csr_told = False
    if isinstance(answer, Unanswered) and answer.link_lost:
        return
    refused = isinstance(answer, CertificateRequestAnswered) and not answer.accepted  # A02.FR.12
    keys = held.keys[:-1] if refused else held.keys
    box.credentials = msgspec.structs.replace(held, csr=None, keys=keys)


def renewal_at(box: Box) -> Instant | None:
    """Return when to ask for the next certificate, on the box's own clock; None as long as it cannot be asked for."""
    held = box.credentials
    if not may_sign(box):
        return None
    if held.current is not None:
        return held.current.renew_at
    validity = box.spec.csms.certificate_validity
    in_use = validity is not None and box.variables.integer(PROFILE) == BY_CERTIFICATE
    return validity[1] - MONTH_S if validity is not None and in_use and validity[1] != held.succeeded else None
