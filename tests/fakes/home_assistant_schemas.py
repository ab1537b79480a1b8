"""Hold discovery messages against Home Assistant's own code; run by an interpreter that has Home Assistant.

Reads a JSON object with `messages`, and `payloads` by topic; prints a JSON list of what is wrong with each message: it
is refused, warned of, something is left out, or a template complains about a payload or about a topic that was cleared.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import json
import logging
import sys
import tempfile

from homeassistant.components.mqtt import schemas
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame
from homeassistant.helpers.template import Template

try:
    from probatio import Invalid  # newer releases
except ImportError:
    from voluptuous import Invalid

NOT_YET = {"default_entity_id"}
"""A release that does not know it leaves it out, and makes the same name by itself."""


class Lines(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = []

    def emit(self, record):
        self.found.append(record.getMessage())

    def take(self):
        taken, self.found = self.found, []
        return taken


def look(message, payloads, hass, lines):
    try:
        schemas.DEVICE_DISCOVERY_SCHEMA(copy.deepcopy(message))
    except Invalid as error:
        return [f"refused: {error}"]
    wrong = []
    for key, component in message["components"].items():
        given = {name: value for name, value in component.items() if name != "platform"}
        if given:
            wrong += [f"{key}: {text}" for text in look_at_component(message, component["platform"], given)]
            wrong += [f"{key}: {text}" for text in render(given, payloads, hass)]
    return wrong + lines.take()


def look_at_component(message, platform, given):
    module = importlib.import_module(f"homeassistant.components.mqtt.{platform}")
    shared = {name: message[name] for name in schemas.SHARED_OPTIONS if name in message}
    try:
        taken = module.DISCOVERY_SCHEMA({**shared, "device": message["device"], **copy.deepcopy(given)})
    except Invalid as error:
        return [str(error)]
    return [f"{name} is unknown" for name in given.keys() - taken.keys() - NOT_YET]


def render(given, payloads, hass):
    if "value_template" not in given:
        return
    template = Template(given["value_template"], hass)
    for payload in ("", *payloads.get(given["state_topic"], [])):
        shown = template.async_render_with_possible_json_value(payload, None)
        if shown is None:
            yield f"fails for {payload!r}"
        elif shown not in given.get("options", [shown, "None"]) and shown != "None":
            yield f"shows {shown!r} for {payload!r}"


async def main():
    lines = Lines()
    logging.getLogger().addHandler(lines)
    hass = HomeAssistant(tempfile.mkdtemp())
    frame.async_setup(hass)
    found = json.load(sys.stdin)
    json.dump([look(message, found["payloads"], hass, lines) for message in found["messages"]], sys.stdout)


asyncio.run(main())
