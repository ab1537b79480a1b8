"""A service manager as a daemon sees it: a socket for what sd_notify(3) sends, and an environment that names it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Self

from fakes.record import Record

MAX_DATAGRAM = 4096


class ServiceManager:
    """Listen as an async context manager; `told` has all datagrams in order, each as a mapping."""

    def __init__(self, folder: Path) -> None:
        self.told: Record[dict[str, str]] = Record()
        self._address = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    async def __aenter__(self) -> Self:
        self._socket.setblocking(False)
        self._socket.bind(str(self._address))
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def environment(self, watchdog_s: float | None = None) -> dict[str, str]:
        """Return what a process of it finds; `watchdog_s` is the time within which a sign of life must come."""
        found = {"NOTIFY_SOCKET": str(self._address)}
        return found if watchdog_s is None else found | {"WATCHDOG_USEC": str(round(watchdog_s * 1_000_000))}

    def take(self) -> list[dict[str, str]]:
        """Return what has come by now, without waiting."""
        self._read()
        return list(self.told)

    def position(self, key: str, value: str | None = None, after: int = 0) -> int:
        """Return where a key, with that value if one is given, was told first."""
        found = (n for n in range(after, len(self.told)) if _is(self.told[n], key, value))
        return next(found)

    def count(self, key: str) -> int:
        return sum(key in told for told in self.told)

    async def until(self, key: str, value: str | None = None, *, after: int = 0) -> dict[str, str]:
        """Wait until a key is told, with that value if one is given."""
        return await self.told.until(lambda told: _is(told, key, value), f"{key}={value}", after=after)

    def _read(self) -> None:
        while True:
            try:
                text = self._socket.recv(MAX_DATAGRAM).decode()
            except BlockingIOError:
                return
            self.told.add(dict(line.split("=", 1) for line in text.splitlines()))


def _is(told: dict[str, str], key: str, value: str | None) -> bool:
    return key in told and value in (None, told[key])
