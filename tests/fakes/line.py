"""An exchange over a fake twin, with a clock, and the reports that tests tell."""

from __future__ import annotations

import json
from itertools import count

from fakes.twin import FakeTwin

from twin.model.effects import (
    Booted,
    FirmwareReported,
    HeartbeatDue,
    LogReported,
    Metered,
    Reading,
    Sample,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    Tell,
)
from twin.model.spec import TwinSpec
from twin.model.terms import (
    BootReason,
    ErrorCode,
    FirmwareStatus,
    LogStatus,
    Measurand,
    ReadingContext,
    Status,
    StopReason,
)
from twin.ocpp.dialect import DIALECTS
from twin.ocpp.exchange import Exchange
from twin.ocpp.outbox import Outbox
from twin.turn import Turn

URL = "ws://localhost/ocpp/garage"
SPEC = TwinSpec(id="garage", identity="garage")
BOOT = Booted(BootReason.POWER_UP)
BEAT = HeartbeatDue()
AVAILABLE = StatusChanged(1, Status.AVAILABLE, ErrorCode.NO_ERROR, 0.0)
START = SessionStarted("s", 1, "TAG", 5.0, 0)
METER = Metered(1, (Reading(6.0, ReadingContext.SAMPLE_PERIODIC, (Sample(Measurand.VOLTAGE, 230.0),)),), "s")
END = SessionEnded("s", 1, 7.0, 9, StopReason.LOCAL)
TAMPERED = SecurityEvent("TamperDetectionActivated", 8.0)
DOWNLOADING = FirmwareReported(FirmwareStatus.DOWNLOADING)
UPLOADING = LogReported(LogStatus.UPLOADING)
ACCEPTED = {"idTagInfo": {"status": "Accepted"}}


class Line:
    """An exchange over a fake twin, with a clock."""

    def __init__(self, *, up=True, limit=100):
        numbers = count(1)
        self.twin = FakeTwin()
        self.outbox = Outbox(limit)
        self.exchange = Exchange(SPEC, self.twin, DIALECTS["1.6"]({}, False), self.outbox, lambda: f"m{next(numbers)}")
        self.now = 100.0
        if up:
            self.up()

    def after(self, step):
        turn = Turn()
        step(turn, self.now)
        self.exchange.pump(turn, self.now)
        return turn

    def up(self):
        return self.after(lambda turn, now: self.exchange.open(URL, turn, now))

    def down(self):
        return self.after(lambda turn, now: self.exchange.close(URL, "gone", turn, now))

    def apply(self, *effects):
        return self.after(lambda turn, now: self.exchange.apply(effects, turn, now))

    def tell(self, *reports, durable=False, triggered=False):
        return self.apply(*(Tell(report, durable, triggered) for report in reports))

    def receive(self, text):
        return self.after(lambda turn, now: self.exchange.receive(text, turn, now))

    def answer(self, turn, payload):
        return self.receive(json.dumps([3, sent(turn)[1], payload]))

    def refuse(self, turn, code="InternalError"):
        return self.receive(json.dumps([4, sent(turn)[1], code, "no", {}]))

    def wait(self, seconds):
        self.now += seconds
        return self.after(self.exchange.expire)


def sent(turn):
    (frame,) = turn.frames
    return json.loads(frame.text)


def actions(turn):
    return [frame.action for frame in turn.frames]


def notes(turn):
    return [note.name for note in turn.notes]
