"""The broker: can it be reached, does it let us in, and may what a daemon does there be done.

Comes with a client id of its own and leaves nothing retained. What it publishes says nothing new: that a daemon is
offline, where none is online, and an empty value of a level, which a daemon ignores.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge import broker
from bridge.doctor.certificates import of_server
from bridge.doctor.findings import Finding, blamed, note, ok, wrong
from bridge.homeassistant import device
from bridge.homeassistant.options import DiscoveryOptions
from bridge.options import MqttOptions
from bridge.topics import Topics
from bridge.visitor import NoBroker, Visitor, connection

_RETAINED_S = 0.5
"""How long to wait for what the broker has kept, which comes right after the subscription."""
_ECHO_S = 2.0
_REFUSED = 0x80
_ACCESS = "allow it to this user in the broker's access rules (ACL)"


@dataclass(frozen=True, slots=True)
class Question:
    """Say what to look at: `filters` are what the daemon subscribes to, `twins` whose states are wanted."""

    options: MqttOptions
    discovery: DiscoveryOptions
    filters: Sequence[str] = ()
    twins: Collection[str] = ()


@dataclass(slots=True)
class Visit:
    """Gather what was found: whether a daemon of this name is online, and what its twins said last."""

    findings: list[Finding] = field(default_factory=list)
    online: bool = False
    states: Mapping[str, Any] = field(default_factory=dict)


class _Ear:
    """Keep the last message of each topic."""

    def __init__(self) -> None:
        self.heard: dict[str, tuple[bytes, bool]] = {}
        self._news = asyncio.Event()

    def __call__(self, topic: str, payload: bytes, retain: bool) -> None:
        self.heard[topic] = (payload, retain)
        self._news.set()

    async def hears(self, topic: str, within_s: float, *, retain: bool) -> bytes | None:
        """Return what comes of a topic, kept by the broker or live; None if nothing does in that time."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    payload, retained = self.heard.get(topic, (b"", not retain))
                    if retained is retain:
                        return payload
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None


async def examined(asked: Question) -> Visit:
    """Visit the broker. Bounded in time; raises nothing."""
    visit, ear = Visit(), _Ear()
    try:
        async with connection(asked.options, ear) as client:
            visit.findings.append(ok("broker", _let_in(asked.options, client)))
            visit.findings += of_server("broker", client.certificate)
            await _look_around(client, ear, asked, visit)
    except (NoBroker, ValueError) as error:
        visit.findings.append(blamed("broker", str(error)))
    return visit


def _let_in(options: MqttOptions, client: Visitor) -> str:
    at = broker.broker(options)
    who = "without a user name" if at.username is None else f"as {at.username!r}"
    return f"{at.url} lets us in {who}, with MQTT {client.version}"


async def _look_around(client: Visitor, ear: _Ear, asked: Question, visit: Visit) -> None:
    topics = Topics(asked.options.base_topic, asked.options.node)
    states = {twin: topics.part(twin, ("station", 0)) for twin in asked.twins}
    wanted = [topics.node_availability, *asked.filters, *states.values()]
    discovery = f"{asked.discovery.prefix}/device/+/config"
    if asked.discovery.enabled:
        wanted += [discovery, f"{asked.discovery.prefix}/status"]
    refused = await _refused(client, wanted)
    visit.findings += [wrong("subscriptions", f"the broker refuses {name} ({why})", _ACCESS) for name, why in refused]
    if not refused:
        visit.findings.append(ok("subscriptions", f"the broker grants all {len(wanted)}"))
    visit.online = await ear.hears(topics.node_availability, _RETAINED_S, retain=True) == b"online"
    if visit.online:
        visit.states = {twin: _read(await ear.hears(topic, _RETAINED_S, retain=True)) for twin, topic in states.items()}
    visit.findings.append(await _may_publish(client, ear, topics, online=visit.online))
    if asked.twins:
        visit.findings += await _commands_arrive(client, ear, f"{topics.root}{min(asked.twins)}/set/powered")
    visit.findings.append(_discovered(ear, asked, online=visit.online))


async def _refused(client: Visitor, filters: Sequence[str]) -> list[tuple[str, str]]:
    codes: Any = []
    for name in filters:
        codes += await client.subscribe(name, qos=1)
    return [
        (name, str(code))
        for name, code in zip(filters, codes, strict=False)
        if int(getattr(code, "value", code)) >= _REFUSED
    ]


async def _may_publish(client: Visitor, ear: _Ear, topics: Topics, *, online: bool) -> Finding:
    topic = topics.node_availability
    if online:
        return ok("publishing", f"the daemon {topics.node!r} is online there")
    if (refusal := await client.hand_over(topic, b"offline")) is not None:
        return wrong("publishing", f"the broker refuses {topic} ({refusal})", _ACCESS)
    if await ear.hears(topic, _ECHO_S, retain=False) is None:
        return wrong("publishing", f"what is published on {topic} does not come back", _ACCESS)
    return ok("publishing", f"the broker takes {topic}; no daemon {topics.node!r} is online")


async def _commands_arrive(client: Visitor, ear: _Ear, topic: str) -> list[Finding]:
    if await client.hand_over(topic, b"") is not None:
        return []  # this user may not command twins, as it should be where others do
    if await ear.hears(topic, _ECHO_S, retain=False) is not None:
        return [ok("commands", f"arrive, such as {topic}")]
    said = f"do not arrive: the broker took {topic} and did not hand it on"
    if client.version == "5":
        return [wrong("commands", said, f"reading: {_ACCESS}")]
    return [note("commands", said, f"if this user may not publish it, that is why; else {_ACCESS}")]


def _discovered(ear: _Ear, asked: Question, *, online: bool) -> Finding:
    options = asked.discovery
    if not options.enabled:
        return ok("home assistant", "discovery is off")
    known = [topic for topic, (payload, _) in ear.heard.items() if _is_ours(topic, payload, options)]
    said = f"discovery is on below {options.prefix}, twins announced: {len(known)}"
    if online and asked.twins and not known:
        return note("home assistant", said, "check home_assistant.include, and the broker's access rules")
    birth, _ = ear.heard.get(f"{options.prefix}/status", (b"", False))
    return ok("home assistant", f"{said}{'; Home Assistant is online' if birth == b'online' else ''}")


def _is_ours(topic: str, payload: bytes, options: DiscoveryOptions) -> bool:
    if not topic.startswith(f"{options.prefix}/device/"):
        return False
    return device.platforms(_read(payload), options) is not None


def _read(payload: bytes | None) -> Any:
    try:
        return None if payload is None else json.loads(payload)
    except ValueError:
        return None
