"""The settings of real things: inputs, what is inferred from power, and devices that bring both as a preset.

Decides what may be written. Whether a topic, a path or a template is one, and whether its twin exists, is found out
where they are compiled.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from config.fields import Section, never_both, refuse
from config.units import Quantity, duration

_WATTS = {"W": 1.0, "kW": 1e3, "MW": 1e6}

OnStale = Literal["hold", "zero", "fault"]
Power = Annotated[float, Quantity("a power in W", _WATTS, 0, 1e7, "200W")]
MaxAge = Annotated[float, duration(0.1, 86_400 * 7, "60s")]
Bare = Annotated[str, Field(min_length=1, max_length=4096)]


def _word(found: Any) -> Any:
    match found:
        case bool():
            return "ON" if found else "OFF"
        case int() | float() if math.isfinite(found):
            return str(found)
        case _:
            return found


Word = Annotated[str, BeforeValidator(_word, json_schema_input_type=str | int | float | bool)]


class InputSettings(Section):
    """Map messages of a topic to a level or an edge of a twin."""

    topic: Bare
    """Where the sensor publishes: + is one level, # the rest, {name} a level or part of one, for `to` and `value`."""
    to: Bare
    """The level or edge, relative to the root, such as garage/1/set/power_w; names of `topic` in braces."""
    value: Bare | None = None
    """A Jinja2 template with value, value_json, topic and its names; without it and `path` the payload itself."""
    path: Bare | None = None
    """Where the value stands in a JSON payload, such as emeters[0].power; faster than a template."""
    map: dict[str, Word] | None = None
    """What a text stands for, such as {"true": "ON", "false": "OFF"}; others are refused, or nothing if `optional`."""
    scale: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """What the number is multiplied by: 1000 makes Wh of kWh."""
    optional: bool = False
    """Messages without the value are normal and say nothing."""
    max_age: MaxAge | None = None
    """After how much silence the sensor is stale."""
    on_stale: OnStale = "hold"
    """What a stale sensor means: hold the last value, zero (power, current), or fault (PowerMeterFailure)."""
    debounce: Annotated[float, duration(0, 3600, "3s")] | None = None
    """An edge: the same value again within this time is the same event; 1s where not given."""

    _one_source = field_validator("path", mode="before")(never_both("value"))

    @field_validator("on_stale")
    @classmethod
    def _with_max_age(cls, value: str, info: Any) -> str:
        if value != "hold" and info.data.get("max_age") is None:
            raise refuse("zero and fault only together with max_age")
        return value


class AboveSettings(Section):
    """Conclude something from power above a bound."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)

    above: Power
    """The power that has to be exceeded."""
    for_: Annotated[float, Field(alias="for"), duration(0, 86_400)] = 10.0
    """For how long."""


class ChargingSettings(AboveSettings):
    """Conclude that the car charges, and that it does not any more."""

    below: Power | None = None
    """Under this power, for the same time, the car takes no more (SuspendedEV); half of `above` where not given."""

    @field_validator("below")
    @classmethod
    def _under_above(cls, value: float | None, info: Any) -> float | None:
        if value is not None and value > info.data.get("above", math.inf):
            raise refuse("not more than above")
        return value


class BelowSettings(Section):
    """Conclude something from power below a bound."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)

    below: Power
    """The power that has to be fallen short of."""
    for_: Annotated[float, Field(alias="for"), duration(0, 86_400 * 7, "30min")] = 1800.0
    """For how long."""


class Inference(Section):
    """Say what the power of an EVSE tells, where no sensor sees the plug."""

    plugged: AboveSettings | None = None
    """From when on a cable is plugged."""
    charging: ChargingSettings | None = None
    """From when on the car charges; then it is plugged, too."""
    unplugged: BelowSettings | None = None
    """From when on the cable is gone."""

    @model_validator(mode="after")
    def _consistent(self) -> Inference:
        starts = [band.above for band in (self.plugged, self.charging) if band is not None]
        if not starts and self.unplugged is None:
            raise refuse("at least one of plugged, charging, unplugged")
        if self.unplugged is not None and any(self.unplugged.below > above for above in starts):
            raise refuse("unplugged.below not over the bounds of plugged and charging")
        return self


class InferSettings(Inference):
    """Conclude plugs and cars of an EVSE from its power."""

    evse: Bare
    """The EVSE: twin and number, such as garage/1."""


class DeviceSettings(Section):
    """Bring the inputs and outputs of a known device; what its preset asks for stands beside these."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    __pydantic_extra__: dict[str, Annotated[str, BeforeValidator(_word)]]

    preset: Bare
    """The kind of device (`ocpp-twin map presets` lists them), or a file such as ./my-box.yaml."""
    evse: Bare
    """The EVSE that it is, or belongs to: twin and number, such as garage/1."""
    max_age: MaxAge | None = None
    """After how much silence its meter is stale, where the preset's time does not fit."""
    on_stale: OnStale | None = None
    """What that means, where the preset's does not fit."""


class VariableSettings(Section):
    """Describe what a preset has to be told."""

    about: Bare
    """What it is."""
    default: Annotated[str, BeforeValidator(_word)] | None = None
    """Its value where it is not given; without one it has to be."""


class PresetSettings(Section):
    """Describe a kind of device: a file of its own. `{name}` of a variable may stand in every text."""

    device: Bare
    """What it is."""
    documentation: list[str]
    """Where its maker says what it publishes."""
    notes: str | None = None
    """What has to be set at the device, and what it cannot tell."""
    variables: dict[str, VariableSettings] = Field(default={})
    """What it has to be told."""
    inputs: list[InputSettings] = Field(default=[])
    """As in the configuration, but `to` is relative to the EVSE: set/power_w, cmd/swipe."""
    infer: Inference | None = None
    """What its power tells."""
    outputs: list[dict[str, Any]] = Field(default=[])
    """As in the configuration, but `from` is relative to the EVSE: limit."""
