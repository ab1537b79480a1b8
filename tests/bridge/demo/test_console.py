from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bridge.demo.console import Console, Style
from bridge.demo.station import Traffic

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


class Reader:
    """A console and what it says, without the time."""

    def __init__(self, style=None):
        self.console = Console("ocpp-twin", style or Style())

    def __call__(self, topic, payload, at=AT):
        text = payload if isinstance(payload, str) else json.dumps(payload)
        line = self.console.line(f"ocpp-twin/{topic}", text.encode(), at)
        return line and line.split("  ", 1)[1]


@pytest.fixture
def read():
    return Reader()


def event(kind, evse=1, **data):
    return {"seq": 1, "at": "2026-01-02T03:04:05.678Z", "type": kind, "evse": evse, "request_id": None, "data": data}


def test_the_columns_stand_below_each_other():
    console = Console("ocpp-twin")
    line = console.line("ocpp-twin/garage/event", json.dumps(event("unplugged")).encode(), AT)
    local = AT.astimezone()
    assert line == f"{local:%H:%M:%S}.678  garage/1   cable pulled out"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            event("status_changed", previous="Preparing", status="Charging", error_code="NoError"),
            "Preparing → Charging",
        ),
        (event("status_changed", previous=None, status="Faulted", error_code="OtherError"), "· → Faulted (OtherError)"),
        (event("plugged", ev=None), "cable plugged in"),
        (event("plugged", ev="zoe"), "cable plugged in, car zoe"),
        (event("authorized", id_tag="A", source="cache"), "A is accepted (cache)"),
        (event("transaction_accepted", transaction_id=7), "transaction 7 is accepted"),
        (
            event("transaction_stopped", transaction_id=7, reason="Local", energy_wh=1500),
            "transaction 7 ends: Local, 1.500 kWh",
        ),
        (
            event("reservation_made", reservation_id=5, id_tag="A", until="2026-01-02T04:00:00Z"),
            "reservation 5 for A until 2026-01-02T04:00:00Z",
        ),
        (event("reservation_ended", reservation_id=5, reason="Expired"), "reservation 5 ends: Expired"),
        (
            event("profile_set", profile_id=3, purpose="TxProfile", stack_level=1),
            "charging profile is set: 3, TxProfile, level 1",
        ),
        (
            event("profile_cleared", profile_id=3, purpose="TxProfile", stack_level=1),
            "charging profile is cleared: 3, TxProfile, level 1",
        ),
        (event("firmware_status", status="Downloading"), "firmware: Downloading"),
        (event("diagnostics_status", status="Uploaded"), "log: Uploaded"),
        (event("security_event", security_type="InvalidMessages", tech_info=None), "security: InvalidMessages"),
        (
            event("security_event", security_type="TamperDetectionActivated", tech_info="door"),
            "security: TamperDetectionActivated, door",
        ),
        (event("remote_stop", transaction_id=7, status="Accepted"), "remote stop transaction_id 7, status Accepted"),
        (event("something_new", x=None, y=[1, True]), "something new y [1, true]"),
    ],
)
def test_events(read, found, line):
    assert read("garage/event", found) == f"garage/1   {line}"


def test_an_event_of_the_station_has_no_number(read):
    assert (
        read("garage/event", event("disconnected", evse=None, reason="refused")) == "garage     disconnected: refused"
    )
    assert read("garage/event", event("status_changed", evse=0, previous="Available", status="Faulted")).split()[0] == (
        "garage"
    )


def test_what_is_told_otherwise_is_left_out(read):
    assert read("garage/event", event("registration_changed", status="Accepted")) is None
    assert read("garage/1/session", {"session_id": "x"}) is None
    assert read("garage/1/set/plugged", "ON") is None
    assert read("bridge/main/health", {}) is None


def test_an_answer_is_told_with_the_action_that_it_answers(read):
    sent, received = "garage/ocpp/sent", "garage/ocpp/received"

    def trace(*frame):
        return {"at": "2026-01-02T03:04:05Z", "action": None, "frame": json.dumps(frame)}

    assert read(sent, trace(2, "1", "Authorize", {"idTag": "Ä"})) == 'garage     → Authorize {"idTag": "Ä"}'
    assert read(received, trace(2, "9", "ClearCache", {})) == "garage     ← ClearCache {}"
    assert read(received, trace(3, "1", {})) == "garage     ← Authorize.conf {}"
    assert read(sent, trace(4, "9", "NotSupported", "no", {})) == "garage     → ClearCache failed: NotSupported no"
    assert read(sent, trace(3, "unknown", {})) == "garage     → ?.conf {}"
    assert read(sent, {"frame": "rubbish"}) == "garage     → rubbish"


def test_states_are_told_when_they_change(read):
    assert read("garage/1/state", {"locked": False, "ev_ready": True}) is None
    assert read("garage/1/state", {"locked": True, "ev_ready": True}) == "garage/1   cable locked"
    assert read("garage/1/state", {"locked": True, "ev_ready": True}) is None
    assert read("garage/1/state", {"locked": False, "ev_ready": False}) == (
        "garage/1   the car wants no energy, cable unlocked"
    )
    assert read("garage/state", {"powered": True}) is None
    assert read("garage/state", {"powered": False}) == "garage     power is gone"


def test_a_meter_is_told_now_and_then(read):
    running = {"power_w": 11040, "energy_wh": 1234, "soc_pct": None}
    assert read("garage/1/meter", {"power_w": 0, "energy_wh": 1}) is None
    assert read("garage/1/meter", running) == "garage/1   11.04 kW  1.234 kWh"
    assert read("garage/1/meter", running, AT + timedelta(seconds=9)) is None
    assert read("garage/1/meter", running | {"soc_pct": 55.5}, AT + timedelta(seconds=10)).endswith("56 %")


def test_a_refusal_is_told_once(read):
    complaint = {"topic": "garage/1/set/plugged", "code": "bad_value", "detail": "no boolean"}
    assert read("bridge/main/error", complaint) == "main       garage/1/set/plugged: bad_value, no boolean"
    assert read("garage/result", complaint | {"status": "error"}) is None
    conflict = {"topic": "garage/1/cmd/stop", "code": "state_conflict", "detail": "nothing runs", "status": "error"}
    assert read("garage/result", conflict) == "garage     garage/1/cmd/stop: state_conflict, nothing runs"


def test_a_result_is_told_if_it_says_something(read):
    result = {"topic": "garage/cmd/call", "status": "ok", "code": None, "detail": None, "data": None}
    assert read("garage/result", result) is None
    assert read("garage/result", result | {"data": {"a": 1}}) == 'garage     garage/cmd/call: {"a": 1}'


def test_the_daemon_comes_and_goes(read):
    assert read("bridge/main/availability", "online") == "main       the daemon is online"


def test_a_long_line_is_cut():
    line = Console("ocpp-twin", Style(width=80)).line("ocpp-twin/a/ocpp/sent", b'{"frame": "%s"}' % (b"x" * 200), AT)
    assert len(line) == 80
    assert line.endswith("x…")


def test_a_line_that_is_too_long_for_the_terminal_goes_on_below_its_beginning():
    found = [2, "1", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}]
    console = Console("ocpp-twin", Style(width=140, columns=80))
    lines = console.line("ocpp-twin/a/ocpp/sent", json.dumps({"frame": json.dumps(found)}).encode(), AT).splitlines()
    assert [line[25:] for line in lines] == [
        '→ StatusNotification {"connectorId": 1, "errorCode":',
        '"NoError", "status": "Available"}',
    ]
    assert lines[1][:25].isspace()
    assert max(map(len, lines)) <= 80


def test_of_a_frame_the_arrow_and_the_action_are_coloured():
    dressed = Reader(Style(color=True))("garage/ocpp/sent", {"frame": '[2, "1", "Heartbeat", {}]'})
    assert dressed.endswith("\033[36m→ Heartbeat\033[0m {}")


def test_colour_dresses_the_line_and_changes_no_word():
    plain, dressed = Reader(), Reader(Style(color=True))
    found = event("status_changed", previous="A", status="B")
    assert "\033[1;32mA → B\033[0m" in dressed("garage/event", found)
    assert "\033" not in plain("garage/event", found)


def test_a_frame_as_the_central_system_saw_it():
    console = Console("")
    line = console.traffic(Traffic("CP 1", "received", "Heartbeat", '[2, "1", "Heartbeat", {}]'), AT)
    assert line.endswith("  CP 1       → Heartbeat {}")
    line = console.traffic(Traffic("CP 1", "sent", "Heartbeat", '[3, "1", {}]'), AT)
    assert line.endswith("← Heartbeat.conf {}")


@pytest.mark.parametrize(
    "topic", ["garage/event", "garage/1/state", "garage/1/meter", "garage/ocpp/sent", "garage/result"]
)
@pytest.mark.parametrize("payload", ["", "hello", "[]", "{}", '{"power_w": "x"}', "[" * 100_000])
def test_what_others_publish_there_does_no_harm(read, topic, payload):
    assert read(topic, payload) is None


def test_nothing_moves_the_cursor(read):
    assert read("garage/ocpp/sent", {"frame": "a\033[2Jb\n"}) == "garage     → a·[2Jb·"
