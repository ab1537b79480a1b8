"""What a person who has just started the demo has to know: where things listen, what to type, which cards there are."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from bridge.demo.remote import ROOT

_STEPS = (
    ("ocpp-twin/garage/1/set/plugged", "ON"),
    ("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4"),
    ("ocpp-twin/garage/1/cmd/swipe", "04A2B3C4"),
    ("ocpp-twin/garage/1/set/plugged", "OFF"),
)
_REMOTE = (f"{ROOT}/garage/call", '{"action": "TriggerMessage", "payload": {"requestedMessage": "MeterValues"}}')


def moved(what: str, wanted: int, got: int) -> str | None:
    """Say that a server does not listen where it was wanted; None if it does."""
    return None if wanted == got else f"Port {wanted} is taken: the {what} listens on {got}."


def guide(mqtt_url: str, ocpp_url: str, files_url: str, http_url: str, notes: list[str]) -> str:
    """Return what is printed at the start. The addresses stand on lines of their own."""
    program, port = program_name(), mqtt_url.rpartition(":")[2]
    parts = [
        *(f"{note}\n" for note in notes),
        f"MQTT {mqtt_url}",
        f"OCPP {ocpp_url}",
        f"FILES {files_url}",
        f"HTTP {http_url}",
        "",
        "Three charging stations run: garage (1 EVSE), office (2) and plaza (2, DC). In another terminal, plug in,",
        "swipe a card, watch it charge, swipe again, unplug:",
        "",
        *(f"  mosquitto_pub -p {port} -t {topic} -m {shlex.quote(value)}" for topic, value in (*_STEPS, _REMOTE)),
        "",
        "The same without Mosquitto's tools, and how to watch:",
        "",
        *_own(program, mqtt_url),
        "",
        f"UpdateFirmware from {files_url}/firmware/fw-2.0.0.bin, GetDiagnostics to {files_url}/logs.",
        f"Metrics for Prometheus are at {http_url}/metrics, health at {http_url}/healthz.",
        "Cards: 04A2B3C4, CAFE0001 and CARD0001, CARD0002, … are accepted, BLOCKED1 and EXPIRED1 are what they say,",
        "others are Invalid.",
        "Ctrl-C ends it.",
        "",
    ]
    return "\n".join(parts)


def program_name() -> str:
    """Return how this program was called, so that a line can be copied."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m bridge"
    return shlex.quote(str(called))


def _own(program: str, url: str) -> Iterator[str]:
    for topic, value in (*_STEPS, _REMOTE):
        yield f"  {program} pub --url {url} {topic} {shlex.quote(value)}"
    yield f"  {program} sub --url {url} 'ocpp-twin/garage/#'"
