"""One twin as the fleet runs it: feeds its station the inputs of user, network and time.

Must not know what an input means, nor how its turn is carried out. A station that fails is started again from
its stored state; the others do not notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from twin.errors import ProtocolError, Rejected, StoreError
from twin.fleet.deadlines import Deadline
from twin.fleet.faults import Fault, contained
from twin.fleet.ids import Ids
from twin.fleet.outward import CallDone, Done, Outward
from twin.fleet.shell import Shell
from twin.fleet.uplink import Uplink
from twin.link.target import Target, target
from twin.model.inputs import Command, JobEvent, LinkRefused
from twin.model.spec import TwinSpec
from twin.model.terms import Instant
from twin.model.view import TwinView
from twin.ocpp import frames
from twin.station import Station
from twin.store.port import Change, DropAdded, ForgetTwin, Receipt, StoredTwin
from twin.turn import Frame, Turn

_FORGET_FAULTS_S = 600.0
_MAX_PAUSE_S = 300.0
_APOLOGY = "The charge point failed while it handled this"

_Step: TypeAlias = Callable[[Station, Instant], Turn]


class Hosted:
    """Run one twin; be its uplink's owner. `start` comes first; without it there is no station."""

    __slots__ = (
        "_deadline",
        "_due",
        "_failed_at",
        "_faults",
        "_gone",
        "_ids",
        "_out",
        "_restarted",
        "_resting",
        "_revive_at",
        "_shell",
        "_uplink",
        "spec",
        "station",
    )

    station: Station

    def __init__(self, spec: TwinSpec, shell: Shell, ids: Ids) -> None:
        self.spec = spec
        self._shell = shell
        self._ids = ids
        self._uplink = Uplink(spec, self, shell.links)
        self._out = Outward(self, self._uplink, shell)
        self._deadline = Deadline(self.tick)
        self._due: Instant | None = None
        self._restarted: list[Done] = []
        self._resting = False  # between two stations
        self._gone = False
        self._revive_at: float | None = None
        self._faults = 0
        self._failed_at = float("-inf")

    # --- The user's inputs --------------------------------------------------------------------------------------------

    def command(self, command: Command, done: Done, receipt: Receipt | None) -> None:
        """Carry out a command or raise Rejected; `done` runs when all that follows, and the receipt, is on disk."""
        turn = self._feed(lambda station, now: station.command(command, now))
        self._carry(turn, done, [] if receipt is None else [receipt])

    def call(self, action: str, payload: Any, done: CallDone) -> None:
        """Make an OCPP call or raise Rejected; `done` gets what became of it."""
        tag = self._ids()
        turn = self._feed(lambda station, now: station.call(action, payload, tag, now))
        self._out.expect(tag, done)
        self._carry(turn)

    def send_raw(self, text: str, done: Done) -> None:
        """Put text on the wire or raise Rejected."""
        self._carry(self._feed(lambda station, now: station.send_raw(text, now)), done)

    # --- The uplink's inputs ------------------------------------------------------------------------------------------

    def target(self) -> Target:
        """Return whom to connect to now; raises LinkError."""
        self._out.access = self.station.access
        keys = partial(self._shell.files.keys, self.spec.id)
        return target(self.spec, self._out.access, self.station.subprotocols, keys)

    def opened(self, url: str, server: bytes | None) -> None:
        """Learn that the connection stands, with a Central System that proved itself by this certificate (DER)."""
        # What changed while it was opened must not be taken for what it was opened with.
        if self._resting or not self._out.renew_stale(self.station):
            self._happen(lambda station, now: station.link_up(url, now, server))

    def refused(self, event: LinkRefused) -> None:
        """Learn that an attempt to connect failed."""
        self._happen(lambda station, now: station.link_refused(event, now))

    def received(self, text: str) -> None:
        """Take a frame from the Central System."""
        shell = self._shell
        shell.tally.ocpp_in += 1
        if shell.listener.traces(self.spec.id):
            call = _call(text)
            frame = Frame(text, None if call is None else call.action)
            shell.listener.frame(self.spec.id, "received", frame, shell.clock.now())
        self._happen(lambda station, now: station.receive(text, now), text)

    def lost(self, url: str, reason: str) -> None:
        """Learn that the connection went."""
        if self._resting:
            self.apart(url, reason)
        self._happen(lambda station, now: station.link_down(url, reason, now))

    def apart(self, url: str, reason: str) -> None:
        """Tell why there is no connection, where the station does not."""
        self._out.note("disconnected", {"url": url, "reason": reason})

    # --- Jobs ---------------------------------------------------------------------------------------------------------

    def show(self) -> TwinView:
        """Show the twin as it is now."""
        return self.station.view(self._shell.clock.now())

    def finished(self, event: JobEvent) -> None:
        """Learn what became of a job."""
        self._happen(lambda station, now: station.job(event, now))

    # --- Time ---------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Do what is due at the station and its uplink."""
        now = asyncio.get_running_loop().time()
        self._uplink.tick(now)
        if self._resting:
            if self._revive_at is not None and self._revive_at <= now:
                self._read()
        elif self._due is not None and self._due <= self._shell.clock.now():
            self._happen(lambda station, now: station.tick(now))
        self.rearm()

    def rearm(self) -> None:
        """Ask to be woken at the next deadline of all."""
        own = self._revive_at
        if not self._resting and self._due is not None:
            own = self._shell.clock.to_loop(self._due)
        theirs = self._uplink.next_deadline()
        due = own if theirs is None else theirs if own is None else min(own, theirs)
        self._shell.deadlines.set(self._deadline, due)

    # --- Life ---------------------------------------------------------------------------------------------------------

    def start(self, stored: StoredTwin, alive: Instant | None, done: Done | None = None) -> None:
        """Start the station for the first time or from what is stored. Raises Fault."""
        with contained(self.spec.id):
            now = self._shell.clock.now()
            self.station, turn = self._shell.start(
                self.spec, now, ids=self._ids, parts=stored.parts, reports=stored.reports, alive=alive
            )
            self.pace()
            self._due = self.station.next_deadline()
        self._resting = False
        self._out.follow(self.station)
        self._carry(turn, done)

    def pace(self) -> None:
        """Tell the station whether time runs at the rate of the wall's clock."""
        self.station.pace(paced=self._shell.clock.rate != 1.0)

    def restart(self, done: Done) -> None:
        """Close the connection and start again from the stored state; `done` runs when that is on disk."""
        self._restarted.append(done)
        if not self._resting or self._revive_at is not None:
            self._rest("The charge point restarts.")
            self._read()

    def become(self, spec: TwinSpec, done: Done) -> None:
        """Restart with another spec; what is stored of the twin is kept."""
        self.spec = spec
        self._uplink.become(spec)
        self.restart(done)

    def stop(self, reason: str) -> None:
        """Close the connection for good; the station learns of it."""
        self._out.station = None
        self._uplink.shut(reason, tell=True)

    def break_off(self, reason: str) -> None:
        """Break the connection that `stop` could not close."""
        self._uplink.drop(reason)

    def leave(self, *, forget: bool, done: Done) -> None:
        """Go, with the stored state where that is to be forgotten; `done` runs when that is on disk."""
        self._gone = True
        self._rest("The charge point is removed.")
        changes: list[Change] = [DropAdded(self.spec.id)]
        if forget:
            changes.append(ForgetTwin(self.spec.id))
            done = partial(_all, [partial(self._shell.files.forget, self.spec.id), done])
            self._out.forget_journal()
        restarted, self._restarted = self._restarted, []
        self._out.carry(Turn(), changes, lambda: _all([*restarted, done]))

    def _rest(self, reason: str, last_words: list[Frame] | None = None) -> None:
        self._resting = True
        self._revive_at = None
        self._out.station = None
        self._out.abandon_calls()
        self._shell.jobs.abandon(self.spec.id)
        # Not before the answers that wait for the disk are out (T-23).
        self._out.carry(Turn(frames=last_words or []), [], lambda: self._uplink.shut(reason, tell=False))

    def _read(self) -> None:
        self._revive_at = None
        self._shell.batches.flush()
        self._shell.store.read(self.spec.id, self._revive)

    def _revive(self, stored: StoredTwin | StoreError) -> None:
        if isinstance(stored, StoreError):
            self._shell.listener.failed(stored)
        elif not self._gone:
            restarted = tuple(self._restarted)
            try:
                self.start(stored, self._shell.clock.now(), lambda: _all(restarted))
            except Fault as fault:
                self._broke(fault)
            else:
                del self._restarted[: len(restarted)]

    # --- Turns --------------------------------------------------------------------------------------------------------

    def _happen(self, step: _Step, text: str | None = None) -> None:
        with suppress(Rejected):
            self._carry(self._feed(step, text))

    def _feed(self, step: _Step, text: str | None = None) -> Turn:
        if self._resting:
            raise Rejected("internal", "The charge point is being started again; try again in a moment")
        try:
            with contained(self.spec.id):
                turn = step(self.station, self._shell.clock.now())
                self._due = self.station.next_deadline()
        except Fault as fault:
            self._broke(fault, text)
            raise
        return turn

    def _carry(self, turn: Turn, done: Done | None = None, also: list[Change] | None = None) -> None:
        self._out.carry(turn, also or [], done)
        self.rearm()

    def _broke(self, fault: Fault, text: str | None = None) -> None:
        now = asyncio.get_running_loop().time()
        self._faults = self._faults + 1 if now - self._failed_at < _FORGET_FAULTS_S else 1
        self._failed_at = now
        # OCPP-J 1.6 §4.2.3, T-23: who made the CALL that was too much for the station must not wait in vain.
        call = None if text is None else _call(text)
        answer = [] if call is None else [Frame(frames.error(call.id, "InternalError", _APOLOGY), call.action)]
        self._rest("The charge point restarts after a fault.", answer)
        self._out.note("internal_error", {"detail": fault.cause})
        # At once the first time; a station that fails again and again must not keep the processor busy.
        self._revive_at = now + (0.0 if self._faults == 1 else min(2.0**self._faults, _MAX_PAUSE_S))
        self.rearm()


def _all(waiting: Iterable[Done]) -> None:
    for done in waiting:
        done()


def _call(text: str) -> frames.Call | None:
    try:
        frame = frames.parse(text)
    except ProtocolError:
        return None
    return frame if isinstance(frame, frames.Call) else None
