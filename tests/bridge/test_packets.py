from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bridge import packets
from bridge.packets import Inflow

_TOPICS = st.text(st.characters(blacklist_characters="#+\0", blacklist_categories=("Cs",)), min_size=1, max_size=40)


def paho_writes(version: Any, *arguments: Any) -> bytes:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=version)
    client._sock = object()  # type: ignore[assignment]
    written: list[bytes] = []
    client._packet_queue = lambda _, packet, *rest: written.append(bytes(packet))  # type: ignore[assignment,misc,return-value]
    client._send_publish(*arguments)
    client._sock = None
    return written[0]


@given(_TOPICS, st.binary(max_size=300), st.integers(1, 65_535), st.sampled_from([0, 1]), st.booleans())
def test_a_publish_is_written_as_paho_writes_it(topic, payload, mid, qos, retain):
    name = topic.encode()
    for version, none in ((paho.MQTTv5, packets.NO_PROPERTIES), (paho.MQTTv311, b"")):
        ours = packets.publish(name, payload, mid, qos=qos, retain=retain, properties=none)
        assert ours == paho_writes(version, mid, name, payload, qos, retain)


@pytest.mark.parametrize("size", [0, 100, 127, 128, 16_383, 16_384, 2_097_152])
def test_lengths_of_all_sizes(size):
    properties = Properties(PacketTypes.PUBLISH)
    properties.CorrelationData = b"c"
    ours = packets.publish(b"a/b", bytes(size), 7, qos=1, retain=False, properties=properties.pack())
    assert ours == paho_writes(paho.MQTTv5, 7, b"a/b", bytes(size), 1, False, False, None, properties)


@pytest.mark.parametrize("topic", [b"", b"a/#", b"+/a", b"a" * 65_536])
def test_a_topic_that_cannot_be_is_refused(topic):
    with pytest.raises(ValueError, match=r".*"):
        packets.publish(topic, b"", 1, qos=1, retain=False, properties=b"")


def of(*pieces: bytes) -> Inflow:
    waiting = list(pieces)

    def read(size: int) -> bytes:
        assert size > 1000
        if not waiting:
            raise BlockingIOError
        return waiting.pop(0)

    return Inflow(read)


def test_what_came_at_once_is_given_bit_by_bit():
    inflow = of(b"abc", b"de")
    assert [inflow.take(1), inflow.take(9), inflow.take(9)] == [b"a", b"bc", b"de"]
    with pytest.raises(BlockingIOError):
        inflow.take(1)


def test_the_end_is_passed_on():
    assert of(b"").take(1) == b""


def test_packets_are_taken_whole():
    long = b"\x30\xc8\x01" + bytes(200)
    inflow = of(b"\x40\x02\x00\x07\x40\x03\x00\x08\x10" + long + b"\x30\x02a")
    inflow.fill()
    taken = [inflow.packet() for _ in range(4)]
    assert taken == [(0x40, b"\x00\x07"), (0x40, b"\x00\x08\x10"), (0x30, bytes(200)), None]
    assert inflow.take(9) == b"\x30\x02a"


def test_a_packet_is_put_back():
    inflow = of(b"\x40\x02\x00\x07")
    inflow.fill()
    at = inflow.at
    inflow.packet()
    inflow.put_back(at)
    assert inflow.take(9) == b"\x40\x02\x00\x07"


@pytest.mark.parametrize("data", [b"\x40", b"\x40\x02\x00", b"\x30\x80", b"\x30\x80\x80\x01", b"\x30\x80\x01\x00"])
def test_what_is_not_whole_is_left_for_others(data):
    inflow = of(data)
    inflow.fill()
    assert inflow.packet() is None
    assert inflow.take(99) == data


@given(_TOPICS, st.binary(max_size=300), st.integers(1, 65_535), st.sampled_from([0, 1]), st.booleans(), st.booleans())
def test_a_publish_is_read_as_it_was_written(topic, payload, mid, qos, retain, mqtt5):
    none = packets.NO_PROPERTIES if mqtt5 else b""
    data = packets.publish(topic.encode(), payload, mid, qos=qos, retain=retain, properties=none)
    inflow = of(data)
    inflow.fill()
    first, body = inflow.packet() or (0, b"")
    found = packets.published(first, body, mqtt5=mqtt5)
    assert found == (topic.encode(), payload, mid if qos else 0, qos, retain, False)


@pytest.mark.parametrize(
    ("first", "body"),
    [
        (0x34, b"\x00\x01a\x00\x01\x00"),
        (0x32, b"\x00\x01a\x00"),
        (0x30, b"\x00\x01a\x03\x08\x00\x00x"),
        (0x30, b"\x00\x00\x00"),
        (0x30, b"\x00"),
        (0x90, b"\x00\x01a\x00"),
    ],
)
def test_what_is_no_plain_publish_is_left_for_others(first, body):
    assert packets.published(first, body, mqtt5=True) is None
