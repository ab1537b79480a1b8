"""What the keys of the view of one twin mean: which command goes where, with which value.

Decides from what is known whether a key plugs or unplugs. Sending is the feed's business, asking the user the view's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.watching.knowledge import Connector, Twin
from bridge.watching.shapes import Answer


@dataclass(frozen=True, slots=True)
class Order:
    """Be a command: a topic below the root, the fields of its payload, and words for the user."""

    topic: str
    fields: Mapping[str, Any]
    words: str


HINTS = {
    "p": ("plug", "plug"),
    "c": ("card", "card"),
    "s": ("stop", "stop"),
    "f": ("fault", "fault"),
    "v": ("car", "car's wish"),
    "m": ("mains", "mains"),
    "n": ("net", "network"),
    "E": ("halt", "emergency stop"),
    "R": ("boot", "reboot"),
    "o": ("OCPP", "OCPP frames"),
    "?": ("help", "help"),
}
"""The keys, with a word for each: where there is little room, and where there is more."""

HELP = {
    "p": "plug a car in, or out",
    "c": "swipe a card",
    "s": "press the stop button",
    "f": "let a fault appear, or clear it",
    "v": "let the car want energy, or none",
    "m": "switch the mains off and on",
    "n": "cut and join the network",
    "E": "press the emergency stop",
    "R": "reboot: reset button, Hard",
}


def order(key: str, twin: Twin, number: int, value: str = "") -> Order:
    """Return what a key means for an EVSE; `value` is what the user was asked for. Raises KeyError for other keys."""
    one = twin.connectors.get(number) or Connector()
    here, at = f"{twin.id}/{number}", f"at {twin.id}/{number}"
    match key:
        case "p":
            plug = not one.evse.plugged
            return Order(f"{here}/set/plugged", _level(on=plug), f"{'plug in' if plug else 'unplug'} {at}")
        case "c":
            return Order(f"{here}/cmd/swipe", {"value": value}, f"swipe {value} {at}")
        case "s":
            return Order(f"{here}/cmd/stop", {}, f"stop {at}")
        case "f":
            words = f"clear all faults {at}" if value == "NoError" else f"fault {value} {at}"
            return Order(f"{here}/set/fault", {"value": value}, words)
        case "v":
            ready = not one.evse.ev_ready
            return Order(
                f"{here}/set/ev_ready", _level(on=ready), f"the car wants {'energy' if ready else 'no energy'} {at}"
            )
        case "E":
            return Order(f"{here}/cmd/emergency_stop", {}, f"emergency stop {at}")
        case _:
            return _of_station(key, twin)


def _of_station(key: str, twin: Twin) -> Order:
    match key:
        case "m":
            on = not twin.station.powered
            return Order(f"{twin.id}/set/powered", _level(on=on), f"mains {'on' if on else 'off'} at {twin.id}")
        case "n":
            on = not twin.station.network
            return Order(f"{twin.id}/set/network", _level(on=on), f"network {'on' if on else 'off'} at {twin.id}")
        case "R":
            return Order(f"{twin.id}/cmd/reset", {"value": "Hard"}, f"reboot {twin.id}")
        case _:
            raise KeyError(key)


def is_faulted(twin: Twin, number: int) -> bool:
    """Tell whether an EVSE has a fault that can be cleared."""
    one = twin.connectors.get(number)
    return one is not None and one.evse.error_code not in ("", "NoError")


def outcome(words: str, answer: Answer) -> tuple[str, bool]:
    """Say what became of a command, and whether it was taken."""
    if answer.status == "ok":
        return f"{words}: ok", True
    if answer.status == "ignored":
        return f"{words}: ignored, {answer.detail or answer.code}", True
    return f"{words}: {answer.code}, {answer.detail}" if answer.detail else f"{words}: {answer.code}", False


def _level(*, on: bool) -> dict[str, str]:
    return {"value": "ON" if on else "OFF"}
