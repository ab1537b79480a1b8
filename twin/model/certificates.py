"""The certificates of a box: roots that it trusts, and its own one (Security whitepaper A02, A03, M03, M04, M05).

Decides what is taken and what of it is in use; must not know how a connection is made, nor where keys lie.
"""

from __future__ import annotations

from typing import assert_never

import msgspec
from cryptography.x509 import Certificate

from twin.crypto import certificates as x509
from twin.errors import CertificateError
from twin.model.asked import (
    CertificateId,
    CertificateRequest,
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
)
from twin.model.box import Box, Step
from twin.model.credentials import (
    BY_CERTIFICATE,
    MONTH_S,
    Credentials,
    OwnCertificate,
    Root,
    Trial,
    is_configured_valid,
    listed,
    trusted,
)
from twin.model.effects import Answered, CertificatesAnswered
from twin.model.enrolment import common_name, operator
from twin.model.security_events import PROFILE, event, reconfigured
from twin.model.terms import CertificateUse, HashAlgorithm, Instant

CENTRAL = CertificateUse.CENTRAL_SYSTEM_ROOT
MAX_OWN = 3
"""How many older certificates of its own a box keeps, next to the newest."""

_CHECK = "SecurityCtrlr.AdditionalRootCertificateCheck"
_ROOM = "SecurityCtrlr.CertificateEntries"
_CHAIN_SIZE = "SecurityCtrlr.MaxCertificateChainSize"


def handle(step: Step, request: CertificateRequest) -> None:
    """Serve a request about certificates."""
    match request:
        case InstallCertificate():
            _install(step, request)
        case DeleteCertificate():
            _delete(step, request)
        case GetInstalledCertificateIds():
            ids = (_id(step.box, root) for root in listed(step.box.spec, step.box.credentials, request.use))
            step.reply(request.request_ref, CertificatesAnswered(tuple(one for one in ids if one is not None)))
        case CertificateSigned():
            _signed(step, request)
        case _:
            assert_never(request)


def replace(box: Box, **changes: object) -> None:
    """Change what the box holds."""
    box.credentials = msgspec.structs.replace(box.credentials, **changes)


# --- Roots ------------------------------------------------------------------------------------------------------------


def _install(step: Step, request: InstallCertificate) -> None:
    box, held = step.box, step.box.credentials
    root, problem = _new_root(step, request)
    if root is not None and any(root.pem == known.pem for known in trusted(box.spec, held, request.use)):
        step.reply(request.request_ref, Answered("Accepted"))  # it is installed already
        return
    checked = request.use is CENTRAL and box.variables.flag(_CHECK)
    old = trusted(box.spec, held, CENTRAL) if checked else ()
    after = held if root is None else _with(box, root, old)
    taken = root is not None and _is_vouched(root, old) and _has_room(box, after)
    step.reply(request.request_ref, Answered("Accepted" if taken else "Rejected"))
    if taken:
        box.credentials, box.connection.use_fallback = after, False
        reconfigured(step, f"{request.use} installed")
    elif root is None and request.use is CENTRAL:
        event(step, "InvalidCentralSystemCertificate", problem, asked=True)


def _new_root(step: Step, request: InstallCertificate) -> tuple[Root | None, str | None]:
    """Return the root, or what is wrong with it (M05.FR.06)."""
    try:
        certificate = x509.read_one(request.certificate)
    except CertificateError as error:
        return None, str(error)
    others = (root.pem for root in listed(step.box.spec, step.box.credentials, request.use))
    issuer = x509.issuer_of(certificate, x509.readable(others))
    problem = x509.serial_problem(certificate) or x509.root_problem(certificate, step.own_now)
    if problem is None and issuer is None:
        problem = "it is no root, and who issued it is not known"
    if problem is not None or issuer is None:
        return None, problem
    above = None if issuer is certificate else x509.write(issuer)
    return Root(x509.write(certificate), request.use, above), None


def _with(box: Box, root: Root, old: tuple[Root, ...]) -> Credentials:
    """Return what the box holds with a new root; of the old ones that it replaces, those known to work are kept."""
    held = box.credentials
    configured = tuple(one.pem for one in old if one not in held.roots)
    back = root.pem in held.removed  # a configured one returns
    return msgspec.structs.replace(
        held,
        roots=tuple(one for one in held.roots if one not in old) + (() if back else (root,)),
        removed=tuple(pem for pem in held.removed if pem != root.pem) + configured,
        fallback=held.fallback or old,  # M05.FR.11
    )


def _is_vouched(new: Root, old: tuple[Root, ...]) -> bool:
    """Tell whether an old root signed the new one that is to replace it (M05.FR.09, .10; SEC-18)."""
    (certificate,) = x509.read(new.pem)
    return not old or any(x509.signed_by(certificate, root) for root in x509.readable(one.pem for one in old))


def _has_room(box: Box, after: Credentials) -> bool:
    """Tell whether all that would be held fits (M05.FR.03).

    What the configuration gives takes no room, nor does a fallback, which is only there for a while (M05.FR.08).
    """
    given = (*box.spec.csms.roots, *box.spec.manufacturer_roots)
    return sum(root.pem not in given for root in after.roots) <= box.variables.integer(_ROOM)


def drop_fallback(step: Step) -> None:
    """Forget the old roots: a connection stands with the new one (M05.FR.12)."""
    if step.box.credentials.fallback:
        replace(step.box, fallback=())
        reconfigured(step, f"{CENTRAL} replaced")


def _delete(step: Step, request: DeleteCertificate) -> None:
    box = step.box
    known = (root for use in CertificateUse for root in listed(box.spec, box.credentials, use))
    found = next((root for root in known if _is(box, root, request.id)), None)
    if found is None:
        # M04.FR.05: the box's own certificate cannot be deleted.
        own = any(_is_own(box, one, request.id) for one in box.credentials.own)
        step.reply(request.request_ref, Answered("Failed" if own else "NotFound"))
        return
    if found.use is CENTRAL and _is_in_use(box, found.pem):
        step.reply(request.request_ref, Answered("Failed"))  # M04.FR.06
        return
    step.reply(request.request_ref, Answered("Accepted"))
    held = box.credentials
    if found in held.roots or found in held.fallback:
        replace(
            box,
            roots=tuple(root for root in held.roots if root != found),
            fallback=tuple(root for root in held.fallback if root != found),
        )
    else:
        replace(box, removed=(*held.removed, found.pem))
    reconfigured(step, f"{found.use} deleted")


def _is_in_use(box: Box, pem: str) -> bool:
    """Tell whether this root proves the Central System on the present connection.

    Where the Central System's certificate stands under an intermediate one, nobody knows which root it was, so that
    any of those trusted may be.
    """
    connection = box.connection
    if pem not in connection.trusted or connection.server is None:
        return pem in connection.trusted
    try:
        server = x509.read_der(connection.server)
    except CertificateError:
        return True
    proofs = [known for known in connection.trusted if _proves(known, server)]
    return pem in proofs or not proofs


def _proves(pem: str, server: Certificate) -> bool:
    return any(root == server or x509.signed_by(server, root) for root in x509.readable([pem]))


def _id(box: Box, root: Root, algorithm: HashAlgorithm = HashAlgorithm.SHA256) -> CertificateId | None:
    """Name a root; None for one that the configuration gives and nobody here can read."""
    certificate = next(x509.readable([root.pem]), None)
    if certificate is None:
        return None
    issuer = next(x509.readable([root.issuer or root.pem]), certificate)
    if root.issuer is None and certificate.issuer != certificate.subject:  # one that the configuration gives
        others = (other.pem for other in listed(box.spec, box.credentials, root.use))
        issuer = x509.issuer_of(certificate, x509.readable(others)) or certificate
    return CertificateId(algorithm, *x509.hash_data(certificate, issuer, algorithm))


def _is(box: Box, root: Root, wanted: CertificateId) -> bool:
    found = _id(box, root, wanted.algorithm)
    return found is not None and _same(found, wanted)


def _is_own(box: Box, own: OwnCertificate, wanted: CertificateId) -> bool:
    leaf, *others = x509.read(own.chain)
    roots = x509.readable(root.pem for root in trusted(box.spec, box.credentials, CENTRAL))
    issuer = x509.issuer_of(leaf, [*others, *roots])
    if issuer is None:
        return False
    named = CertificateId(wanted.algorithm, *x509.hash_data(leaf, issuer, wanted.algorithm))
    return _same(named, wanted)


def _same(one: CertificateId, other: CertificateId) -> bool:
    def plain(each: CertificateId) -> tuple[str, str, str]:
        serial = each.serial_number.casefold().lstrip("0")
        return each.issuer_name_hash.casefold(), each.issuer_key_hash.casefold(), serial

    return plain(one) == plain(other)


# --- The box's own certificate ----------------------------------------------------------------------------------------


def _signed(step: Step, request: CertificateSigned) -> None:
    """Take a certificate for one of our keys, or refuse it (A02.FR.06, .07; SEC-15)."""
    box = step.box
    own, problem = _checked(step, request.chain)
    step.reply(request.request_ref, Answered("Rejected" if own is None else "Accepted"))
    if own is None:
        event(step, "InvalidChargePointCertificate", problem, asked=True)
        return
    if any(one.id == own.id for one in box.credentials.own):
        return  # sent again, because the answer was lost
    _keep(step, own)
    reconfigured(step, "Charge Point certificate")
    use_newest(step)


def _keep(step: Step, own: OwnCertificate) -> None:
    """Add a certificate, next to those in use and the newest of the others."""
    box, held = step.box, step.box.credentials
    needed = {held.in_use, None if held.trial is None else held.trial.before}
    others = [one for one in held.own if one.ends_at >= step.own_now or one.id in needed]
    others.sort(key=lambda one: (one.id in needed, one.starts_at), reverse=True)
    keys = tuple(key for key in held.keys if key != own.key)
    csr = None if held.keys[-1:] == (own.key,) else held.csr  # a later request still waits for its answer
    replace(box, own=(*others[:MAX_OWN], own), keys=keys, csr=csr, renewing=False)


def _checked(step: Step, chain: str) -> tuple[OwnCertificate | None, str | None]:
    box, now = step.box, step.own_now
    if len(chain) > box.variables.integer(_CHAIN_SIZE):
        return None, f"The chain is longer than {box.variables.integer(_CHAIN_SIZE)} characters"
    try:
        found = x509.read(chain)
    except CertificateError as error:
        return None, str(error)
    known = box.credentials.needed_keys
    leaf = next((one for one in found if x509.fingerprint(one) in known), None)
    if leaf is None:
        return None, "It is not for a key of this charge point"
    ordered = [leaf, *(one for one in found if one is not leaf)]
    roots = list(x509.readable(root.pem for root in listed(box.spec, box.credentials, CENTRAL)))
    problem = _own_problem(box, leaf, now) or x509.chain_problem(ordered, roots, now)
    if problem is not None:
        return None, problem
    text = "".join(x509.write(one) for one in ordered)
    starts_at, ends_at = x509.starts_at(leaf), x509.ends_at(leaf)
    renew_at = _renewal(box, now, starts_at, ends_at)
    return OwnCertificate(x509.digest(leaf), text, x509.fingerprint(leaf), starts_at, ends_at, renew_at), None


def _own_problem(box: Box, leaf: Certificate, now: Instant) -> str | None:
    """Say what is wrong with the box's certificate itself (Security whitepaper A00.FR.501 … .511)."""
    if (name := x509.common_name(leaf)) != common_name(box.spec):
        return f"its CN is {name}, not the serial number {common_name(box.spec)}"
    if (name := x509.organization(leaf)) != operator(box):
        return f"its O is {name}, not the CpoName {operator(box)}"
    return x509.key_problem(leaf) or x509.expiry_problem(leaf, now)


def _renewal(box: Box, now: Instant, starts_at: Instant, ends_at: Instant) -> Instant:
    """Say when to ask for the next certificate: a month before this one ends (A03.FR.02; SEC-14).

    One that was asked for just because a month was left may have less than a month itself; asking again at once would
    never end, so such a one is renewed in the last third of its time.
    """
    month_before = ends_at - MONTH_S
    if box.credentials.renewing and month_before <= now:
        begins = max(now, starts_at)
        return begins + (ends_at - begins) * 2 / 3
    return month_before


def use_newest(step: Step) -> None:
    """Use the valid certificate that begins last (A02.FR.08, .09; SEC-16), and keep older ones for a month (.10)."""
    box, now, held = step.box, step.own_now, step.box.credentials
    valid = [one for one in held.own if one.starts_at <= now < one.ends_at]
    good = [one for one in valid if not one.failed]
    if not good and _lacks_one(box, now):
        good = valid  # better than none
    newest = max(reversed(good), key=lambda one: one.starts_at, default=held.current)
    kept = tuple(one for one in held.own if one is newest or _serves(one, held, now))
    if kept != held.own:
        replace(box, own=kept)
    if newest is None or newest.id == held.in_use:
        return
    replace(box, in_use=newest.id)
    if box.variables.integer(PROFILE) == BY_CERTIFICATE:
        trial = held.trial or Trial()
        before = trial.before if trial.certificate else held.in_use
        replace(box, trial=Trial(trial.profile, certificate=True, before=before))


def _lacks_one(box: Box, now: Instant) -> bool:
    current = box.credentials.current
    return not is_configured_valid(box.spec, now) if current is None else current.ends_at <= now


def _serves(one: OwnCertificate, held: Credentials, now: Instant) -> bool:
    """Tell whether a certificate is still good for something: a newer one is not yet a month old."""
    newer = (other.starts_at for other in held.own if other.starts_at > one.starts_at and not other.failed)
    return one.ends_at > now and now - min(newer, default=now) <= MONTH_S


def next_change(held: Credentials) -> Instant | None:
    """Return when another of the box's certificates takes over, on the box's own clock."""
    current = held.current
    if current is None:
        return min((one.starts_at for one in held.own if not one.failed), default=None)
    newer = [one.starts_at for one in held.own if one.starts_at > current.starts_at and not one.failed]
    outlive = [one for one in held.own if one.starts_at <= current.ends_at < one.ends_at and one.failed]
    return min([*newer, *(current.ends_at for _ in outlive)], default=None)
