from __future__ import annotations

from twin.model.cards import CACHE_SIZE, Cache, LocalList, same
from twin.model.inputs import TokenInfo
from twin.model.state import CacheEntry
from twin.model.terms import AuthorizationStatus

ACCEPTED, BLOCKED = TokenInfo(AuthorizationStatus.ACCEPTED), TokenInfo(AuthorizationStatus.BLOCKED)


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


def test_the_cache_forgets_one_card():
    known = cache(A=ACCEPTED, B=ACCEPTED)
    known.stored = b"memo"
    known.forget("C")
    assert known.stored == b"memo"
    known.forget("a")
    assert known.stored is None
    assert (known.find("A", 0.0), known.find("B", 0.0)) == (None, CacheEntry(AuthorizationStatus.ACCEPTED))


def test_ll_01_ll_02_the_version_of_an_empty_list_is_0():
    listed = LocalList(5, {"a": CacheEntry(AuthorizationStatus.ACCEPTED)})
    assert listed.version == 5
    listed.replace(6, {})
    assert listed.version == 0


def test_ll_10_an_expired_entry_stays_and_reads_expired():
    listed = LocalList(5, {"a": CacheEntry(AuthorizationStatus.ACCEPTED, expires_at=100.0)})
    assert listed.find("A", 100.0).status is AuthorizationStatus.EXPIRED
    assert listed.find("A", 99.0).status is AuthorizationStatus.ACCEPTED
