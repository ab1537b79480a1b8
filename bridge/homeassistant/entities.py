"""The entities that a twin has in Home Assistant, as data: what each shows, what it commands, and how it looks.

Decides keys, names, units and classes. A key, once released, never changes: Home Assistant knows an entity by it.
Nothing here knows topics or twins; `device` joins the two. Templates take every key of a state for granted, but not
that there is a state: an empty payload, which clears a retained topic, must not end in Home Assistant's log.
None is disabled by default: when such a one is removed, Home Assistant clears the message of the whole device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from twin.model.spec import EvseSpec
from twin.model.terms import ErrorCode, LimitSource, MeterSource, Registration, Status, StopReason

Platform = Literal["binary_sensor", "button", "event", "select", "sensor", "switch", "text"]
Topic = Literal["state", "meter", "limit", "session", "event"]

_ID_TAG_LENGTH = 20  # OCPP 1.6 §7.28: CiString20Type
_DIAGNOSTIC = {"entity_category": "diagnostic"}
_CONFIG = {"entity_category": "config"}
_COUNT = {**_DIAGNOSTIC, "state_class": "measurement"}
_TRANSACTIONS = ("transaction_started", "transaction_accepted", "transaction_rejected", "transaction_stopped")
_FAULTS = [ErrorCode.NO_ERROR, *(code for code in ErrorCode if code is not ErrorCode.NO_ERROR)]


@dataclass(frozen=True, slots=True)
class Entity:
    """Be an entity: `shows` is the topic that it reads by `template`, `command` the level or edge that it sends.

    `more` is told to Home Assistant as it stands.
    """

    platform: Platform
    key: str
    name: str
    shows: Topic | None = None
    template: str | None = None
    command: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def of_station() -> tuple[Entity, ...]:
    """Return the entities of a station as such."""
    return _STATION


def of_evse(spec: EvseSpec, *, mask_id_tags: bool = False) -> tuple[Entity, ...]:
    """Return the entities of an EVSE; there are as many currents and voltages as it has lines."""
    return (*_MAIN, *_lines(spec.lines), *_REST, _swipe(hidden=mask_id_tags))


# --- Makers -----------------------------------------------------------------------------------------------------------


def _known(expression: str) -> str:
    return f"{{{{ {expression} if value_json is defined else none }}}}"


def _sensor(key: str, name: str, shows: Topic, value: str, **more: Any) -> Entity:
    return Entity("sensor", key, name, shows, _known(f"value_json.{value}"), more=more)


def _measured(key: str, name: str, shows: Topic, value: str, kind: str, unit: str, digits: int, **more: Any) -> Entity:
    shown = {"device_class": kind, "unit_of_measurement": unit, "suggested_display_precision": digits}
    return _sensor(key, name, shows, value, state_class="measurement", **shown, **more)


def _energy(key: str, name: str, shows: Topic) -> Entity:
    # kWh is what an energy dashboard is read in; six digits keep all that three of Wh say.
    value = "(((value_json.energy_wh / 1000) | round(6)) if value_json.energy_wh is not none else none)"
    unit = {"device_class": "energy", "unit_of_measurement": "kWh", "suggested_display_precision": 2}
    return Entity("sensor", key, name, shows, _known(value), more={"state_class": "total_increasing", **unit})


def _word(key: str, name: str, shows: Topic, value: str, options: Iterable[str], **more: Any) -> Entity:
    return _sensor(key, name, shows, value, device_class="enum", options=[str(word) for word in options], **more)


def _time(key: str, name: str, shows: Topic, value: str, **more: Any) -> Entity:
    return _sensor(key, name, shows, value, device_class="timestamp", **more)


def _flag(key: str, name: str, condition: str, kind: str, shows: Topic = "state", **more: Any) -> Entity:
    template = _known(f"('ON' if value_json.{condition} else 'OFF')")
    return Entity("binary_sensor", key, name, shows, template, more={"device_class": kind, **more})


def _switch(level: str, name: str, icon: str, **more: Any) -> Entity:
    template = _known(f"('ON' if value_json.{level} else 'OFF')")
    command = f"set/{level}"
    return Entity(
        "switch", f"set_{level}", name, "state", template, command, {"optimistic": False, "icon": icon, **more}
    )


def _button(key: str, name: str, icon: str, **more: Any) -> Entity:
    return Entity("button", key, name, command=f"cmd/{key}", more={"payload_press": "PRESS", "icon": icon, **more})


def _fault() -> Entity:
    more = {"options": [str(code) for code in _FAULTS], "optimistic": False, "icon": "mdi:alert-octagon-outline"}
    template = _known("value_json.error_code")
    return Entity("select", "fault", "Fault", "state", template, "set/fault", {**more, **_CONFIG})


def _events(key: str, name: str, kinds: tuple[str, ...], icon: str, **more: Any) -> Entity:
    # Of other events it must say nothing at all: what has no event_type is a warning in Home Assistant's log.
    wanted = f"value_json is defined and value_json.type in {list(kinds)}"
    told = "dict(value_json.data, event_type=value_json.type, evse=value_json.evse, request_id=value_json.request_id)"
    template = f"{{% if {wanted} %}}{{{{ {told} | to_json }}}}{{% endif %}}"
    return Entity("event", key, name, "event", template, more={"event_types": list(kinds), "icon": icon, **more})


def _swipe(*, hidden: bool) -> Entity:
    # It always shows nothing. What already stands in the field is not sent when it is entered again, but the same
    # card is swiped to start and to stop; and a card's number would be kept in Home Assistant's history.
    shape = {"min": 0, "max": _ID_TAG_LENGTH, "mode": "password" if hidden else "text", "optimistic": False}
    more = {**shape, "icon": "mdi:card-account-details-outline"}
    return Entity("text", "swipe", "Swipe card", "state", "{{ '' }}", "cmd/swipe", more)


def _lines(count: int) -> Iterator[Entity]:
    for line in range(1, count + 1):
        which = f" L{line}" if count > 1 else ""
        yield _measured(f"current_l{line}", f"Current{which}", "meter", f"current_l{line}_a", "current", "A", 1)
    for line in range(1, count + 1):
        which = f" L{line}" if count > 1 else ""
        yield _measured(f"voltage_l{line}", f"Voltage{which}", "meter", f"voltage_l{line}_v", "voltage", "V", 0)


# --- A station --------------------------------------------------------------------------------------------------------

_STATION = (
    _flag("connected", "Central System", "connected", "connectivity"),
    _flag("door", "Door", "door_open", "door"),
    _events("transaction", "Transaction", _TRANSACTIONS, "mdi:ev-station", qos=1),
    _events("security", "Security event", ("security_event",), "mdi:shield-alert-outline", qos=1, **_DIAGNOSTIC),
    _button("reset", "Reset", "mdi:restart", **_CONFIG),
    _button("drop_link", "Reconnect", "mdi:lan-pending", **_CONFIG),
    _switch("powered", "Mains", "mdi:power-plug", **_CONFIG),
    _switch("network", "Network", "mdi:lan-connect", **_CONFIG),
    _word(
        "registration", "Registration", "state", "registration", Registration, icon="mdi:clipboard-check", **_DIAGNOSTIC
    ),
    _sensor("queued_messages", "Queued messages", "state", "queued_messages", icon="mdi:tray-full", **_COUNT),
    _time("last_heartbeat", "Last heartbeat", "state", "last_heartbeat_at", icon="mdi:heart-pulse", **_DIAGNOSTIC),
    _sensor("firmware", "Firmware", "state", "firmware_version", icon="mdi:chip", **_DIAGNOSTIC),
    _sensor("firmware_status", "Firmware update", "state", "firmware_status", icon="mdi:update", **_DIAGNOSTIC),
    _sensor("diagnostics_status", "Diagnostics", "state", "diagnostics_status", icon="mdi:file-upload", **_DIAGNOSTIC),
)

# --- An EVSE ----------------------------------------------------------------------------------------------------------

_MAIN = (
    _word("status", "Status", "state", "status", Status, icon="mdi:ev-station"),
    _flag("plugged", "Plugged", "plugged", "plug"),
    _flag("charging", "Charging", "charging", "battery_charging"),
    _flag("problem", "Problem", "error_code != 'NoError'", "problem"),
    _measured("power", "Power", "meter", "power_w", "power", "W", 0),
    _energy("energy", "Energy", "meter"),
    _energy("session_energy", "Session energy", "session"),
    _measured("soc", "State of charge", "meter", "soc_pct", "battery", "%", 0),
    _measured("offered_current", "Offered current", "limit", "limit_a", "current", "A", 1),
)

_REST = (
    _measured("temperature", "Temperature", "meter", "temperature_c", "temperature", "°C", 1),
    _word("stop_reason", "Stop reason", "session", "stop_reason", StopReason, icon="mdi:stop-circle-outline"),
    _switch("plugged", "Cable", "mdi:ev-plug-type2"),
    _switch("ev_ready", "EV ready", "mdi:car-electric"),
    _button("stop", "Stop", "mdi:stop"),
    _button("emergency_stop", "Emergency stop", "mdi:alert-octagon"),
    _fault(),
    _sensor("error_code", "Error", "state", "error_code", icon="mdi:alert-circle-outline", **_DIAGNOSTIC),
    _sensor("card", "Card", "state", "id_tag", icon="mdi:card-account-details", **_DIAGNOSTIC),
    _word("limit_source", "Limited by", "limit", "source", LimitSource, icon="mdi:speedometer", **_DIAGNOSTIC),
    _sensor("reserved_for", "Reserved for", "state", "reserved_for", icon="mdi:calendar-account", **_DIAGNOSTIC),
    _time("reserved_until", "Reserved until", "state", "reserved_until", icon="mdi:calendar-clock", **_DIAGNOSTIC),
    _time("session_started", "Session started", "session", "started_at", icon="mdi:clock-start", **_DIAGNOSTIC),
    _flag("stale", "Meter", "stale", "problem", "meter", **_DIAGNOSTIC),
    _measured("offered_power", "Offered power", "limit", "limit_w", "power", "W", 0, **_DIAGNOSTIC),
    _word(
        "meter_source", "Meter source", "state", "meter_source", MeterSource, icon="mdi:meter-electric", **_DIAGNOSTIC
    ),
)
