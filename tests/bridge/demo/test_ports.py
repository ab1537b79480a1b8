from __future__ import annotations

import socket

from bridge.demo.ports import free_port


def listener(host):
    probe = socket.create_server((host, 0))
    return probe, probe.getsockname()[1]


def test_a_free_port_is_taken_as_it_is():
    probe, port = listener("127.0.0.1")
    probe.close()
    assert free_port(port) == port


def test_a_taken_port_gives_the_next_that_is_free():
    for host in ("127.0.0.1", "0.0.0.0"):
        probe, port = listener(host)
        with probe:
            assert free_port(port) != port


def test_past_the_last_port_any_free_one_will_do():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 65535))
        probe.listen()
        assert 0 < free_port(65535) < 65535
