"""What a first run needs beside the daemon: a broker, a Central System, and a console that tells what happens."""

from __future__ import annotations

from pathlib import Path


def main(mqtt_port: int, csms_port: int, files_port: int, data: Path | None, http_port: int = 9580) -> int:
    """Run the demo until a signal ends it; return the exit code.

    The ports are those wanted, the next free ones are taken where they are not to be had. `data` is the folder for the
    twins' database, a temporary one where it is None.
    """
    # The broker's process imports this package too.
    from bridge.demo.first_run import run  # noqa: PLC0415
    from bridge.demo.ports import Ports  # noqa: PLC0415

    return run(Ports(mqtt_port, csms_port, files_port, http_port), data)
