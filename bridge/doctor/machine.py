"""The machine: its clock, its limits, Python, and the parts that need not be there."""

from __future__ import annotations

import platform
import resource
import shutil
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

from bridge import clockwork
from bridge.descriptors import needed_for
from bridge.doctor.findings import Finding, note, ok, wrong

MOST_APART_S = 60.0
"""More than this between two clocks is no delay of the network any more."""

_MANY_TWINS = 200
_MOSQUITTO = ("mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")


def software() -> Finding:
    """Look at Python and the operating system."""
    return ok("software", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")


def optional(twins: int) -> Iterator[Finding]:
    """Look at what makes it quicker, and what only the demo needs."""
    if find_spec("uvloop") is None and twins > _MANY_TWINS:
        yield note("uvloop", f"is not installed; {twins} twins need less processor time with it", "pip install uvloop")
    if any(shutil.which(place) for place in _MOSQUITTO):
        yield ok("demo", "its broker is Mosquitto")
    elif find_spec("amqtt") is not None:
        yield ok("demo", "its broker is amqtt, as Mosquitto is not installed")
    else:
        remedy = "only `ocpp-twin demo` needs one: install Mosquitto, or pip install 'ocpp-twin[demo]'"
        yield note("demo", "there is no broker for it", remedy)


def clock(now: float | None = None) -> Finding:
    """Look whether the clock can be right; certificates and OCPP's times need that. `now` is in epoch seconds."""
    now = time.time() if now is None else now
    if clockwork.is_plausible(now):
        return ok("clock", clockwork.shown(now))
    return wrong("clock", f"says {clockwork.shown(now)}, which cannot be", clockwork.REMEDY)


def compared(date: str | None, where: str, now: float | None = None) -> Iterator[Finding]:
    """Compare the clock with the Date that a server told over HTTP (RFC 9110 §6.6.1)."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    apart_s = theirs - (time.time() if now is None else now)
    if abs(apart_s) > MOST_APART_S:
        said = f"that of {where} is {abs(apart_s):.0f} s {'ahead' if apart_s > 0 else 'behind'}"
        yield note("clock", said, f"{clockwork.REMEDY}, or that one; twins follow the Central System's")


def descriptors(twins: int) -> Finding:
    """Look whether as many files may be open as there are connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = needed_for(twins)
    if hard == resource.RLIM_INFINITY or hard >= needed:
        most = "any number" if hard == resource.RLIM_INFINITY else str(hard)
        return ok("open files", f"{needed} are needed, {most} may be had")
    said = f"{twins} twins need {needed}, but a process that is started from here may have {hard}"
    return wrong("open files", said, f"ulimit -n {needed}; LimitNOFILE={needed} in a systemd unit")
