"""Who may charge, as far as the box can tell by itself: the authorization cache and the rules for being offline.

Cards compare without case (T-34). What the Central System says always counts more than what is written here.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from twin.model.inputs import TokenInfo
from twin.model.state import CacheEntry
from twin.model.terms import AuthorizationSource, AuthorizationStatus, Instant
from twin.model.variables import Variables

CACHE_SIZE = 1000


class Granted(msgspec.Struct, frozen=True):
    """Say that a card may charge, and who says so."""

    source: AuthorizationSource
    parent: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """Say that a card may not charge; `status` is OCPP's word or the contract's `Unavailable`, `Timeout`."""

    status: str
    source: AuthorizationSource
    parent: str | None = None


Verdict: TypeAlias = Granted | Refused


def same(one: str | None, other: str | None) -> bool:
    """Tell whether two tokens are the same; a missing one equals nothing (A-04)."""
    return one is not None and other is not None and one.casefold() == other.casefold()


class Cache:
    """Remember verdicts of the Central System, valid or not (OCPP 1.6 §3.5.1), the oldest first."""

    __slots__ = ("entries", "stored")

    def __init__(self, entries: dict[str, CacheEntry] | None = None) -> None:
        self.entries = {} if entries is None else entries
        self.stored: bytes | None = None
        """The snapshot's memo of the entries, None since they last changed."""

    def clear(self) -> None:
        """Forget all verdicts."""
        self.entries.clear()
        self.stored = None

    def find(self, token: str, now: Instant) -> CacheEntry | None:
        """Return what is known; an entry whose end has passed reads Expired (A-09). `now` is the box's own time."""
        entry = self.entries.get(token.casefold())
        if entry is not None and entry.expires_at is not None and entry.expires_at <= now:
            return msgspec.structs.replace(entry, status=AuthorizationStatus.EXPIRED)
        return entry

    def learn(self, token: str, info: TokenInfo) -> None:
        """Remember a verdict; a full cache first gives up what is not valid, then the oldest (A-07, A-10)."""
        key = token.casefold()
        self.stored = None
        self.entries.pop(key, None)
        if len(self.entries) >= CACHE_SIZE:
            invalid = (k for k, e in self.entries.items() if e.status is not AuthorizationStatus.ACCEPTED)
            del self.entries[next(invalid, next(iter(self.entries)))]
        # Who already charges elsewhere is a valid customer all the same.
        status = AuthorizationStatus.ACCEPTED if info.status is AuthorizationStatus.CONCURRENT_TX else info.status
        self.entries[key] = CacheEntry(status, info.parent, info.expires_at)


def before_asking(cache: Cache, variables: Variables, token: str, now: Instant) -> Verdict | None:
    """Decide online without asking, where LocalPreAuthorize allows it; None: ask (A-12, A-14)."""
    if not (variables.flag("AuthCtrlr.LocalPreAuthorize") and variables.flag("AuthCacheCtrlr.Enabled")):
        return None
    entry = cache.find(token, now)
    if entry is None or entry.status is not AuthorizationStatus.ACCEPTED:
        return None
    return Granted(AuthorizationSource.CACHE, entry.parent)


def offline(cache: Cache, variables: Variables, token: str, now: Instant, *, why: str) -> Verdict:
    """Decide while the Central System cannot be asked (A-15 to A-17); `why` is told of an unknown card."""
    entry = cache.find(token, now) if variables.flag("AuthCacheCtrlr.Enabled") else None
    if entry is not None and entry.status is not AuthorizationStatus.ACCEPTED:
        return Refused(entry.status, AuthorizationSource.CACHE, entry.parent)
    if entry is not None and variables.flag("AuthCtrlr.LocalAuthorizeOffline"):
        return Granted(AuthorizationSource.CACHE, entry.parent)
    if entry is None and variables.flag("AuthCtrlr.OfflineTxForUnknownIdEnabled"):
        return Granted(AuthorizationSource.OFFLINE)
    return Refused(why, AuthorizationSource.OFFLINE)
