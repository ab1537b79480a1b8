"""From a view, a note or a result to the JSON that is published.

The objects are those of `payloads`, built without its models, because this runs for every meter value of a fleet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, get_args

import msgspec

from bridge import masking
from bridge.payloads import EVENT_DATA
from bridge.refusals import EXCERPT, Code, Complaint
from twin.fleet import Frame
from twin.model.effects import Note
from twin.model.terms import Instant
from twin.model.view import EvseView, LimitView, MeterView, PartView, SessionView, StationView

_TIMES: dict[type[PartView], tuple[str, ...]] = {
    StationView: ("connected_at", "last_heartbeat_at"),
    EvseView: ("status_at", "reserved_until"),
    MeterView: ("at",),
    LimitView: ("until",),
    SessionView: ("started_at", "ended_at"),
}
_FLOWING: dict[type[PartView], dict[str, None]] = {
    StationView: dict.fromkeys(("queued_messages", "last_heartbeat_at")),
    SessionView: dict.fromkeys(("energy_wh", "duration_s")),
}
"""What changes all the time without anything happening."""

_NUMBERS = {
    view: tuple(one.name for one in msgspec.structs.fields(view) if float in (one.type, *get_args(one.type)))
    for view in _TIMES
}
"""What may have decimals; times are instants, and so among them."""

_NOTE_TIMES = frozenset({"until", "expires_at", "retrieve_at"})
# 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: a zone can carry what the Central System says beyond them.
_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0
_encode = msgspec.json.Encoder(enc_hook=str).encode


@lru_cache(maxsize=256)  # what happens together is told in several messages
def iso(at: Instant) -> str:
    """Write an instant as ISO 8601 in UTC with milliseconds and `Z`; one that no calendar has, as its first or last."""
    moment = datetime.fromtimestamp(min(max(at, _FIRST), _LAST), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    rounded = round(value, 3)
    # A register of 12 digits reads better as 900000000000 than as 9e11.
    return int(rounded) if rounded.is_integer() else rounded


def state(view: PartView, *, mask_id_tags: bool) -> dict[str, Any]:
    """Return a part of a view as the contract has it: times as text, numbers with at most three decimals."""
    fields = msgspec.structs.asdict(view)
    for name in _TIMES[type(view)]:
        if fields[name] is not None:
            fields[name] = iso(fields[name])
    for name in _NUMBERS[type(view)]:
        if type(value := fields[name]) is float:
            fields[name] = _number(value)
    if isinstance(view, StationView):
        fields["csms_url"] = masking.url(view.csms_url)
    return masking.id_tags(fields) if mask_id_tags else fields


def mark(view: PartView) -> int:
    """Return a number that differs when a view differs in anything but when a meter was read; cheap to have."""
    return hash(_encode(msgspec.structs.replace(view, at=0.0) if isinstance(view, MeterView) else view))


def essence(view: PartView) -> int:
    """Return a number like that of `mark` that stays the same while time, energy and queues only flow on."""
    flowing = _FLOWING.get(type(view))
    return mark(view if flowing is None else msgspec.structs.replace(view, **flowing))


def fingerprint(fields: dict[str, Any], payload: bytes) -> int:
    """Return a number that differs when the meaning of a published state differs; `at` of a meter is none."""
    return hash(_encode({**fields, "at": None}) if "at" in fields else payload)


def encode(fields: Mapping[str, Any]) -> bytes:
    """Write an object as JSON."""
    return _encode(fields)


def event(seq: int, note: Note, *, mask_id_tags: bool) -> dict[str, Any]:
    """Return a note as an event; keys that the contract promises for its type are there, null for none."""
    data: dict[str, Any] = dict.fromkeys(EVENT_DATA.get(note.name, ()))
    data |= {name: _plain(name, value) for name, value in note.fields.items()}
    data = masking.secrets(data)
    return {
        "seq": seq,
        "at": iso(note.at),
        "type": note.name,
        "evse": note.evse,
        "request_id": note.request_id,
        "data": masking.id_tags(data) if mask_id_tags else data,
    }


def _plain(name: str, value: Any) -> Any:
    if type(value) is float:
        return iso(value) if name in _NOTE_TIMES else _number(value)
    return value


@dataclass(frozen=True, slots=True)
class Outcome:
    """Say what became of a command; `topic` is relative to the root."""

    topic: str
    status: str
    request_id: str | None = None
    code: Code | str | None = None
    detail: str | None = None
    data: Any = None


def result(outcome: Outcome, at: Instant, *, mask_id_tags: bool) -> dict[str, Any]:
    """Return the result of a command."""
    data = masking.secrets(outcome.data)
    return {
        "topic": outcome.topic,
        "request_id": outcome.request_id,
        "status": outcome.status,
        "code": outcome.code,
        "detail": outcome.detail,
        "at": iso(at),
        "data": masking.id_tags(data) if mask_id_tags else data,
    }


def error(complaint: Complaint, *, mask_id_tags: bool) -> dict[str, Any]:
    """Return a complaint for the node's error topic."""
    # A bare idTag may come on any topic: of a reader, of a misspelt command, for many twins at once.
    hidden = mask_id_tags and not complaint.level
    payload = masking.HIDDEN if hidden else masking.frame(complaint.payload, mask_id_tags=mask_id_tags)
    return {
        "topic": complaint.topic,
        "code": complaint.code,
        "detail": complaint.detail,
        "pointer": complaint.pointer,
        "payload": payload[:EXCERPT],
        "count": complaint.count,
    }


def trace(frame: Frame, at: Instant, *, mask_id_tags: bool) -> dict[str, Any]:
    """Return an OCPP frame with its secrets masked."""
    return {
        "at": iso(at),
        "action": frame.action,
        "frame": masking.frame(frame.text, mask_id_tags=mask_id_tags),
    }
