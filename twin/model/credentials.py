"""Whom a box trusts and by what it proves who it is, as frozen values; `certificates` is their part of the snapshot.

Certificates are PEM texts in the normal form that `twin.crypto.certificates.write` makes, so equal ones are equal
texts. Decides nothing but what counts as trusted. Instants are on the box's own clock.
"""

from __future__ import annotations

import msgspec

from twin.model.spec import TwinSpec
from twin.model.terms import CertificateUse, Instant

MONTH_S = 30 * 86_400.0

BY_CERTIFICATE = 3
"""The security profile at which the box proves who it is by its certificate."""


class Root(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold a root certificate that the Central System installed; `issuer` vouches for it where it does not itself."""

    pem: str
    use: CertificateUse
    issuer: str | None = None


class OwnCertificate(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold the box's certificate with the intermediate ones after it, and the fingerprint of its key.

    `id` is the SHA-256 of the certificate. `renew_at` is when the box asks for the next one, None where it has.
    `failed`: no connection could be had with it.
    """

    id: str
    chain: str
    key: str
    starts_at: Instant
    ends_at: Instant
    renew_at: Instant | None = None
    failed: bool = False


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """Remember what to go back to when no connection can be had with something new.

    `profile` is the security profile, None where that did not change. `certificate` tells whether a new certificate is
    on trial; `before` names the one that was in use, None where there was none. `refusals` counts the failed tries.
    """

    profile: int | None = None
    certificate: bool = False
    before: str | None = None
    refusals: int = 0


class Credentials(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold all of it.

    `removed` are configured roots that the Central System deleted or replaced; `fallback` are roots that one on trial
    replaced (M05.FR.11). `in_use` names one of `own`. `keys` are those for which a certificate may come,
    the newest last. `ordered` is the job that makes one, `csr` the request that the Central System has yet to answer.
    `succeeded` is the end of the configured certificate for which the box has asked for the next one.
    """

    roots: tuple[Root, ...] = ()
    removed: tuple[str, ...] = ()
    fallback: tuple[Root, ...] = ()
    own: tuple[OwnCertificate, ...] = ()
    in_use: str | None = None
    keys: tuple[str, ...] = ()
    ordered: str | None = None
    csr: str | None = None
    renewing: bool = False
    succeeded: Instant | None = None
    trial: Trial | None = None

    @property
    def current(self) -> OwnCertificate | None:
        """Return the box's certificate that is in use."""
        return next((one for one in self.own if one.id == self.in_use), None)

    @property
    def needed_keys(self) -> tuple[str, ...]:
        """Return the fingerprints of the keys that must stay on the disk."""
        return (*self.keys, *(one.key for one in self.own))


NONE = Credentials()
"""What a box holds that was never told anything; most share it."""


def trusted(spec: TwinSpec, held: Credentials, use: CertificateUse) -> tuple[Root, ...]:
    """Return the roots of a use that count now, the configured ones first; those kept as a fallback do not."""
    given = spec.csms.roots if use is CertificateUse.CENTRAL_SYSTEM_ROOT else spec.manufacturer_roots
    configured = tuple(Root(pem, use) for pem in given if pem not in held.removed)
    return configured + tuple(root for root in held.roots if root.use is use)


def listed(spec: TwinSpec, held: Credentials, use: CertificateUse) -> tuple[Root, ...]:
    """Return the roots of a use that are installed, those kept as a fallback too (M03.FR.04)."""
    return trusted(spec, held, use) + tuple(root for root in held.fallback if root.use is use)


def is_configured_valid(spec: TwinSpec, now: Instant) -> bool:
    """Tell whether the configuration gives the box a certificate that is valid now."""
    if spec.csms.certificate_file is None:
        return False
    validity = spec.csms.certificate_validity
    return validity is None or validity[0] <= now <= validity[1]
