from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.actuating import limits
from bridge.actuating.rules import OutputRule
from twin.model.terms import LimitSource
from twin.model.view import LimitView

_limits = st.builds(
    LimitView,
    allowed=st.just(value=True),
    limit_a=st.floats(0.1, 63),
    limit_w=st.floats(1, 50_000),
    phases=st.integers(1, 3),
    source=st.sampled_from(LimitSource),
    profile_id=st.none(),
    until=st.none(),
)


def limit(current_a: float, source: LimitSource = LimitSource.TX_PROFILE) -> LimitView:
    return LimitView(current_a > 0, current_a, current_a * 690, 3, source, None, None)


def rule(**fields) -> OutputRule:
    return OutputRule("outputs[0]", "limit", "box/set", **fields)


def adjusted(view: LimitView, *, online: bool = True, max_a: float = 16, **fields) -> LimitView:
    return limits.adjusted(view, rule(**fields), online=online, max_a=max_a)


@pytest.mark.parametrize(("word", "found"), [("pause", 0), ("min", 6), ("pass", 4)])
def test_too_little_is_nothing_enough_or_what_it_is(word, found):
    made = adjusted(limit(4), below_min=word)
    assert (made.limit_a, made.allowed, made.limit_w) == (found, found > 0, pytest.approx(found * 690))
    assert adjusted(limit(6), below_min=word) == limit(6)
    assert adjusted(limit(0), below_min=word) == limit(0)


@pytest.mark.parametrize(
    ("source", "max_a"), [(LimitSource.HARDWARE, 16), (LimitSource.CABLE, 16), (LimitSource.EV, 16), ("TxProfile", 5)]
)
def test_what_physics_forbids_is_not_asked_for(source, max_a):
    assert not adjusted(limit(4, LimitSource(source)), below_min="min", max_a=max_a).allowed


@pytest.mark.parametrize(("max_w", "allowed"), [(4139, False), (4140, True), (None, True)])
def test_a_minimum_does_not_exceed_the_power_of_the_hardware(max_w, allowed):
    made = limits.adjusted(limit(4), rule(below_min="min"), online=True, max_a=16, max_w=max_w)
    assert made.allowed is allowed


@pytest.mark.parametrize(("amperes", "found"), [(3.0, 0), (6.0, 6), (10.0, 6), (0.0, 0)])
def test_a_minimum_does_not_exceed_what_is_allowed_while_the_central_system_is_away(amperes, found):
    assert adjusted(limit(4), online=False, below_min="min", when_offline=amperes).limit_a == found
    assert adjusted(limit(4), online=True, below_min="min", when_offline=amperes).limit_a == 6


@pytest.mark.parametrize(("word", "found"), [("keep", 16), ("pause", 0), (8.0, 8), (32.0, 16), (0.0, 0)])
def test_while_the_central_system_is_away(word, found):
    made = adjusted(limit(16), online=False, when_offline=word)
    assert (made.limit_a, made.allowed) == (found, found > 0)
    assert (made.source is LimitSource.OFFLINE) is (found < 16)
    assert adjusted(limit(16), when_offline=word) == limit(16)


@given(_limits, st.sampled_from(["pause", "pass"]), st.one_of(st.just("keep"), st.just("pause"), st.floats(0, 63)))
def test_an_output_never_allows_more_than_the_twin(view, below_min, when_offline):
    made = adjusted(view, online=False, below_min=below_min, when_offline=when_offline)
    assert made.limit_a <= view.limit_a
    assert made.limit_w <= view.limit_w
    assert made.allowed or made.limit_a == made.limit_w == 0
    assert not limits.falls(view, made)


def test_less_is_less_in_whatever_unit():
    assert limits.falls(limit(0), limit(6))
    assert limits.falls(limit(10), limit(16))
    assert not limits.falls(limit(16), limit(10))
    assert not limits.falls(limit(10), limit(10))
