"""A station: a twin, the dialect it speaks, and what is under way between it and the Central System.

The only class that the runtime touches. Decides what is stored after each input; must not know a single OCPP
message, nor what a twin does with an input. Nothing here waits, reads a clock or touches a socket.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from twin.errors import Rejected
from twin.model.effects import Effect
from twin.model.inputs import Command, JobEvent, LinkRefused
from twin.model.spec import Access, TwinSpec
from twin.model.terms import Gate, Instant, Part
from twin.model.twin import Twin
from twin.model.view import PartView, StationView, TwinFigures, TwinView
from twin.ocpp.dialect import DIALECTS
from twin.ocpp.exchange import Exchange
from twin.ocpp.outbox import Outbox, UserCall
from twin.turn import DropState, PutState, Turn

_STATION: Part = ("station", 0)
_DIALECT = DIALECTS["1.6"]


class Station:
    """Feed one twin its inputs and return what each causes outside.

    `subprotocols` are those to offer in the WebSocket handshake, `charging` says at how many EVSEs energy flows.
    """

    __slots__ = ("_exchange", "_marks", "_names", "_shown", "_twin", "charging", "spec", "subprotocols")

    def __init__(self, spec: TwinSpec, twin: Twin, exchange: Exchange, subprotocols: tuple[str, ...]) -> None:
        self.spec = spec
        self.subprotocols = subprotocols
        self.charging = 0
        self._twin = twin
        self._exchange = exchange
        self._shown = exchange.waiting
        # What is stored of each part, as a hash: the bytes themselves would double a station's memory, and a dictionary
        # of its own for each is three times as much as names that all share and an array.
        self._names: tuple[str, ...] = ()
        self._marks = array("q")

    @classmethod
    def start(
        cls,
        spec: TwinSpec,
        now: Instant,
        *,
        ids: Callable[[], str],
        parts: Mapping[str, bytes] = {},
        reports: Sequence[tuple[int, bytes]] = (),
        alive: Instant | None = None,
    ) -> tuple[Station, Turn]:
        """Start a station for the first time, or from what was stored. Raises SnapshotError.

        `parts` and `reports` are the stored rows, `alive` until when the program ran; `ids` never repeats itself.
        """
        dialect = _DIALECT(spec.keys, spec.csms.tolerant)
        if parts:
            twin = Twin.restore(spec, dialect.settings, parts, now, ids=ids)
        else:
            twin = Twin.new(spec, dialect.settings, now, ids=ids)
        exchange = Exchange(spec, twin, dialect, Outbox(spec.queue_limit, reports), ids)
        station = cls(spec, twin, exchange, (dialect.subprotocol,))
        station._keep(parts)
        turn = station._turn(twin.start(now, alive), now)
        station.charging = twin.charging
        return station, turn

    # --- What the runtime wants to know -------------------------------------------------------------------------------

    @property
    def wants_link(self) -> bool:
        """Tell whether the box wants to be connected."""
        return self._twin.wants_link

    @property
    def connected(self) -> bool:
        """Tell whether a connection stands."""
        return self._exchange.connected

    @property
    def queued(self) -> int:
        """Return how many messages wait that must not be lost."""
        return self._exchange.waiting

    def census(self) -> tuple[bool, int, int]:
        """Return what is counted of all stations: whether it is connected, EVSEs that charge, messages that wait."""
        exchange = self._exchange
        return exchange.connected, self.charging, exchange.waiting

    @property
    def ping_interval_s(self) -> int:
        """Return the seconds between WebSocket pings, 0 for none."""
        return self._twin.variables.integer("OCPPCommCtrlr.WebSocketPingInterval")

    @property
    def access(self) -> Access:
        """Return how the box proves who it is, and whom it trusts."""
        return self._twin.access

    def next_deadline(self) -> Instant | None:
        """Return when `tick` must be called at the latest, None for never."""
        mine, theirs = self._twin.next_deadline(), self._exchange.next_deadline()
        return min(mine, theirs) if mine is not None and theirs is not None else (theirs if mine is None else mine)

    def view(self, now: Instant) -> TwinView:
        """Show all of the twin."""
        view = self._twin.view(now)
        return msgspec.structs.replace(view, station=self._with_queue(view.station))

    def view_of(self, part: Part, now: Instant) -> PartView:
        """Show a part of the twin."""
        view = self._twin.view_of(part, now)
        return self._with_queue(view) if isinstance(view, StationView) else view

    def figures(self, now: Instant) -> TwinFigures:
        """Show the figures of the twin."""
        return self._twin.figures(self.queued, now)

    def _with_queue(self, view: StationView) -> StationView:
        return msgspec.structs.replace(view, queued_messages=self.queued)

    # --- Inputs -------------------------------------------------------------------------------------------------------

    def pace(self, *, paced: bool) -> None:
        """Learn whether time runs faster or slower than at the Central System: then its clock is not followed."""
        self._twin.pace(paced=paced)

    def command(self, command: Command, now: Instant) -> Turn:
        """Carry out a command. Raises Rejected; the twin is untouched then."""
        return self._turn(self._twin.command(command, now), now)

    def call(self, action: str, payload: Any, tag: str, now: Instant) -> Turn:
        """Make a user's CALL; what becomes of it follows in a later turn's `calls`. Raises Rejected."""
        if not self._exchange.listening or self._twin.gate is not Gate.OPEN:
            raise Rejected("offline", "There is no connection on which the Central System accepted this charge point")
        self._exchange.call(UserCall(tag, action, _encoded(payload)))
        turn = Turn()
        self._exchange.pump(turn, now)
        return turn

    def send_raw(self, text: str, _now: Instant) -> Turn:
        """Put text on the wire as it is. Raises Rejected."""
        if not self._exchange.listening:
            raise Rejected("offline", "There is no connection to the Central System")
        turn = Turn()
        self._exchange.send_raw(text, turn)
        return turn

    def link_up(self, url: str, now: Instant, server: bytes | None = None) -> Turn:
        """Take note of a connection on which a subprotocol was agreed; `url` holds no secret.

        `server` is the certificate by which the Central System proved itself, in DER.
        """
        turn = Turn()
        self._exchange.open(url, turn, now, server)
        return self._finish(turn, now)

    def link_down(self, url: str, reason: str, now: Instant) -> Turn:
        """Take note that the connection went; a second time nothing happens."""
        turn = Turn()
        if not self.connected:
            return turn
        self._exchange.close(url, reason, turn, now)
        return self._finish(turn, now)

    def link_refused(self, event: LinkRefused, now: Instant) -> Turn:
        """Take note that no connection could be opened."""
        turn = Turn()
        self._exchange.refused(event, turn, now)
        return self._finish(turn, now)

    def job(self, event: JobEvent, now: Instant) -> Turn:
        """Take what became of a job."""
        return self._turn(self._twin.job(event, now), now)

    def receive(self, text: str, now: Instant) -> Turn:
        """Take a text frame from the Central System; whatever it is, this does not raise."""
        turn = Turn()
        if not self._exchange.listening:
            return turn
        self._exchange.receive(text, turn, now)
        return self._finish(turn, now)

    def tick(self, now: Instant) -> Turn:
        """Let time pass."""
        turn = Turn()
        self._exchange.expire(turn, now)
        self._exchange.apply(self._twin.tick(now), turn, now)
        return self._finish(turn, now)

    # --- After each input ---------------------------------------------------------------------------------------------

    def _turn(self, effects: Iterable[Effect], now: Instant) -> Turn:
        turn = Turn()
        self._exchange.apply(effects, turn, now)
        return self._finish(turn, now)

    def _finish(self, turn: Turn, now: Instant) -> Turn:
        self._exchange.pump(turn, now)
        self._store(turn)
        if self.queued != self._shown:
            self._shown = self.queued
            turn.changed.add(_STATION)
        if turn.changed and any(kind == "evse" for kind, _ in turn.changed):
            self.charging = self._twin.charging
        return turn

    def _store(self, turn: Turn) -> None:
        parts = self._twin.dump()
        if tuple(parts) != self._names:
            self._store_others(parts, turn)
            return
        marks = self._marks
        for place, (name, data) in enumerate(parts.items()):
            if marks[place] != (mark := hash(data)):
                marks[place] = mark
                turn.rows.append(PutState(name, data))

    def _store_others(self, parts: Mapping[str, bytes], turn: Turn) -> None:
        """Store what changed, where there are other parts than before."""
        known = dict(zip(self._names, self._marks, strict=True))
        turn.rows += [PutState(name, data) for name, data in parts.items() if known.get(name) != hash(data)]
        turn.rows += [DropState(name) for name in known if name not in parts]
        self._keep(parts)

    def _keep(self, parts: Mapping[str, bytes]) -> None:
        self._names = _shared(tuple(parts))
        self._marks = array("q", map(hash, parts.values()))


@lru_cache(maxsize=1024)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one object that all stations with parts of these names share."""
    return names


def _encoded(payload: Any) -> msgspec.Raw:
    try:
        return msgspec.Raw(msgspec.json.encode({} if payload is None else payload))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError) as error:
        raise Rejected("bad_value", f"The payload cannot be written as JSON: {error}") from error
