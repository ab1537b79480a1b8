"""The log: one line for each fact on standard error, for people at a terminal and as JSON for machines.

Decides how lines look and that no secret is in them; what is worth a line is decided where it happens.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO, TypeAlias

import structlog
from structlog.typing import Processor

from bridge import masking

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

_Line: TypeAlias = MutableMapping[str, Any]


class _Output(structlog.WriteLogger):
    """Write the lines of the logger of this name."""

    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__(stream)
        self.name = name


def configure(level: Level = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """Set up all logging of the process, that of libraries included, which only warn."""
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    common: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    ending = _ending(console=console, colours=stream.isatty())
    structlog.configure(
        processors=[_named, *common, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *names: _Output(stream, names[0] if names else "ocpp-twin"),
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


def _ending(*, console: bool, colours: bool) -> list[Processor]:
    if console:
        traceback = structlog.dev.plain_traceback
        return [
            _masked,
            structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at", exception_formatter=traceback),
        ]
    # `event` stays first: it is what people look for in a line of JSON.
    return [structlog.processors.format_exc_info, _masked, structlog.processors.JSONRenderer(default=str)]


def _named(logger: _Output, method: str, line: _Line) -> _Line:
    del method
    return {"event": line.pop("event", ""), "logger": logger.name, **line}


def _masked(logger: Any, method: str, line: _Line) -> _Line:
    del logger, method
    failure = {"exc_info": line.pop("exc_info")} if "exc_info" in line else {}
    hidden: _Line = masking.secrets(line)
    return {**hidden, **failure}
