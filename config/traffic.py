"""The settings of traffic: cars that come, charge and go by themselves.

Decides what may be written. Whether there are twins of these names is found out where plans are made of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from config.fields import Globs, Section, refuse
from config.presets import cars
from config.problems import unknown_text
from config.ranges import ALLOWED, unrolled
from config.units import PerHour, WattHours, duration

MAX_TAG = 20
"""Characters of an idTag (OCPP 1.6 §7.28)."""

_SPREAD = Field(ge=0, le=2)


def _alone(found: Any) -> Any:
    """Take a value alone for one that is always the same."""
    return found if found is None or isinstance(found, dict | Section) else {"mean": found, "spread": 0}


def _weighed(found: Any) -> Any:
    return found if isinstance(found, dict | Section) else {"tag": found}


def _tag(text: str) -> str:
    try:
        tags = unrolled(text)
    except ValueError:
        raise refuse(ALLOWED) from None
    if not 1 <= len(tags[-1]) <= MAX_TAG:
        raise refuse(f"an idTag of 1 to {MAX_TAG} characters, or {ALLOWED}")
    return text


def _car(name: str) -> str:
    if name not in cars():
        raise refuse(f"the name of a car; this one is {unknown_text(name, list(cars()))}")
    return name


class DwellSettings(Section):
    """Say how long cars stay."""

    mean: Annotated[float, duration(10, 86_400 * 7, "2h")]
    """How long a car stays on average, 1h where not given; `dwell: 2h` alone: always so long."""
    spread: Annotated[float, _SPREAD] = 0.5
    """How different they are: the standard deviation as a part of the mean (log-normal); 0: all alike."""


class EnergySettings(Section):
    """Say how much cars take."""

    mean: WattHours
    """What a car takes on average until it is full; without `energy` they come 20 to 80 % full."""
    spread: Annotated[float, _SPREAD] = 0.5
    """How different that is, as for `dwell`."""


class TagSettings(Section):
    """Say which card, or range of cards, is shown how often."""

    tag: Annotated[str, AfterValidator(_tag)]
    """An idTag, or a range of them such as CARD{0001..9999}, of which each is as likely."""
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """How often it is shown, compared to the others in the list."""


class EndSettings(Section):
    """Say how often a session is ended in which way."""

    card: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    """The card is shown again, then the cable is pulled. Without `ends` it is 8, and 1 for each of the others."""
    button: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    """The stop button is pressed, then the cable is pulled."""
    unplug: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    """The cable is pulled."""

    @model_validator(mode="after")
    def _one_way(self) -> EndSettings:
        if not self.card + self.button + self.unplug:
            raise refuse("at least one of card, button, unplug over 0")
        return self


Dwell = Annotated[DwellSettings, BeforeValidator(_alone, json_schema_input_type=str | float | DwellSettings)]
Energy = Annotated[
    EnergySettings | None, BeforeValidator(_alone, json_schema_input_type=str | float | EnergySettings | None)
]
Tag = Annotated[TagSettings, BeforeValidator(_weighed, json_schema_input_type=str | TagSettings)]
Car = Annotated[str, AfterValidator(_car)]


class TrafficSettings(Section):
    """Let cars come to twins, charge, and go."""

    twins: Globs = Field(default=["*"])
    """To whose EVSEs: ids, ranges such as lot-{001..500}, globs; where two plans name a twin, the first one counts."""
    arrivals: PerHour
    """How many cars come to each EVSE (a Poisson process); one that finds it taken drives on."""
    dwell: Dwell = DwellSettings(mean=3600)
    """How long they stay."""
    energy: Energy = None
    """How much they take until they are full."""
    cars: Annotated[list[Car], Field(min_length=1)] = Field(default=["compact", "family", "small", "plug-in-hybrid"])
    """Which cars, by the names of config/presets/cars.yaml; one that stands twice comes twice as often."""
    tags: list[Tag] = Field(default=[TagSettings(tag="CARD{0001..1000}")])
    """Whose cards: idTags, ranges of them, or {tag, weight}; without any, cars wait for a RemoteStartTransaction."""
    first: Literal["cable", "card", "any"] = "cable"
    """What a driver does first."""
    ends: EndSettings = EndSettings(card=8, button=1, unplug=1)
    """How drivers end sessions: weights."""
    patience: Annotated[float, duration(1, 86_400, "2min")] = 60.0
    """After how long a driver goes whose session does not begin."""
    day: Literal["flat", "home", "work"] = "flat"
    """When they come: all day alike, mostly in the evening, mostly in the morning; `arrivals` is the day's average."""
    utc_offset: Annotated[float, duration(-50_400, 50_400, "1h")] = 0.0
    """How far the hours of that day are ahead of UTC."""
    seed: int = 1
    """What the chance is drawn from: the same seed makes the same traffic."""
