"""A daemon as it ships, with so many twins: its configuration, its start, and waiting for what it does."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import Process
from benchmarks.watch import NODE

HEALTH_S = 1.0
_POLL_S = 0.1


def twin_ids(count: int) -> list[str]:
    """Return the ids of the twins, as the configuration's range makes them."""
    return [f"t-{number:05d}" for number in range(1, count + 1)]


def configure(folder: Path, broker: int, count: int, **sections: Mapping[str, Any]) -> Path:
    """Write the configuration and return its place; `sections` are added to those that are there, or go before them."""
    settings: dict[str, Any] = {
        "node": NODE,
        "mqtt": {"url": f"mqtt://127.0.0.1:{broker}", "health_interval": f"{HEALTH_S:g}s"},
        "store": {"url": f"sqlite:///{folder}/twins.db"},
        "twins": [{"id": f"t-{{00001..{count:05d}}}", "evses": 2, "max_a": 32}] if count else [],
    }
    for name, section in sections.items():
        if name == "twin":
            settings["twins"] = [twin | section for twin in settings["twins"]]
        else:
            settings[name] = settings.get(name, {}) | section
    folder.mkdir(exist_ok=True)
    configuration = folder / "ocpp-twin.yaml"
    configuration.write_text(json.dumps(settings, indent=1), encoding="utf-8")  # which is YAML, too
    return configuration


@contextmanager
def running(configuration: Path) -> Iterator[Process]:
    """Run a daemon; it is ended if it still runs."""
    # As a module, so that what is measured is the checkout that the benchmark lies in.
    command = [sys.executable, "-m", "bridge", "run", "--config", str(configuration)]
    with Process(command, configuration.parent / "daemon.log") as process:
        yield process


def until(condition: Callable[[], object], process: Process, timeout_s: float) -> None:
    """Wait until something holds. Raises TimeoutError, and Failed if the process has ended."""
    end = time.monotonic() + timeout_s
    while not condition():
        process.check()
        if time.monotonic() > end:
            raise TimeoutError(f"what was waited for did not come in {timeout_s:.0f} s")
        time.sleep(_POLL_S)
