"""What a box remembers of cards: the verdicts that it heard, and the list that the Central System gave it.

Cards compare without case (T-34). Keeps and looks up; what follows from an entry is `authority`'s to say.
"""

from __future__ import annotations

import msgspec

from twin.model.inputs import TokenInfo
from twin.model.state import CacheEntry
from twin.model.terms import AuthorizationStatus, Instant

CACHE_SIZE = 1000


def same(one: str | None, other: str | None) -> bool:
    """Tell whether two tokens are the same; a missing one equals nothing (A-04)."""
    return one is not None and other is not None and one.casefold() == other.casefold()


def _at(entry: CacheEntry | None, now: Instant) -> CacheEntry | None:
    """Return an entry as it reads at an instant: one whose end has passed is Expired (A-09)."""
    if entry is not None and entry.expires_at is not None and entry.expires_at <= now:
        return msgspec.structs.replace(entry, status=AuthorizationStatus.EXPIRED)
    return entry


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

    def forget(self, token: str) -> None:
        """Forget the verdict on one card."""
        if self.entries.pop(token.casefold(), None) is not None:
            self.stored = None

    def find(self, token: str, now: Instant) -> CacheEntry | None:
        """Return what is known; `now` is the box's own time."""
        return _at(self.entries.get(token.casefold()), now)

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


class LocalList:
    """Hold the local authorization list (OCPP 1.6 §3.5.2), by case-folded token.

    Entries that have expired stay: only the Central System changes the list (LL-10).
    """

    __slots__ = ("_version", "entries", "stored")

    def __init__(self, version: int = 0, entries: dict[str, CacheEntry] | None = None) -> None:
        self._version = version
        self.entries = {} if entries is None else entries
        self.stored: bytes | None = None
        """The snapshot's memo of version and entries, None since they last changed."""

    @property
    def version(self) -> int:
        """Return the version; that of an empty list is 0 (LL-01, LL-02)."""
        return self._version if self.entries else 0

    def replace(self, version: int, entries: dict[str, CacheEntry]) -> None:
        """Take over a new content as a whole (LL-08)."""
        self._version, self.entries, self.stored = version, entries, None

    def find(self, token: str, now: Instant) -> CacheEntry | None:
        """Return what the list says; `now` is the box's own time."""
        return _at(self.entries.get(token.casefold()), now)
