"""What happened, in words: a sentence for each type of event.

Knows the fields of events (`docs/reference/mqtt.md`) and how a person says them; not who shows them, nor where.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]


def sentence(kind: str, data: Fields) -> str:
    """Tell an event in words, by its type and its data."""
    tell = _EVENTS.get(kind)
    return tell(data) if tell is not None else f"{kind.replace('_', ' ')} {_pairs(data)}".rstrip()


def compact(value: Any) -> str:
    """Write JSON for a person's eye, in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _status(data: Fields) -> str:
    error = data.get("error_code")
    return f"{data.get('previous') or '·'} → {data['status']}" + (
        f" ({error})" if error not in (None, "NoError") else ""
    )


def _energy(data: Fields) -> str:
    energy = data.get("energy_wh")
    return "" if energy is None else f", {energy / 1000:.3f} kWh"


def _fault(data: Fields) -> str:
    told = (data.get("error_code"), data.get("info"), data.get("id"))
    return ", ".join(str(word) for word in told if word)


def _profile(data: Fields) -> str:
    return f"{data.get('profile_id')}, {data.get('purpose')}, level {data.get('stack_level')}"


_EVENTS: dict[str, Callable[[Fields], str]] = {
    "connected": lambda data: f"connected to {data.get('url')}",
    "disconnected": lambda data: f"disconnected: {data.get('reason')}",
    "booted": lambda data: f"registered: {data.get('status')}, heartbeat every {data.get('interval_s')} s",
    "status_changed": _status,
    "plugged": lambda data: "cable plugged in" + (f", car {data['ev']}" if data.get("ev") else ""),
    "unplugged": lambda _: "cable pulled out",
    "authorized": lambda data: f"{data.get('id_tag')} is accepted ({data.get('source')})",
    "authorization_failed": lambda data: (
        f"{data.get('id_tag')} is refused: {data.get('status')} ({data.get('source')})"
    ),
    "transaction_started": lambda data: f"transaction starts for {data.get('id_tag')}",
    "transaction_accepted": lambda data: f"transaction {data.get('transaction_id')} is accepted",
    "transaction_rejected": lambda data: f"transaction {data.get('transaction_id')} is refused: {data.get('status')}",
    "transaction_stopped": lambda data: (
        f"transaction {data.get('transaction_id')} ends: {data.get('reason')}{_energy(data)}"
    ),
    "fault": lambda data: f"fault: {_fault(data)}",
    "fault_cleared": lambda data: f"fault is gone: {_fault(data)}",
    "reservation_made": lambda data: (
        f"reservation {data.get('reservation_id')} for {data.get('id_tag')} until {data.get('until')}"
    ),
    "reservation_ended": lambda data: f"reservation {data.get('reservation_id')} ends: {data.get('reason')}",
    "profile_set": lambda data: f"charging profile is set: {_profile(data)}",
    "profile_cleared": lambda data: f"charging profile is cleared: {_profile(data)}",
    "firmware_status": lambda data: f"firmware: {data.get('status')}",
    "diagnostics_status": lambda data: f"log: {data.get('status')}",
    "security_event": lambda data: (
        f"security: {data.get('security_type')}" + (f", {data['tech_info']}" if data.get("tech_info") else "")
    ),
}


def _pairs(data: Any) -> str:
    if not isinstance(data, dict):
        return compact(data)
    return ", ".join(f"{key} {_shown(value)}" for key, value in data.items() if value is not None)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "on" if value else "off"
        case str():
            return value
        case _:
            return compact(value)
