"""Carries out what one twin's turns want, in one fixed order: store, then send, then tell.

Must not know what a turn is about. Whatever leaves waits until the turn, and all turns before it, are on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from twin.fleet.shell import Shell
from twin.fleet.uplink import Uplink
from twin.link.websocket import Connection
from twin.model.effects import Note
from twin.station import Station
from twin.store.port import Change
from twin.turn import CallOutcome, Frame, Turn

Done: TypeAlias = Callable[[], None]
CallDone: TypeAlias = Callable[[CallOutcome], None]


class Outward:
    """Be a twin's way out: to the disk, to its uplink, to the listener and to whoever waits."""

    __slots__ = ("_calls", "_pending", "_shell", "_twin_id", "_uplink", "password", "station")

    def __init__(self, twin_id: str, uplink: Uplink, shell: Shell) -> None:
        self._twin_id = twin_id
        self._uplink = uplink
        self._shell = shell
        self._calls: dict[str, CallDone] = {}
        self._pending = 0
        self.station: Station | None = None
        """The one whose wishes steer the uplink; None while there is none."""
        self.password: str | None = None
        """What the connection was opened with."""

    def carry(self, turn: Turn, also: list[Change], done: Done | None = None) -> None:
        """Store a turn's rows, and other changes with them, then send, then tell; `done` runs among the latter."""
        changes: list[Change] = [(self._twin_id, row) for row in turn.rows]
        changes += also
        self._pending += 1
        # The connection is that of the turn: what was meant for one must not go out on the next.
        job = partial(self._carry_out, self._uplink.connection, turn, done)
        self._shell.batches.put(self._twin_id, changes, job)

    def expect(self, tag: str, done: CallDone) -> None:
        """Hand the outcome of a user's call to `done` when it comes."""
        self._calls[tag] = done

    def abandon_calls(self) -> None:
        """Tell all who wait for outcomes that none will come."""
        calls, self._calls = self._calls, {}
        for tag, done in calls.items():
            done(CallOutcome(tag, "offline"))

    def note(self, name: str, fields: dict[str, Any]) -> None:
        """Tell a fact of our own."""
        self._shell.listener.noted(self._twin_id, Note(name, fields, self._shell.clock.now()))

    def _carry_out(self, connection: Connection | None, turn: Turn, done: Done | None) -> None:
        self._pending -= 1
        if connection is not None and connection is self._uplink.connection:
            for frame in turn.frames:
                self._send(connection, frame)
        if self.station is not None:
            self._steer(self.station, turn)
        for outcome in turn.calls:
            if told := self._calls.pop(outcome.tag, None):
                told(outcome)
        if done is not None:
            done()
        for note in turn.notes:
            self._shell.tally.note(note.name)
            self._shell.listener.noted(self._twin_id, note)
        if turn.changed:
            self._shell.listener.changed(self._twin_id, turn.changed)

    def _send(self, connection: Connection, frame: Frame) -> None:
        shell = self._shell
        connection.send(frame.text)
        shell.tally.ocpp_out += 1
        if shell.listener.traces(self._twin_id):
            shell.listener.frame(self._twin_id, "sent", frame, shell.clock.now())

    def _steer(self, station: Station, turn: Turn) -> None:
        """Do to the uplink what the turn asks; when no other turn waits, what the station shows counts too."""
        uplink = self._uplink
        if turn.power is not None:
            uplink.want(turn.power)
        if turn.drop is not None:
            uplink.drop(turn.drop)
        if self._pending:
            return
        uplink.want(station.wants_link)
        uplink.ping_every(station.ping_interval_s)
        if uplink.connection is not None and station.password != self.password:
            # Security whitepaper A01 (SEC-08): the answer is out, now come back with the new password.
            self.password = station.password
            uplink.renew("the password was changed")
