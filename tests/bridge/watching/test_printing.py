from __future__ import annotations

import io
import json
import os
import re

import pytest

from bridge.watching.frames import Frames
from bridge.watching.printing import Printer, as_json, lines


def frame(text, direction="sent", twin="garage", reader=None, at="2026-03-01T12:00:00.005Z"):
    return (reader or Frames()).read(twin, direction, json.dumps({"at": at, "frame": text}).encode())


def printed(*frames, **options):
    output = io.StringIO()
    printer = Printer(output, **options)
    for one in frames:
        printer.frame(one)
    return output.getvalue().splitlines()


def test_a_line_a_frame_with_the_time_since_its_call():
    reader = Frames()
    call = frame('[2,"1","Authorize",{"idTag":"A"}]', reader=reader)
    answer = frame('[3,"1",{"ok":true}]', "received", reader=reader, at="2026-03-01T12:00:00.047Z")
    error = frame('[4,"9","GenericError","no"]', "received", reader=reader)
    found = [re.sub(r"^\d\d:\d\d:\d\d", "T", line) for line in printed(call, answer, error)]
    assert found == [
        'T.005  garage    → Authorize                CALL            {"idTag":"A"}',
        'T.047  garage    ← Authorize                RESULT   42 ms  {"ok":true}',
        'T.005  garage    ← ?                        ERROR           {"code":"GenericError","description":"no"}',
    ]


def test_raw_frames_stand_as_they_are():
    (line,) = printed(frame('[2, "1",  "Authorize",{"idTag":"A"}]'), raw=True)
    assert line.endswith('garage    →  [2, "1",  "Authorize",{"idTag":"A"}]')


def test_pretty_ones_are_spread():
    found = printed(frame('[2,"1","Authorize",{"idTag":"A"}]'), pretty=True)
    assert found[1:] == ["{", '  "idTag": "A"', "}"]


def test_as_json():
    found = json.loads(as_json(frame('[2,"1","Authorize",{"idTag":"A"}]')))
    assert found == {
        "at": "2026-03-01T12:00:00.005Z",
        "twin": "garage",
        "direction": "sent",
        "kind": "CALL",
        "action": "Authorize",
        "message_id": "1",
        "took_ms": None,
        "payload": {"idTag": "A"},
        "frame": '[2,"1","Authorize",{"idTag":"A"}]',
    }


@pytest.mark.parametrize(
    "text", ["\x1b[2J\x9b", '[2,"1","\x1bX",{"a":"\x9b"}]', '[2,"1","\\u001bX",{"a":"\\u009b\\u0007"}]']
)
@pytest.mark.parametrize("options", [{}, {"raw": True}, {"pretty": True}])
def test_nothing_in_a_frame_reaches_the_terminal_unescaped(text, options):
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "\n".join(printed(frame(text), **options)))


def test_a_long_name_makes_the_column_wider_for_all_that_follows():
    name = "station-with-a-long-name"
    long, short = printed(frame('[2,"1","A",{}]', twin=name), frame('[2,"1","A",{}]'))
    assert long.index("→") == short.index("→")


def test_what_does_not_fit_goes_on_below():
    payload = json.dumps({"data": "x" * 100})
    found = [line.plain for line in lines(frame(f'[2,"1","DataTransfer",{payload}]'), 80)]
    assert [line[:14].strip() for line in found[1:]] == [""] * (len(found) - 1)
    assert max(len(line) for line in found) <= 80
    assert "".join([found[0][found[0].index("{") :], *(line.strip() for line in found[1:])]) == payload.replace(" ", "")
    (alone,) = lines(frame('[2,"1","Heartbeat",{}]'), 80)
    assert alone.plain.endswith("{}")


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    one = frame('[2,"1","Heartbeat",{}]')
    for wanted in (True, False):
        terminal = Terminal()
        if not wanted:
            monkeypatch.setenv("NO_COLOR", "1")
        Printer(terminal).frame(one)
        assert ("\x1b[36m" in terminal.getvalue()) is wanted
    assert "\x1b" not in printed(one)[0]


def test_who_reads_no_more_is_noticed():
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):  # noqa: SIM117
        with os.fdopen(writing, "w", buffering=1) as output:
            Printer(output).frame(frame('[2,"1","Heartbeat",{}]'))
