"""The embedded Central System without the rest of the demo: `ocpp-twin csms`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from bridge import logs
from bridge.demo import guide
from bridge.demo.console import Console
from bridge.demo.first_run import central_system, stop_on_signals
from bridge.demo.remote import Remote, mqtt_client
from bridge.demo.station import Traffic
from bridge.demo.terminal import Terminal


def main(port: int, mqtt_url: str | None = None) -> int:
    """Run the Central System until a signal ends it; with `mqtt_url` it can be told to call stations over MQTT."""
    logs.configure("warning", "auto")
    try:
        asyncio.run(_serve(port, mqtt_url))
    except OSError as error:
        print(f"ocpp-twin: {error.strerror or error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"ocpp-twin: {error}", file=sys.stderr)
        return 2
    return 0


async def _serve(wanted: int, mqtt_url: str | None) -> None:
    stop = stop_on_signals()
    if mqtt_url is not None:
        mqtt_client(mqtt_url)  # a bad address is found before anything listens
    terminal = Terminal(sys.stdout, stop)
    async with central_system(wanted) as (csms, port), asyncio.TaskGroup() as tasks:
        if (note := guide.moved("Central System", wanted, port)) is not None:
            terminal.write(note)
        terminal.write(f"OCPP {csms.url}")
        console = Console("", terminal.style())

        def show(traffic: Traffic) -> None:
            line = console.traffic(traffic, datetime.now(UTC))
            terminal.write(line)

        csms.observers.append(show)
        remote = None if mqtt_url is None else tasks.create_task(Remote(csms, mqtt_url).run(), name="csms remote")
        await stop.wait()
        if remote is not None:
            remote.cancel()
