"""The parts of what a daemon publishes that are looked at here, with a value for each that is missing.

Lenient on purpose: a daemon of another version may leave fields out, or have more. How it looks is not known here.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Station(msgspec.Struct, frozen=True):
    """Show a station (`<twin>/state`)."""

    identity: str = ""
    csms_url: str = ""
    connected: bool = False
    registration: str | None = None
    status: str = ""
    error_code: str = ""
    queued_messages: int = 0
    vendor: str = ""
    model: str = ""
    firmware_version: str | None = None
    firmware_status: str | None = None
    powered: bool = True
    network: bool = True
    door_open: bool = False


class Evse(msgspec.Struct, frozen=True):
    """Show an EVSE (`<twin>/<n>/state`)."""

    status: str = ""
    error_code: str = ""
    error_info: str | None = None
    plugged: bool = False
    ev_ready: bool = False
    charging: bool = False
    id_tag: str | None = None
    authorized: bool = False
    transaction_id: int | None = None
    reservation_id: int | None = None
    reserved_for: str | None = None
    ev: str | None = None
    meter_source: str = ""


class Meter(msgspec.Struct, frozen=True):
    """Show an EVSE's meter (`<twin>/<n>/meter`)."""

    power_w: float = 0.0
    energy_wh: float = 0.0
    current_l1_a: float | None = None
    current_l2_a: float | None = None
    current_l3_a: float | None = None
    voltage_l1_v: float | None = None
    voltage_l2_v: float | None = None
    voltage_l3_v: float | None = None
    soc_pct: float | None = None
    temperature_c: float | None = None
    stale: bool = False


class Limit(msgspec.Struct, frozen=True):
    """Show what an EVSE may draw (`<twin>/<n>/limit`)."""

    allowed: bool = False
    limit_a: float = 0.0
    limit_w: float = 0.0
    phases: int = 0
    source: str = ""
    profile_id: int | None = None
    until: str | None = None


class Session(msgspec.Struct, frozen=True):
    """Show the running session, or the last one (`<twin>/<n>/session`)."""

    transaction_id: int | None = None
    active: bool = False
    id_tag: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    energy_wh: float | None = None
    duration_s: float | None = None
    stop_reason: str | None = None


class Event(msgspec.Struct, frozen=True):
    """Tell of something that happened to a twin (`<twin>/event`)."""

    type: str
    at: str = ""
    evse: int | None = None
    data: dict[str, Any] = {}


class Info(msgspec.Struct, frozen=True):
    """Describe a node (`bridge/<node>/info`)."""

    version: str = ""
    twins: int = 0
    clock_rate: float = 1.0
    profile: str = "home"


class Traced(msgspec.Struct, frozen=True):
    """Show an OCPP frame (`<twin>/ocpp/sent`, `<twin>/ocpp/received`)."""

    frame: str
    at: str = ""
    action: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """Tell what became of a command or a request (`<twin>/result`, `bridge/<node>/response/<verb>`)."""

    topic: str = ""
    request_id: str | None = None
    status: str = ""
    code: str | None = None
    detail: str | None = None
    data: Any = None


KINDS = (Station, Evse, Meter, Limit, Session, Event, Info, Traced, Answer)
_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in KINDS}


def read(kind: type[T], payload: bytes) -> T | None:
    """Read a payload; None for what is none of this kind: anybody may publish anything."""
    try:
        return _DECODERS[kind].decode(payload)  # type: ignore[index, return-value]
    except (msgspec.DecodeError, RecursionError):
        return None
