"""What happens, one readable line each: from what the daemon publishes on MQTT to what stands on the terminal.

Decides what is worth a line and how the line reads. It knows nothing but topics and payloads, so that what it shows is
what every other reader of MQTT gets.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.demo.station import Traffic
from bridge.refusals import PUBLIC
from bridge.wording import Fields, compact, sentence

METER_EVERY_S = 10.0
_NAME_WIDTH = 9
_NARROWEST = 20
_MAX_CALLS = 1000
_ARROWS = {"→": "36", "←": "35"}
_HEAD = re.compile(r"\S+ \S+")
_LEVELS = {
    "ev_ready": ("the car wants energy", "the car wants no energy"),
    "locked": ("cable locked", "cable unlocked"),
    "door_open": ("door open", "door closed"),
    "powered": ("power is back", "power is gone"),
    "network": ("network is back", "network is gone"),
}
_TOLD_OTHERWISE = frozenset({"registration_changed"})  # by `booted`, and by BootNotification.conf


@dataclass(frozen=True, slots=True)
class Style:
    """Say how a line is dressed: with colour or without, and after how many characters it is cut.

    What does not fit into `columns` goes on below, under its own beginning.
    """

    color: bool = False
    width: int = 160
    columns: int | None = None

    def paint(self, text: str, code: str) -> str:
        """Dress a text in an ANSI colour."""
        return f"\033[{code}m{text}\033[0m" if self.color else text


@dataclass(slots=True)
class Console:
    """Turn messages into lines; remembers only what it needs to see what is new.

    `root` is the daemon's base topic. A line without colour is at most `style.width` characters long.
    """

    root: str
    style: Style = Style()
    _levels: dict[str, Fields] = field(default_factory=dict)
    _meters: dict[str, datetime] = field(default_factory=dict)
    _actions: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def line(self, topic: str, payload: bytes, at: datetime) -> str | None:
        """Return the line for a message that came at that time, None if it is not worth one."""
        path = topic.removeprefix(self.root.strip("/") + "/").split("/")
        text = payload.decode(errors="replace")
        found = _json(text)
        try:
            told = self._told(path, text if found is None else found, at)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None  # not the daemon's: anybody may publish here
        return None if told is None else self._dressed(at, *told)

    def traffic(self, traffic: Traffic, at: datetime) -> str:
        """Return the line for a frame that the Central System saw; arrows point as they do for the station."""
        direction = "sent" if traffic.direction == "received" else "received"
        return self._dressed(at, traffic.identity, *self._frame(direction, traffic.text))

    def _dressed(self, at: datetime, name: str, text: str, color: str) -> str:
        local = at.astimezone()
        moment = f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
        # Others' words must not move the cursor.
        name, text = ("".join(c if c.isprintable() else "·" for c in words) for words in (name, text))
        space = self.style.width - len(moment) - max(len(name), _NAME_WIDTH) - 4
        text = text if len(text) <= space else text[: max(space - 1, 1)] + "…"
        text = self._folded(
            text, len(moment) + max(len(name), _NAME_WIDTH) + 4, 2 if color in _ARROWS.values() else None
        )
        return f"{self.style.paint(moment, '2')}  {name:{_NAME_WIDTH}}  {self._painted(text, color)}"

    def _folded(self, text: str, indent: int, lines: int | None) -> str:
        space = (self.style.columns or self.style.width) - indent
        if len(text) <= space or space < _NARROWEST:
            return text
        return f"\n{' ' * indent}".join(
            textwrap.wrap(text, space, break_on_hyphens=False, max_lines=lines, placeholder=" …")
        )

    def _painted(self, text: str, color: str) -> str:
        # The name of an action is what one looks for; its payload is not to shout.
        head = _HEAD.match(text) if color in _ARROWS.values() else None
        if not color or head is None:
            return self.style.paint(text, color) if color else text
        return self.style.paint(head[0], color) + text[head.end() :]

    def _told(self, path: list[str], found: Any, at: datetime) -> tuple[str, str, str] | None:
        match path:
            case ["bridge", node, "availability"]:
                return node, f"the daemon is {found}", ""
            case ["bridge", node, "error"]:
                return node, f"{found['topic']}: {found['code']}, {found['detail']}", "31"
            case ["bridge", *_]:
                return None
            case [twin, "event"]:
                return None if found["type"] in _TOLD_OTHERWISE else _event(twin, found)
            case [twin, "result"]:
                return _result(twin, found)
            case [twin, "ocpp", direction]:
                return twin, *self._frame(direction, found["frame"])
            case [twin, "state"]:
                return self._state(twin, found)
            case [twin, evse, "state"]:
                return self._state(f"{twin}/{evse}", found)
            case [twin, evse, "meter"]:
                return self._meter(f"{twin}/{evse}", found, at)
            case _:
                return None

    def _state(self, name: str, found: Fields) -> tuple[str, str, str] | None:
        before = self._levels.get(name)
        self._levels[name] = after = {key: found.get(key) for key in _LEVELS}
        if before is None:
            return None
        changed = [on if after[key] else off for key, (on, off) in _LEVELS.items() if after[key] != before[key]]
        return (name, ", ".join(changed), "") if changed else None

    def _meter(self, name: str, found: Fields, at: datetime) -> tuple[str, str, str] | None:
        latest = self._meters.get(name)
        if not found.get("power_w") or (latest is not None and (at - latest).total_seconds() < METER_EVERY_S):
            return None
        self._meters[name] = at
        parts = [f"{found['power_w'] / 1000:.2f} kW", f"{(found.get('energy_wh') or 0) / 1000:.3f} kWh"]
        if found.get("soc_pct") is not None:
            parts.append(f"{found['soc_pct']:.0f} %")
        return name, "  ".join(parts), ""

    def _frame(self, direction: str, text: str) -> tuple[str, str]:
        arrow = "→" if direction == "sent" else "←"
        color = _ARROWS[arrow]
        match _json(text):
            case [2, str() as message_id, str() as action, payload]:
                self._remember(message_id, action)
                return f"{arrow} {action} {compact(payload)}", color
            case [3, str() as message_id, payload]:
                return f"{arrow} {self._actions.pop(message_id, '?')}.conf {compact(payload)}", color
            case [4, str() as message_id, code, description, *_]:
                return f"{arrow} {self._actions.pop(message_id, '?')} failed: {code} {description}", "31"
            case _:
                return f"{arrow} {text}", color

    def _remember(self, message_id: str, action: str) -> None:
        self._actions[message_id] = action
        while len(self._actions) > _MAX_CALLS:
            self._actions.popitem(last=False)


def _event(twin: str, found: Fields) -> tuple[str, str, str]:
    name = twin if found["evse"] in (None, 0) else f"{twin}/{found['evse']}"
    return name, sentence(found["type"], found["data"]), _COLORS.get(found["type"], "1")


def _result(twin: str, found: Fields) -> tuple[str, str, str] | None:
    if found["status"] == "ok":
        return None if found["data"] is None else (twin, f"{found['topic']}: {compact(found['data'])}", "")
    if found["code"] in PUBLIC:
        return None  # told on the node's error topic already
    return twin, f"{found['topic']}: {found['code']}, {found['detail']}", "31" if found["status"] == "error" else ""


_COLORS = {
    "status_changed": "1;32",
    "authorization_failed": "31",
    "transaction_rejected": "31",
    "protocol_error": "31",
    "message_dropped": "31",
    "fault": "31",
}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
