"""A pydantic model for every payload that the daemon publishes, and the JSON Schemas of the whole contract.

The models are the contract's text in code: names, types, units. `render` builds the same objects straight from the
twin's views, because it does so some ten thousand times a second; a test holds one against the other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from bridge.asking import REQUESTS
from bridge.intake import MODELS
from bridge.refusals import Code
from twin.model.terms import ErrorCode, LimitSource, MeterSource, Registration, Status, StopReason

Count = Annotated[int, Field(ge=0)]


class Payload(BaseModel):
    """Be the root of what is published: all keys always present, null for none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Info(Payload):
    """Describe the node (`bridge/<node>/info`)."""

    contract: Literal[1]
    version: str
    node: str
    started_at: AwareDatetime
    twins: Count
    clock_rate: float
    profile: Literal["home", "fleet", "quiet"]


class Health(Payload):
    """Show how the node is doing (`bridge/<node>/health`)."""

    twins: Count
    connected: Count
    charging: Count
    queued_messages: Count
    rss_bytes: Count
    loop_lag_ms: float
    mqtt_in_total: Count
    mqtt_out_total: Count
    ocpp_in_total: Count
    ocpp_out_total: Count
    commands_refused_total: Count
    protocol_errors_total: Count
    dropped_total: Count
    store_commit_ms: float


class Error(Payload):
    """Tell of a refused message (`bridge/<node>/error`)."""

    topic: str
    code: Code
    detail: str
    pointer: str | None
    payload: Annotated[str, Field(max_length=256)]
    count: Annotated[int, Field(ge=1)]


class StationState(Payload):
    """Show a station (`<twin>/state`)."""

    identity: str
    ocpp_version: str
    csms_url: str
    connected: bool
    connected_at: AwareDatetime | None
    registration: Registration | None
    status: Status
    error_code: ErrorCode
    queued_messages: Count
    last_heartbeat_at: AwareDatetime | None
    vendor: str
    model: str
    serial_number: str | None
    firmware_version: str | None
    firmware_status: str | None
    diagnostics_status: str | None
    local_list_version: Count
    security_profile: Count
    powered: bool
    network: bool
    door_open: bool


class EvseState(Payload):
    """Show an EVSE (`<twin>/<n>/state`)."""

    status: Status
    error_code: ErrorCode
    error_info: str | None
    status_at: AwareDatetime
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
    reserved_until: AwareDatetime | None
    ev: str | None
    meter_source: MeterSource


class Meter(Payload):
    """Show an EVSE's meter (`<twin>/<n>/meter`)."""

    at: AwareDatetime
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


class Limit(Payload):
    """Show what an EVSE may draw now and why (`<twin>/<n>/limit`)."""

    allowed: bool
    limit_a: float
    limit_w: float
    phases: int
    source: LimitSource
    profile_id: int | None
    until: AwareDatetime | None


class Session(Payload):
    """Show the running session, or the last one (`<twin>/<n>/session`)."""

    session_id: str | None
    transaction_id: int | None
    active: bool
    id_tag: str | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: float | None
    duration_s: float | None
    stop_reason: StopReason | None


class Event(Payload):
    """Tell of something that happened to a twin (`<twin>/event`)."""

    seq: Annotated[int, Field(ge=1)]
    at: AwareDatetime
    type: str
    evse: int | None
    request_id: str | None
    data: dict[str, Any]


class Result(Payload):
    """Tell what became of a command (`<twin>/result`, a response topic, `bridge/<node>/response/<verb>`)."""

    topic: str
    request_id: str | None
    status: Literal["ok", "error", "ignored"]
    code: Code | None
    detail: str | None
    at: AwareDatetime
    data: Any


class Trace(Payload):
    """Show an OCPP frame (`<twin>/ocpp/sent`, `<twin>/ocpp/received`)."""

    at: AwareDatetime
    action: str | None
    frame: str


class TwinSummary(Payload):
    """Show a twin in a list."""

    id: str
    identity: str
    connected: bool
    status: Status


class TwinList(Payload):
    """Be the `data` of the result of `list_twins`."""

    total: Count
    twins: list[TwinSummary]


class TwinNamed(Payload):
    """Be the `data` of the results of `add_twin`, `remove_twin` and `restart_twin`."""

    id: str


class RefusedTwin(Payload):
    """Say which twin refused something, and why."""

    id: str
    code: Code


class ManyDone(Payload):
    """Be the `data` of the results of `set_many` and `cmd_many`: how many twins were meant, and what became of it."""

    matched: Count
    ok: Count
    refused: list[RefusedTwin]


class Reloaded(Payload):
    """Be the `data` of the result of `reload`: ids of twins, and settings that only a restart of the daemon changes."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    needs_restart: list[str]


class ClockRate(Payload):
    """Be the `data` of the result of `set_clock_rate`."""

    rate: float


class Traced(Payload):
    """Be the `data` of the result of `trace`: how many twins were meant, and until when; null where it was ended."""

    matched: Count
    until: AwareDatetime | None
    unknown: list[str]


PUBLISHED: dict[str, type[Payload]] = {
    "bridge/info": Info,
    "bridge/health": Health,
    "bridge/error": Error,
    "bridge/response/list_twins/data": TwinList,
    "bridge/response/add_twin/data": TwinNamed,
    "bridge/response/remove_twin/data": TwinNamed,
    "bridge/response/restart_twin/data": TwinNamed,
    "bridge/response/set_many/data": ManyDone,
    "bridge/response/cmd_many/data": ManyDone,
    "bridge/response/reload/data": Reloaded,
    "bridge/response/set_clock_rate/data": ClockRate,
    "bridge/response/trace/data": Traced,
    "state": StationState,
    "evse/state": EvseState,
    "evse/meter": Meter,
    "evse/limit": Limit,
    "evse/session": Session,
    "event": Event,
    "result": Result,
    "ocpp": Trace,
}
"""The models by topic, without the names of node, twin and EVSE."""

EVENT_DATA: dict[str, tuple[str, ...]] = {
    "connected": ("url", "reason"),
    "disconnected": ("url", "reason"),
    "booted": ("status", "interval_s"),
    "registration_changed": ("status", "interval_s"),
    "status_changed": ("status", "previous", "error_code"),
    "plugged": ("ev",),
    "unplugged": ("ev",),
    "emergency_stop": ("ev",),
    "authorized": ("id_tag", "status", "parent_id_tag", "source"),
    "authorization_failed": ("id_tag", "status", "parent_id_tag", "source"),
    "transaction_started": ("session_id", "transaction_id", "id_tag", "status", "meter_start_wh"),
    "transaction_accepted": ("session_id", "transaction_id", "id_tag", "status", "meter_start_wh"),
    "transaction_rejected": ("session_id", "transaction_id", "id_tag", "status", "meter_start_wh"),
    "transaction_stopped": ("session_id", "transaction_id", "id_tag", "reason", "meter_stop_wh", "energy_wh"),
    "reservation_made": ("reservation_id", "id_tag", "until"),
    "reservation_ended": ("reservation_id", "id_tag", "until", "reason"),
    "profile_set": ("profile_id", "purpose", "stack_level"),
    "profile_cleared": ("profile_id", "purpose", "stack_level"),
    "configuration_changed": ("key", "value"),
    "firmware_status": ("status", "detail"),
    "diagnostics_status": ("status", "detail"),
    "security_event": ("security_type", "tech_info"),
    "remote_start": ("status",),
    "remote_stop": ("status",),
    "reset": ("status",),
    "unlock": ("status",),
    "availability_changed": ("status",),
    "fault": ("id", "error_code", "info"),
    "fault_cleared": ("id", "error_code", "info"),
    "message_dropped": ("action", "reason"),
    "protocol_error": ("action", "code", "description"),
    "sensor_stale": ("topic", "detail"),
    "actuation_failed": ("topic", "detail"),
}
"""The keys that an event's `data` always has, by the event's type; there may be more."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas (2020-12) of all payloads by topic: published ones, and taken ones in their JSON form."""
    requests = {f"bridge/request/{verb}": model for verb, model in REQUESTS.items()}
    taken = {
        str(name): TypeAdapter(model).json_schema(mode="validation") for name, model in {**MODELS, **requests}.items()
    }
    published = {name: model.model_json_schema(mode="serialization") for name, model in PUBLISHED.items()}
    return published | taken
