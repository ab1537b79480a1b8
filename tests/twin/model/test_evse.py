from __future__ import annotations

import pytest

from twin.model.evse import TRANSITIONS, way
from twin.model.terms import Status

# OCPP 1.6 §4.9 and errata E3.20: the steps that the matrix leaves empty, by row letter and column number.
IMPOSSIBLE = {*"A6 B7 B8 C2 C7 D2 D7 E2 E7 F3 F4 F5 F7 G3 G4 G5 G6 H6 H7".split()}  # noqa: SIM905 - reads like the matrix
ORDER = list(Status)


def test_s_04_the_table_is_the_matrix():
    missing = {
        f"{'ABCDEFGHI'[row]}{column + 1}"
        for row, start in enumerate(ORDER)
        for column, end in enumerate(ORDER)
        if start is not end and end not in TRANSITIONS[start]
    }
    assert missing == IMPOSSIBLE


@pytest.mark.parametrize("start", ORDER)
@pytest.mark.parametrize("end", ORDER)
def test_every_way_walks_allowed_steps_only(start, end):
    here = start
    for step in way(start, end):
        assert step in TRANSITIONS[here]
        here = step
    assert here is end


def test_s_07_preparing_becomes_unavailable_by_way_of_available():
    assert way(Status.PREPARING, Status.UNAVAILABLE) == (Status.AVAILABLE, Status.UNAVAILABLE)


def test_f2_a_new_start_at_a_used_cable_prepares_first():
    assert way(Status.FINISHING, Status.CHARGING) == (Status.PREPARING, Status.CHARGING)
