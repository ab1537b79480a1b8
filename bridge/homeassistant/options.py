"""The settings of Home Assistant discovery, as plain values that the composition root fills in."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DiscoveryOptions:
    """Say which twins appear in Home Assistant, and under which topics; `include` and `exclude` are globs of ids.

    `base_topic`, `node` and `mask_id_tags` are those of the MQTT side. `version` is this program's.
    """

    enabled: bool = True
    prefix: str = "homeassistant"
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    max_twins: int = 200
    base_topic: str = "ocpp-twin"
    node: str = "main"
    mask_id_tags: bool = False
    version: str = "0"

    def shows(self, twin_id: str) -> bool:
        """Tell whether a twin is meant to appear."""
        return self.enabled and _matches(twin_id, self.include) and not _matches(twin_id, self.exclude)


def _matches(twin_id: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(twin_id, pattern) for pattern in globs)
