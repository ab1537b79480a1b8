"""The settings of the HTTP side, as plain values that the composition root fills in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Say where HTTP is served; `twins` are globs of the twins that have series of their own."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = 9580
    twins: tuple[str, ...] = ()
    node: str = "main"
    version: str = ""
