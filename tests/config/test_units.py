import pytest
from pydantic import TypeAdapter, ValidationError

from config.units import Amperes, WattHours, Watts, duration, parse_quantity, size


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (Amperes, "32A", 32.0),
        (Amperes, 16, 16.0),
        (Amperes, " 16.5 A ", 16.5),
        (Watts, "7.4kW", 7400.0),
        (Watts, ".5kW", 500.0),
        (WattHours, "12.5kWh", 12_500.0),
    ],
)
def test_quantities_are_read_with_a_unit_or_without(kind, written, value):
    assert TypeAdapter(kind).validate_python(written) == value


@pytest.mark.parametrize("written", ["16W", "16 a", "", "A", "1e3A", "-1A", "99999A", True, None, [], "nan"])
def test_anything_else_is_refused_with_what_is_allowed(written):
    with pytest.raises(ValidationError, match="a current in A from 1 to 10000, such as 32A"):
        TypeAdapter(Amperes).validate_python(written)


def test_durations_and_sizes_have_their_units():
    assert duration(0, 1e6).read("2min") == 120.0
    assert duration(0, 1e6).read("500ms") == 0.5
    assert size(0, 10**9).read("1MiB") == 1024 * 1024
    assert size(0, 10**9).read("1.5kB") == 1500


def test_a_number_too_long_for_a_float_is_no_crash():
    assert parse_quantity("9" * 400, {"s": 1.0}) == float("inf")
    with pytest.raises(Exception, match="a duration"):
        duration(0, 10).read(10**400)
