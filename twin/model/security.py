"""How a box connects: security profile, password, certificate, roots (Security whitepaper §2, A01, A05).

Decides when something new is in force and when the box goes back to what worked; must not know how a connection is
made.
"""

from __future__ import annotations

import msgspec

from twin.crypto import certificates as x509
from twin.errors import CertificateError
from twin.model import enrolment
from twin.model.asked import Signing
from twin.model.box import Box, Step
from twin.model.certificates import CENTRAL, drop_fallback, next_change, replace, use_newest
from twin.model.credentials import BY_CERTIFICATE, Trial, is_configured_valid, trusted
from twin.model.inputs import LinkRefused
from twin.model.security_events import PROFILE, event, reconfigured
from twin.model.spec import Access, KeyAs
from twin.model.terms import CertificateUse, Instant, LinkProblem
from twin.model.variables import is_authorization_key

PASSWORD = "SecurityCtrlr.BasicAuthPassword"  # noqa: S105  # a variable's name

MAX_REFUSALS = 3
"""After so many refused connections in a row, the box goes back to what it had before (A05.FR.08)."""

PROVEN_S = 10.0
"""How long a connection stands until what it was opened with is proven; one that ends sooner counts as refused."""

_EVENTS = {
    LinkProblem.UNAUTHORIZED: "FailedToAuthenticateAtCentralSystem",
    LinkProblem.BAD_SERVER_CERTIFICATE: "InvalidCentralSystemCertificate",
    LinkProblem.TLS_VERSION: "InvalidTLSVersion",
    LinkProblem.CIPHER_SUITE: "InvalidTLSCipherSuite",
}
_NOT_ITS_FAULT = frozenset({LinkProblem.UNREACHABLE, LinkProblem.BAD_SERVER_CERTIFICATE, LinkProblem.TLS_VERSION})
"""What tells nothing about the box's own certificate: the Central System did not come so far as to judge it."""

_BASIC = (1, 2)
"""The security profiles that need a password."""

_TLS = 2
"""The least security profile with TLS."""


# --- What is in force -------------------------------------------------------------------------------------------------


def profile(box: Box) -> int:
    """Return the security profile in force, one on trial included."""
    return box.variables.integer(PROFILE)


def access(box: Box) -> Access:
    """Say how the box connects now."""
    level = profile(box)
    current = box.credentials.current if level == BY_CERTIFICATE else None
    return Access(
        level,
        _password(box, level),
        None if current is None else current.chain,
        None if current is None else current.key,
        _roots(box),
        box.connection.renewal,
    )


def _password(box: Box, level: int) -> bytes | None:
    """Return what goes as HTTP Basic (SEC-03, SEC-04).

    At profile 0 there is none unless the configuration gives one, and at profile 3 there is none at all.
    """
    given = box.spec.csms.password
    if level not in _BASIC and not (level == 0 and _is_basic_configured(box)):
        return None
    key = box.variables.text(PASSWORD)
    if not key:
        return None if given is None else given.encode()
    as_bytes = box.spec.csms.authorization_key_as is KeyAs.BYTES and is_authorization_key(key)
    return bytes.fromhex(key) if as_bytes else key.encode()


def _is_basic_configured(box: Box) -> bool:
    return box.spec.csms.password is not None or box.variables.configures(PASSWORD)


def _roots(box: Box) -> tuple[str, ...] | None:
    held = box.credentials
    if not held.removed and not held.roots:
        return None
    if box.connection.use_fallback and held.fallback:
        return tuple(root.pem for root in held.fallback)
    roots = tuple(root.pem for root in trusted(box.spec, held, CENTRAL))
    return None if roots == box.spec.csms.roots else roots


def secured(box: Box) -> bool:
    """Tell whether the security extension is in use: a security profile, or a root for signed firmware (SEC-29)."""
    return profile(box) >= 1 or bool(trusted(box.spec, box.credentials, CertificateUse.MANUFACTURER_ROOT))


def signing_problem(box: Box, signing: Signing, now: Instant) -> str | None:
    """Say why a firmware image's certificate proves nothing, None if it does (L01.FR.23 … .25; SEC-30, SEC-34).

    It must stand directly under a manufacturer's root, installed or configured. `now` is on the box's own clock.
    """
    try:
        certificate = x509.read(signing.certificate)[0]
    except CertificateError as error:
        return str(error)
    problem = (
        x509.key_problem(certificate) or x509.signature_problem(certificate) or x509.validity_problem(certificate, now)
    )
    if problem is not None:
        return problem
    pems = (root.pem for root in trusted(box.spec, box.credentials, CertificateUse.MANUFACTURER_ROOT))
    roots = x509.readable(pems)
    if any(x509.signed_by(certificate, root) and x509.root_problem(root, now) is None for root in roots):
        return None
    return "no root certificate of the manufacturer vouches for it"


# --- Changes by the Central System ------------------------------------------------------------------------------------


def may_change(step: Step, name: str, value: str) -> bool:
    """Tell whether a setting may be changed so, as far as security is concerned (A05.FR.01 … .04; SEC-10, SEC-11)."""
    if name == enrolment.CPO_NAME:
        return len(value.strip().encode()) <= enrolment.MAX_NAME  # a certificate could not hold it
    if name != PROFILE:
        return True
    box = step.box
    if not value.strip().isdecimal():
        return False
    wanted = int(value)
    if wanted <= profile(box):
        return False
    if wanted in _BASIC and not (box.variables.text(PASSWORD) or box.spec.csms.password):
        return False
    if wanted >= _TLS and not _has_root(step):
        return False
    return wanted != BY_CERTIFICATE or _has_certificate(step)


def _has_root(step: Step) -> bool:
    pems = (root.pem for root in trusted(step.box.spec, step.box.credentials, CENTRAL))
    return any(x509.root_problem(root, step.own_now) is None for root in x509.readable(pems))


def _has_certificate(step: Step) -> bool:
    current = step.box.credentials.current
    if current is None:
        return is_configured_valid(step.box.spec, step.own_now)
    return current.starts_at <= step.own_now <= current.ends_at


def took_effect(step: Step, name: str, before: int) -> None:
    """Go on after a setting was changed; `before` is the security profile until then.

    The connection ends by itself because `access` says something else, when the answer is out (A01, A05.FR.06, .07).
    """
    if name == PASSWORD:
        if access(step.box).password is not None:
            step.box.connection.renewal += 1  # A01: the box connects anew with the same key as well
        reconfigured(step, "AuthorizationKey")
    elif name == PROFILE:
        _try_profile(step, before)


def rebooted(step: Step) -> None:
    """Let what waited for a reboot be in force, with the same consequences."""
    variables, before = step.box.variables, profile(step.box)
    password = variables.text(PASSWORD)
    variables.rebooted()
    if variables.text(PASSWORD) != password:
        took_effect(step, PASSWORD, before)
    if profile(step.box) != before:
        took_effect(step, PROFILE, before)


def _try_profile(step: Step, before: int) -> None:
    trial = step.box.credentials.trial or Trial()
    back = before if trial.profile is None else trial.profile
    replace(step.box, trial=msgspec.structs.replace(trial, profile=back, refusals=0))
    reconfigured(step, f"SecurityProfile {profile(step.box)}")
    step.changed(0)


# --- The link ---------------------------------------------------------------------------------------------------------


def link_up(step: Step, server: bytes | None) -> None:
    """Take it that a connection stands, with what is on trial if something is (A05.FR.07, A02.FR.10, M05.FR.12).

    `server` is the Central System's certificate (DER).
    """
    box, connection = step.box, step.box.connection
    connection.refused, connection.on_trial = None, box.credentials.trial is not None
    encrypted = connection.url.startswith("wss:")
    roots = _roots(box)
    connection.trusted = () if not encrypted else box.spec.csms.roots if roots is None else roots
    connection.server = server if len(connection.trusted) > 1 else None
    if encrypted and not connection.use_fallback:
        drop_fallback(step)
    connection.use_fallback = False  # the next connection tries the new root first


def link_down(step: Step) -> None:
    """Take it that the connection is gone: before its time, that is a refusal of what it was opened with."""
    connection = step.box.connection
    on_trial, connection.on_trial = connection.on_trial, False
    if on_trial:
        _count_refusal(step)


def proven(box: Box) -> None:
    """Keep what the connection was opened with: it stands long enough, or the Central System asks something on it."""
    if box.connection.on_trial:
        box.connection.on_trial = False
        replace(box, trial=None)


def link_refused(step: Step, refusal: LinkRefused) -> None:
    """Take it that no connection could be had: note why, and fall back where something new was on trial."""
    box, connection = step.box, step.box.connection
    kind = _EVENTS.get(refusal.problem)
    if kind is not None and connection.refused is not refusal.problem:
        event(step, kind, refusal.reason)
    connection.refused = refusal.problem
    if refusal.problem is LinkProblem.BAD_SERVER_CERTIFICATE and box.credentials.fallback:
        connection.use_fallback = not connection.use_fallback  # M05.FR.13: the old root, then the new one again
    trial = box.credentials.trial
    if trial is not None and (trial.profile is not None or refusal.problem not in _NOT_ITS_FAULT):
        _count_refusal(step)


def _count_refusal(step: Step) -> None:
    box, trial = step.box, step.box.credentials.trial
    if trial is None:
        return
    if trial.refusals + 1 < MAX_REFUSALS:
        replace(box, trial=msgspec.structs.replace(trial, refusals=trial.refusals + 1))
        return
    replace(box, trial=None)
    _fall_back(step, trial)


def _fall_back(step: Step, trial: Trial) -> None:
    box, held = step.box, step.box.credentials
    if trial.certificate and (trial.before is not None or box.spec.csms.certificate_file is not None):
        own = tuple(msgspec.structs.replace(one, failed=True) if one is held.current else one for one in held.own)
        replace(box, own=own, in_use=trial.before)
    if trial.profile is not None:  # A05.FR.08
        box.variables.replace(PROFILE, str(trial.profile))
        reconfigured(step, f"SecurityProfile {trial.profile}")
        step.note("configuration_changed", key="SecurityProfile", value=str(trial.profile))
        step.changed(0)


# --- Time -------------------------------------------------------------------------------------------------------------


def due(step: Step) -> None:
    """Keep what was on trial, change the box's certificate, ask for the next one in time (A02.FR.08, A03.FR.02)."""
    box = step.box
    if (at := _proven_at(box)) is not None and at <= step.now:
        proven(box)
    if _has_no_certificate(box):
        return
    if _is_due(next_change(box.credentials), step):
        use_newest(step)
    if _is_due(enrolment.renewal_at(box), step):
        enrolment.renew(step)


def _has_no_certificate(box: Box) -> bool:
    return not box.credentials.own and box.spec.csms.certificate_validity is None


def _is_due(at: Instant | None, step: Step) -> bool:
    return at is not None and at <= step.own_now


def deadlines(box: Box) -> list[Instant | None]:
    """Return when something is due."""
    proven_at = _proven_at(box)
    if _has_no_certificate(box):
        return [proven_at]
    own_dues = (next_change(box.credentials), enrolment.renewal_at(box))
    return [proven_at, *(None if at is None else at - box.station.clock_offset_s for at in own_dues)]


def _proven_at(box: Box) -> Instant | None:
    connection = box.connection
    return connection.since + PROVEN_S if connection.on_trial and connection.since is not None else None
