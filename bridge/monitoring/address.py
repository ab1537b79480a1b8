"""Where HTTP is served: as a URL, who reaches it, and why it cannot be listened on."""

from __future__ import annotations

import errno
import ipaddress
import socket


class CannotListen(Exception):
    """Say in a sentence why there can be no server, and what to do."""


def address(host: str, port: int) -> str:
    """Return the URL at which a server on this machine is reached that listens on `host`."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is looked for, not listened on
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def sentence(error: OSError, host: str, port: int) -> str:
    """Say why an address cannot be listened on, and what to do."""
    if isinstance(error, socket.gaierror):
        return f"http.host {host!r} is no address and no name that is known here: set it to 127.0.0.1 or 0.0.0.0"
    match error.errno:
        case errno.EADDRINUSE:
            where = address(host, port).removeprefix("http://")
            return f"http.port: another program listens on {where}: end that one, or set http.port to a free port"
        case errno.EADDRNOTAVAIL:
            return (
                f"http.host {host!r} is no address of this machine: set it to one of its addresses, to 127.0.0.1 "
                "(this machine only), or to 0.0.0.0 (all)"
            )
        case errno.EACCES:
            return f"http.port {port} may not be listened on by this user: set http.port to a port from 1024 on"
        case _:
            return f"http: cannot listen on {host} port {port}: {error.strerror or error}"
