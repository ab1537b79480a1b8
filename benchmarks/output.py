"""How much is published with each output profile: `python -m benchmarks.output`, 10,000 twins with two EVSEs.

Stations, drivers and what decides over messages are the daemon's own, in virtual time; the broker takes everything at
once, and the Central System answers in the next turn. All profiles see the same fleet at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

from benchmarks import day
from bridge.homeassistant.options import DiscoveryOptions
from bridge.options import MqttOptions
from bridge.ports import Fleet, Outgoing
from bridge.profiles import ProfileName, output
from bridge.states import States
from bridge.topics import Topics
from twin.model.spec import TwinSpec
from twin.model.terms import Part
from twin.model.view import PartView
from twin.turn import Turn

NAMES: tuple[ProfileName, ...] = ("home", "fleet", "quiet")
PLAN = replace(day.PLAN, arrivals_per_h=1.0)
_OF_NODE = 3  # availability, info, health
_SAMPLE_S = 60
_HEARTBEAT_S = 300.0


@dataclass
class Shown:
    """Count what a profile publishes; `kinds` by the last word of the topic, `seconds` by the second."""

    name: ProfileName
    states: States
    connect: int = 0
    retained: int = 0
    size: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)

    def take(self, messages: Iterable[Outgoing], now: float) -> None:
        """Count messages."""
        for message in messages:
            self.kinds["/".join(_kind(message.topic))] += 1
            self.seconds[int(now)] += 1
            self.size += len(message.topic) + len(message.payload)


def _kind(topic: str) -> Iterator[str]:
    parts = topic.split("/")[2:]
    yield from ("<n>" if part.isdigit() else part for part in parts)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Be an event loop whose time is told to it."""

    now = 0.0

    def time(self) -> float:
        """Return the time in seconds."""
        return self.now


class Lot:
    """Hold the boxes, as a fleet and as what moves them; `loop` has the time."""

    def __init__(self, twins: int, loop: VirtualLoop) -> None:
        self._loop = loop
        self._loop.now = day.T0
        self.shown: list[Shown] = []
        self.boxes: dict[str, _Box] = {}
        for number in range(1, twins + 1):
            spec = day.spec(number, sample_s=_SAMPLE_S)
            self.boxes[spec.id] = _Box(spec, self)

    @property
    def ids(self) -> dict[str, _Box]:
        """Return all boxes by their ids."""
        return self.boxes

    def evse_count(self, twin_id: str) -> int:
        """Return how many EVSEs a box has."""
        return len(self.boxes[twin_id].drivers)

    def view_of(self, twin_id: str, part: Part) -> PartView:
        """Show a part of a box as it is now."""
        return self.boxes[twin_id].station.view_of(part, self._loop.now)

    def attach(self, name: ProfileName) -> None:
        """Publish with a profile from now on, as after a connect."""
        shown = Shown(name, States(MqttOptions(output=output(name)), Topics("ocpp-twin", "main")))
        shown.states.attach(cast("Fleet", self))
        sweep = list(shown.states.everything())
        shown.connect, shown.retained = len(sweep), len({message.topic for message in sweep})
        self.shown.append(shown)

    def live(self, seconds: int) -> None:
        """Let everything happen for so many seconds."""
        for _ in range(seconds):
            until = self._loop.now + 1.0
            for box in self.boxes.values():
                box.live(until)
            self._loop.now = until
            for shown in self.shown:
                shown.states.due(until)
                shown.take(_all(shown.states), until)

    def tell(self, twin_id: str, turn: Turn, now: float) -> None:
        """Publish what a turn changed and noted."""
        self._loop.now = now
        for shown in self.shown:
            shown.states.changed(twin_id, turn.changed, now)
            shown.take(_all(shown.states), now)
            told = [note for note in turn.notes if output(shown.name).tells(note.name, note.request_id)]
            shown.take([Outgoing(f"ocpp-twin/{twin_id}/event", b"", 1, retain=False)] * len(told), now)


class _Box(day.Box):
    def __init__(self, spec: TwinSpec, lot: Lot) -> None:
        self._name, self._lot = spec.id, lot
        self._is_up = False
        # Ten thousand boxes are not switched on in the same second, nor do their heartbeats coincide.
        super().__init__(spec, PLAN, began=day.T0 + random.Random(spec.id).uniform(0.0, _HEARTBEAT_S))
        self._is_up = True

    def live(self, until: float) -> None:
        if until > self.now:
            super().live(until)

    def _carry(self, turn: Turn) -> None:
        turns = deque([turn])
        while turns:
            done = turns.popleft()
            if self._is_up:
                self._lot.tell(self._name, done, self.now)
            answers = [self.books.answer(frame.text, self.now) for frame in done.frames]
            turns.extend(self.station.receive(answer, self.now) for answer in answers)


def _all(states: States) -> Iterator[Outgoing]:
    while (message := states.next()) is not None:
        yield message


async def measured(lot: Lot, before_min: int, minutes: int) -> dict[str, Any]:
    """Let the boxes live for a while, then count for so many minutes what each profile publishes."""
    lot.live(before_min * 60)
    for name in NAMES:
        lot.attach(name)
    # What a fleet has to say at once after a connect is not what it says each minute.
    lot.live(120)
    for shown in lot.shown:
        shown.kinds.clear()
        shown.seconds.clear()
        shown.size = 0
    seconds = minutes * 60
    lot.live(seconds)
    return {shown.name: _figures(shown, len(lot.boxes), seconds) for shown in lot.shown}


def _figures(shown: Shown, twins: int, seconds: int) -> dict[str, Any]:
    discovered = min(twins, DiscoveryOptions().max_twins) if shown.name == "home" else 0
    if shown.name == "fleet" and twins <= DiscoveryOptions().max_twins:
        discovered = twins
    return {
        "messages_a_second": round(sum(shown.kinds.values()) / seconds, 1),
        "most_in_a_second": max(shown.seconds.values(), default=0),
        "bytes_a_second": round(shown.size / seconds),
        "at_a_connect": shown.connect + discovered + _OF_NODE,
        "retained_topics": shown.retained + discovered + _OF_NODE,
        "of": {kind: round(count / seconds, 1) for kind, count in sorted(shown.kinds.items())},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.output", description=__doc__)
    parser.add_argument("--twins", type=int, default=10_000, metavar="N", help="how many twins (10000)")
    parser.add_argument("--before", type=int, default=60, metavar="M", help="minutes that they live before (60)")
    parser.add_argument("--minutes", type=int, default=5, metavar="M", help="minutes that are counted (5)")
    given = parser.parse_args()
    with contextlib.closing(VirtualLoop()) as loop:
        lot = Lot(given.twins, loop)
        print(json.dumps(loop.run_until_complete(measured(lot, given.before, given.minutes)), indent=2))
    charging = sum(figures.charging for box in lot.boxes.values() for figures in box.station.figures(box.now).evses)
    print(f"{given.twins:,} twins, {charging:,} EVSEs charge at the end")


if __name__ == "__main__":
    main()
