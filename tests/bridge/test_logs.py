import io
import json
import logging
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
