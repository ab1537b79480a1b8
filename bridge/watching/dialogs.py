"""The small windows of `watch`: which card, which fault, and the help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from bridge.watching import keys, looks, palette
from twin.model.terms import ErrorCode

_MAX_ID_TAG = 20  # OCPP 1.6 §7.28


class AskCard(ModalScreen[str]):
    """Ask for an idTag; the result is empty when nobody wants to swipe."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Cancel")]

    def __init__(self, last: str) -> None:
        super().__init__()
        self._last = last

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog") as window:
            window.border_title = "Swipe a card"
            yield Input(self._last, placeholder="idTag, such as 04A2B3C4", max_length=_MAX_ID_TAG)
            yield Static("Enter swipes it, Esc leaves", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was entered."""
        if card := event.value.strip():
            self.dismiss(card)


class AskFault(ModalScreen[str]):
    """Ask for an error code, NoError to clear all faults; the result is empty when nothing shall happen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss('')", "Cancel")]

    def __init__(self, *, faulted: bool) -> None:
        super().__init__()
        self._faulted = faulted

    def compose(self) -> ComposeResult:
        """Lay it out."""
        codes = [code.value for code in ErrorCode if code is not ErrorCode.NO_ERROR]
        with Vertical(classes="dialog") as window:
            window.border_title = "Which fault"
            yield OptionList(Option("clear all faults", ErrorCode.NO_ERROR), *(Option(code, code) for code in codes))
            yield Static("Enter takes it, Esc leaves", classes="hint")

    def on_mount(self) -> None:
        """Begin with what is likely."""
        self.query_one(OptionList).highlighted = 0 if self._faulted else 1

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take what was chosen."""
        self.dismiss(event.option.id)


class Help(ModalScreen[None]):
    """Tell what the keys do and what the signs mean."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog help") as window:
            window.border_title = "Help"
            window.border_subtitle = "Esc closes"
            yield Static(_help())


def _help() -> Group:
    left = Text("\n\n").join((_section("All twins", _OVERVIEW, 7), _section("Everywhere", _EVERYWHERE, 7)))
    grid = Table.grid(padding=(0, 2))
    grid.add_row(left, _section("One twin", _DETAIL, 4))
    return Group(grid, Text(), _signs())


def _section(title: str, told: Iterable[tuple[str, str]], width: int) -> Text:
    text = Text.assemble((title, "bold underline"))
    for key, words in told:
        text.append(f"\n{key:{width}} ", palette.KEY).append(words)
    return text


def _signs() -> Text:
    signs = [Text(f"{sign} {name}", style) for name, (sign, style) in looks.STATUSES.items()]
    return Text("\n").join(Text("   ").join(some) for some in (signs[:5], signs[5:]))


_OVERVIEW = (
    ("↑ ↓", "choose a twin"),
    ("Enter", "open it"),
    ("/", "filter by parts of names,"),
    ("", "statuses, cards; Esc clears"),
    ("s", "sort by the next column"),
    ("S", "turn the order around"),
)
_DETAIL = (
    *keys.HELP.items(),
    ("1…9", "choose the EVSE"),
    ("o", "OCPP frames whole, and back"),
    ("Tab", "choose the panel that ↑ ↓ move"),
)
_EVERYWHERE = (
    ("Esc", "back"),
    ("q", "quit, as Ctrl-C"),
    ("", "CS: Central System"),
    ("● ○", "connected, offline"),
    ("◐", "not accepted yet"),
    ("◌ ·", "no mains, not running"),
)
