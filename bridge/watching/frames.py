"""OCPP frames as they are traced on MQTT: what each is, and how long an answer took.

Decides which answer belongs to which call. How a frame is printed is not known here.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec

from bridge.watching.shapes import Traced, read

Direction = Literal["sent", "received"]
"""As seen by the twin."""

_MAX_CALLS = 10_000
_OTHER: dict[Direction, Direction] = {"sent": "received", "received": "sent"}


class Kind(StrEnum):
    """Name what a frame is (OCPP-J 1.6 §4.2); `TEXT` is one that is no OCPP-J."""

    CALL = "CALL"
    RESULT = "RESULT"
    ERROR = "ERROR"
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class Frame:
    """Be a frame. `took_ms` is the time since its call, None for a call and where that was not seen.

    `payload` is that of a call or result; of an error it has `code`, `description` and `details`.
    """

    twin: str
    at: datetime
    direction: Direction
    kind: Kind
    action: str | None
    message_id: str | None
    payload: Any
    took_ms: float | None
    text: str


class Frames:
    """Read frames, and remember the calls that wait for an answer."""

    def __init__(self) -> None:
        self._calls: OrderedDict[tuple[str, Direction, str], tuple[str, datetime]] = OrderedDict()

    def read(self, twin: str, direction: Direction, payload: bytes) -> Frame | None:
        """Read what was published on `<twin>/ocpp/<direction>`; None if it is no trace."""
        traced = read(Traced, payload)
        if traced is None:
            return None
        at = moment(traced.at) or datetime.now(UTC)
        match _decoded(traced.frame):
            case [2, str() as message_id, str() as action, *rest]:
                self._remember((twin, direction, message_id), (action, at))
                body = rest[0] if rest else None
                return Frame(twin, at, direction, Kind.CALL, action, message_id, body, None, traced.frame)
            case [3, str() as message_id, *rest]:
                kind, body = Kind.RESULT, rest[0] if rest else None
            case [4, str() as message_id, *rest]:
                kind, body = Kind.ERROR, dict(zip(("code", "description", "details"), rest, strict=False))
            case _:
                return Frame(twin, at, direction, Kind.TEXT, traced.action, None, None, None, traced.frame)
        call = self._calls.pop((twin, _OTHER[direction], message_id), None)
        if call is None:
            return Frame(twin, at, direction, kind, traced.action, message_id, body, None, traced.frame)
        action, called_at = call
        took_ms = (at - called_at).total_seconds() * 1000
        return Frame(twin, at, direction, kind, action, message_id, body, took_ms, traced.frame)

    def _remember(self, key: tuple[str, Direction, str], call: tuple[str, datetime]) -> None:
        self._calls[key] = call
        while len(self._calls) > _MAX_CALLS:
            self._calls.popitem(last=False)


def moment(text: str) -> datetime | None:
    """Read a time as the daemon writes it; None where there is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
