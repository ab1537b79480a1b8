"""What is published, when: one task that hands over states, then what happened, as fast as the broker takes it.

States are coalesced, events and results are kept in order. After each connect everything is published again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any, Literal

from bridge import render
from bridge.backlog import Backlog
from bridge.event_log import EventLog
from bridge.lanes import Lanes, Left
from bridge.options import MqttOptions
from bridge.ports import Fleet, Now, Outgoing, Outlet
from bridge.profiles import EvsePart, Output
from bridge.refusals import Code, Complaint, Complaints
from bridge.render import Outcome
from bridge.states import States
from bridge.topics import Topics
from bridge.tracing import Tracing
from twin.errors import StoreError
from twin.fleet import Frame
from twin.model.effects import Note
from twin.model.terms import Instant, Part

_STATION: Part = ("station", 0)


class Publisher:
    """Publish what twins show and tell; be the fleet's listener.

    `attach` gives it the fleet before `run`. `on_failed` is told when the store is lost: the daemon must stop.
    `tracing` says which twins' frames are published, `output` what is published otherwise.
    """

    def __init__(
        self, options: MqttOptions, *, now: Now, on_failed: Callable[[StoreError], None] = lambda _: None
    ) -> None:
        self._mask_id_tags = options.mask_id_tags
        self.tracing = Tracing(options.trace)
        self._topics = Topics(options.base_topic, options.node)
        self._now = now
        self._on_failed = on_failed
        self._states = States(options, self._topics)
        self.output = options.output
        self._backlog = Backlog(options.max_backlog)
        self._lanes = Lanes(self._states, self._backlog)
        self._complaints = Complaints(options.error_interval_s)
        self._event_log = EventLog()
        self._on_connect: Callable[[], None] = lambda: None
        self._broker_changed: Callable[[], None] = lambda: None
        self._station_changed: Callable[[str], None] = lambda _: None
        self._seq: dict[str, int] = {}
        self._outlet: Outlet | None = None
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._timer: asyncio.Handle | None = None
        self._timer_due = 0.0
        self.told: Counter[str] = Counter()
        """How many events of each type there were."""

    def attach(self, fleet: Fleet) -> None:
        """Take the fleet whose twins are shown."""
        self._states.attach(fleet)

    def follow(self, output: Output, left: Iterable[EvsePart], cleared: Callable[[], None]) -> None:
        """Publish as a profile says from now on, beginning with everything.

        `left` may stand retained from before; `cleared` is called when nothing hidden of it can stand any more.
        """
        self.output = output
        self._states.follow(output, left, cleared)
        if self._outlet is not None:
            self._lanes.sweep(self._states.everything())
            self._wake.set()

    def watch_stations(self, changed: Callable[[str], None]) -> None:
        """Tell of each twin whose station has changed."""
        self._station_changed = changed

    @property
    def dropped_total(self) -> int:
        """Return how many events, results and errors were given up."""
        return sum(self.dropped.values())

    @property
    def dropped(self) -> dict[str, int]:
        """Return how many of them were given up for which reason."""
        return {
            "backlog_full": self._backlog.dropped,
            "too_many_errors": self._complaints.dropped,
            "unsendable": self._lanes.unsendable,
        }

    @property
    def sent_total(self) -> int:
        """Return how many messages were handed over."""
        return self._lanes.sent_total

    @property
    def waiting(self) -> int:
        """Return how many events, results and errors wait for the broker."""
        return len(self._backlog)

    # --- The fleet tells ----------------------------------------------------------------------------------------------

    def changed(self, twin_id: str, parts: AbstractSet[Part]) -> None:
        """Note that parts of a twin's view are new."""
        self._states.changed(twin_id, parts, asyncio.get_running_loop().time())
        self._wake.set()
        if _STATION in parts:
            self._station_changed(twin_id)

    def noted(self, twin_id: str, note: Note) -> None:
        """Publish a note as an event, and write it to the log."""
        self.told[note.name] += 1
        is_told = self.output.tells(note.name, note.request_id)
        seq = self._seq[twin_id] = self._seq.get(twin_id, 0) + is_told
        event = render.event(seq, note, mask_id_tags=self._mask_id_tags)
        self._event_log.tell(note.name, twin_id, note.evse, event["data"])
        if is_told:
            self._happened(self._topics.event(twin_id), event)

    def frame(self, twin_id: str, direction: Literal["sent", "received"], frame: Frame, at: Instant) -> None:
        """Publish an OCPP frame of a traced twin; frames are not kept while the broker is away."""
        if self._outlet is None or not self.traces(twin_id):
            return
        fields = render.trace(frame, at, mask_id_tags=self._mask_id_tags)
        self._lanes.trace(Outgoing(self._topics.trace(twin_id, direction), render.encode(fields), 0, retain=False))
        self._wake.set()

    def traces(self, twin_id: str) -> bool:
        """Tell whether a twin's frames are published."""
        return twin_id in self.tracing

    def failed(self, error: StoreError) -> None:
        """Pass on that the store is lost."""
        self._on_failed(error)

    # --- The router and the node tell ---------------------------------------------------------------------------------

    def result(self, topic: str, outcome: Outcome, correlation: bytes | None = None) -> None:
        """Publish the result of a command on an absolute topic."""
        self._happened(topic, render.result(outcome, self._now(), mask_id_tags=self._mask_id_tags), correlation)

    def would_collapse(self, topic: str, code: Code) -> bool:
        """Tell whether a complaint would only be counted, so that its wording does not matter."""
        return self._complaints.is_open(topic, code)

    def complain(self, complaint: Complaint) -> None:
        """Publish a refusal on the node's error topic, or count it."""
        at_once = self._complaints.add(complaint, asyncio.get_running_loop().time())
        if at_once is not None:
            self._error(at_once)
        self._arm()

    def document(self, topic: str, payload: bytes, *, qos: int) -> None:
        """Publish something retained about the node, now and after each connect."""
        self._lanes.document(Outgoing(topic, payload, qos, retain=True))
        self._wake.set()

    def came(self, twin_id: str) -> None:
        """Show a twin that was added or changed."""
        self._lanes.sweep(self._states.of_twin(twin_id))
        self._wake.set()

    def went(self, twin_id: str, evses: int, first: int = 0) -> None:
        """Clear what stands of a twin that was removed, or of its EVSEs from `first` on."""
        for message in self._states.clearings(twin_id, evses, first):
            self._lanes.happen(message)
        self._wake.set()

    @property
    def is_connected(self) -> bool:
        """Tell whether there is a broker now."""
        return self._outlet is not None

    def urge(self, message: Outgoing) -> bool:
        """Publish before all else; False while there is no broker, for what is urgent is not kept."""
        if self._outlet is None:
            return False
        self._lanes.urge(message)
        self._wake.set()
        return True

    def on_connect(self, connected: Callable[[], None]) -> None:
        """Have somebody told of each connect."""
        self._on_connect = connected

    def watch_broker(self, changed: Callable[[], None]) -> None:
        """Have somebody told whenever the broker came or went."""
        self._broker_changed = changed

    def hand_over(self, message: Outgoing) -> None:
        """Publish a message after what is waiting; it is not kept while the broker is away."""
        if self._outlet is not None:
            self._lanes.sweep((message,))
            self._wake.set()

    # --- The client tells ---------------------------------------------------------------------------------------------

    def connected(self, outlet: Outlet) -> None:
        """Publish everything, paced by what the outlet takes."""
        self._outlet = outlet
        self.document(self._topics.node_availability, b"online", qos=1)
        self._lanes.begin(self._topics.node_availability)
        self._on_connect()
        self._broker_changed()

    def disconnected(self, uncertain: list[Outgoing]) -> None:
        """Keep what happened until the next connect; `uncertain` was sent, but not confirmed."""
        self._outlet = None
        self._drained.set()
        self._lanes.interrupt(uncertain)
        self._broker_changed()

    def wake(self) -> None:
        """Go on: the outlet takes more."""
        self._wake.set()

    def ending(self) -> None:
        """Learn that the daemon ends, and its connections with it."""
        self._event_log.ending()

    async def farewell(self) -> None:
        """Publish what is left, then that twins and node are offline; return when all is handed over.

        Returns at once while there is no broker.
        """
        await self._drain()
        node = Outgoing(self._topics.node_availability, b"offline", 1, retain=True)
        self._lanes.sweep_only(chain(self._states.goodbyes(), (node,)))
        await self._drain()

    # --- The task -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hand messages over for ever, in slices, so that nothing else has to wait."""
        more = False
        try:
            while True:
                if not more:
                    await self._wake.wait()
                self._wake.clear()
                more = self._hand_over()
                self._arm()
                await asyncio.sleep(0)
        finally:
            self._event_log.close()

    async def _drain(self) -> None:
        if self._outlet is None:
            return
        self._drained.clear()
        self._wake.set()
        await self._drained.wait()

    def _hand_over(self) -> bool:
        """Hand a slice of everything over; tell whether there is more that the outlet would take."""
        if self._outlet is None:
            return False
        left = self._lanes.hand_over(self._outlet)
        if left is Left.NOTHING:
            self._drained.set()
        return left is Left.MORE

    def _happened(self, topic: str, fields: dict[str, Any], correlation: bytes | None = None) -> None:
        self._lanes.happen(Outgoing(topic, render.encode(fields), 1, retain=False, keep=True, correlation=correlation))
        self._wake.set()

    def _error(self, complaint: Complaint) -> None:
        self._happened(self._topics.error, render.error(complaint, mask_id_tags=self._mask_id_tags))

    def _arm(self) -> None:
        due = [at for at in (self._states.next_due(), self._complaints.next_due()) if at is not None]
        if due and (self._timer is None or self._timer_due > min(due)):
            if self._timer is not None:
                self._timer.cancel()
            # Kept here: for what is due at once, uvloop returns a handle that does not know its time.
            self._timer_due = min(due)
            self._timer = asyncio.get_running_loop().call_at(self._timer_due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        self._states.due(now)
        for complaint in self._complaints.due(now):
            self._error(complaint)
        self._arm()
        self._wake.set()
