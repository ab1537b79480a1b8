"""What a page is, and the two that say in JSON how the daemon is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from bridge.monitoring.conditions import Conditions

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """Be the answer to a request; `kind` is the whole Content-Type."""

    status: int
    kind: str
    body: bytes


Make: TypeAlias = Callable[[str], Awaitable[Page]]
"""Makes a page for somebody who accepts this (the Accept header)."""


def document(status: int, content: dict[str, Any]) -> Page:
    """Return a page of JSON."""
    return Page(status, JSON, json.dumps(content, ensure_ascii=False).encode() + b"\n")


def healthz(conditions: Conditions) -> Make:
    """Return what makes /healthz: whoever is answered knows that the event loop turns."""

    async def make(accept: str) -> Page:
        del accept
        reasons = conditions.unhealthy()
        if reasons:
            return document(503, {"status": "unhealthy", "reasons": reasons})
        return document(200, {"status": "healthy"})

    return make


def readyz(conditions: Conditions) -> Make:
    """Return what makes /readyz."""

    async def make(accept: str) -> Page:
        del accept
        missing = [*conditions.unhealthy(), *conditions.missing()]
        if missing:
            return document(503, {"status": "not ready", "missing": missing})
        return document(200, {"status": "ready"})

    return make
