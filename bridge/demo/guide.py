"""What a person who has just started the demo has to know: where things listen, what to type, which cards there are."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from bridge.demo.remote import ROOT

_PLUG, _SWIPE = "ocpp-twin/garage/1/set/plugged", "ocpp-twin/garage/1/cmd/swipe"
_CARD = "04A2B3C4"
_ORDER = '{"action": "GetConfiguration"}'
_USUAL_PORT = "1883"


def moved(what: str, wanted: int, got: int) -> str | None:
    """Say that a server does not listen where it was wanted; None if it does."""
    return None if wanted == got else f"Port {wanted} is taken: the {what} listens on {got}."


def guide(mqtt_url: str, ocpp_url: str, files_url: str, http_url: str, notes: list[str]) -> str:
    """Return what is printed at the start: a screen of 80 × 24. The addresses stand on lines of their own."""
    port = mqtt_url.rpartition(":")[2]
    parts = [
        "",
        *notes,
        f"MQTT {mqtt_url}",
        f"OCPP {ocpp_url}",
        f"FILES {files_url}",
        f"HTTP {http_url}",
        "",
        "Three charging stations run: garage (1 EVSE), office (2) and plaza (2, DC).",
        "Plug in and swipe a card, in another terminal; the same card again stops it:",
        "",
        *_commands(program_name(), "" if port == _USUAL_PORT else f" --url {mqtt_url}"),
        "",
        "With Mosquitto's tools:",
        "",
        f"  mosquitto_pub -p {port} -t {_PLUG} -m ON",
        "",
        f"Cards    {_CARD}, CAFE0001 and CARD0001, CARD0002, … are accepted",
        f"Files    {files_url}/firmware/NAME.bin; uploads go to /logs",
        f"Metrics  {http_url}/metrics",
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


def _commands(program: str, where: str) -> Iterator[str]:
    yield f"  {program} pub{where} {_PLUG} ON"
    yield f"  {program} pub{where} {_SWIPE} {_CARD}"
    yield f"  {program} watch{where}"
    yield f"  {program} pub{where} {ROOT}/garage/call {shlex.quote(_ORDER)}"
