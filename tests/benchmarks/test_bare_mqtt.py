from benchmarks.bare_mqtt import _packet
from bridge import packets


def test_the_yardstick_sends_what_a_publisher_has_to():
    for qos in (0, 1):
        for payload in (b"short", b"x" * 300):
            ours = packets.publish(b"a/b", payload, 7, qos=qos, retain=True, properties=b"")
            assert _packet(b"a/b", payload, qos, 7) == ours
