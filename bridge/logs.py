"""The log: one line for each fact on standard error, for people at a terminal, for journald, and as JSON for machines.

Decides how lines look and that no secret is in them; what is worth a line is decided where it happens.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Literal, TextIO, TypeAlias

import structlog
from structlog.typing import Processor

from bridge import masking

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

_PAHO_REPEATS = ("failed to receive on socket", "timeout on socket")

_EVENTS = "events"

_Line: TypeAlias = MutableMapping[str, Any]

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""Those of sd-daemon(3)."""

_BARE = re.compile(r"[^\s\"'=\\{}\[\]]+")


class _Output(structlog.WriteLogger):
    """Write the lines of the logger of this name; `events` says that they are what twins tell."""

    def __init__(self, stream: TextIO, name: str = "ocpp-twin", *, events: bool = False) -> None:
        super().__init__(stream)
        self.name = name
        self.events = events


def events_of(name: str) -> Any:
    """Return the logger of this name for what twins tell."""
    return structlog.get_logger(name, _EVENTS)


def configure(
    level: Level = "info", form: Format = "auto", stream: TextIO | None = None, *, events: bool = True
) -> None:
    """Set up all logging of the process, that of libraries included, which only warn.

    Where somebody else shows what twins tell, `events` leaves it out.
    """
    stream = stream or sys.stderr
    journal = is_journal(stream)
    common: list[Processor] = [structlog.processors.add_log_level]
    if journal and form != "json":
        ending = _for_journal(_plain)
    else:
        common.append(structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"))
        console = form == "console" or (form == "auto" and stream.isatty())
        ending = _for_people(colours=stream.isatty()) if console else _for_machines(journal=journal)
    structlog.configure(
        processors=[*([] if events else [_without_events]), _named, *common, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *names: _Output(stream, *names[:1], events=_EVENTS in names[1:]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    # aiomqtt warns of a disconnect that fails because there is no connection; what matters is told by `bridge.client`.
    logging.getLogger("mqtt").setLevel(logging.ERROR)
    logging.getLogger("mqtt").addFilter(_matters)


def _matters(record: logging.LogRecord) -> bool:
    """Leave out what paho says of each connection that breaks: `bridge.client` tells it once, and what to do."""
    return not str(record.msg).startswith(_PAHO_REPEATS)


def is_journal(stream: TextIO) -> bool:
    """Tell whether what is written there goes to journald by itself (systemd.exec(5), `JOURNAL_STREAM`)."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file, or closed
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _for_people(*, colours: bool) -> list[Processor]:
    traceback = structlog.dev.plain_traceback
    render = structlog.dev.ConsoleRenderer(
        colors=colours, timestamp_key="at", exception_formatter=traceback, sort_keys=False
    )
    return [_masked, _spread, render]


def _spread(logger: Any, method: str, line: _Line) -> _Line:
    """Leave out what there is not, and write the data of an event as what it is: more of the line's own fields."""
    del logger, method
    data = line.get("data")
    if isinstance(data, dict) and data.keys().isdisjoint(line):
        line.pop("data")
        line.update(data)
    return {key: value for key, value in line.items() if value is not None}


def _for_machines(*, journal: bool) -> list[Processor]:
    # `event` stays first: it is what people look for in a line of JSON.
    render = structlog.processors.JSONRenderer(default=str)
    if journal:
        return _for_journal(render)
    return [structlog.processors.format_exc_info, _masked, render]


def _for_journal(render: Callable[[Any, str, _Line], str | bytes]) -> list[Processor]:
    """Begin each line with its priority, which journald takes off, the lines of a traceback too."""

    def prefixed(logger: Any, method: str, line: _Line) -> str:
        priority = f"<{_PRIORITIES.get(line.get('level', 'info'), 6)}>"
        return "\n".join(f"{priority}{part}" for part in str(render(logger, method, line)).split("\n"))

    return [structlog.processors.format_exc_info, _masked, prefixed]


def _plain(logger: Any, method: str, line: _Line) -> str:
    """Write `logger: event key=value`; journald has the time, and the level is the priority."""
    del logger, method
    name, event, traceback = line.pop("logger", "ocpp-twin"), line.pop("event", ""), line.pop("exception", None)
    line.pop("level", None)
    known = (f"{key}={_value(value)}" for key, value in line.items() if value is not None)
    words = [f"{name}:", " ".join(str(event).split()), *known]
    return "\n".join([" ".join(words), *(str(traceback).splitlines() if traceback else [])])


def _value(value: Any) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _without_events(logger: _Output, method: str, line: _Line) -> _Line:
    del method
    if logger.events:
        raise structlog.DropEvent
    return line


def _named(logger: _Output, method: str, line: _Line) -> _Line:
    del method
    return {"event": line.pop("event", ""), "logger": logger.name, **line}


def _masked(logger: Any, method: str, line: _Line) -> _Line:
    del logger, method
    failure = {"exc_info": line.pop("exc_info")} if "exc_info" in line else {}
    hidden: _Line = masking.secrets(line)
    return {**hidden, **failure}
