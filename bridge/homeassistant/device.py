"""The message that makes a twin a device in Home Assistant: one retained JSON object with all its entities.

Decides topics, ids and names, all of them from the twin's id and the root of its topics, so that they never change and
no two twins share one. Home Assistant knows an entity by `unique_id`; its own `entity_id` is only proposed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.homeassistant import entities
from bridge.homeassistant.entities import Entity
from bridge.homeassistant.options import DiscoveryOptions
from bridge.topics import Topics
from twin.model.spec import TwinSpec

ORIGIN = "ocpp-twin"

_PLAIN_ROOT = re.compile(r"[A-Za-z0-9-]+")
_NOT_IN_ENTITY_ID = re.compile(r"[^a-z0-9]+")


def topic(twin_id: str, options: DiscoveryOptions) -> str:
    """Return where the message of a twin stands; Home Assistant allows letters, digits, _ and - in its id."""
    # Without _ in the root's part, the first one ends it: no other root and twin come to the same.
    root = options.base_topic
    if not _PLAIN_ROOT.fullmatch(root):
        digest = hashlib.sha256(root.encode()).hexdigest()[:8]
        root = f"{re.sub('[^A-Za-z0-9-]', '-', root)}-{digest}"
    return f"{options.prefix}/device/{root}_{twin_id}/config"


def device_message(
    spec: TwinSpec,
    options: DiscoveryOptions,
    *,
    firmware_version: str | None = None,
    gone: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the message of a twin. `gone` are components, with their platforms, that it had and has no more.

    A component that is merely left out would stay; one that is nothing but a platform is removed.
    """
    topics = Topics(options.base_topic, options.node)
    components = dict(_components(spec, options, topics))
    removed = {key: {"platform": platform} for key, platform in (gone or {}).items() if key not in components}
    return {
        "device": _device(spec, options, firmware_version),
        "origin": {"name": ORIGIN, "sw_version": options.version},
        "availability": [{"topic": topics.node_availability}, {"topic": topics.availability(spec.id)}],
        "availability_mode": "all",
        "components": components | removed,
    }


def platforms(message: Any, options: DiscoveryOptions) -> dict[str, str] | None:
    """Return the components of a message, with their platforms; None if it is not one of this node's."""
    try:
        ours = message["origin"]["name"] == ORIGIN
        first = message["availability"][0]["topic"]
        found = {str(key): str(value["platform"]) for key, value in message["components"].items()}
    except (AttributeError, LookupError, TypeError):
        return None
    return found if ours and first == Topics(options.base_topic, options.node).node_availability else None


def _device(spec: TwinSpec, options: DiscoveryOptions, firmware_version: str | None) -> dict[str, Any]:
    device = {
        "identifiers": [f"{options.base_topic}/{spec.id}"],
        "name": spec.id,
        "manufacturer": spec.vendor,
        "model": spec.model,
        "serial_number": spec.serial_number or spec.charge_box_serial_number,
        "sw_version": firmware_version,
    }
    return {name: value for name, value in device.items() if value is not None}


def _components(spec: TwinSpec, options: DiscoveryOptions, topics: Topics) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, entity in _entities(spec, options):
        if options.takes(entity.command) and entity.shows not in options.hidden:
            several = number and len(spec.evses) > 1
            name = f"Connector {number} {entity.name}" if several else entity.name
            place = f"{spec.id}/{number}/" if number else f"{spec.id}/"
            key = f"{number}_{entity.key}" if number else entity.key
            yield key, _component(entity, name, f"{spec.id} {name}", topics.absolute(place))


def _entities(spec: TwinSpec, options: DiscoveryOptions) -> Iterator[tuple[int, Entity]]:
    yield from ((0, entity) for entity in entities.of_station())
    for number, evse in enumerate(spec.evses, 1):
        yield from ((number, entity) for entity in entities.of_evse(evse, mask_id_tags=options.mask_id_tags))


def _component(entity: Entity, name: str, full_name: str, where: str) -> dict[str, Any]:
    proposed = _NOT_IN_ENTITY_ID.sub("_", full_name.casefold()).strip("_")
    component: dict[str, Any] = {
        "platform": entity.platform,
        "unique_id": f"{where}{entity.key}",
        "name": name,
        "default_entity_id": f"{entity.platform}.{proposed}",
    }
    if entity.shows is not None:
        component |= {"state_topic": f"{where}{entity.shows}", "value_template": entity.template}
    if entity.command is not None:
        component |= {"command_topic": f"{where}{entity.command}", "qos": 1, "retain": False}
    return component | dict(entity.more)
