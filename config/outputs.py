"""The settings of outputs: what the Central System wants, carried to real things, and how they confirm it.

Decides what may be written. Whether topics and templates are any good, and whether the twin exists, is found out where
they are compiled.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from config.fields import Section, refuse
from config.units import Quantity, duration

_AMPERES = Quantity("a current in A", {"A": 1.0}, 0, 10_000, "6A")
_WORDS = ("keep", "pause")


def _offline(found: Any) -> Any:
    if found in _WORDS:
        return found
    try:
        return _AMPERES.read(found)
    except ValueError:
        raise refuse(f"keep, pause, or {_AMPERES.allowed}") from None


Text = Annotated[str, Field(min_length=1, max_length=4096)]
Offline = Annotated[
    Literal["keep", "pause"] | Annotated[float, _AMPERES],
    BeforeValidator(_offline, json_schema_input_type=str | int | float),
]


class ConfirmSettings(Section):
    """Say how a real thing shows that it did what it was told."""

    topic: Text
    """Where it does; `{twin}` and `{evse}` stand for those of the output."""
    value: Text | None = None
    """A template of what it shows, with value, value_json and topic; or, like `expect`, of what it should show."""
    path: Text | None = None
    """Where that stands in a JSON payload, such as status.amp; faster than a template."""
    scale: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """What the number that it shows is multiplied by: 0.001 makes A of mA."""
    expect: Text | None = None
    """A template of what it should show, with the names of `payload`; limit_a, the payload sent, or anything but no."""
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """By how much a number may differ."""
    timeout: Annotated[float, duration(0.1, 3600, "30s")] | None = None
    """How long it may take; 30s where not given, 10s for an action, whose asker waits."""


class OutputSettings(Section):
    """Carry what the Central System wants to a real thing."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)

    from_: Annotated[str, Field(alias="from", min_length=1, max_length=256)]
    """A state or an action, such as `garage/1/limit`, `lot-{001..500}/1/state`, or of each EVSE `*/*/unlock`."""
    topic: Text
    """Where the real thing listens; `{twin}` and `{evse}` stand for those of `from`, and a level may be a template."""
    payload: Text | None = None
    """A Jinja2 template whose names are the fields of the state or action; all of them as JSON where not given."""
    retain: bool = False
    """Let the broker keep it for a thing that comes later; not for actions."""
    qos: Annotated[int, Field(ge=0, le=2)] = 1
    """The quality of service."""
    min_interval: Annotated[float, duration(0, 3600, "10s")] = 0.0
    """The shortest time between two messages; the newest value wins, and less power never waits."""
    keepalive: Annotated[float, duration(0.1, 86_400, "30s")] | None = None
    """How often it is repeated; a failed one is tried again so often."""
    below_min: Literal["pause", "min", "pass"] = "pass"
    """What a limit under `min_a` becomes: a pause, `min_a` unless the hardware forbids that, or what it is."""
    min_a: Annotated[float, _AMPERES] = 6.0
    """The least current with which a car charges (IEC 61851)."""
    when_offline: Offline = "keep"
    """What a limit is while the Central System is away: as it is, a pause, or no more than this current."""
    confirm: ConfirmSettings | None = None
    """How the real thing confirms it; the answer to the Central System waits for the confirmation of an action."""
