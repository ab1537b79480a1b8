"""What a twin shows of itself: frozen values, one struct for each state topic of the MQTT contract.

Field names and meanings are the contract's. Times are Instants here; the bridge writes them as ISO 8601.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from twin.model.terms import ErrorCode, Instant, LimitSource, MeterSource, Registration, Status, StopReason


class StationView(msgspec.Struct, frozen=True):
    """Show the station (`<twin>/state`). `queued_messages` is filled in by the Station, which owns the queue."""

    identity: str
    ocpp_version: str
    csms_url: str
    connected: bool
    connected_at: Instant | None
    registration: Registration | None
    status: Status
    error_code: ErrorCode
    queued_messages: int
    last_heartbeat_at: Instant | None
    vendor: str
    model: str
    serial_number: str | None
    firmware_version: str | None
    firmware_status: str | None
    diagnostics_status: str | None
    local_list_version: int
    security_profile: int
    powered: bool
    network: bool
    door_open: bool


class EvseView(msgspec.Struct, frozen=True):
    """Show an EVSE (`<twin>/<n>/state`).

    The reservation is one of this very EVSE: one of any EVSE (connector 0) keeps none in particular, and shows at none.
    `reserved_until` is the Central System's own time.
    """

    status: Status
    error_code: ErrorCode
    error_info: str | None
    status_at: Instant
    plugged: bool
    ev_ready: bool
    locked: bool
    available: bool
    charging: bool
    id_tag: str | None
    authorized: bool
    transaction_id: int | None
    session_id: str | None
    reservation_id: int | None
    reserved_for: str | None
    reserved_until: Instant | None
    ev: str | None
    meter_source: MeterSource


class MeterView(msgspec.Struct, frozen=True):
    """Show an EVSE's meter (`<twin>/<n>/meter`)."""

    at: Instant
    power_w: float
    energy_wh: float
    current_a: float | None
    current_l1_a: float | None
    current_l2_a: float | None
    current_l3_a: float | None
    voltage_l1_v: float | None
    voltage_l2_v: float | None
    voltage_l3_v: float | None
    frequency_hz: float | None
    power_factor: float | None
    soc_pct: float | None
    temperature_c: float | None
    stale: bool


class LimitView(msgspec.Struct, frozen=True):
    """Show what an EVSE may draw now and why (`<twin>/<n>/limit`)."""

    allowed: bool
    limit_a: float
    limit_w: float
    phases: int
    source: LimitSource
    profile_id: int | None
    until: Instant | None


class SessionView(msgspec.Struct, frozen=True):
    """Show the running session or the last one (`<twin>/<n>/session`)."""

    session_id: str | None = None
    transaction_id: int | None = None
    active: bool = False
    id_tag: str | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    energy_wh: float | None = None
    duration_s: float | None = None
    stop_reason: StopReason | None = None


PartView: TypeAlias = StationView | EvseView | MeterView | LimitView | SessionView


class EvseFigures(msgspec.Struct, frozen=True, gc=False):
    """Show the figures of an EVSE, for those who look at thousands: `energy_wh` is the register."""

    status: Status
    charging: bool
    power_w: float
    energy_wh: float
    stale: bool


class TwinFigures(msgspec.Struct, frozen=True):
    """Show the figures of a twin; the list has one element for each EVSE. `queued` is the Station's to know."""

    connected: bool
    registration: Registration | None
    queued: int
    evses: list[EvseFigures]


class TwinView(msgspec.Struct, frozen=True):
    """Show a whole twin; the tuples have one element for each EVSE, EVSE 1 first."""

    station: StationView
    evses: tuple[EvseView, ...]
    meters: tuple[MeterView, ...]
    limits: tuple[LimitView, ...]
    sessions: tuple[SessionView, ...]
