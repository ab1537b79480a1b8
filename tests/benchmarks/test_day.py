"""A day of a fleet in virtual time; `python -m benchmarks.day` is the same with a thousand twins."""

import math
import time
from collections import Counter

import pytest

from benchmarks.day import PLAN, day

TWINS = 60
EVSES = 2 * TWINS


@pytest.fixture(scope="module")
def boxes():
    began = time.process_time()
    found = list(day(TWINS))
    took = time.process_time() - began
    print(f"{TWINS} twins, 24 hours: {took:.2f} s of CPU, {1000 * took / TWINS:.1f} s for a thousand")
    return found


def test_every_session_is_told_once(boxes):
    for box in boxes:
        assert box.books.wrong == []
        active = {session.transaction_id for session in box.station.view(box.now).sessions if session.active}
        assert active == set(box.books.open)
        assert box.books.begun == box.books.ended + len(active)
        assert box.station.queued == 0


def test_there_are_as_many_as_were_told_before(boxes):
    begun, expected = sum(box.books.begun for box in boxes), PLAN.per_day() * EVSES
    # Those who come to one EVSE keep others off: their number varies less than that of a Poisson process.
    assert abs(begun - expected) < 4 * math.sqrt(expected)


def test_they_are_spread_over_all_evses(boxes):
    counts = Counter(round(box.books.begun) for box in boxes)
    assert min(counts) > 0
    mean = sum(box.books.begun for box in boxes) / TWINS
    variance = sum((box.books.begun - mean) ** 2 for box in boxes) / (TWINS - 1)
    assert 0.2 * mean < variance < 1.5 * mean


def test_the_same_seed_makes_the_same_day_bit_for_bit(boxes):
    for before, again in zip(boxes, day(5), strict=False):
        assert before.books.digest.hexdigest() == again.books.digest.hexdigest()
    assert len({box.books.digest.hexdigest() for box in boxes}) == TWINS


def test_nothing_hangs(boxes):
    for box in boxes:
        for evse, session in zip(box.station.view(box.now).evses, box.station.view(box.now).sessions, strict=True):
            assert not (evse.plugged and not session.active and box.now - evse.status_at > 3600)
