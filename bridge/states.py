"""What twins show: which parts changed, rendered when the broker takes them, left out when they say nothing new.

Ten changes of a part are one message; a part that waits for a slow broker is shown as it is when its turn comes.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import structlog

from bridge import render
from bridge.options import MqttOptions
from bridge.pace import Pace
from bridge.ports import Fleet, Outgoing
from bridge.profiles import EVSE_PARTS, EvsePart, Output
from bridge.topics import Topics, evse_number
from twin.model.terms import Part
from twin.model.view import EvseView

_log = structlog.get_logger("publisher")


class States:
    """Hold the set of changed parts and what was shown of each. Time is the loop's, in seconds."""

    def __init__(self, options: MqttOptions, topics: Topics) -> None:
        self._mask_id_tags = options.mask_id_tags
        self._topics = topics
        self._fleet: Fleet | None = None
        # Ordered, because a dictionary from whose front things are taken is searched through from its old front.
        self._dirty: OrderedDict[tuple[str, Part], None] = OrderedDict()
        self._shown: dict[str, array[int]] = {}
        self._use(options.output)
        self._may_stand: frozenset[EvsePart] = frozenset()
        self._on_cleared: Callable[[], None] = lambda: None

    def attach(self, fleet: Fleet) -> None:
        """Take the fleet whose twins are shown."""
        self._fleet = fleet

    def follow(self, output: Output, left: Iterable[EvsePart], cleared: Callable[[], None]) -> None:
        """Publish as a profile says from now on, which `everything` begins.

        `left` may stand retained from before; `cleared` is called when nothing hidden of it can stand any more.
        """
        self._use(output)
        self._dirty.clear()
        self._may_stand = output.hidden.intersection(left)
        self._on_cleared = cleared

    def changed(self, twin: str, parts: Iterable[Part], now: float) -> None:
        """Note that parts are new; a meter waits for its interval."""
        for part in parts:
            if part[0] in self._hidden:
                continue
            if part[0] != "meter" or self._pace.meter_changed(twin, part[1], now):
                self._dirty[twin, part] = None

    def next(self) -> Outgoing | None:
        """Return the next changed part that says something new."""
        while self._dirty:
            twin, part = next(iter(self._dirty))
            limit: Part = ("limit", part[1])
            if part[0] == "meter" and (twin, limit) in self._dirty:
                part = limit  # a limit comes before what is measured under it
            message = self._take(twin, part)
            if message is not None:
                return message
        return None

    def everything(self) -> Iterator[Outgoing]:
        """Show all twins from the beginning: the broker may have forgotten everything."""
        # What changed so far is among that; shown by itself first, it would be shown twice.
        self._dirty.clear()
        self._shown.clear()
        return self._everything()

    def _everything(self) -> Iterator[Outgoing]:
        clearing = self._may_stand
        for twin in self._ids():
            yield from self._whole(twin)
            yield from self._blanks(twin, clearing)
        if clearing and clearing == self._may_stand:
            self._may_stand = frozenset()
            self._on_cleared()

    def of_twin(self, twin: str) -> Iterator[Outgoing]:
        """Show one twin from the beginning."""
        self._shown.pop(twin, None)
        return self._whole(twin)

    def _whole(self, twin: str) -> Iterator[Outgoing]:
        if self._fleet is None or twin not in self._fleet.ids:
            return  # removed since somebody wanted it shown
        yield self.availability(twin, "online")
        for part in self._parts(twin):
            message = self._take(twin, part)
            if message is not None:
                yield message

    def clearings(self, twin: str, evses: int, first: int = 0) -> Iterator[Outgoing]:
        """Clear the retained topics of a twin that had `evses` EVSEs; `first` above 0: only those from that EVSE on."""
        if not first:
            yield self._blank(twin, ("station", 0))
        for number in range(max(first, 1), evses + 1):
            for kind in EVSE_PARTS:
                yield self._blank(twin, (kind, number))
        if not first:
            yield Outgoing(self._topics.availability(twin), b"", 1, retain=True, keep=True)

    def lives(self, topic: str) -> bool:
        """Tell whether a topic of `clearings` belongs to a twin that is there again."""
        twin, *rest = (self._topics.relative(topic) or "").split("/")
        if self._fleet is None or twin not in self._fleet.ids or rest[-1] in self._hidden:
            return False
        return len(rest) < 2 or (evse_number(rest[0]) or 0) <= self._fleet.evse_count(twin)

    def goodbyes(self) -> Iterator[Outgoing]:
        """Say of all twins that they do not run any more."""
        return (self.availability(twin, "offline") for twin in self._ids())

    def availability(self, twin: str, word: Literal["online", "offline"]) -> Outgoing:
        """Say whether a twin runs."""
        return Outgoing(self._topics.availability(twin), word.encode(), 1, retain=True)

    def next_due(self) -> float | None:
        """Return when `due` has something to do."""
        return self._pace.next_due()

    def due(self, now: float) -> None:
        """Note that the meters and sessions whose interval is over are new."""
        for found in self._pace.due(now):
            self._dirty[found] = None
            self._overdue.add(found)

    def _ids(self) -> list[str]:
        return [] if self._fleet is None else list(self._fleet.ids)

    def _parts(self, twin: str) -> Iterator[Part]:
        yield ("station", 0)
        if self._fleet is not None and twin in self._fleet.ids:
            for number in range(1, self._fleet.evse_count(twin) + 1):
                yield from ((kind, number) for kind in self._output.shown)

    def _blanks(self, twin: str, kinds: Iterable[EvsePart]) -> Iterator[Outgoing]:
        """Clear what stands of a twin that runs; what it shows does not come again by itself."""
        if kinds and self._fleet is not None and twin in self._fleet.ids:
            for number in range(1, self._fleet.evse_count(twin) + 1):
                yield from (self._blank(twin, (kind, number)) for kind in sorted(kinds))

    def _blank(self, twin: str, part: Part) -> Outgoing:
        return Outgoing(self._topics.part(twin, part), b"", 1, retain=True, keep=True)

    def _use(self, output: Output) -> None:
        self._output = output
        self._hidden = output.hidden
        self._pace = Pace(output)
        self._overdue: set[tuple[str, Part]] = set()

    def _take(self, twin: str, part: Part) -> Outgoing | None:
        self._dirty.pop((twin, part), None)
        if self._fleet is None or twin not in self._fleet.ids:
            self._shown.pop(twin, None)
            self._pace.forget(twin)
            self._overdue.discard((twin, part))
            return None
        try:
            return self._shown_anew(self._fleet, twin, part)
        except Exception:  # noqa: BLE001 - one station's fault must not stop the publisher
            _log.exception("publish_failed", twin=twin, part=part)
            return None

    def _shown_anew(self, fleet: Fleet, twin: str, part: Part) -> Outgoing | None:
        view = fleet.view_of(twin, part)
        if isinstance(view, EvseView):
            self._flows(twin, part[1], view)
        is_overdue = (twin, part) in self._overdue
        self._overdue.discard((twin, part))
        # Two looks: most of what may have changed did not, and that is cheap to see; other decimals may look the same.
        place = _place(part)
        shown = self._marks(fleet, twin, place)
        mark = render.essence(view) if self._output.calm else render.mark(view)
        if shown[place] == mark and not (is_overdue and self._output.calm):
            self._may_wait(twin, part)
            return None
        shown[place] = mark
        fields = render.state(view, mask_id_tags=self._mask_id_tags)
        payload = render.encode(fields)
        if shown[place + 1] == (mark := render.fingerprint(fields, payload)):
            return None
        shown[place + 1] = mark
        return Outgoing(self._topics.part(twin, part), payload, 0 if part[0] == "meter" else 1, retain=True)

    def _flows(self, twin: str, number: int, view: EvseView) -> None:
        now = asyncio.get_running_loop().time()
        is_news = self._pace.charging(twin, number, flows=view.charging, now=now)
        # Where the next meter is a minute away, the last one must not say meanwhile that a car still charges.
        if is_news and self._output.calm and "meter" not in self._hidden:
            self._dirty[twin, ("meter", number)] = None

    def _may_wait(self, twin: str, part: Part) -> None:
        if self._output.calm and part[0] in ("station", "session"):
            self._pace.later(twin, part[0], part[1], asyncio.get_running_loop().time())

    def _marks(self, fleet: Fleet, twin: str, place: int) -> array[int]:
        """Return what was shown of a twin, as two hashes for each part: a dictionary would weigh five times as much."""
        found = self._shown.get(twin)
        if found is None or place >= len(found):  # it may have more EVSEs now
            parts = 1 + len(EVSE_PARTS) * fleet.evse_count(twin)
            found = self._shown[twin] = array("q", bytes(16 * parts))
        return found


def _place(part: Part) -> int:
    """Return where a part's hashes stand: those of the station first."""
    kind, number = part
    return 0 if kind == "station" else 2 * (1 + len(EVSE_PARTS) * (number - 1) + EVSE_PARTS.index(kind))
