"""The table of twins: draws the rows that can be seen, keeps the cursor on its twin, and redraws what has changed.

Of thousands of twins only those on the screen cost anything at each look. What a cell holds is `rows`'s business.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from bridge.watching.knowledge import Knowledge, Twin
from bridge.watching.rows import Column, columns, gap, ordered, widths

_WHEEL = 3


class TwinTable(Widget, can_focus=True):
    """Show the twins that a filter lets through. `look` draws what is new."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"twin-table--head", "twin-table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up"),
        Binding("down,j", "move(1)", "Down"),
        Binding("pageup", "page(-1)", "Page up"),
        Binding("pagedown,space", "page(1)", "Page down"),
        Binding("home", "end(0)", "First"),
        Binding("end", "end(1)", "Last"),
        Binding("enter", "open", "Open"),
        Binding("s", "sort(1)", "Sort"),
        Binding("S", "turn", "Turn around"),
    ]

    class Opened(Message):
        """Tell that somebody wants to see a twin."""

        def __init__(self, twin: str) -> None:
            self.twin = twin
            super().__init__()

    def __init__(self, known: Knowledge) -> None:
        super().__init__()
        self._known = known
        self._words: list[str] = []
        self._sorted_by = "Twin"
        self._backwards = False
        self._columns: list[Column] = columns(0)
        self._widths: list[int] = widths(self._columns, 0)
        self._rows: list[Twin] = []
        self._members = -1
        self._top = 0
        self._cursor = 0
        self._chosen: str | None = None
        self._drawn: list[object] = []

    # --- What is shown ------------------------------------------------------------------------------------------------

    @property
    def shown(self) -> int:
        """Return how many twins the filter lets through."""
        return len(self._rows)

    @property
    def chosen(self) -> str | None:
        """Return the twin that the cursor is on."""
        return self._chosen

    @property
    def place(self) -> str:
        """Say which rows can be seen."""
        last = min(self._top + self._height, len(self._rows))
        return f"{self._top + 1:,}–{last:,} of {len(self._rows):,}" if self._rows else "none"

    def narrow(self, words: Sequence[str]) -> None:
        """Show only the twins that have all of these words."""
        self._words = list(words)
        self._begin_anew()

    def look(self) -> None:
        """Put the rows in order and redraw the lines that changed."""
        if self._sorted_by != "Twin" or self._words or self._members != self._known.members:
            self._members = self._known.members
            column = next((one for one in self._columns if one.title == self._sorted_by), self._columns[0])
            self._rows = ordered(self._known, self._words, column, backwards=self._backwards)
            self._find_cursor()
        self._redraw()

    def _begin_anew(self) -> None:
        """Let the first row be the chosen one: the order is another."""
        self._chosen, self._cursor, self._top, self._members = None, 0, 0, -1
        self.look()

    def _find_cursor(self) -> None:
        """Let the cursor stay with its twin when rows move."""
        ids = [twin.id for twin in self._rows]
        if self._chosen in ids:
            self._cursor = ids.index(self._chosen)
        self._clamp()

    def _clamp(self) -> None:
        self._cursor = max(min(self._cursor, len(self._rows) - 1), 0)
        self._chosen = self._rows[self._cursor].id if self._rows else None
        self._top = max(min(self._top, len(self._rows) - self._height), 0)
        self._top = max(min(self._top, self._cursor), self._cursor - self._height + 1, 0)

    def _redraw(self) -> None:
        second = int(time.monotonic())
        marks: list[object] = [(self._sorted_by, self._backwards)]
        for index in range(self._top, min(self._top + self._height, len(self._rows))):
            twin = self._rows[index]
            ticking = second if any(one.session.active for one in twin.connectors.values()) else 0
            marks.append((twin.id, twin.version, index == self._cursor, ticking, self._known.runs(twin)))
        before, self._drawn = self._drawn, marks
        if len(before) != len(marks):
            self.refresh()
            return
        changed = [Region(0, y, self.size.width, 1) for y, mark in enumerate(marks) if mark != before[y]]
        if changed:
            self.refresh(*changed)

    # --- Drawing ------------------------------------------------------------------------------------------------------

    @property
    def _height(self) -> int:
        return max(self.size.height - 1, 1)

    def render_line(self, y: int) -> Strip:
        """Draw a line: the head, or a row."""
        width = self.size.width
        if y == 0:
            style = self.get_component_rich_style("twin-table--head")
            return self._strip([Text(self._title(column)) for column in self._columns]).apply_style(style)
        index = self._top + y - 1
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        twin = self._rows[index]
        strip = self._strip(
            [one.cell(twin, self._known, size) for one, size in zip(self._columns, self._widths, strict=True)]
        )
        if index == self._cursor:
            return strip.apply_style(self.get_component_rich_style("twin-table--cursor"))
        return strip.apply_style(self.rich_style)

    def _title(self, column: Column) -> str:
        if column.title != self._sorted_by:
            return column.title
        return column.title + ("▲" if self._backwards else "▼")

    def _strip(self, cells: Sequence[Text]) -> Strip:
        for cell, column, size in zip(cells, self._columns, self._widths, strict=True):
            cell.truncate(size, overflow="ellipsis")
            cell.align(column.align, size)
        line = Text.assemble(" ", Text(" " * gap(self.size.width)).join(cells))
        return Strip(line.render(self.app.console)).adjust_cell_length(self.size.width)

    def on_resize(self, event: Resize) -> None:
        """Choose the columns that fit."""
        self._columns = columns(event.size.width)
        self._widths = widths(self._columns, event.size.width)
        self._members = -1
        self._drawn = []
        if self._sorted_by not in [one.title for one in self._columns]:
            self._sorted_by = "Twin"
        self.look()

    # --- Keys and mouse -----------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._cursor += by
        self._clamp()
        self._redraw()

    def action_page(self, by: int) -> None:
        """Move the cursor by some screens."""
        self.action_move(by * max(self._height - 1, 1))

    def action_end(self, end: int) -> None:
        """Move the cursor to the first or the last row."""
        self.action_move(len(self._rows) if end else -len(self._rows))

    def action_open(self) -> None:
        """Show the twin under the cursor."""
        if self._chosen is not None:
            self.post_message(self.Opened(self._chosen))

    def action_sort(self, by: int) -> None:
        """Sort by the next column."""
        titles = [one.title for one in self._columns]
        place = titles.index(self._sorted_by) if self._sorted_by in titles else 0
        self._sort_by(titles[(place + by) % len(titles)])

    def action_turn(self) -> None:
        """Turn the order around."""
        self._backwards = not self._backwards
        self._begin_anew()

    def _sort_by(self, title: str) -> None:
        self._sorted_by, self._backwards = title, False
        self._begin_anew()

    def on_click(self, event: Click) -> None:
        """Sort by a column whose head was clicked, choose a row, or open it."""
        if event.y == 0:
            left = 1
            for column, size in zip(self._columns, self._widths, strict=True):
                if left <= event.x < left + size:
                    self.action_turn() if column.title == self._sorted_by else self._sort_by(column.title)
                left += size + gap(self.size.width)
            return
        self.action_move(self._top + event.y - 1 - self._cursor)
        if event.chain > 1:
            self.action_open()

    def on_mouse_scroll_down(self, _: MouseScrollDown) -> None:
        """Go down with the wheel."""
        self.action_move(_WHEEL)

    def on_mouse_scroll_up(self, _: MouseScrollUp) -> None:
        """Go up with the wheel."""
        self.action_move(-_WHEEL)
