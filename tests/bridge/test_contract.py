import json
import re

from bridge.asking import REQUESTS
from bridge.contract import asyncapi
from bridge.intake import EVSE, STATION
from bridge.payloads import PUBLISHED
from bridge.topics import Topics

DOCUMENT = asyncapi()


def references(found):
    if isinstance(found, dict):
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]
        for value in found.values():
            yield from references(value)
    elif isinstance(found, list):
        for item in found:
            yield from references(item)


def resolve(reference):
    found = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_every_reference_leads_somewhere():
    targets = set(references(DOCUMENT))
    assert targets
    assert all(resolve(target) for target in targets)


def test_everything_that_is_taken_and_published_is_in_it():
    addresses = {channel["address"].removeprefix("{root}/") for channel in DOCUMENT["channels"].values()}
    assert {f"{{twin}}/{name}" for name in STATION} <= addresses
    assert {f"{{twin}}/{{evse}}/{name}" for name in EVSE} <= addresses
    assert {f"bridge/{{node}}/{way}/{verb}" for verb in REQUESTS for way in ("request", "response")} <= addresses
    used = {reference.rpartition("/")[2] for reference in references(DOCUMENT["channels"])}
    assert {name.replace("/", ".") for name in PUBLISHED if not name.endswith("/data")} <= used


def test_addresses_are_those_that_the_daemon_publishes_on():
    topics = Topics("root", "main")
    addresses = [
        re.sub(
            r"\{evse\}", "2", address.replace("{root}", "root").replace("{node}", "main").replace("{twin}", "garage")
        )
        for address in (channel["address"] for channel in DOCUMENT["channels"].values())
    ]
    for topic in (
        topics.node_availability,
        topics.info,
        topics.health,
        topics.error,
        topics.availability("garage"),
        topics.part("garage", ("station", 0)),
        topics.part("garage", ("evse", 2)),
        topics.part("garage", ("meter", 2)),
        topics.part("garage", ("limit", 2)),
        topics.part("garage", ("session", 2)),
        topics.event("garage"),
        topics.result("garage"),
        topics.trace("garage", "sent"),
        topics.trace("garage", "received"),
    ):
        assert topic in addresses, topic


def test_every_parameter_of_an_address_is_described():
    for channel in DOCUMENT["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])


def test_each_operation_is_about_a_channel_and_says_its_quality_of_service():
    assert len({operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()}) == len(
        DOCUMENT["operations"]
    )
    sent = DOCUMENT["operations"]["send.twin.evse.meter"]["bindings"]["mqtt"]
    assert (sent["qos"], sent["retain"]) == (0, True)


def test_it_is_json():
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
