"""All twins of a process by their ids: how they come, how they go, and the way to each of them.

Must not know what a command means or what a twin shows; MQTT is somebody else's, and so is OCPP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from twin.errors import Rejected, StoreError
from twin.fleet.batches import Batches
from twin.fleet.clock import Clock
from twin.fleet.counters import Counters, Tally
from twin.fleet.deadlines import Deadlines
from twin.fleet.errands import Errands
from twin.fleet.faults import Fault
from twin.fleet.files import Files
from twin.fleet.hosted import Hosted
from twin.fleet.ids import Ids
from twin.fleet.jobs import Jobs, Runner
from twin.fleet.logfile import Hide
from twin.fleet.pacing import Dialer, TokenBucket
from twin.fleet.ports import Actuator, Connect, FleetOptions, Listener, StartStation
from twin.fleet.shell import Shell
from twin.fleet.timekeeping import keep_time
from twin.fleet.uplink import Links
from twin.link.websocket import connect as connect_websocket
from twin.model.effects import Note
from twin.model.inputs import Command
from twin.model.spec import TwinSpec
from twin.model.terms import Instant, Part
from twin.model.view import PartView, TwinFigures, TwinView
from twin.station import Station
from twin.store.port import Change, Contents, DropAdded, PutAdded, PutNode, Receipt, Store, StoredTwin
from twin.turn import CallOutcome

_DEFAULTS = FleetOptions()
_SLICE = 25
_FLUSH_TIMEOUT_S = 10.0

_log = structlog.get_logger("twin")


class Fleet:
    """Run twins: `load` them, `run` for their connections, `close` at the end.

    All methods belong to the event loop's thread, and none but these three waits. `done` functions are called
    when what was asked is on disk, which may be before the method returns.
    """

    def __init__(
        self,
        store: Store,
        listener: Listener,
        clock: Clock,
        options: FleetOptions = _DEFAULTS,
        *,
        connect: Connect = connect_websocket,
        start: StartStation = Station.start,
        files: Files,
        hide: Hide,
        errands: Callable[..., Runner] = Errands,
    ) -> None:
        self._options = options
        self._hosted: dict[str, Hosted] = {}
        self._arriving: set[str] = set()
        self._lives: dict[str, int] = {}
        self._starts = 0
        self._closing = False
        self._ended = asyncio.Event()
        self.tally = Tally()
        """What is counted, as it is now."""
        mark = partial(clock.mark, options.mark_interval_s)
        batches = Batches(store, mark, listener.failed, options.commit_window_s, self.tally)
        bucket = TokenBucket(options.connects_per_s, options.connects_burst)
        self._dialer = Dialer(bucket, options.connects_at_once)
        runner = errands(files, store, clock, bounds=options.transfer_bounds, flush=batches.flush, hide=hide)
        self._jobs = Jobs(runner, options.transfers_at_once)
        self._shell = Shell(
            clock=clock,
            store=store,
            batches=batches,
            deadlines=Deadlines(options.due_per_turn),
            links=Links(self._dialer, connect, options.connect_timeout_s, self.tally),
            listener=listener,
            tally=self.tally,
            files=files,
            jobs=self._jobs,
            start=start,
        )

    def attach(self, actuator: Actuator) -> None:
        """Take who lets real things do what Central Systems ask, before `load`; without one nothing real is done."""
        self._jobs.actuator = actuator

    # --- Life ---------------------------------------------------------------------------------------------------------

    async def load(self, specs: Iterable[TwinSpec], contents: Contents) -> None:
        """Start all twins from what is stored of them; they connect once `run` runs.

        A twin whose stored state cannot be read is left out, and told as the event `internal_error`.
        """
        self._starts = contents.starts
        alive = None if contents.clock is None else contents.clock.alive
        for number, spec in enumerate(specs, start=1):
            with suppress(Fault):
                self._start(spec, contents.twins.get(spec.id, StoredTwin()), alive)
            if number % _SLICE == 0:
                await asyncio.sleep(0)  # MQTT and those who started already go on meanwhile

    async def run(self) -> None:
        """Keep twins connected, until `close` has ended."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._dialer.start(tasks)
                self._jobs.start(tasks)
                keeping = tasks.create_task(keep_time(self._shell, self._options, self._rearm), name="timekeeping")
                try:
                    await self._ended.wait()
                finally:
                    self._dialer.stop()
                    self._jobs.stop()
                keeping.cancel()
        finally:
            await self._jobs.close()

    async def close(self) -> None:
        """Say goodbye to all Central Systems, and return when everything is on disk; in bounded time."""
        self._closing = True
        self._dialer.stop()
        self._jobs.stop()
        for number, hosted in enumerate(list(self._hosted.values()), start=1):
            hosted.stop("The charge point goes away.")
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        if not await _within(self._options.close_timeout_s, self._shell.links.all_closed()):
            for hosted in self._hosted.values():
                hosted.break_off("The Central System did not close the connection in time.")
            await _within(self._options.close_timeout_s, self._shell.links.all_closed())
        self._shell.deadlines.stop()
        self._shell.batches.store(self._shell.clock.mark(0.0))
        if not await _within(_FLUSH_TIMEOUT_S, self._shell.batches.drained()):
            _log.error("store_not_flushed", waited_s=_FLUSH_TIMEOUT_S)
        self._ended.set()

    # --- Twins come and go --------------------------------------------------------------------------------------------

    def add(
        self,
        spec: TwinSpec,
        done: Callable[[Rejected | None], None],
        record: bytes | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        """Add a twin, with what is still stored of it, or raise Rejected.

        `record` is stored for the next start (`Contents.added`). `done` gets None when all is on disk, or why
        the twin could not be started. With `fresh` it is not started where something is stored of its id.
        """
        self._refuse_while_closing()
        if spec.id in self._hosted or spec.id in self._arriving:
            raise Rejected("state_conflict", f"There is a charge point {spec.id!r} already")
        self._arriving.add(spec.id)
        added: list[Change] = [] if record is None else [PutAdded(spec.id, record)]
        self._shell.batches.flush()
        self._shell.store.read(spec.id, lambda stored: self._arrive(spec, stored, added, done, fresh=fresh))

    def remove(self, twin_id: str, done: Callable[[], None], *, forget: bool = False) -> None:
        """Remove a twin, and with `forget` what is stored of it, or raise Rejected; it does not come back by itself."""
        self._find(twin_id).leave(forget=forget, done=done)
        del self._hosted[twin_id]

    def restart(self, twin_id: str, done: Callable[[], None]) -> None:
        """Stop a twin and start it from its stored state, or raise Rejected."""
        self._refuse_while_closing()
        self._find(twin_id).restart(done)

    def replace(self, spec: TwinSpec, done: Callable[[], None]) -> None:
        """Restart a twin as something else, from what is stored of it, or raise Rejected."""
        self._refuse_while_closing()
        self._find(spec.id).become(spec, done)

    def disown(self, twin_id: str) -> None:
        """Forget that a twin was added at run time: the configuration has it now."""
        self._shell.batches.store(DropAdded(twin_id))

    def _arrive(
        self,
        spec: TwinSpec,
        stored: StoredTwin | StoreError,
        added: list[Change],
        done: Callable[[Rejected | None], None],
        *,
        fresh: bool,
    ) -> None:
        self._arriving.discard(spec.id)
        if isinstance(stored, StoreError):
            self._shell.listener.failed(stored)
            return
        try:
            self._refuse_while_closing()
            if fresh:
                _refuse_known(spec.id, stored)
            self._start(spec, stored, self._shell.clock.now())
        except Rejected as why:
            done(why)
        else:
            self._shell.batches.put(spec.id, added, lambda: done(None))

    def _start(self, spec: TwinSpec, stored: StoredTwin, alive: Instant | None) -> None:
        life = self._lives[spec.id] = self._lives.get(spec.id, 0) + 1
        hosted = Hosted(spec, self._shell, Ids(f"{spec.seed}/{spec.id}/{self._starts}/{life}"))
        self._hosted[spec.id] = hosted
        try:
            hosted.start(stored, alive)
        except Fault as fault:
            del self._hosted[spec.id]
            note = Note("internal_error", {"detail": fault.cause}, self._shell.clock.now())
            self._shell.listener.noted(spec.id, note)
            raise

    # --- The way to a twin --------------------------------------------------------------------------------------------

    @property
    def ids(self) -> Collection[str]:
        """Return the ids of all twins."""
        return self._hosted.keys()

    @property
    def counters(self) -> Counters:
        """Return what was counted until now."""
        stations = (hosted.station for hosted in self._hosted.values())
        return Counters.take(self.tally, self._shell.batches.commit_ms, stations)

    def spec(self, twin_id: str) -> TwinSpec:
        """Return what a twin is. This and all below raise Rejected (`unknown_twin`) for an id that is none."""
        return self._find(twin_id).spec

    def evse_count(self, twin_id: str) -> int:
        """Return how many EVSEs a twin has."""
        return len(self._find(twin_id).spec.evses)

    def view(self, twin_id: str) -> TwinView:
        """Show a whole twin."""
        return self._find(twin_id).station.view(self._shell.clock.now())

    def figures(self, twin_id: str) -> TwinFigures:
        """Show the figures of a twin; a tenth of the cost of a view."""
        return self._find(twin_id).station.figures(self._shell.clock.now())

    def view_of(self, twin_id: str, part: Part) -> PartView:
        """Show a part of a twin."""
        return self._find(twin_id).station.view_of(part, self._shell.clock.now())

    def command(self, twin_id: str, command: Command, done: Callable[[], None], receipt: Receipt | None = None) -> None:
        """Carry out a command or raise Rejected; `done` runs when what follows, and the receipt, is on disk."""
        self._refuse_while_closing()
        self._find(twin_id).command(command, done, receipt)

    def call(self, twin_id: str, action: str, payload: Any, done: Callable[[CallOutcome], None]) -> None:
        """Make an OCPP call or raise Rejected; `done` gets what became of it."""
        self._refuse_while_closing()
        self._find(twin_id).call(action, payload, done)

    def send_raw(self, twin_id: str, text: str, done: Callable[[], None]) -> None:
        """Put raw text on the wire or raise Rejected."""
        self._refuse_while_closing()
        self._find(twin_id).send_raw(text, done)

    def remember(self, receipt: Receipt) -> None:
        """Store the receipt of something that is not a command of a twin, with the next batch."""
        self._shell.batches.store(receipt)

    def keep(self, name: str, data: bytes) -> None:
        """Store something about the process as a whole, with the next batch; it is in `Contents.node` at a start."""
        self._shell.batches.store(PutNode(name, data))

    def set_clock_rate(self, rate: float) -> None:
        """Let the twins' time run faster or slower."""
        self._shell.clock.set_rate(rate)
        for hosted in self._hosted.values():
            hosted.pace()
        self._rearm()

    def _find(self, twin_id: str) -> Hosted:
        hosted = self._hosted.get(twin_id)
        if hosted is None:
            raise Rejected("unknown_twin", f"There is no charge point {twin_id!r}")
        return hosted

    def _refuse_while_closing(self) -> None:
        if self._closing:
            raise Rejected("internal", "The program ends")
        if self._shell.batches.lost:
            raise Rejected("internal", "The store is lost, nothing can be taken any more")

    def _rearm(self) -> None:
        for hosted in self._hosted.values():
            hosted.rearm()


async def _within(seconds: float, what: Coroutine[Any, Any, None]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await what
    except TimeoutError:
        return False
    return True


def _refuse_known(twin_id: str, stored: StoredTwin) -> None:
    if stored.parts or stored.reports:
        detail = (
            f"Something is stored of a charge point {twin_id!r} that was here before; take another id, or forget it"
        )
        raise Rejected("state_conflict", detail)
