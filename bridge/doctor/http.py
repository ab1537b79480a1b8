"""The port for metrics and health: does a daemon that runs answer there, or is it free for one that will."""

from __future__ import annotations

import asyncio
import socket

from bridge.doctor.findings import Finding, blamed, ok, wrong
from bridge.monitoring import address, inquiry

_WHAT = "http"


async def examined(host: str, port: int, *, runs: bool) -> Finding:
    """Ask a daemon that `runs` for its health, or look whether it could listen there. Bounded in time."""
    if not runs:
        return _free(host, port)
    healthy, said = await asyncio.to_thread(inquiry.ask, address.address(host, port), "/healthz")
    return ok(_WHAT, said) if healthy else wrong(_WHAT, said, "was http.enabled set when the daemon was started?")


def _free(host: str, port: int) -> Finding:
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        return blamed(_WHAT, address.sentence(error, host, port))
    return ok(_WHAT, f"{host}:{port} is free")
