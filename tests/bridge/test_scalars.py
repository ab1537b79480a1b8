from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bridge import scalars


def read(kind, value):
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("value", ["ON", "on", "true", "1", True, 1, 1.0], ids=repr)
def test_yes(value):
    assert read(scalars.Flag, value) is True


@pytest.mark.parametrize("value", ["OFF", "off", "false", "0", False, 0], ids=repr)
def test_no(value):
    assert read(scalars.Flag, value) is False


@pytest.mark.parametrize("value", ["On", "yes", "", None, 2, [], {}, "TRUE", float("nan")], ids=repr)
def test_neither(value):
    with pytest.raises(ValidationError, match="must be one of ON OFF"):
        read(scalars.Flag, value)


@pytest.mark.parametrize(("text", "number"), [("7360", 7360), ("7.36e3", 7360), ("+1.5", 1.5), (".5", 0.5), (" 3 ", 3)])
def test_numbers(text, number):
    assert read(scalars.Power, text) == number


@pytest.mark.parametrize(
    "text",
    ["NaN", "inf", "1e999", "0x10", "1_000", "", "1,5", True, None, float("inf"), 10**400],
    ids=lambda value: repr(value)[:9],
)
def test_no_numbers(text):
    with pytest.raises(ValidationError):
        read(scalars.Number, text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_is_read(number):
    assert read(scalars.Number, repr(number)) == number


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (scalars.Power, -1e7, 1e7),
        (scalars.Energy, 0, 1e12),
        (scalars.Current, 0, 1e4),
        (scalars.Voltage, 0, 2_000),
        (scalars.Frequency, 0, 1_000),
        (scalars.Percent, 0, 100),
        (scalars.Temperature, -100, 300),
    ],
)
def test_bounds(kind, low, high):
    assert [read(kind, low), read(kind, high)] == [low, high]
    for beyond in (low - 1, high * 1.01):
        with pytest.raises(ValidationError):
            read(kind, beyond)


@pytest.mark.parametrize(
    "text", ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14T22:13:20", 1_700_000_000, 1_700_000_000.0]
)
def test_times_of_any_zone(text):
    assert read(scalars.Time, text) == 1_700_000_000


@pytest.mark.parametrize("text", ["yesterday", True, None, float("nan"), -1, 1e12])
def test_no_times(text):
    with pytest.raises(ValidationError):
        read(scalars.Time, text)


@pytest.mark.parametrize("value", ["", "x" * 21, "a\nb", 7, None])
def test_no_id_tags(value):
    with pytest.raises(ValidationError):
        read(scalars.IdTag, value)


def test_a_press_takes_no_value():
    assert [read(scalars.Press, value) for value in ("", "PRESS", None)] == [None] * 3
    with pytest.raises(ValidationError, match="takes no value"):
        read(scalars.Press, "ON")
