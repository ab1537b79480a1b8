"""How long a certificate is valid, in days. Knows nothing of whom it proves to be."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bridge.doctor.findings import Finding, note, ok, wrong

_DAY_S = 86_400.0
_SOON_DAYS = 14.0


def of_server(what: str, certificate: bytes | None, now: float | None = None) -> Iterator[Finding]:
    """Look at the certificate (DER) by which a server proved itself, if it did; `now` is in epoch seconds."""
    if certificate is None:
        return
    from cryptography import x509  # noqa: PLC0415 - heavy, and not needed without TLS

    try:
        ends = x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError as error:
        yield note(what, f"its certificate cannot be read ({error})")
        return
    yield judged(what, "its certificate", ends, now)


def judged(what: str, which: str, ends: float, now: float | None = None) -> Finding:
    """Judge how long a certificate is still valid; `ends` and `now` are in epoch seconds."""
    days = (ends - (time.time() if now is None else now)) / _DAY_S
    if days < 0:
        return wrong(what, f"{which} expired {-days:.0f} days ago", "renew it, or correct this machine's clock")
    said = f"{which} is valid for {days:.0f} days"
    return ok(what, said) if days >= _SOON_DAYS else note(what, said, "renew it soon")
