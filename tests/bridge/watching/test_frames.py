from __future__ import annotations

import json
from datetime import UTC, datetime

from bridge.watching.frames import Frames, Kind, moment


def traced(text, at="2026-03-01T12:00:00.000Z", action=None):
    return json.dumps({"at": at, "action": action, "frame": text}).encode()


def test_an_answer_belongs_to_its_call_and_says_how_long_it_took():
    frames = Frames()
    call = frames.read("garage", "sent", traced('[2,"7","Authorize",{"idTag":"A"}]'))
    answer = frames.read("garage", "received", traced('[3,"7",{"x":1}]', "2026-03-01T12:00:00.250Z"))
    assert (call.kind, call.action, call.payload, call.took_ms) == (Kind.CALL, "Authorize", {"idTag": "A"}, None)
    assert (answer.kind, answer.action, answer.payload, answer.took_ms) == (Kind.RESULT, "Authorize", {"x": 1}, 250.0)


def test_errors_are_read_whole_or_in_part():
    frames = Frames()
    frames.read("garage", "received", traced('[2,"7","Reset",{}]'))
    error = frames.read("garage", "sent", traced('[4,"7","NotSupported","no",{}]', "2026-03-01T12:00:01.000Z"))
    assert (error.kind, error.action, error.took_ms) == (Kind.ERROR, "Reset", 1000.0)
    assert error.payload == {"code": "NotSupported", "description": "no", "details": {}}
    assert frames.read("garage", "sent", traced('[4,"8","X"]')).payload == {"code": "X"}


def test_ids_of_other_twins_and_of_the_other_direction_are_others():
    frames = Frames()
    frames.read("garage", "sent", traced('[2,"7","Heartbeat",{}]'))
    assert frames.read("office", "received", traced('[3,"7",{}]')).took_ms is None
    assert frames.read("garage", "sent", traced('[3,"7",{}]')).took_ms is None
    assert frames.read("garage", "received", traced('[3,"7",{}]')).action == "Heartbeat"
    assert frames.read("garage", "received", traced('[3,"7",{}]', action="Told")).action == "Told"


def test_what_is_no_frame_of_ocpp_is_text():
    frames = Frames()
    for text in ("hello", "[2]", "[9,1]", "{}", '[2,7,"Heartbeat",{}]', "[" * 100_000):
        frame = frames.read("garage", "sent", traced(text))
        assert (frame.kind, frame.text) == (Kind.TEXT, text)
    assert frames.read("garage", "sent", traced('[2,"7","Heartbeat"]')).payload is None
    assert frames.read("garage", "sent", b"no trace") is None


def test_calls_without_an_answer_are_forgotten_in_the_end():
    frames = Frames()
    for number in range(10_001):
        frames.read("garage", "sent", traced(f'[2,"{number}","Heartbeat",{{}}]'))
    assert frames.read("garage", "received", traced('[3,"0",{}]')).took_ms is None
    assert frames.read("garage", "received", traced('[3,"1",{}]')).took_ms == 0.0


def test_times():
    assert moment("2026-03-01T12:00:00.250Z") == datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
    assert moment("2026-03-01T12:00:00") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment("soon") is None
