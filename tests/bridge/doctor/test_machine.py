import resource
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from bridge.doctor import machine
from bridge.doctor.findings import Verdict


def test_software_is_named():
    assert machine.software().said.startswith("Python 3.")


@pytest.mark.parametrize(("year", "verdict"), [(1970, "wrong"), (2023, "wrong"), (2026, "ok"), (2101, "wrong")])
def test_a_clock_that_cannot_be_right(year, verdict):
    found = machine.clock(datetime(year, 6, 1, tzinfo=UTC).timestamp())
    assert found.verdict == verdict
    assert str(year) in found.said
    assert (found.remedy is None) is (verdict == "ok")


def test_the_clock_of_this_machine_is_right():
    assert machine.clock().verdict is Verdict.OK


@pytest.mark.parametrize(("apart_s", "said"), [(7200, "is 7200 s ahead"), (-90, "is 90 s behind")])
def test_clocks_that_differ_are_noted(apart_s, said):
    now = float(int(time.time()))
    date = format_datetime(datetime.fromtimestamp(now + apart_s, UTC), usegmt=True)
    (found,) = machine.compared(date, "the Central System", now)
    assert found.verdict is Verdict.NOTE
    assert found.said == f"that of the Central System {said}"


def test_clocks_that_agree_or_are_not_told_are_no_finding():
    now = float(int(time.time()))
    assert not list(machine.compared(format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True), "it", now + 30))
    assert not list(machine.compared(None, "it"))
    assert not list(machine.compared("yesterday", "it"))


def test_open_files():
    assert machine.descriptors(1).verdict is Verdict.OK
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        found = machine.descriptors(hard)
        assert found.verdict is Verdict.WRONG
        assert found.remedy.startswith("ulimit -n ")


def test_what_is_optional_is_never_wrong():
    assert {found.verdict for found in machine.optional(1000)} <= {Verdict.OK, Verdict.NOTE}
