"""The program of `ocpp-twin watch`: its screens, its clock, its connection, its end."""

from __future__ import annotations

import asyncio
import signal
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from bridge.options import MqttOptions
from bridge.watching.detail import Detail
from bridge.watching.dialogs import Help
from bridge.watching.feed import Feed
from bridge.watching.knowledge import Knowledge
from bridge.watching.overview import Overview
from bridge.watching.ports import Line
from bridge.watching.table import TwinTable

LOOK_S = 0.2
"""How often the screen is brought up to date."""


def run(options: MqttOptions) -> int:
    """Show twins until somebody quits; return the exit code."""
    known = Knowledge(options.base_topic)
    app = WatchApp(known, Feed(options, known), options.base_topic.strip("/"))
    app.run()
    return app.return_code or 0


class WatchApp(App[None]):
    """Show what a broker tells of twins."""

    TITLE = "ocpp-twin"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "watch.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", priority=True),
        Binding("q", "quit", "Quit"),
        Binding("question_mark", "help", "Help"),
    ]

    def __init__(self, known: Knowledge, line: Line, root: str) -> None:
        super().__init__()
        self._known = known
        self._line = line
        self._root = root
        self._cards: list[str] = []

    async def on_mount(self) -> None:
        """Connect, and begin to look."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        await self.push_screen(Overview(self._known, self._line, self._root))
        self.run_worker(self._line.run(), name="connection")
        self.set_interval(LOOK_S, self.look)

    async def on_unmount(self) -> None:
        """End what was asked for."""
        await self._line.close()

    def look(self) -> None:
        """Bring the screen up to date; those below it wait until they are seen."""
        screen = self.screen
        if isinstance(screen, Overview | Detail):
            screen.tick()

    def on_twin_table_opened(self, event: TwinTable.Opened) -> None:
        """Show a twin."""
        self.push_screen(Detail(self._known, self._line, event.twin, self._cards))

    def action_help(self) -> None:
        """Tell what the keys do."""
        if not isinstance(self.screen, Help):
            self.push_screen(Help())
