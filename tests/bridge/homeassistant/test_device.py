import re

import pytest

from bridge.homeassistant.device import device_message, platforms, topic
from bridge.homeassistant.options import DiscoveryOptions
from twin.model.spec import EvseSpec, TwinSpec

OPTIONS = DiscoveryOptions(version="1.2")
ENTITY_ID = re.compile(r"(?!.+__)(?!_)[\da-z_]+(?<!_)\.(?!_)[\da-z_]+(?<!_)")
"""What Home Assistant takes for the id of an entity."""


def spec(*evses, **fields):
    return TwinSpec(**{"id": "garage", "identity": "CP 1", "evses": evses or (EvseSpec(),), **fields})


def components(*evses, options=OPTIONS, **fields):
    return device_message(spec(*evses, **fields), options)["components"]


def test_a_twin_is_a_device_that_says_who_it_is():
    message = device_message(spec(vendor="Acme", model="W", serial_number="7"), OPTIONS, firmware_version="2.0")
    assert message["device"] == {
        "identifiers": ["ocpp-twin/garage"],
        "name": "garage",
        "manufacturer": "Acme",
        "model": "W",
        "serial_number": "7",
        "sw_version": "2.0",
    }
    assert message["origin"] == {"name": "ocpp-twin", "sw_version": "1.2"}
    assert "sw_version" not in device_message(spec(), OPTIONS)["device"]


def test_it_is_available_where_the_node_and_the_twin_are():
    message = device_message(spec(), DiscoveryOptions(node="east", base_topic="a/b"))
    assert [one["topic"] for one in message["availability"]] == [
        "a/b/bridge/east/availability",
        "a/b/garage/availability",
    ]
    assert message["availability_mode"] == "all"
    assert not any(key.startswith("availability") for one in message["components"].values() for key in one)


def test_only_what_the_schema_of_a_device_knows_stands_at_the_top():
    assert device_message(spec(), OPTIONS).keys() == {
        *("device", "origin", "availability", "availability_mode", "components")
    }


def test_names_tell_connectors_apart_only_where_there_are_several():
    assert components()["1_power"]["name"] == "Power"
    assert components()["1_power"]["default_entity_id"] == "sensor.garage_power"
    several = components(EvseSpec(), EvseSpec())
    assert several["2_power"]["name"] == "Connector 2 Power"
    assert several["2_power"]["default_entity_id"] == "sensor.garage_connector_2_power"


def test_no_name_repeats_the_device():
    assert not any("garage" in component["name"] for component in components().values())


@pytest.mark.parametrize("twin_id", ["garage", "A_b-C", "-", "__", "1", "x" * 64])
def test_proposed_ids_are_ids_and_no_two_are_the_same(twin_id):
    found = components(EvseSpec(), EvseSpec(dc=True), id=twin_id).values()
    proposed = [component["default_entity_id"] for component in found]
    assert all(ENTITY_ID.fullmatch(one) for one in proposed)
    assert all(one.startswith(f"{component['platform']}.") for one, component in zip(proposed, found, strict=True))
    assert len(set(proposed)) == len(proposed)


def test_no_two_twins_share_an_id():
    seen = set()
    for root, twin_id in [("r", "a_1"), ("r", "a"), ("r_a", "1"), ("r/a", "1"), ("r-a", "1"), ("r", "a-1")]:
        options = DiscoveryOptions(base_topic=root)
        ids = {one["unique_id"] for one in components(EvseSpec(), EvseSpec(), id=twin_id, options=options).values()}
        assert seen.isdisjoint(ids)
        seen |= ids


def test_ids_do_not_depend_on_anything_that_can_change():
    before = components(id="a")
    after = components(
        EvseSpec(phases=1), id="a", vendor="x", options=DiscoveryOptions(node="n", prefix="ha", version="9")
    )
    assert {key: before[key]["unique_id"] for key in after} == {key: one["unique_id"] for key, one in after.items()}


@pytest.mark.parametrize("root", ["ocpp-twin", "home/öcpp", "a_b", "a b"])
def test_topics_hold_only_what_home_assistant_allows(root):
    assert re.fullmatch(
        r"ha/device/[a-zA-Z0-9_-]+/config", topic("A_b-c", DiscoveryOptions(base_topic=root, prefix="ha"))
    )


def test_no_two_twins_share_a_topic():
    pairs = [("a", "b_c"), ("a_b", "c"), ("a/b", "c"), ("a-b", "c"), ("a", "b-c"), ("a-b/c", "d"), ("a/b-c", "d")]
    assert len({topic(twin, DiscoveryOptions(base_topic=root)) for root, twin in pairs}) == len(pairs)
    assert topic("garage", OPTIONS) == "homeassistant/device/ocpp-twin_garage/config"


def test_commands_are_delivered_and_never_retained():
    commands = [component for component in components().values() if "command_topic" in component]
    assert {component["platform"] for component in commands} == {"button", "select", "switch", "text"}
    assert all((component["qos"], component["retain"]) == (1, False) for component in commands)
    assert not any(component.get("optimistic") for component in commands)
    assert components()["1_swipe"]["command_topic"] == "ocpp-twin/garage/1/cmd/swipe"
    assert components()["reset"]["command_topic"] == "ocpp-twin/garage/cmd/reset"


def test_what_would_be_refused_is_not_offered():
    found = components(options=DiscoveryOptions(allow=("cmd/swipe", "set/p*")))
    assert {
        one["command_topic"].removeprefix("ocpp-twin/garage/") for one in found.values() if "command_topic" in one
    } == {*("1/cmd/swipe", "1/set/plugged", "set/powered")}
    assert "1_power" in found


def test_what_a_twin_does_not_have_any_more_is_removed():
    message = device_message(spec(), OPTIONS, gone={"2_power": "sensor", "1_power": "sensor"})
    assert message["components"]["2_power"] == {"platform": "sensor"}
    assert message["components"]["1_power"]["name"] == "Power"


def test_its_own_messages_are_recognised():
    message = device_message(spec(), OPTIONS)
    assert platforms(message, OPTIONS)["1_swipe"] == "text"
    assert platforms(message, DiscoveryOptions(node="other")) is None
    assert platforms(message, DiscoveryOptions(base_topic="other")) is None
    assert platforms({**message, "origin": {"name": "zigbee2mqtt"}}, OPTIONS) is None


@pytest.mark.parametrize("message", [None, [], "x", 1, {}, {"origin": None}, {"origin": {"name": "ocpp-twin"}}])
def test_messages_of_others_may_look_like_anything(message):
    assert platforms(message, OPTIONS) is None


def test_what_is_not_published_is_not_offered():
    found = components(options=DiscoveryOptions(hidden=frozenset({"meter", "limit"})))
    assert "1_status" in found
    assert "1_session_energy" in found
    assert not any(one.get("state_topic", "").endswith(("/meter", "/limit")) for one in found.values())
