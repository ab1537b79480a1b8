from __future__ import annotations

from twin.model.authority import CACHE_SIZE, Cache, Granted, Refused, before_asking, offline, same
from twin.model.inputs import TokenInfo
from twin.model.spec import KeySpec
from twin.model.terms import AuthorizationSource, AuthorizationStatus
from twin.model.variables import Variables

ACCEPTED, BLOCKED = TokenInfo(AuthorizationStatus.ACCEPTED), TokenInfo(AuthorizationStatus.BLOCKED)


def variables(**flags: str) -> Variables:
    names = {
        "local": "AuthCtrlr.LocalAuthorizeOffline",
        "pre": "AuthCtrlr.LocalPreAuthorize",
        "unknown": "AuthCtrlr.OfflineTxForUnknownIdEnabled",
        "cache": "AuthCacheCtrlr.Enabled",
    }
    settings = {names[key]: KeySpec(value) for key, value in flags.items()}
    return Variables(1, settings, fixed_cable=False, security_profile=0)


def cache(**known: TokenInfo) -> Cache:
    made = Cache()
    for token, info in known.items():
        made.learn(token, info)
    return made


def test_t_34_cards_compare_without_case():
    assert same("abc", "ABC")
    assert not same(None, None)
    assert cache(abc=ACCEPTED).find("ABC", 0.0) is not None


def test_a_09_a_verdict_expires():
    known = cache(A=TokenInfo(AuthorizationStatus.ACCEPTED, None, 100.0))
    assert known.find("A", 99.0).status is AuthorizationStatus.ACCEPTED
    assert known.find("A", 100.0).status is AuthorizationStatus.EXPIRED


def test_a_10_a_full_cache_gives_up_invalid_entries_first_then_the_oldest():
    full = Cache()
    for number in range(CACHE_SIZE):
        full.learn(f"t{number}", BLOCKED if number == 500 else ACCEPTED)
    full.learn("new", ACCEPTED)
    assert full.find("t500", 0.0) is None
    full.learn("newer", ACCEPTED)
    assert full.find("t0", 0.0) is None
    assert full.find("t1", 0.0) is not None


def test_a_14_local_pre_authorize_decides_only_when_it_is_on():
    known = cache(A=ACCEPTED, B=BLOCKED)
    assert before_asking(known, variables(), "A", 0.0) is None
    assert before_asking(known, variables(pre="true"), "A", 0.0) == Granted(AuthorizationSource.CACHE)
    assert before_asking(known, variables(pre="true"), "B", 0.0) is None  # ask
    assert before_asking(known, variables(pre="true", cache="false"), "A", 0.0) is None


def test_a_15_to_17_offline_rules():
    known = cache(A=ACCEPTED, B=BLOCKED)
    refused = offline(known, variables(unknown="true"), "B", 0.0, why="x")
    assert refused == Refused("Blocked", AuthorizationSource.CACHE)
    assert isinstance(offline(known, variables(), "A", 0.0, why="x"), Granted)
    assert isinstance(offline(known, variables(local="false"), "A", 0.0, why="x"), Refused)
    assert offline(known, variables(), "C", 0.0, why="x") == Refused("x", AuthorizationSource.OFFLINE)
    assert offline(known, variables(unknown="true"), "C", 0.0, why="x") == Granted(AuthorizationSource.OFFLINE)
