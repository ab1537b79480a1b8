from __future__ import annotations

from itertools import count

import pytest

from twin.model import snapshot
from twin.model.authority import Granted, Refused, before_asking, known, learn, offline, parent_of
from twin.model.box import Step
from twin.model.cards import LocalList
from twin.model.inputs import TokenInfo
from twin.model.spec import KeySpec, TwinSpec
from twin.model.state import CacheEntry
from twin.model.terms import AuthorizationSource, AuthorizationStatus

ACCEPTED, BLOCKED = TokenInfo(AuthorizationStatus.ACCEPTED), TokenInfo(AuthorizationStatus.BLOCKED)
GROUP = TokenInfo(AuthorizationStatus.ACCEPTED, "family")
LIST, CACHE = AuthorizationSource.LOCAL_LIST, AuthorizationSource.CACHE
NAMES = {
    "local": "AuthCtrlr.LocalAuthorizeOffline",
    "pre": "AuthCtrlr.LocalPreAuthorize",
    "unknown": "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    "cache": "AuthCacheCtrlr.Enabled",
    "list": "LocalAuthListCtrlr.Enabled",
    "profiles": "DeviceDataCtrlr.SupportedProfiles",
}


def box(cached: dict[str, TokenInfo], listed: dict[str, TokenInfo] | None = None, **flags: str) -> Step:
    """Make a box that was accepted once and knows these cards."""
    numbers = count()
    settings = {NAMES[key]: KeySpec(value) for key, value in flags.items()}
    made = snapshot.fresh(TwinSpec(id="x", identity="x"), settings, 0.0, lambda: str(next(numbers)))
    made.station.ever_accepted = True
    for token, info in cached.items():
        made.cache.learn(token, info)
    entries = {token.casefold(): CacheEntry(info.status, info.parent) for token, info in (listed or {}).items()}
    made.local_list = LocalList(1, entries)
    return Step(made, 0.0)


def test_a_14_local_pre_authorize_decides_only_when_it_is_on():
    cards = {"A": ACCEPTED, "B": BLOCKED}
    assert before_asking(box(cards), "A") is None
    assert before_asking(box(cards, pre="true"), "A") == Granted(CACHE)
    assert before_asking(box(cards, pre="true"), "B") is None  # A-12: ask
    assert before_asking(box(cards, pre="true", cache="false"), "A") is None
    assert before_asking(box({}, {"A": GROUP}, pre="true"), "a") == Granted(LIST, "family")


def test_a_15_to_17_offline_rules():
    cards = {"A": ACCEPTED, "B": BLOCKED}
    assert offline(box(cards, unknown="true"), "B", why="x") == Refused("Blocked", CACHE)
    assert isinstance(offline(box(cards), "A", why="x"), Granted)
    assert isinstance(offline(box(cards, local="false"), "A", why="x"), Refused)
    assert offline(box(cards), "C", why="x") == Refused("x", AuthorizationSource.OFFLINE)
    assert offline(box(cards, unknown="true"), "C", why="x") == Granted(AuthorizationSource.OFFLINE)
    assert offline(box({}, cards, unknown="true"), "B", why="x") == Refused("Blocked", LIST)
    assert offline(box({}, cards), "A", why="x") == Granted(LIST)


def test_b_14_who_was_never_accepted_decides_nothing():
    step = box({"A": ACCEPTED}, {"A": ACCEPTED}, unknown="true")
    step.box.station.ever_accepted = False
    assert offline(step, "A", why="x") == Refused("Unavailable", AuthorizationSource.OFFLINE)


@pytest.mark.parametrize("off", [{"list": "false"}, {"profiles": "Core"}])
def test_a_08_a_13_the_list_comes_first_while_it_is_in_use(off):
    assert known(box({"A": ACCEPTED}, {"A": BLOCKED}), "a").source is LIST
    assert known(box({"A": ACCEPTED}, {"A": BLOCKED}, **off), "a").source is CACHE


def test_a_18_the_group_is_that_of_a_valid_card():
    listed = {"A": GROUP, "B": TokenInfo(AuthorizationStatus.BLOCKED, "family"), "C": ACCEPTED}
    step = box({"C": GROUP, "D": GROUP}, listed)
    assert [parent_of(step, token) for token in "ABCDE"] == ["family", None, None, "family", None]


def test_a_06_a_08_what_is_learned_goes_to_the_cache_unless_it_is_listed():
    step = box({"A": ACCEPTED}, {"A": ACCEPTED})
    for token in ("a", "b"):
        learn(step, token, BLOCKED)
    assert list(step.box.cache.entries) == ["b"]
    learn(off := box({}, cache="false"), "b", BLOCKED)
    assert not off.box.cache.entries
