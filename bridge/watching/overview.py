"""The first screen of `watch`: the fleet's sums, the table of all twins, and a filter."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Input, Static

from bridge.watching import headline, looks, palette
from bridge.watching.knowledge import Knowledge
from bridge.watching.ports import Line
from bridge.watching.table import TwinTable


class Overview(Screen[None]):
    """Show all twins. `tick` is called some times a second."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("escape", "clear", "Clear the filter"),
    ]

    def __init__(self, known: Knowledge, line: Line, root: str) -> None:
        super().__init__()
        self._known = known
        self._line = line
        self._root = root
        self._seen: object = None
        self._table = TwinTable(known)
        self._connections = Static(classes="headline")
        self._sums = Static(classes="headline")
        self._banner = Static(classes="banner")
        self._nothing = Static(id="nothing")
        self._emptiness = Container(self._nothing, id="emptiness")
        self._filter = Input(placeholder="part of a name, a status or a card", classes="filter")
        self._keys = Static(classes="keys")

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield self._connections
        yield self._sums
        yield self._banner
        yield self._table
        yield self._emptiness
        yield self._filter
        yield self._keys

    def on_mount(self) -> None:
        """Begin with the table."""
        self._filter.display = False
        self._table.focus()
        self.tick()

    def on_screen_resume(self) -> None:
        """Show what came meanwhile."""
        self.tick()

    def tick(self) -> None:
        """Show what is new."""
        known, line = self._known, self._line
        typed = (self._filter.value, self._filter.display)
        seen = (known.version, line.link, int(time.monotonic()), self._table.place, self.size, typed)
        if seen == self._seen:
            return
        self._seen = seen
        self._connections.update(headline.connections(known, line.link, line.address))
        self._sums.update(headline.sums(known))
        warning = headline.banner(line.link)
        self._banner.display = bool(warning) and bool(known.twins)
        self._banner.update(warning)
        self._table.look()
        self._table.display = bool(self._table.shown)
        self._emptiness.display = not self._table.shown
        if not self._table.shown:
            self._nothing.update(self._why_empty())
        self._keys.update(self._hints())

    def _why_empty(self) -> Text:
        if self._known.twins:
            twins = looks.plural(len(self._known.twins), "twin")
            return Text(f"Nothing of {twins} matches {self._filter.value!r}. Esc clears the filter.")
        return headline.emptiness(self._known, self._line.link, self._root, self._line.address, time.monotonic())

    def _hints(self) -> Text:
        words = (("Enter", "open"), ("/", "filter"), ("s S", "sort"), ("?", "help"), ("q", "quit"))
        text = Text.assemble(*(part for key, word in words for part in ((f" {key}", palette.KEY), (f" {word} ", ""))))
        place = self._table.place
        if self._filter.value and not self._filter.display:
            place = f"filter {self._filter.value!r}: {place}"
        text.append(" " * max(self.size.width - text.cell_len - len(place) - 1, 1)).append(place, palette.DIM)
        return text

    # --- Keys ---------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Let one type a filter."""
        self._filter.display = True
        self.set_focus(self._filter)  # at once, so that what is typed next is not lost

    def action_clear(self) -> None:
        """Show all twins again."""
        self._filter.value = ""
        self._close_filter()

    def _close_filter(self) -> None:
        self._filter.display = False
        self._table.focus()
        self.tick()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the table while one types."""
        self._table.narrow(event.value.split())
        self.tick()

    def on_input_submitted(self) -> None:
        """Go back to the table, and keep the filter."""
        self._close_filter()
