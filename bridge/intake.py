"""A pydantic model for every payload that the daemon takes, in its JSON form.

A bare payload `x` is the JSON object `{"value": "x"}`. Fields that no model names are refused, because a
misspelt one would otherwise be ignored in silence.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from bridge.scalars import (
    PRINTABLE,
    Current,
    Energy,
    Flag,
    Frequency,
    HowHard,
    IdTag,
    Number,
    Percent,
    Power,
    Press,
    Reason,
    Temperature,
    Time,
    Voltage,
)
from twin.model.spec import EvSpec
from twin.model.terms import ErrorCode, FirmwareOutcome, Quantity

MAX_EVSES = 1_000
"""More than any charge point has."""

_EvseNumber = Annotated[int, Field(ge=1, strict=True)]


class Shape(BaseModel):
    """Be the root of what is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=False)


class Taken(Shape):
    """Carry what any message may carry."""

    request_id: Annotated[str, Field(max_length=64, strict=True)] | None = None
    at: Time | None = None


class AtEvse(Taken):
    """Carry what any message to an EVSE may carry; OCPP 1.6 knows one connector for each EVSE."""

    connector: Annotated[int, Field(ge=1, le=1, strict=True)] = 1


class Car(Shape):
    """Describe a simulated car."""

    battery_kwh: Annotated[Number, Field(gt=0, le=10_000)] | None = None
    soc_pct: Percent | None = None
    max_a: Annotated[Number, Field(gt=0, le=1e4)] | None = None
    phases: Annotated[int, Field(ge=1, le=3, strict=True)] | None = None
    max_w: Annotated[Number, Field(gt=0, le=1e7)] | None = None

    def spec(self) -> EvSpec:
        """Return the car as the twin knows it."""
        return EvSpec(**self.model_dump())


NamedOrOwn = Annotated[
    Annotated[str, Field(strict=True), Tag("name")] | Annotated[Car, Tag("car")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "car"),
]


class StationFlag(Taken):
    """Set a yes-or-no level of the station."""

    value: Flag


class EvseFlag(AtEvse):
    """Set a yes-or-no level of an EVSE."""

    value: Flag


class Plugged(EvseFlag):
    """Plug a cable in, with a car of this model or of these properties, or pull it."""

    ev: NamedOrOwn | None = None


class Measured(AtEvse):
    """Carry what any value of a sensor may carry: after how many seconds it is stale."""

    max_age_s: Annotated[Number, Field(gt=0, le=604_800)] | None = None


class PowerLevel(Measured):
    """Report a power in W."""

    value: Power


class EnergyLevel(Measured):
    """Report an energy register in Wh."""

    value: Energy


class CurrentLevel(Measured):
    """Report a current in A."""

    value: Current


class VoltageLevel(Measured):
    """Report a voltage in V."""

    value: Voltage


class FrequencyLevel(Measured):
    """Report a frequency in Hz."""

    value: Frequency


class PercentLevel(Measured):
    """Report a state of charge in percent."""

    value: Percent


class TemperatureLevel(Measured):
    """Report a temperature in °C."""

    value: Temperature


class Readings(Shape):
    """Report any of the quantities at once."""

    power_w: Power | None = None
    energy_wh: Energy | None = None
    current_l1_a: Current | None = None
    current_l2_a: Current | None = None
    current_l3_a: Current | None = None
    voltage_l1_v: Voltage | None = None
    voltage_l2_v: Voltage | None = None
    voltage_l3_v: Voltage | None = None
    frequency_hz: Frequency | None = None
    soc_pct: Percent | None = None
    temperature_c: Temperature | None = None

    def quantities(self) -> dict[Quantity, float]:
        """Return what was reported."""
        fields = Readings.model_fields
        return {Quantity(name): getattr(self, name) for name in fields if getattr(self, name) is not None}


class MeterLevel(Readings, Measured):
    """Report any of the quantities, at the top or under `value`."""

    value: Readings | None = None


class MeterSourceLevel(AtEvse):
    """Say where meter values come from: all, or those named; with `fallback` simulated while sensors are silent."""

    value: Literal["simulated", "external"]
    values: Annotated[list[Quantity], Field(min_length=1)] | None = None
    fallback: Flag | None = None


class StationFault(Taken):
    """Break or mend something at the station."""

    value: ErrorCode
    id: Annotated[str, Field(min_length=1, max_length=64), PRINTABLE] | None = None
    info: Annotated[str, Field(max_length=50), PRINTABLE] | None = None
    vendor_id: Annotated[str, Field(max_length=255), PRINTABLE] | None = None
    vendor_error_code: Annotated[str, Field(max_length=50), PRINTABLE] | None = None


class EvseFault(StationFault, AtEvse):
    """Break or mend something at an EVSE."""


class FirmwareLevel(Taken):
    """Decide how firmware updates end; `version` is what the next image brings (OCPP 1.6 §6.3: at most 50)."""

    value: FirmwareOutcome
    version: Annotated[str, Field(min_length=1, max_length=50), PRINTABLE] | None = None


class EvseSwipe(AtEvse):
    """Swipe a card at an EVSE."""

    value: IdTag


class StationSwipe(Taken):
    """Swipe a card at the shared reader, whose choice `evses` limits."""

    value: IdTag
    evses: (
        Annotated[list[Annotated[int, Field(ge=1, strict=True)]], Field(min_length=1, max_length=MAX_EVSES)] | None
    ) = None


class Stop(AtEvse):
    """Press the stop button."""

    value: Reason = None


class EvsePress(AtEvse):
    """Press something at an EVSE."""

    value: Press = None


class StationPress(Taken):
    """Press something at the station."""

    value: Press = None


class PressReset(Taken):
    """Press the reset button."""

    value: HowHard = None


class PlaceCall(Taken):
    """Make an arbitrary OCPP call."""

    action: Annotated[str, Field(min_length=1, max_length=64), PRINTABLE]
    payload: dict[str, Any] = Field(default_factory=dict)


class SendFrame(Taken):
    """Put raw text on the wire."""

    value: Annotated[str, Field(min_length=1, strict=True)]


class SecurityEvent(Taken):
    """Let something happen that concerns security (Security whitepaper §5.15, A04)."""

    type: Annotated[str, Field(min_length=1, max_length=50), PRINTABLE]
    tech_info: Annotated[str, Field(max_length=255), PRINTABLE] | None = None


class EmptyQueue(Taken):
    """Forget the queued messages."""

    confirm: Literal[True]


_QUANTITIES: dict[str, type[Taken]] = {
    "power_w": PowerLevel,
    "energy_wh": EnergyLevel,
    **dict.fromkeys(("current_l1_a", "current_l2_a", "current_l3_a"), CurrentLevel),
    **dict.fromkeys(("voltage_l1_v", "voltage_l2_v", "voltage_l3_v"), VoltageLevel),
    "frequency_hz": FrequencyLevel,
    "soc_pct": PercentLevel,
    "temperature_c": TemperatureLevel,
}

EVSE: dict[str, type[Taken]] = {
    "set/plugged": Plugged,
    "set/ev_ready": EvseFlag,
    **{f"set/{name}": model for name, model in _QUANTITIES.items()},
    "set/meter": MeterLevel,
    "set/meter_source": MeterSourceLevel,
    "set/fault": EvseFault,
    "set/lock_jammed": EvseFlag,
    "cmd/swipe": EvseSwipe,
    "cmd/stop": Stop,
    "cmd/emergency_stop": EvsePress,
    "cmd/unplug_ev_side": EvsePress,
}
"""What an EVSE takes, by kind and name."""

STATION: dict[str, type[Taken]] = {
    "set/fault": StationFault,
    "set/powered": StationFlag,
    "set/network": StationFlag,
    "set/door_open": StationFlag,
    "set/firmware_outcome": FirmwareLevel,
    "set/reset_fails": StationFlag,
    "cmd/swipe": StationSwipe,
    "cmd/emergency_stop": StationPress,
    "cmd/reset": PressReset,
    "cmd/drop_link": StationPress,
    "cmd/boot": StationPress,
    "cmd/call": PlaceCall,
    "cmd/frame": SendFrame,
    "cmd/security_event": SecurityEvent,
    "cmd/clear_queue": EmptyQueue,
}
"""What a station takes, by kind and name."""

MODELS: dict[str, type[Shape]] = {
    **{f"evse/{name}": model for name, model in EVSE.items()},
    **STATION,
}
"""All of them by topic, without the names of node, twin and EVSE."""
