from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model.sharing import Claim, shared

amounts = st.integers(0, 64).map(float)
claims = st.lists(st.builds(Claim, amounts, amounts, amounts), max_size=6)


@pytest.mark.parametrize(
    ("capacity", "wanted", "parts"),
    [
        (32.0, [32.0, 32.0], [16.0, 16.0]),
        (32.0, [10.0, 32.0], [10.0, 22.0]),
        (32.0, [32.0, 10.0, 32.0], [11.0, 10.0, 11.0]),
        (32.0, [0.0, 32.0], [0.0, 32.0]),
        (80.0, [32.0, 16.0], [32.0, 16.0]),
        (0.0, [32.0, 32.0], [0.0, 0.0]),
    ],
)
def test_sc_18_equal_parts_and_what_one_does_not_need_for_the_others(capacity, wanted, parts):
    assert shared(capacity, [Claim(most) for most in wanted]) == parts


def test_sc_18_who_would_bring_the_others_below_what_can_be_offered_gets_nothing():
    assert shared(20.0, [Claim(32.0, 6.0)] * 4) == pytest.approx([20 / 3] * 3 + [0.0])


def test_sc_18_a_minimum_rate_lets_fewer_charge_properly():
    assert shared(20.0, [Claim(32.0, 6.0, useful=16.0), Claim(32.0, 6.0)]) == [20.0, 0.0]
    # The third one takes what is left of the first one's part.
    assert shared(20.0, [Claim(10.0, 6.0), Claim(32.0, 6.0, useful=16.0), Claim(32.0, 6.0)]) == [10.0, 0.0, 10.0]


def test_sc_18_who_needs_less_than_is_useful_is_served_all_the_same():
    assert shared(20.0, [Claim(8.0, 6.0, useful=16.0), Claim(32.0, 6.0)]) == [8.0, 12.0]


@given(st.integers(0, 200).map(float), claims)
def test_sc_18_the_sum_is_never_greater_than_the_capacity(capacity, found):
    parts = shared(capacity, found)
    assert sum(parts) <= capacity + 1e-9
    assert all(0.0 <= part <= claim.most for part, claim in zip(parts, found, strict=True))


@given(st.integers(0, 200).map(float), claims)
def test_sc_18_nothing_is_withheld_that_somebody_served_could_take(capacity, found):
    parts = shared(capacity, found)
    hungry = any(0.0 < part < claim.most - 1e-9 for part, claim in zip(parts, found, strict=True))
    assert not hungry or sum(parts) == pytest.approx(capacity)
