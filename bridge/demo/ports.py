"""Which port a server of the demo gets: the wanted one, else the next that is free.

Only looks; between the look and the server's own bind somebody else may be quicker, and the server then says so.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

HOST = "127.0.0.1"
_TRIES = 50
_LAST = 65535


@dataclass(frozen=True, slots=True)
class Ports:
    """Say which ports the demo's servers are to have; each takes the next free one where its own is taken."""

    mqtt: int
    csms: int
    files: int
    http: int = 9580


def free_port(wanted: int) -> int:
    """Return the wanted port of the loopback interface if it is free, else one of the next, else any free one."""
    for port in range(wanted, min(wanted + _TRIES, _LAST + 1)):
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Not every system refuses to bind the loopback address under somebody who listens on all addresses.
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
