"""What the service manager is told: that the daemon is ready, reloads or ends, how it is doing, and that it is alive.

The protocol is systemd's sd_notify(3). Where nobody listens (`NOTIFY_SOCKET`), nothing happens. Signs of life come from
the event loop, so that one that stalls gives none. How things are is asked of others.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Protocol, Self

import structlog

_STARTING_TICK_S = 10.0
_STARTING_MORE_S = 120
_SEND_TIMEOUT_S = 1.0
_MAX_STATUS = 500

_log = structlog.get_logger("daemon")


def how_it_is(twins: int, connected: int, *, broker_connected: bool) -> str:
    """Say in a sentence how a fleet is doing."""
    fleet = "1 twin" if twins == 1 else f"{twins} twins"
    broker = "broker connected" if broker_connected else "broker not connected"
    return f"{fleet}, {connected} connected to their Central Systems, {broker}"


class _Notifier(Protocol):
    """Be `sdnotify.SystemdNotifier`, which says nothing about types."""

    socket: socket.socket | None

    def notify(self, state: str) -> None:
        """Send one datagram, or fail without a word."""
        ...


class Supervisor:
    """Tell the service manager, if there is one; a context manager around all that the daemon does.

    Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, and leaves them: the daemon starts no other process.
    """

    def __init__(self) -> None:
        self._notifier = _notifier()
        self._watchdog_s = _watchdog_s() if self._notifier is not None else None
        self._starting = False
        self._status = ""
        self._describe: Callable[[], str] = str
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __enter__(self) -> Self:
        """Ask for time to start: as long as the loop runs, a start is not given up."""
        if self._notifier is not None:
            self._starting = True
            self._extend()
            self._feed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell nothing any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.close()
        self._notifier = None

    def status(self, sentence: str) -> None:
        """Show how things are, in a sentence of one line."""
        line = " ".join(sentence.split())[:_MAX_STATUS]
        if line != self._status:
            self._status = line
            self._tell(f"STATUS={line}")

    def describe(self, describe: Callable[[], str], interval_s: float, first_s: float = 1.0) -> None:
        """Show what `describe` returns, from now on, in each interval; sooner at first, when much changes."""
        if self._notifier is not None:
            self._describe = describe
            self.status(describe())
            again = partial(self.describe, describe, interval_s, first_s * 2)
            self._timers["describe"] = asyncio.get_running_loop().call_later(min(first_s, interval_s), again)

    def changed(self) -> None:
        """Show at once what has changed, if there is something to describe yet."""
        if self._notifier is not None and "describe" in self._timers:
            self.status(self._describe())

    def ready(self) -> None:
        """Say that the start, or a reload, is over."""
        self._starting = False
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is read again; `ready` says when that is over."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the end has begun; the status stays what it is told to be."""
        self._starting = False
        if (timer := self._timers.pop("describe", None)) is not None:
            timer.cancel()
        self._tell("STOPPING=1")

    def _extend(self) -> None:
        if self._starting:
            self._tell(f"EXTEND_TIMEOUT_USEC={_STARTING_MORE_S * 1_000_000}")
            self._timers["extend"] = asyncio.get_running_loop().call_later(_STARTING_TICK_S, self._extend)

    def _feed(self) -> None:
        if self._watchdog_s is not None:
            self._tell("WATCHDOG=1")
            self._timers["feed"] = asyncio.get_running_loop().call_later(self._watchdog_s / 2, self._feed)

    def _tell(self, state: str) -> None:
        if self._notifier is not None:
            self._notifier.notify(state)


def _notifier() -> _Notifier | None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return None
    import sdnotify  # noqa: PLC0415 - seldom needed

    notifier: _Notifier = sdnotify.SystemdNotifier()
    if notifier.socket is None:
        _log.warning("service_manager_not_reached", address=address)
        return None
    # A service manager that does not read must not stall the loop for long.
    notifier.socket.settimeout(_SEND_TIMEOUT_S)
    return notifier


def _watchdog_s() -> float | None:
    """Return within which time there must be a sign of life; None where nobody waits for ours."""
    own = str(os.getpid())
    if os.environ.get("WATCHDOG_PID", own) != own:
        return None
    try:
        return int(os.environ["WATCHDOG_USEC"]) / 1_000_000 or None
    except (KeyError, ValueError):
        return None
