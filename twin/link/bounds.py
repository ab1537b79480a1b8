"""How much a try to move a file may take. Apart from `transfer`, which brings whole clients for HTTP and FTP along."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bound a try: `max_size` in bytes, `total_s` for all of it, `idle_s` for a time in which nothing moves."""

    max_size: int = 256 * 1024 * 1024
    total_s: float = 1800.0
    connect_s: float = 30.0
    idle_s: float = 60.0
