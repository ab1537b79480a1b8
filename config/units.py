"""Quantities as people write them: `10s`, `32A`, `7.4kW`, `1MiB`, or a bare number in the base unit.

Decides which units a setting takes and what to say when it got something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*(/?[A-Za-z]*)\s*", re.ASCII)

_SECONDS = {"s": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_AMPERES = {"A": 1.0}
_WATTS = {"W": 1.0, "kW": 1e3, "MW": 1e6}
_WATT_HOURS = {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6}
_VOLTS = {"V": 1.0, "kV": 1e3}
_PER_HOUR = {"/min": 60.0, "/h": 1.0, "/d": 1 / 24}
_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3}


def parse_quantity(found: Any, units: Mapping[str, float]) -> float:
    """Read a number with an optional unit, in the unit whose factor is 1. Raises ValueError."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise ValueError(found)  # noqa: TRY004 - a bad value like any other
    if not isinstance(found, str):
        return float(found)
    match = _QUANTITY.fullmatch(found)
    if match is None:
        raise ValueError(found)
    number, unit = match.groups()
    if unit and unit not in units:
        raise ValueError(unit)
    return float(number) * (units[unit] if unit else 1.0)


@dataclass(frozen=True, slots=True)
class Quantity:
    """Make a number a quantity between two bounds, written with a unit or without; stands in `Annotated`."""

    what: str
    units: Mapping[str, float] = field(hash=False)
    low: float
    high: float
    example: str
    whole: bool = False

    @property
    def allowed(self) -> str:
        """Say in words what may be written."""
        units = ", ".join(self.units)
        return f"{self.what} from {self.low:.10g} to {self.high:.10g}, such as {self.example} (units: {units})"

    def read(self, found: Any) -> float:
        """Read what was written; raises pydantic's error with the words of `allowed`."""
        try:
            value = parse_quantity(found, self.units)
        except (ValueError, OverflowError):
            value = float("nan")
        if not (isfinite(value) and self.low <= value <= self.high):
            raise PydanticCustomError("allowed", "{allowed}", {"allowed": self.allowed})
        return round(value) if self.whole else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        return {"type": ["number", "string"], "examples": [self.example]}


def duration(low: float, high: float, example: str = "10s") -> Quantity:
    """Make a duration in seconds between two bounds."""
    return Quantity("a duration in seconds", _SECONDS, low, high, example)


def size(low: int, high: int, example: str = "1MiB") -> Quantity:
    """Make a size in bytes between two bounds."""
    return Quantity("a size in bytes", _BYTES, low, high, example, whole=True)


Amperes = Annotated[float, Quantity("a current in A", _AMPERES, 1, 10_000, "32A")]
Watts = Annotated[float, Quantity("a power in W", _WATTS, 100, 1e7, "7.4kW")]
WattHours = Annotated[float, Quantity("an energy in Wh", _WATT_HOURS, 0, 1e12, "12.5kWh")]
PerHour = Annotated[float, Quantity("a number an hour", _PER_HOUR, 0.001, 3600, "2/h")]
Volts = Annotated[float, Quantity("a voltage in V", _VOLTS, 50, 2000, "230V")]
