"""The topic grammar: what stands where below the root, to build and to parse.

Decides the shape of topics only. Whether a twin, an EVSE or a command of that name exists is the router's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from twin.model.terms import Part

Kind = Literal["set", "cmd"]

RESERVED = "bridge"
"""No twin may have this id: it is where the daemon itself lives."""

_EVSE = re.compile(r"[1-9][0-9]{0,3}")
_WILD = ("set/#", "+/set/#", "cmd/#", "+/cmd/#")
_PART_NAMES = {"station": "state", "evse": "state", "meter": "meter", "limit": "limit", "session": "session"}


def evse_number(text: str) -> int | None:
    """Read an EVSE's number as it stands in a topic; `0`, `01` and `x` are none."""
    return int(text) if _EVSE.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """Address a level or an edge; `evse` is the text found in the topic, None for the station."""

    twin: str
    evse: str | None
    kind: Kind
    name: str

    def __str__(self) -> str:
        middle = "" if self.evse is None else f"/{self.evse}"
        return f"{self.twin}{middle}/{self.kind}/{self.name}"

    @property
    def allowance(self) -> str:
        """Return the name that the setting `mqtt.allow` matches, such as `set/plugged`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class RequestTopic:
    """Address a request to a node."""

    node: str
    verb: str

    def __str__(self) -> str:
        return f"{RESERVED}/{self.node}/request/{self.verb}"

    @property
    def allowance(self) -> str:
        """Return the name that the setting `mqtt.allow` matches."""
        return f"request/{self.verb}"

    @property
    def response(self) -> str:
        """Return the topic of the answer, relative to the root."""
        return f"{RESERVED}/{self.node}/response/{self.verb}"


Address: TypeAlias = CommandTopic | RequestTopic


def parse(relative: str) -> Address | None:
    """Parse a topic relative to the root; None if nothing that the daemon takes looks like that."""
    parts = relative.split("/")
    if parts[0] == RESERVED and len(parts) > 3 and parts[2] == "request":
        return RequestTopic(parts[1], "/".join(parts[3:]))
    match parts:
        case [twin, ("set" | "cmd") as kind, *name]:
            return CommandTopic(twin, None, kind, "/".join(name))
        case [twin, evse, ("set" | "cmd") as kind, *name]:
            return CommandTopic(twin, evse, kind, "/".join(name))
        case _:
            return None


class Topics:
    """Build and cut the absolute topics of one node below one root."""

    def __init__(self, base: str, node: str) -> None:
        self.root = base.strip("/") + "/"
        self.node = node
        own = f"{self.root}{RESERVED}/{node}/"
        self.node_availability = own + "availability"
        self.info = own + "info"
        self.health = own + "health"
        self.error = own + "error"
        self.requests = own + "request/#"

    def relative(self, topic: str) -> str | None:
        """Cut the root off; None for a topic outside it."""
        return topic[len(self.root) :] if topic.startswith(self.root) else None

    def absolute(self, relative: str) -> str:
        """Put the root in front."""
        return self.root + relative

    def availability(self, twin: str) -> str:
        """Return where a twin's availability stands."""
        return f"{self.root}{twin}/availability"

    def part(self, twin: str, part: Part) -> str:
        """Return where a part of a twin's view stands."""
        kind, number = part
        middle = "" if kind == "station" else f"/{number}"
        return f"{self.root}{twin}{middle}/{_PART_NAMES[kind]}"

    def event(self, twin: str) -> str:
        """Return where a twin's events are published."""
        return f"{self.root}{twin}/event"

    def result(self, twin: str) -> str:
        """Return where results go that have no response topic."""
        return f"{self.root}{twin}/result"

    def trace(self, twin: str, direction: str) -> str:
        """Return where a twin's frames are published; `direction` is `sent` or `received`."""
        return f"{self.root}{twin}/ocpp/{direction}"

    def wildcards(self) -> list[str]:
        """Return the four filters that cover the commands of all twins below the root."""
        return [f"{self.root}+/{tail}" for tail in _WILD]

    def own(self, twin: str) -> list[str]:
        """Return the four filters that cover the commands of one twin."""
        return [f"{self.root}{twin}/{tail}" for tail in _WILD]


def leftovers(topic: str) -> Iterator[str]:
    """Guess the filters of earlier settings through which a topic that is not ours can have arrived.

    A persistent session keeps filters that the settings of today do not name; to unsubscribe one too many is harmless.
    """
    parts = topic.split("/")
    for index in range(1, len(parts)):
        if parts[index] not in ("set", "cmd", "request"):
            continue
        for width in (1, 2):
            if index < width:
                continue
            root = "".join(f"{part}/" for part in parts[: index - width])
            if parts[index] == "request":
                yield "/".join([*parts[:index], "request/#"])
            else:
                yield from (f"{root}+/{tail}" for tail in _WILD)
                yield from (f"{root}{parts[index - width]}/{tail}" for tail in _WILD)
