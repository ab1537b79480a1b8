import io
import json
import logging
import os
import warnings

import pytest
import structlog

from bridge import logs


@pytest.fixture
def stream():
    """What is logged; logging is afterwards as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_fact_is_one_line_of_json_with_twin_and_evse(stream):
    logs.configure("info", "json", stream)
    structlog.get_logger("twin").bind(twin="garage", evse=1).info("plugged", data={"ev": "van"})
    (line,) = lines(stream)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "plugged",
        "logger": "twin",
        "level": "info",
        "twin": "garage",
        "evse": 1,
        "data": {"ev": "van"},
    }


def test_without_a_terminal_it_is_json(stream):
    logs.configure("info", "auto", stream)
    structlog.get_logger().info("x")
    assert lines(stream)[0]["logger"] == "ocpp-twin"


def test_the_console_has_one_line_as_well(stream):
    logs.configure("info", "console", stream)
    structlog.get_logger("twin").info("plugged", twin="garage")
    (line,) = stream.getvalue().splitlines()
    assert "plugged" in line
    assert "twin=garage" in line
    assert "\x1b" not in line


def test_the_console_has_the_data_of_an_event_in_words_and_nothing_that_is_not(stream):
    logs.configure("info", "console", stream)
    log = structlog.get_logger("twin")
    log.info("booted", twin="garage", evse=None, data={"status": "Accepted", "interval_s": 300})
    log.info("odd", twin="garage", data={"twin": "x"})
    words, odd = stream.getvalue().splitlines()
    assert words.endswith("twin=garage status=Accepted interval_s=300")
    assert odd.endswith("twin=garage data={'twin': 'x'}")


def test_what_is_less_important_than_the_level_is_left_out(stream):
    logs.configure("warning", "json", stream)
    structlog.get_logger().info("x")
    structlog.get_logger().warning("y")
    assert [line["event"] for line in lines(stream)] == ["y"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_written(stream, form):
    logs.configure("info", form, stream)
    structlog.get_logger("twin").info(
        "x",
        password="hunter2",
        data={"key": "AuthorizationKey", "value": "hunter2"},
        url="mqtt://me:hunter2@host",
        frame='{"AuthorizationKey": "hunter2"}',
    )
    assert "hunter2" not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_libraries_write_lines_of_the_same_form_but_only_warnings(stream):
    logs.configure("debug", "json", stream)
    logging.getLogger("websockets").info("chatter")
    logging.getLogger("websockets").warning("trouble with %s", "ws://a:b@c")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    found = lines(stream)
    assert [line["logger"] for line in found] == ["websockets", "py.warnings"]
    assert found[0]["event"] == "trouble with ws://***@c"


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_comes_with_its_traceback(stream, form):
    logs.configure("info", form, stream)
    try:
        int("why")
    except ValueError:
        structlog.get_logger().exception("broken")
    assert "ValueError: invalid literal" in stream.getvalue()
    if form == "json":
        assert len(lines(stream)) == 1


def test_what_paho_says_of_each_attempt_is_left_out(stream):
    logs.configure("info", "json", stream)
    logging.getLogger("mqtt").error("failed to receive on socket: %s", "reset")
    logging.getLogger("mqtt").error("Caught exception in on_message: %s", "ouch")
    (line,) = lines(stream)
    assert line["event"] == "Caught exception in on_message: ouch"


@pytest.mark.parametrize("events", [True, False])
def test_what_twins_tell_may_be_left_out_and_nothing_else(stream, events):
    logs.configure("info", "json", stream, events=events)
    logs.events_of("twin").warning("disconnected", twin="garage")
    structlog.get_logger("twin").error("twin_failed", twin="garage")
    names = [(line["logger"], line["event"]) for line in lines(stream)]
    assert names == [("twin", "disconnected")] * events + [("twin", "twin_failed")]


# --- journald ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(stream, tmp_path, monkeypatch):
    """A file that is said to be the journal; `lines()` are those that were written."""
    del stream  # it puts logging back
    with (tmp_path / "journal").open("w+", encoding="utf-8") as file:
        found = os.fstat(file.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        file.lines = lambda: (tmp_path / "journal").read_text(encoding="utf-8").splitlines()
        yield file


@pytest.mark.parametrize("form", ["auto", "console"])
def test_in_the_journal_a_line_has_a_priority_and_no_time(journal, form):
    logs.configure("debug", form, journal)
    log = structlog.get_logger("twin").bind(twin="garage", evse=None)
    log.debug("a")
    log.info("plugged", data={"ev": "van"}, text="two words", path="/a/b", ok=True)
    log.warning("b")
    log.error("c")
    log.critical("d")
    assert journal.lines() == [
        "<7>twin: a twin=garage",
        '<6>twin: plugged twin=garage data={"ev": "van"} text="two words" path=/a/b ok=true',
        "<4>twin: b twin=garage",
        "<3>twin: c twin=garage",
        "<2>twin: d twin=garage",
    ]


def test_what_comes_from_outside_cannot_begin_a_line_of_its_own(journal):
    logs.configure("info", "auto", journal)
    structlog.get_logger().info("x", said="a\n<0>b", empty="")
    logging.getLogger("websockets").warning("first\n<0>second")
    assert journal.lines() == [
        '<6>ocpp-twin: x said="a\\n<0>b" empty=""',
        "<4>websockets: first <0>second",
    ]


def test_each_line_of_a_traceback_has_its_priority(journal):
    logs.configure("info", "auto", journal)
    try:
        int("hunter\n<6>2")
    except ValueError:
        structlog.get_logger().exception("broken", url="mqtt://me:hunter2@host")
    first, *others = journal.lines()
    assert first == "<3>ocpp-twin: broken url=mqtt://***@host"
    assert others[0] == "<3>Traceback (most recent call last):"
    assert len(others) > 3
    assert all(line.startswith("<3>") for line in others)


def test_json_that_was_asked_for_stays_json_behind_its_priority(journal):
    logs.configure("info", "json", journal)
    try:
        int("why")
    except ValueError:
        structlog.get_logger().exception("broken")
    (line,) = journal.lines()
    assert line.startswith("<3>")
    found = json.loads(line.removeprefix("<3>"))
    assert (found["event"], found["at"][-1]) == ("broken", "Z")


def test_a_journal_that_is_inherited_but_not_written_to_does_not_matter(stream, monkeypatch, tmp_path):
    monkeypatch.setenv("JOURNAL_STREAM", "8:1234")
    with (tmp_path / "log").open("w", encoding="utf-8") as file:
        assert not logs.is_journal(file)
    assert not logs.is_journal(file)  # closed
    logs.configure("info", "auto", stream)  # no file at all
    structlog.get_logger().info("x")
    assert lines(stream)[0]["event"] == "x"
