"""Who may charge, as far as the box can tell by itself: the local list, the cache, the rules for being offline.

The list counts more than the cache (OCPP 1.6 §3.5.3), what the Central System says now counts more than both.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from twin.model.box import Box, Step
from twin.model.inputs import TokenInfo
from twin.model.state import CacheEntry
from twin.model.terms import AuthorizationSource, AuthorizationStatus
from twin.model.variables import LOCAL_LIST

_VALID = frozenset({AuthorizationStatus.ACCEPTED, AuthorizationStatus.CONCURRENT_TX})
"""What makes a card valid in the list (OCPP 1.6 §3.5.2); the cache knows Accepted only (A-05, A-13)."""


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


class Known(msgspec.Struct, frozen=True):
    """Say what the box knows of a card by itself, and from where."""

    source: AuthorizationSource
    status: AuthorizationStatus
    parent: str | None = None

    @property
    def valid(self) -> bool:
        """Tell whether the card may charge by this."""
        return is_valid(self.status)


def is_valid(status: AuthorizationStatus) -> bool:
    """Tell whether a card with this status is a customer, though one who may charge elsewhere already."""
    return status in _VALID


def known(step: Step, token: str) -> Known | None:
    """Look a card up in the list, else in the cache; None: it is known in neither (A-08)."""
    box = step.box
    if (entry := listed(step, token)) is not None:
        return Known(AuthorizationSource.LOCAL_LIST, entry.status, entry.parent)
    entry = box.cache.find(token, step.own_now) if box.variables.flag("AuthCacheCtrlr.Enabled") else None
    return None if entry is None else Known(AuthorizationSource.CACHE, entry.status, entry.parent)


def listed(step: Step, token: str) -> CacheEntry | None:
    """Look a card up in the local list, if that is in use (A-13)."""
    return step.box.local_list.find(token, step.own_now) if _uses_list(step.box) else None


def _uses_list(box: Box) -> bool:
    variables = box.variables
    there = bool(box.local_list.entries) and variables.supports(LOCAL_LIST)
    return there and variables.flag("LocalAuthListCtrlr.Enabled")


def parent_of(step: Step, token: str) -> str | None:
    """Return the group of a card that is valid by what the box knows (A-18, RV-08)."""
    found = known(step, token)
    return found.parent if found is not None and found.valid else None


def learn(step: Step, token: str, info: TokenInfo) -> None:
    """Keep a verdict of the Central System in the cache, unless the card stands in the list (A-06 to A-08)."""
    box = step.box
    if not box.variables.flag("AuthCacheCtrlr.Enabled"):
        return
    if listed(step, token) is None:
        box.cache.learn(token, info)
    else:
        box.cache.forget(token)  # what was kept before it was listed is out of date now


def before_asking(step: Step, token: str) -> Verdict | None:
    """Decide online without asking, where LocalPreAuthorize allows it; None: ask (A-12 to A-14)."""
    if not step.box.variables.flag("AuthCtrlr.LocalPreAuthorize"):
        return None
    found = known(step, token)
    return Granted(found.source, found.parent) if found is not None and found.valid else None


def offline(step: Step, token: str, *, why: str) -> Verdict:
    """Decide while the Central System cannot be asked (A-15 to A-17); `why` is told of an unknown card."""
    variables = step.box.variables
    if not step.box.station.ever_accepted:  # B-14: it would not be known who could ever charge here
        return Refused("Unavailable", AuthorizationSource.OFFLINE)
    found = known(step, token)
    if found is not None and not found.valid:
        return Refused(found.status, found.source, found.parent)
    if found is not None and variables.flag("AuthCtrlr.LocalAuthorizeOffline"):
        return Granted(found.source, found.parent)
    if found is None and variables.flag("AuthCtrlr.OfflineTxForUnknownIdEnabled"):
        return Granted(AuthorizationSource.OFFLINE)
    return Refused(why, AuthorizationSource.OFFLINE)
