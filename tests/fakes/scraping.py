"""Pages read over HTTP as Prometheus and an orchestrator read them, and the samples in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Reply:
    """Be what a server answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def content(self) -> Any:
        """Return the JSON in it."""
        return json.loads(self.text)


async def ask(port: int, path: str, method: str = "GET", **headers: str) -> Reply:
    """Ask a server of this machine for a page."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{port}{path}", headers=headers) as answer,
    ):
        return Reply(answer.status, dict(answer.headers), await answer.text())


class Samples:
    """Hold the samples of a page of metrics."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        """Return the value of a series of ours, None if there is none."""
        return self._values.get((f"ocpp_twin_{name}", frozenset(labels.items())))

    def names(self) -> dict[str, set[str]]:
        """Return the names of all series, as they are queried, with the labels that each has."""
        found: dict[str, set[str]] = {}
        for name, labels in self._values:
            found.setdefault(name, set()).update(label for label, _ in labels)
        return found


async def scrape(port: int) -> Samples:
    """Return all metrics of a daemon."""
    reply = await ask(port, "/metrics")
    assert reply.status == 200, reply
    return Samples(reply.text)
