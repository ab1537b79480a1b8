from datetime import UTC, datetime

import pytest

from bridge.clockwork import warning


@pytest.mark.parametrize("year", [1970, 2023, 2101])
def test_a_clock_that_cannot_be_right_is_told_with_what_to_do(year):
    said = warning(datetime(year, 6, 1, tzinfo=UTC).timestamp())
    assert said.startswith(f"the clock says {year}-06-01 00:00:00 UTC, which cannot be: set this machine's clock")


def test_one_that_can_is_not():
    assert warning(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) is None
