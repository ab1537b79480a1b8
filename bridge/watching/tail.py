"""A panel that shows the last lines of a list which grows, and lets one look back while it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.strip import Strip
from textual.widget import Widget

_WHEEL = 3

Write = Callable[[Any, int], list[Text]]
"""Writes an item in lines of a width."""


class Tail(Widget, can_focus=True):
    """Show items, the newest at the bottom; `empty` stands there while there are none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "back(1)", "Back"),
        Binding("down", "back(-1)", "Forth"),
        Binding("pageup", "page(1)", "Page back"),
        Binding("pagedown", "page(-1)", "Page forth"),
        Binding("home", "first", "First"),
        Binding("end", "last", "Last"),
    ]

    def __init__(self, write: Write, *, id: str) -> None:
        super().__init__(id=id)
        self._write = write
        self._items: Sequence[Any] = ()
        self._held: Sequence[Any] | None = None
        self._skipped = 0
        self._lines: list[Text] = []
        self.empty = Text("")

    def show(self, items: Sequence[Any]) -> None:
        """Show these items, unless somebody looks back."""
        self._items = items
        self._lay_out()

    def write_by(self, write: Write) -> None:
        """Write items in another way from now on."""
        self._write = write
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        strip = Strip(self._lines[y].render(self.app.console)).adjust_cell_length(self.size.width)
        return strip.apply_style(self.rich_style)

    def on_resize(self) -> None:
        """Fill the new size."""
        self._lay_out()

    def _lay_out(self) -> None:
        width, height = self.size.width, self.size.height
        items = self._items if self._held is None else self._held
        lines: list[Text] = []
        for index in range(len(items) - 1 - self._skipped, -1, -1):
            lines[:0] = self._write(items[index], width)
            if len(lines) >= height:
                break
        self._lines = lines[-height:] if lines else _folded(self.empty, width)
        for line in self._lines:
            line.truncate(width, overflow="ellipsis")
        self.border_subtitle = "" if self._held is None else "looking back, End goes on"
        self.refresh()

    def action_back(self, by: int) -> None:
        """Look at older items, or newer ones."""
        if self._held is None:
            self._held = list(self._items)
        self._skipped = max(min(self._skipped + by, len(self._held) - 1), 0)
        if not self._skipped:
            self._held = None
        self._lay_out()

    def action_page(self, by: int) -> None:
        """Look back by a panel."""
        self.action_back(by * max(len(self._lines) - 1, 1))

    def action_first(self) -> None:
        """Look at the oldest item."""
        self.action_back(len(self._items))

    def action_last(self) -> None:
        """Look at the newest again."""
        self.action_back(-len(self._items))

    def on_mouse_scroll_up(self, _: MouseScrollUp) -> None:
        """Look back with the wheel."""
        self.action_back(_WHEEL)

    def on_mouse_scroll_down(self, _: MouseScrollDown) -> None:
        """Look forth with the wheel."""
        self.action_back(-_WHEEL)


def _folded(text: Text, width: int) -> list[Text]:
    words, lines = text.plain.split(), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return [Text(line, text.style) for line in lines]
