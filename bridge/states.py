"""What twins show: which parts changed, rendered when the broker takes them, left out when they say nothing new.

Ten changes of a part are one message; a part that waits for a slow broker is shown as it is when its turn comes.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Literal

import structlog

from bridge import render
from bridge.options import MqttOptions
from bridge.pace import Pace
from bridge.ports import Fleet, Outgoing
from bridge.topics import Topics, evse_number
from twin.model.terms import Part
from twin.model.view import EvseView

_EVSE_PARTS: tuple[Literal["evse", "limit", "meter", "session"], ...] = ("evse", "limit", "meter", "session")

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
        self._pace = Pace(options.meter_interval_s, options.session_interval_s)

    def attach(self, fleet: Fleet) -> None:
        """Take the fleet whose twins are shown."""
        self._fleet = fleet

    def changed(self, twin: str, parts: Iterable[Part], now: float) -> None:
        """Note that parts are new; a meter waits for its interval."""
        for part in parts:
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
        return (message for twin in self._ids() for message in self._whole(twin))

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
            yield Outgoing(self._topics.part(twin, ("station", 0)), b"", 1, retain=True, keep=True)
        for number in range(max(first, 1), evses + 1):
            for kind in _EVSE_PARTS:
                yield Outgoing(self._topics.part(twin, (kind, number)), b"", 1, retain=True, keep=True)
        if not first:
            yield Outgoing(self._topics.availability(twin), b"", 1, retain=True, keep=True)

    def lives(self, topic: str) -> bool:
        """Tell whether a topic of `clearings` belongs to a twin that is there again."""
        twin, *rest = (self._topics.relative(topic) or "").split("/")
        if self._fleet is None or twin not in self._fleet.ids:
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
        self._dirty.update(dict.fromkeys(self._pace.due(now)))

    def _ids(self) -> list[str]:
        return [] if self._fleet is None else list(self._fleet.ids)

    def _parts(self, twin: str) -> Iterator[Part]:
        yield ("station", 0)
        if self._fleet is not None and twin in self._fleet.ids:
            for number in range(1, self._fleet.evse_count(twin) + 1):
                yield from ((kind, number) for kind in _EVSE_PARTS)

    def _take(self, twin: str, part: Part) -> Outgoing | None:
        self._dirty.pop((twin, part), None)
        if self._fleet is None or twin not in self._fleet.ids:
            self._shown.pop(twin, None)
            self._pace.forget(twin)
            return None
        try:
            return self._shown_anew(self._fleet, twin, part)
        except Exception:  # noqa: BLE001 - one station's fault must not stop the publisher
            _log.exception("publish_failed", twin=twin, part=part)
            return None

    def _shown_anew(self, fleet: Fleet, twin: str, part: Part) -> Outgoing | None:
        view = fleet.view_of(twin, part)
        if isinstance(view, EvseView):
            now = asyncio.get_running_loop().time()
            self._pace.charging(twin, part[1], flows=view.charging, now=now)
        # Two looks: most of what may have changed did not, and that is cheap to see; other decimals may look the same.
        place = _place(part)
        shown = self._marks(fleet, twin, place)
        if shown[place] == (mark := render.mark(view)):
            return None
        shown[place] = mark
        fields = render.state(view, mask_id_tags=self._mask_id_tags)
        payload = render.encode(fields)
        if shown[place + 1] == (mark := render.fingerprint(fields, payload)):
            return None
        shown[place + 1] = mark
        return Outgoing(self._topics.part(twin, part), payload, 0 if part[0] == "meter" else 1, retain=True)

    def _marks(self, fleet: Fleet, twin: str, place: int) -> array[int]:
        """Return what was shown of a twin, as two hashes for each part: a dictionary would weigh five times as much."""
        found = self._shown.get(twin)
        if found is None or place >= len(found):  # it may have more EVSEs now
            parts = 1 + len(_EVSE_PARTS) * fleet.evse_count(twin)
            found = self._shown[twin] = array("q", bytes(16 * parts))
        return found


def _place(part: Part) -> int:
    """Return where a part's hashes stand: those of the station first."""
    kind, number = part
    return 0 if kind == "station" else 2 * (1 + len(_EVSE_PARTS) * (number - 1) + _EVSE_PARTS.index(kind))
