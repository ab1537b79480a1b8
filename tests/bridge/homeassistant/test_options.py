from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.homeassistant.options import DiscoveryOptions

FLEET = DiscoveryOptions(all_or_none=True, max_twins=2, exclude=("x*",))


@pytest.mark.parametrize(
    ("options", "is_on"),
    [
        (FLEET, False),
        (replace(FLEET, max_twins=3), True),
        (replace(FLEET, exclude=("x*", "a")), True),
        (replace(FLEET, all_or_none=False), True),
        (replace(FLEET, all_or_none=False, enabled=False), False),
    ],
)
def test_too_many_twins_turn_it_off_where_all_or_none_appear(options, is_on):
    assert options.is_on(["a", "b", "c", "x1", "x2"]) is is_on
