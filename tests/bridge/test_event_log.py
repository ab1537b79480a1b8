from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bridge.event_log import EventLog


@pytest.fixture
def lines():
    with capture_logs() as found:
        yield found


def visible(lines):
    return [line for line in lines if line["log_level"] != "debug"]


async def test_an_event_is_a_line_with_twin_and_evse(lines):
    EventLog().tell("plugged", "garage", 1, {"ev": "van"})
    (line,) = lines
    assert line == {"event": "plugged", "log_level": "info", "twin": "garage", "evse": 1, "data": {"ev": "van"}}


@pytest.mark.parametrize("name", ["disconnected", "message_dropped", "protocol_error", "internal_error"])
async def test_what_somebody_should_look_at_is_a_warning(name, lines):
    EventLog().tell(name, "garage", None, {})
    assert lines[0]["log_level"] == "warning"


async def test_that_connections_end_with_the_daemon_is_no_warning(lines):
    log = EventLog()
    log.ending()
    for name in ("disconnected", "message_dropped"):
        log.tell(name, "garage", None, {})
    assert [line["log_level"] for line in lines] == ["info", "warning"]


async def test_what_a_whole_fleet_tells_has_few_lines_and_a_number(lines):
    log = EventLog()
    for number in range(10_000):
        log.tell("disconnected", f"ac-{number}", None, {})
    log.close()
    shown = visible(lines)
    assert len(shown) == 21
    assert shown[-1] == {"event": "disconnected", "log_level": "warning", "more": 9_980, "within_s": 10.0}


async def test_at_debug_every_event_has_its_line(lines):
    log = EventLog()
    for number in range(30):
        log.tell("plugged", f"ac-{number}", 1, {})
    assert [line["twin"] for line in lines] == [f"ac-{number}" for number in range(30)]


async def test_types_are_counted_apart(lines):
    log = EventLog()
    for _ in range(100):
        log.tell("status_changed", "garage", 1, {})
    log.tell("protocol_error", "garage", None, {})
    assert visible(lines)[-1]["event"] == "protocol_error"


async def test_few_need_no_number_and_the_next_window_begins_anew(lines):
    log = EventLog()
    for _ in range(2):
        for _ in range(20):
            log.tell("plugged", "garage", 1, {})
        log.close()
    assert len(visible(lines)) == 40
    assert not [line for line in lines if "more" in line]


async def test_a_window_ends_by_itself(monkeypatch, lines):
    monkeypatch.setattr("bridge.event_log._WINDOW_S", 0.0)
    log = EventLog()
    for _ in range(25):
        log.tell("plugged", "garage", 1, {})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert lines[-1]["more"] == 5
