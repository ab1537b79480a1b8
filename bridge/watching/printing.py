"""How a frame looks on a terminal, in a file, and as JSON.

Decides columns and colours only. Secrets were masked by the daemon; nothing here could bring them back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TextIO

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

from bridge.watching.frames import Frame, Kind

ARROWS = {"sent": "→", "received": "←"}
COLOURS = {"sent": "cyan", "received": "magenta", "ERROR": "red"}
"""Colours of a terminal's own, by direction; errors have one of their own."""
_ACTION_WIDTH = 24
_NAME_WIDTH = 8
_INDENT = 14
_NARROWEST = 20
_highlight = JSONHighlighter()


def took(frame: Frame) -> str:
    """Write how long an answer took, nothing for what is none."""
    if frame.took_ms is None:
        return ""
    return f"{frame.took_ms:.0f} ms" if frame.took_ms < 10_000 else f"{frame.took_ms / 1000:.1f} s"


def clock(at: datetime) -> str:
    """Write a time of the day here, with milliseconds."""
    local = at.astimezone()
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def harmless(text: str) -> str:
    """Write others' words so that they cannot garble a terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def body(frame: Frame, *, indent: int | None = None) -> str:
    """Write what a frame carries: its payload, or its text where it is none of OCPP's."""
    if frame.kind is Kind.TEXT:
        return harmless(frame.text)
    if frame.payload is None:
        return ""
    separators = None if indent else (",", ":")
    text = json.dumps(frame.payload, ensure_ascii=False, indent=indent, separators=separators)
    return "\n".join(harmless(line) for line in text.split("\n"))


def as_json(frame: Frame) -> str:
    """Write a frame as one JSON object."""
    fields = {
        "at": frame.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "twin": frame.twin,
        "direction": frame.direction,
        "kind": str(frame.kind),
        "action": frame.action,
        "message_id": frame.message_id,
        "took_ms": None if frame.took_ms is None else round(frame.took_ms, 3),
        "payload": frame.payload,
        "frame": frame.text,
    }
    return json.dumps(fields, ensure_ascii=False)


class _Console(Console):
    """Leave it to the command line to end when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError instead of SystemExit."""
        raise BrokenPipeError


class Printer:
    """Print frames to a terminal or a file; colours and the width of lines are a terminal's only."""

    def __init__(self, output: TextIO, *, raw: bool = False, pretty: bool = False) -> None:
        self._console = _Console(file=output, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._raw = raw
        self._pretty = pretty
        self._name_width = _NAME_WIDTH

    def frame(self, frame: Frame) -> None:
        """Print a frame."""
        self._name_width = max(self._name_width, len(frame.twin))
        text = harmless(frame.text) if self._raw else body(frame, indent=2 if self._pretty else None)
        head, shown = _head(frame, self._name_width, raw=self._raw), _highlight(text)
        if "\n" in text:
            self._console.print(head.append("\n").append(shown))
        elif self._console.is_terminal:
            for line in _wrapped(head, shown, self._console.width):
                self._console.print(line)
        else:
            self._console.print(Text.assemble(head, "  ", shown) if text else head)


def lines(frame: Frame, width: int, colours: Mapping[str, str] = COLOURS) -> list[Text]:
    """Write a frame of a twin that need not be named, in lines of that width."""
    return _wrapped(_head(frame, None, colours=colours), _highlight(body(frame)), width)


def _head(frame: Frame, name_width: int | None, *, raw: bool = False, colours: Mapping[str, str] = COLOURS) -> Text:
    colour = colours["ERROR" if frame.kind is Kind.ERROR else frame.direction]
    name = "  " if name_width is None else f"  {harmless(frame.twin):{name_width}}  "
    head = Text.assemble((clock(frame.at), "dim"), name, (ARROWS[frame.direction], f"bold {colour}"))
    if raw:
        return head
    action = harmless(frame.action or "?")
    head.append(f" {action:{_ACTION_WIDTH}}", colour).append(f" {frame.kind:6}", "dim")
    return head.append(f"{took(frame):>8}", "bold" if frame.took_ms else "")


def _wrapped(head: Text, shown: Text, width: int) -> list[Text]:
    """Let what does not fit beside the head go on below it, indented."""
    room, rest = max(width - head.cell_len - 2, 0), max(width - _INDENT, 1)
    if len(shown) > room and room < _NARROWEST:
        room = 0
    lines = [Text.assemble(head, "  ", shown[:room]) if room else head]
    starts = range(room, len(shown), rest)
    return [*lines, *(Text(" " * _INDENT).append(shown[start : start + rest]) for start in starts)]
