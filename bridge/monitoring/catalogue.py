"""The metrics by name: what each counts, in words for an operator. The reference and the endpoint say the same.

Names follow Prometheus: base units (seconds, bytes, watts, joules), `_total` for what only grows. Where values come
from is the business of `families`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PREFIX = "ocpp_twin_"


@dataclass(frozen=True, slots=True)
class Kind:
    """Describe a metric; `name` is whole, as it is queried."""

    name: str
    type: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


def _gauge(name: str, text: str, *labels: str) -> Kind:
    return Kind(PREFIX + name, "gauge", text, labels)


def _counter(name: str, text: str, *labels: str) -> Kind:
    return Kind(PREFIX + name, "counter", text, labels)


def _histogram(name: str, text: str) -> Kind:
    return Kind(PREFIX + name, "histogram", text)


DAEMON = (
    _gauge("build_info", "1; the labels say what runs.", "node", "version", "python"),
    _gauge("start_time_seconds", "When the daemon started, on the twins' clock (Unix time)."),
    _gauge("clock_rate", "Seconds of the twins in one real second; 1 unless a clock is configured."),
    _histogram(
        "event_loop_lag_seconds",
        "How late the event loop is, ten times a second. Over 0.1 s: the machine or this process is overloaded.",
    ),
)
TWINS = (
    _gauge("twins", "Twins that run."),
    _gauge("twins_connected", "Twins that are connected to their Central System."),
    _gauge(
        "twins_by_registration",
        "Twins by the last answer to BootNotification: Accepted, Pending, Rejected, or none yet.",
        "registration",
    ),
    _gauge("evses", "EVSEs by status (OCPP 1.6 §7.7).", "status"),
    _gauge("evses_charging", "EVSEs at which energy flows into a session."),
    _gauge("meters_stale", "EVSEs of which a value from outside is older than its max_age_s."),
    _gauge("power_watts", "Power of all EVSEs together."),
    _counter("energy_joules_total", "Energy through all EVSEs since the start, as of the last look; 3.6e6 are a kWh."),
    _counter("events_total", "Events by type, as they are published on <twin>/event.", "type"),
)
OCPP = (
    _counter("ocpp_sent_total", "Messages to Central Systems: call, result, error.", "type", "action"),
    _counter(
        "ocpp_received_total",
        "Messages from Central Systems: call, result, error.",
        "type",
        "action",
    ),
    _histogram("ocpp_call_duration_seconds", "From a CALL of a twin to its answer, the commit before it included."),
    _counter("ocpp_call_timeouts_total", "CALLs of twins that were not answered in time."),
    _counter("ocpp_call_errors_total", "CALLERRORs from Central Systems by error code.", "code"),
    _counter("ocpp_protocol_errors_total", "What Central Systems sent that breaks OCPP, by error code.", "code"),
    _counter("ocpp_messages_dropped_total", "Messages to Central Systems that were given up.", "action"),
    _gauge("ocpp_queued_messages", "Messages that wait for Central Systems, all twins together."),
    _gauge("ocpp_queued_twins", "Twins with messages that wait."),
    _gauge("ocpp_longest_queue", "Messages that wait at the twin where most do; the limit is store.queue_limit."),
    _counter("ocpp_connections_opened_total", "Connections to Central Systems that were opened."),
    _counter("ocpp_connections_closed_total", "Connections to Central Systems that ended, whoever ended them."),
    _counter("ocpp_connections_failed_total", "Attempts to connect to a Central System that failed.", "reason"),
)
MQTT = (
    _gauge("mqtt_connected", "1 while the broker is connected and subscriptions stand, else 0."),
    _counter("mqtt_connects_total", "Connections to the broker."),
    _counter("mqtt_failures_total", "Attempts to connect to the broker that failed, and connections that were lost."),
    _counter("mqtt_received_total", "Messages from the broker, except those of Home Assistant's discovery."),
    _counter("mqtt_sent_total", "Messages handed over to the broker."),
    _gauge("mqtt_backlog_messages", "Events, results and errors that wait for the broker."),
    _counter("mqtt_dropped_total", "Events, results and errors that were given up, by reason.", "reason"),
    _counter("commands_refused_total", "Commands and values of sensors that were refused, by code.", "code"),
    _gauge("sensors_stale", "Inputs that are silent for longer than their max_age."),
    _gauge("home_assistant_twins", "Twins that Home Assistant was told of."),
)
STORE = (
    _histogram("store_commit_seconds", "How long a commit took, until it was on the disk and told."),
    _counter("store_rows_total", "Changes that were stored."),
    _counter("store_journal_entries_total", "Entries of the twins' logs that were stored, among these."),
    _gauge("store_size_bytes", "Size of the database: the main file, and its write-ahead log (wal).", "file"),
)
SINGLE = (
    _gauge("twin_connected", "1 while the twin is connected to its Central System, else 0.", "twin"),
    _gauge("twin_queued_messages", "Messages of the twin that wait for the Central System.", "twin"),
    _gauge("evse_status", "1 for the status that the EVSE has; others have no series.", "twin", "evse", "status"),
    _gauge("evse_power_watts", "Power of the EVSE.", "twin", "evse"),
    _counter("evse_energy_joules_total", "The EVSE's energy register; 3.6e6 are a kWh.", "twin", "evse"),
    _gauge("evse_meter_stale", "1 while a value from outside is older than its max_age_s, else 0.", "twin", "evse"),
)
"""Only of twins that http.twin_metrics names."""

SECTIONS: Mapping[str, tuple[Kind, ...]] = {
    "The daemon": DAEMON,
    "Twins": TWINS,
    "OCPP": OCPP,
    "MQTT": MQTT,
    "The store": STORE,
    "Single twins": SINGLE,
}

KINDS: Mapping[str, Kind] = {kind.name.removeprefix(PREFIX): kind for section in SECTIONS.values() for kind in section}
"""All of them by their names without the prefix."""
