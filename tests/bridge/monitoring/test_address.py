import errno
import socket

import pytest

from bridge.monitoring.address import address, is_loopback, sentence


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9580"),
        ("0.0.0.0", "http://127.0.0.1:9580"),
        ("::", "http://[::1]:9580"),
        ("fd00::1", "http://[fd00::1]:9580"),
        ("twins.example", "http://twins.example:9580"),
    ],
)
def test_where_it_is_reached(host, url):
    assert address(host, 9580) == url


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x", False)],
)
def test_who_reaches_it(host, alone):
    assert is_loopback(host) is alone


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "another program listens on 10.0.0.1:80: end that one, or set http.port"),
        (OSError(errno.EADDRNOTAVAIL, "?"), "http.host '10.0.0.1' is no address of this machine: set it to"),
        (OSError(errno.EACCES, "?"), "http.port 80 may not be listened on by this user: set http.port to a port from"),
        (socket.gaierror(-2, "?"), "http.host '10.0.0.1' is no address and no name that is known here"),
        (OSError(errno.EMFILE, "too many open files"), "cannot listen on 10.0.0.1 port 80: too many open files"),
    ],
)
def test_what_is_wrong_and_what_to_do(error, said):
    assert said in sentence(error, "10.0.0.1", 80)
