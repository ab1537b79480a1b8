"""The settings of Home Assistant discovery, as plain values that the composition root fills in."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DiscoveryOptions:
    """Say which twins appear in Home Assistant, and under which topics; `include` and `exclude` are globs of ids.

    `all_or_none`: where there are more than `max_twins`, none appears instead of the first of them. `hidden` are parts
    of EVSEs that are not published, such as "meter".
    `base_topic`, `node`, `allow` and `mask_id_tags` are those of the MQTT side. `version` is this program's.
    """

    enabled: bool = True
    prefix: str = "homeassistant"
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    max_twins: int = 200
    all_or_none: bool = False
    hidden: frozenset[str] = frozenset()
    base_topic: str = "ocpp-twin"
    node: str = "main"
    allow: tuple[str, ...] = ("*",)
    mask_id_tags: bool = False
    version: str = "0"

    def shows(self, twin_id: str) -> bool:
        """Tell whether a twin is meant to appear."""
        return self.enabled and _matches(twin_id, self.include) and not _matches(twin_id, self.exclude)

    def is_on(self, twin_ids: Iterable[str]) -> bool:
        """Tell whether any of all these twins may appear."""
        too_many = self.all_or_none and sum(map(self.shows, twin_ids)) > self.max_twins
        return self.enabled and not too_many

    def takes(self, command: str | None) -> bool:
        """Tell whether a command such as `cmd/swipe` would be taken: what would be refused is not offered."""
        return command is None or _matches(command, self.allow)


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in globs)
