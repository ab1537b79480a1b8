"""The screen of one twin: facts of an EVSE, a chart, events, OCPP frames, and keys that drive it.

Decides what is asked of the user before a command goes out. What a key means is in `keys`, what is told in `facts`.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Static

from bridge.watching import facts, headline, keys, palette
from bridge.watching.chart import AREA, LINE, chart, plot_width
from bridge.watching.dialogs import AskCard, AskFault
from bridge.watching.knowledge import Connector, Knowledge, Twin
from bridge.watching.ports import Line
from bridge.watching.tail import Tail

_SPANS_S = (60.0, 120.0, 300.0, 600.0)
_ROOMY = 100
_LABEL = 8


class Detail(Screen[None]):
    """Show one twin and drive it. `tick` is called some times a second; `cards` remembers the last card."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "Back"),
        Binding("o", "frames", "Frames"),
        *(Binding(key, f"press('{key}')", words) for key, words in keys.HELP.items()),
    ]

    def __init__(self, known: Knowledge, line: Line, twin: str, cards: list[str]) -> None:
        super().__init__()
        self._known = known
        self._line = line
        self._twin_id = twin
        self._cards = cards
        self._number = 1
        self._opened = time.monotonic()
        self._seen: Any = None
        self._title = Static(classes="headline")
        self._station = Static(classes="headline")
        self._banner = Static(classes="banner")
        self._facts = Static(id="facts")
        self._chart = Static(id="chart")
        self._events = Tail(self._event, id="events")
        self._frames = Tail(self._frame, id="frames")
        self._outcome = Static(id="outcome")
        self._keys = Static(classes="keys")

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield self._title
        yield self._station
        yield self._banner
        with Horizontal(id="upper"):
            yield self._facts
            yield self._chart
        with Horizontal(id="lower"):
            yield self._events
            yield self._frames
        yield self._outcome
        yield self._keys

    def on_mount(self) -> None:
        """Begin to hear frames."""
        self._events.border_title = "Events"
        self._frames.border_title = "OCPP"
        self._chart.border_title = Text.assemble("Power ", ("█", AREA), " and limit ", ("╌", LINE), " in kW")
        self._frames.focus()
        self.tick()
        self.run_worker(self._line.follow(self._twin_id))

    async def on_unmount(self) -> None:
        """Hear frames no longer."""
        await self._line.unfollow()

    # --- What is shown ------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Fill the new size."""
        self._seen = None
        self.call_after_refresh(self.tick)

    def tick(self) -> None:
        """Show what is new."""
        twin, now = self._known.twins.get(self._twin_id), time.monotonic()
        warning = headline.banner(self._line.link)
        seen = (twin and twin.version, int(now), warning, self._number, self._line.reach)
        if seen == self._seen:
            return
        self._seen = seen
        self._banner.display = bool(warning) or twin is None
        self._banner.update(warning or f"{self._twin_id} was removed. Esc goes back.")
        if twin is not None:
            self._show(twin, now)

    def _show(self, twin: Twin, now: float) -> None:
        if self._number not in twin.connectors and twin.connectors:
            self._number = min(twin.connectors)
        one = twin.connectors.get(self._number, Connector())
        self._title.update(facts.title(twin, self._known))
        self._station.update(facts.station(twin))
        several = len(twin.connectors) > 1
        self._facts.border_title = f"EVSE {self._number}" + (f" of {len(twin.connectors)}" if several else "")
        self._facts.border_subtitle = "1 … 9 choose" if several else ""
        self._facts.update(self._grid(one))
        self._chart.update(self._plot(one, now))
        self._events.empty = Text("What happens appears here.", palette.DIM)
        self._frames.empty = Text(self._why_no_frames(now), palette.DIM)
        self._events.show(twin.events)
        self._frames.show(twin.frames)
        self._keys.update(_hints(self.size.width))

    def _grid(self, one: Connector) -> Text:
        width, height = self._facts.content_size
        lines = []
        for name, text in facts.evse(one)[: max(height, 1)]:
            line = Text.assemble((f"{name:{_LABEL}}", palette.DIM), text)
            line.truncate(max(width, 1), overflow="ellipsis")
            lines.append(line)
        return Text("\n").join(lines)

    def _plot(self, one: Connector, now: float) -> Text:
        width, height = self._chart.content_size
        age = now - min(one.power.began or now, one.allowed.began or now)
        span = next((span for span in _SPANS_S if span >= age), _SPANS_S[-1])
        count = plot_width(width)
        lines = chart(one.power.sampled(now, span, count), one.allowed.sampled(now, span, count), span, height)
        return Text("\n").join(lines)

    def _why_no_frames(self, now: float) -> str:
        reach = self._line.reach
        if reach.trouble:
            return f"No frames: {'; '.join(reach.trouble)}"
        if self._line.link.state != "connected":
            return "No frames: there is no broker."
        if now - self._opened < 2:
            return "Asking the daemon for frames."
        return "Frames appear here as they come."

    def _event(self, happened: Any, _: int) -> list[Text]:
        twin = self._known.twins.get(self._twin_id)
        return [facts.event(happened, numbered=twin is not None and len(twin.connectors) > 1)]

    def _frame(self, shown: Any, width: int) -> list[Text]:
        return [facts.frame(shown, width)]

    # --- Keys ---------------------------------------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """Choose an EVSE by its number."""
        twin = self._known.twins.get(self._twin_id)
        if event.key.isdecimal() and twin is not None and int(event.key) in twin.connectors:
            self._number = int(event.key)
            self.tick()

    def action_back(self) -> None:
        """Go back to all twins, or from the frames to the twin."""
        if self.has_class("frames-only"):
            self.action_frames()
        else:
            self.app.pop_screen()

    def action_frames(self) -> None:
        """Show frames whole, or a line each."""
        whole = not self.has_class("frames-only")
        self.set_class(whole, "frames-only")
        self._frames.write_by(facts.whole_frame if whole else self._frame)
        self._frames.focus()

    def action_press(self, key: str) -> None:
        """Send what a key means, after asking what it needs."""
        twin = self._known.twins.get(self._twin_id)
        if twin is None:
            return
        if key == "c":
            self.app.push_screen(AskCard(self._likely_card(twin)), self._swipe)
        elif key == "f":
            self.app.push_screen(AskFault(faulted=keys.is_faulted(twin, self._number)), self._fault)
        else:
            self._send(key)

    def _likely_card(self, twin: Twin) -> str:
        if self._cards:
            return self._cards[-1]
        return twin.connectors.get(self._number, Connector()).evse.id_tag or ""

    def _swipe(self, card: str | None) -> None:
        if card:
            self._cards.append(card)
            self._send("c", card)

    def _fault(self, code: str | None) -> None:
        if code:
            self._send("f", code)

    def _send(self, key: str, value: str = "") -> None:
        twin = self._known.twins.get(self._twin_id)
        if twin is not None:
            self.run_worker(self._carry_out(keys.order(key, twin, self._number, value)))

    async def _carry_out(self, order: keys.Order) -> None:
        self._outcome.update(Text(f"{order.words} …", palette.DIM))
        answer = await self._line.command(order.topic, order.fields)
        words, taken = keys.outcome(order.words, answer)
        self._outcome.update(Text(f"{'✔' if taken else '✖'} {words}", palette.GOOD if taken else palette.BAD))


def _hints(width: int) -> Text:
    long = width > _ROOMY
    hints = [(key, word[long]) for key, word in keys.HINTS.items()]
    gap = "  " if long else " "
    text = Text.assemble(*(part for key, word in hints for part in ((f"{gap}{key}", palette.KEY), f" {word}")))
    text.truncate(width)
    return text
