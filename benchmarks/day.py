"""A day of a fleet in virtual time: `python -m benchmarks.day`, 1,000 twins with two EVSEs and sessions for 24 hours.

Stations and drivers are the daemon's own; the Central System says yes to everything and keeps the books of
transactions. There is no clock, no network and no disk: what is measured is the CPU of the charge boxes, on one core.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from bridge.traffic.driver import Driver
from bridge.traffic.plan import Amount, Ending, Plan
from config.presets import cars
from twin.errors import Rejected
from twin.model.spec import EvseSpec, KeySpec, TwinSpec
from twin.model.view import EvseView, SessionView
from twin.station import Station
from twin.turn import Turn

T0 = 1_767_571_200.0  # 2026-01-05T00:00:00Z, a Monday
DAY_S = 86_400.0
SAMPLE_S = 900
PLAN = Plan(
    arrivals_per_h=0.5,
    dwell=Amount(3600.0, 0.5),
    energy=Amount(15_000.0, 0.5),
    cars=tuple(cars().values()),
    tags=((tuple(f"CARD{number:04d}" for number in range(1, 1001)), 1.0),),
    endings=((Ending.CARD, 8.0), (Ending.BUTTON, 1.0), (Ending.UNPLUG, 1.0)),
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass
class Books:
    """Hold what the Central System learned: how many calls, and which transactions run, began and ended."""

    calls: int = 0
    begun: int = 0
    ended: int = 0
    open: dict[int, tuple[int, int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def answer(self, text: str, now: float) -> str:
        """Take a CALL down and return its answer."""
        _, message_id, action, payload = _decode(text)
        self.calls += 1
        self.digest.update(text.encode())
        return _encode([3, message_id, self._answer(action, payload, now)]).decode()

    def _answer(self, action: str, payload: dict[str, Any], now: float) -> dict[str, Any]:
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": _written(now), "interval": 300}
            case "Heartbeat":
                return {"currentTime": _written(now)}
            case "Authorize":
                return {"idTagInfo": {"status": "Accepted"}}
            case "StartTransaction":
                return {"idTagInfo": {"status": "Accepted"}, "transactionId": self._begin(payload)}
            case "StopTransaction":
                self._end(payload)
                return {"idTagInfo": {"status": "Accepted"}}
            case _:
                return {}

    def _begin(self, payload: dict[str, Any]) -> int:
        transaction, connector = next(self._ids), payload["connectorId"]
        if any(connector == other for other, _ in self.open.values()):
            self.wrong.append(f"two transactions at connector {connector}")
        self.open[transaction] = (connector, payload["meterStart"])
        self.begun += 1
        return transaction

    def _end(self, payload: dict[str, Any]) -> None:
        _, meter_start = self.open.pop(payload["transactionId"], (0, 1 << 62))
        if payload["meterStop"] < meter_start:
            self.wrong.append(f"transaction {payload['transactionId']} was not open, or its meter fell")
        self.ended += 1


class Box:
    """Be a station with its drivers and its Central System; `live` until an instant."""

    def __init__(self, spec: TwinSpec, plan: Plan, books: Books | None = None, began: float = T0) -> None:
        self.now = began
        self.books = Books() if books is None else books
        ids = itertools.count(1)
        self.station, turn = Station.start(spec, began, ids=lambda: f"{next(ids):08d}")
        self.drivers = [Driver(spec.id, number, plan, began) for number in range(1, len(spec.evses) + 1)]
        self._carry(turn)
        self._carry(self.station.link_up("ws://central/ocpp", began))

    def live(self, until: float) -> None:
        """Let everything happen that is due, each at its time."""
        while True:
            driver = min(self.drivers, key=lambda one: one.due)
            due = self.station.next_deadline()
            if due is not None and due <= driver.due:
                if due > until:
                    break
                self.now = max(self.now, due)
                self._carry(self.station.tick(self.now))
            elif driver.due <= until:
                self.now = max(self.now, driver.due)
                self._drive(driver)
            else:
                break
        self.now = until

    def _drive(self, driver: Driver) -> None:
        command = driver.wake(self.now, _Place(self, driver.evse))
        if command is not None:
            try:
                self._carry(self.station.command(command, self.now))
            except Rejected:
                driver.refused(self.now)

    def _carry(self, turn: Turn) -> None:
        frames = turn.frames
        while frames:
            answers = [self.books.answer(frame.text, self.now) for frame in frames]
            frames = [frame for answer in answers for frame in self.station.receive(answer, self.now).frames]


class _Place:
    def __init__(self, box: Box, evse: int) -> None:
        self._box = box
        self._evse = evse

    def evse(self) -> EvseView:
        view = self._box.station.view_of(("evse", self._evse), self._box.now)
        assert isinstance(view, EvseView)
        return view

    def session(self) -> SessionView:
        view = self._box.station.view_of(("session", self._evse), self._box.now)
        assert isinstance(view, SessionView)
        return view


def _written(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat()


def spec(number: int, *, evses: int = 2, sample_s: int = SAMPLE_S) -> TwinSpec:
    """Describe a box of the fleet."""
    name, keys = f"lot-{number:04d}", {"MeterValueSampleInterval": KeySpec(str(sample_s))}
    return TwinSpec(id=name, identity=name, evses=(EvseSpec(),) * evses, keys=keys, seed=number)


def day(twins: int, plan: Plan = PLAN, *, sample_s: int = SAMPLE_S) -> Iterator[Box]:
    """Let one box after the other live for a day; none of them knows of the others."""
    for number in range(1, twins + 1):
        box = Box(spec(number, sample_s=sample_s), plan)
        box.live(T0 + DAY_S)
        yield box


def main() -> None:
    """Measure a day and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day", description=__doc__)
    parser.add_argument("--twins", type=int, default=1000, metavar="N", help="how many twins (1000)")
    parser.add_argument(
        "--sample", type=int, default=SAMPLE_S, metavar="S", help=f"MeterValueSampleInterval ({SAMPLE_S})"
    )
    given = parser.parse_args()
    began, calls, begun, ended, running = time.process_time(), 0, 0, 0, 0
    for box in day(given.twins, sample_s=given.sample):
        calls += box.books.calls
        begun += box.books.begun
        ended += box.books.ended
        running += len(box.books.open)
        assert not box.books.wrong, box.books.wrong
    took = time.process_time() - began
    print(f"{given.twins:,} twins, 24 hours: {begun:,} sessions began, {ended:,} ended, {running:,} run on")
    print(f"{calls:,} OCPP exchanges, {took:.1f} s of CPU, {1e6 * took / calls:.0f} µs an exchange with all around it")


if __name__ == "__main__":
    main()
