"""The embedded Central System without the rest of the demo: `ocpp-twin csms`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from bridge import logs
from bridge.demo import guide
from bridge.demo.console import Console
from bridge.demo.first_run import central_system, stop_on_signals
from bridge.demo.ports import HOST
from bridge.demo.remote import Remote, mqtt_client
from bridge.demo.station import Traffic
from bridge.demo.terminal import Terminal


def main(port: int, mqtt_url: str | None = None, *, host: str = HOST, password_file: Path | None = None) -> int:
    """Run the Central System until a signal ends it; with `mqtt_url` it can be told to call stations over MQTT.

    `password_file` holds the password at that broker, so that it need not stand in the address.
    """
    logs.configure("warning", "auto")
    try:
        password = None if password_file is None else password_file.read_text(encoding="utf-8").rstrip("\r\n")
        asyncio.run(_serve(host, port, mqtt_url, password))
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        print(f"ocpp-twin: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"ocpp-twin: {error}", file=sys.stderr)
        return 2
    return 0


async def _serve(host: str, wanted: int, mqtt_url: str | None, password: str | None) -> None:
    stop = stop_on_signals()
    if mqtt_url is not None:
        mqtt_client(mqtt_url, password)  # a bad address is found before anything listens
    terminal = Terminal(sys.stdout, stop)
    async with central_system(wanted, host) as (csms, port), asyncio.TaskGroup() as tasks:
        if (note := guide.moved("Central System", wanted, port)) is not None:
            terminal.write(note)
        terminal.write(f"OCPP {csms.url}")
        console = Console("", terminal.style())

        def show(traffic: Traffic) -> None:
            line = console.traffic(traffic, datetime.now(UTC))
            terminal.write(line)

        csms.observers.append(show)
        remote = (
            None if mqtt_url is None else tasks.create_task(Remote(csms, mqtt_url, password).run(), name="csms remote")
        )
        await stop.wait()
        if remote is not None:
            remote.cancel()
