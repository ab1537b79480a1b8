"""Carries out what one twin's turns want, in one fixed order: store, then send, then tell, then begin jobs.

Must not know what a turn is about. Whatever leaves waits until the turn, and all turns before it, are on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from twin.fleet.errands import Client
from twin.fleet.journal import Journal
from twin.fleet.shell import Shell
from twin.fleet.uplink import Uplink
from twin.link.websocket import Connection
from twin.model.effects import Note
from twin.model.spec import Access
from twin.station import Station
from twin.store.port import Change
from twin.turn import CallOutcome, Frame, Turn

Done: TypeAlias = Callable[[], None]
CallDone: TypeAlias = Callable[[CallOutcome], None]


class Outward:
    """Be a twin's way out: to the disk, to its uplink, to the listener and to whoever waits."""

    __slots__ = (
        "_calls",
        "_client",
        "_journal",
        "_pending",
        "_shell",
        "_stored",
        "_twin_id",
        "_uplink",
        "access",
        "station",
    )

    def __init__(self, client: Client, uplink: Uplink, shell: Shell) -> None:
        self._client = client
        self._twin_id = client.spec.id
        self._journal = Journal(client.spec.id, client.spec.journal_limit)
        self._uplink = uplink
        self._shell = shell
        self._calls: dict[str, CallDone] = {}
        self._pending = 0
        self._stored = False
        self.station: Station | None = None
        """The one whose wishes steer the uplink; None while there is none."""
        self.access = Access()
        """What the connection was opened with."""

    def carry(self, turn: Turn, also: list[Change], done: Done | None = None) -> None:
        """Store a turn's rows, and other changes with them, then send, then tell; `done` runs among the latter."""
        changes: list[Change] = [(self._twin_id, row) for row in turn.rows]
        changes += also
        entries = list(self._journal.changes(turn.notes))
        changes += entries
        tally = self._shell.tally
        tally.journal_entries += len(entries)
        if turn.heard is not None:
            tally.heard(turn.heard)
        self._pending += 1
        self._stored = self._stored or bool(turn.rows)
        # The connection is that of the turn: what was meant for one must not go out on the next.
        job = partial(self._carry_out, self._uplink.connection, turn, done)
        self._shell.batches.put(self._twin_id, changes, job)

    def follow(self, station: Station) -> None:
        """Let this station's wishes steer the uplink from now on."""
        self.station = station
        self._stored = True

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
        note = Note(name, fields, self._shell.clock.now())
        for change in self._journal.changes([note]):
            self._shell.batches.store(change)
        self._shell.listener.noted(self._twin_id, note)

    def forget_journal(self) -> None:
        """Keep no log any more, because nothing of the twin is to be left."""
        self._journal = Journal(self._twin_id, 0)

    def _carry_out(self, connection: Connection | None, turn: Turn, done: Done | None) -> None:
        self._pending -= 1
        if connection is not None and connection is self._uplink.connection:
            self._send(connection, turn.frames)
        if self.station is not None:
            self._steer(self.station, turn)
        for outcome in turn.calls:
            if told := self._calls.pop(outcome.tag, None):
                told(outcome)
        if done is not None:
            done()
        for note in turn.notes:
            self._shell.tally.note(note)
            self._shell.listener.noted(self._twin_id, note)
        if turn.changed:
            self._shell.listener.changed(self._twin_id, turn.changed)
        for job in turn.jobs:
            # A station that went meanwhile gives them again when it is back.
            if self.station is not None:
                self._shell.jobs.take(self._client, job)

    def _send(self, connection: Connection, frames: Sequence[Frame]) -> None:
        if not frames:
            return
        shell = self._shell
        connection.send(*[frame.text for frame in frames])
        for frame in frames:
            shell.tally.sent(frame)
        if shell.listener.traces(self._twin_id):
            for frame in frames:
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
        if self._stored:  # settings and credentials are stored when they change
            self._stored = False
            uplink.ping_every(station.ping_interval_s)
            self.renew_stale(station)

    def renew_stale(self, station: Station) -> bool:
        """Come back with what the box now proves its identity with, if the connection was opened with something else.

        Security whitepaper A01, A02, A05 (SEC-08, SEC-12): the answer that announced it is out by now.
        """
        access = station.access
        if self._uplink.connection is None or not access.renews(self.access):
            return False
        self.access = access
        self._uplink.renew("the security settings were changed")
        return True
