"""The composition root: makes a daemon out of settings, runs it, and ends it in the reverse order.

Reads settings once and hands them down as plain values. The order at the start: store, twins, MQTT, and the Central
System last, so that a level that was set meanwhile counts from the first BootNotification on.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from bridge import clockwork, garbage, logs, masking
from bridge.actuating import building as outputs
from bridge.actuating.actions import equipped
from bridge.actuating.actuators import Actuators
from bridge.actuating.rules import OutputRule
from bridge.client import Client
from bridge.descriptors import TooFewFiles, make_room_for
from bridge.farewell import while_it_gets_on
from bridge.from_settings import discovery_options, http_options, mqtt_options
from bridge.health import Health, NodeInfo
from bridge.homeassistant.announcer import Announcer
from bridge.listeners import Listeners
from bridge.mapping import building as inputs
from bridge.mapping.real_things import RealThings
from bridge.mapping.rules import Mapping as Rules
from bridge.monitoring.address import CannotListen
from bridge.monitoring.monitor import Monitor
from bridge.monitoring.sources import Sources
from bridge.options import MqttOptions
from bridge.publisher import Publisher
from bridge.refusals import Refused
from bridge.roster import Roster
from bridge.router import Router
from bridge.supervisor import Supervisor, how_it_is
from bridge.traffic import building as traffic
from bridge.traffic.plan import Plans
from bridge.traffic.road import Road
from config.fleet import Wrong
from config.loading import Configuration, load
from config.settings import LogSettings, Settings, StoreSettings
from twin.errors import StoreError
from twin.fleet import Bounds, Clock, Files, Fleet, FleetOptions
from twin.model import variables
from twin.model.spec import KeySpec, TwinSpec
from twin.ocpp.v16 import keys
from twin.store.port import Contents, Store
from twin.store.sqlite import database, open_store

_FAREWELL_S = 60.0
_FAREWELL_PATIENCE_S = 1.5
_STATUS_INTERVAL_S = 10.0
_RELOAD_AGAIN_S = 0.1
_ENDING = (signal.SIGTERM, signal.SIGINT)

Load: TypeAlias = Callable[[], Configuration]
"""Reads the configuration; raises ConfigError."""

_log = structlog.get_logger("daemon")


def configuration(files: Sequence[Path] = (), *, required: bool = True) -> Configuration:
    """Read and check the configuration, OCPP keys included; raises ConfigError."""
    return load(
        files,
        required=required,
        key_problem=_key_problem,
        standard_keys=tuple(keys.KEYS),
        check=_problems,
    )


def run(configured: Configuration, load: Load | None = None) -> int:
    """Run the daemon until a signal ends it; return the exit code. `load` reads the configuration anew."""
    # A watchdog kills a daemon that stalls with SIGABRT: then the log says where it stood.
    faulthandler.enable()
    code = ended(lambda: _until_signal(configured, load), configured.settings.logs)
    # Who asks again while the interpreter ends must not change the exit code: all is done.
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    return code


def ended(daemon: Callable[[], Coroutine[Any, Any, None]], log: LogSettings) -> int:
    """Run a daemon in an event loop of its own; return the exit code."""
    logs.configure(log.level, log.format)
    garbage.begin()
    try:
        _runner()(daemon())
    except (CannotStart, StoreError) as error:
        _log.error("failed", reason=str(error))
        return 1
    finally:
        garbage.end()
    return 0


async def serve(
    configured: Configuration,
    stop: asyncio.Event,
    load: Load | None = None,
    on_reload: Callable[[Callable[[], None]], None] = lambda _: None,
) -> None:
    """Run the daemon in this event loop until `stop` is set. Raises CannotStart and StoreError.

    `load` reads the configuration anew; `on_reload` is given what starts that.
    """
    with Supervisor() as supervisor:
        supervisor.status(f"starting, twins to load: {len(configured.twins)}")
        await _serve(configured, stop, load or (lambda: configured), on_reload, supervisor)


async def _serve(
    configured: Configuration,
    stop: asyncio.Event,
    load: Load,
    on_reload: Callable[[Callable[[], None]], None],
    supervisor: Supervisor,
) -> None:
    try:
        make_room_for(len(configured.twins))
    except TooFewFiles as error:
        raise CannotStart(str(error)) from None
    for note in configured.notes:
        _log.info("note", text=note)
    if (doubt := clockwork.warning(time.time())) is not None:
        _log.warning("clock", text=doubt)
    store = open_store(configured.settings.store.url)
    try:
        daemon = _Daemon(configured, store, store.load(), stop, load, supervisor)
        on_reload(daemon.reload)
        async with daemon.monitor:
            await daemon.run()
    except CannotListen as error:
        raise CannotStart(str(error)) from None
    finally:
        await store.close()


class CannotStart(Exception):
    """Say in a sentence why there can be no daemon, and what to do."""


class _Daemon:
    """Hold the parts of a running daemon."""

    def __init__(
        self,
        configured: Configuration,
        store: Store,
        contents: Contents,
        stop: asyncio.Event,
        load: Load,
        supervisor: Supervisor,
    ) -> None:
        settings, options = configured.settings, mqtt_options(configured.settings)
        clock = _clock(settings, contents)
        self._configured = configured
        self._contents = contents
        self._stop = stop
        self._supervisor = supervisor
        self._not_reloaded = ""
        self._wait_s = options.start_without_broker_s
        self._lost: StoreError | None = None
        self._publisher = Publisher(options, now=clock.now, on_failed=self._fail)
        listeners = Listeners(self._publisher)
        self._fleet = _fleet(settings, store, listeners, clock)
        self._publisher.attach(self._fleet)
        announcer = Announcer(discovery_options(settings), self._fleet, self._publisher)
        self._publisher.watch_stations(announcer.changed)
        rules, carried = _rules(configured)
        self._actuators = Actuators(carried, options, self._fleet, self._publisher, now=clock.now)
        self._fleet.attach(self._actuators)
        listeners.add(self._actuators.changed)
        self._publisher.on_connect(self._actuators.connected)
        self._publisher.watch_broker(supervisor.changed)
        self._roster = Roster(
            configured,
            self._fleet,
            announcer,
            load=load,
            key_problem=_key_problem,
            changed=self._twins_changed,
            equip=lambda found: partial(equipped, _rules(found)[1], clock.rate),
        )
        self._real = RealThings(rules, options, self._fleet, self._publisher, now=clock.now, stored=contents.receipts)
        listeners.add(self._real.changed)
        self._road = Road(_plans(configured), self._fleet, clock)
        listeners.add(self._road.changed)
        router = Router(
            options,
            self._fleet,
            self._publisher,
            now=clock.now,
            stored=contents.receipts,
            roster=self._roster,
            feed=self._real.feed,
        )
        router.overhear(self._actuators.hears)
        self._client = self._client_of(options, router, announcer)
        info = NodeInfo(version("ocpp-twin"), clock.now(), lambda: clock.rate)
        self._health = Health(options, info, fleet=self._fleet, publisher=self._publisher, router=router)
        sources = Sources(
            *(self._fleet, self._publisher, router, self._client, self._real, announcer, self._health.lag, info),
            database=database(settings.store.url),
        )
        self.monitor = Monitor(http_options(settings), sources)

    def _client_of(self, options: MqttOptions, router: Router, announcer: Announcer) -> Client:
        filters, echoes = self._real.feed.filters, self._actuators.filters
        try:
            return Client(options, self._publisher, router, lambda: self._fleet.ids, announcer, filters, echoes)
        except OSError as error:
            raise CannotStart(f"the certificates for the broker cannot be used ({error}): check mqtt.*_file") from error

    async def run(self) -> None:
        """Start, wait for the end, and end what was started in the reverse order."""
        began = time.monotonic()
        await self._fleet.load(self._roster.at_start(self._contents.added), self._contents)
        await self.monitor.loaded()
        self._real.start()
        self._actuators.start()
        if self._stop.is_set():  # while it was loading; nothing is taken from the broker any more
            await self._client.close()
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(self._publisher.run(), name="publisher")
            reporting = tasks.create_task(self._health.run(), name="health")
            talking = tasks.create_task(self._client.run(), name="mqtt client")
            await self._wait_for_broker()
            tasks.create_task(self._fleet.run(), name="fleet")
            settling = tasks.create_task(garbage.settle(lambda: self._fleet.counters.connected), name="settling")
            self._road.start()
            self._runs(time.monotonic() - began)
            await self._stop.wait()
            _log.info("stopping")
            self._supervisor.stopping()
            self._roster.close()
            self._road.stop()
            self.monitor.stopping()
            self._real.stop()
            self._actuators.stop()
            await self._fleet.close()
            await self._say_goodbye()
            for task in (talking, reporting, publishing, settling):
                task.cancel()
        if self._lost is not None:
            raise self._lost
        _log.info("stopped")

    def _runs(self, took_s: float) -> None:
        _log.info("running", node=self._configured.settings.node, twins=len(self._fleet.ids), took_s=round(took_s, 3))
        if not self._stop.is_set():
            interval_s = min(self._configured.settings.mqtt.health_interval, _STATUS_INTERVAL_S)
            self._supervisor.describe(self._describe, interval_s)
            self._supervisor.ready()

    def _describe(self) -> str:
        found = how_it_is(
            len(self._fleet.ids), self._fleet.counters.connected, broker_connected=self._publisher.is_connected
        )
        return f"{found}; the last reload failed: {self._not_reloaded}" if self._not_reloaded else found

    def reload(self) -> None:
        """Read the configuration again, as SIGHUP asks."""
        if self._stop.is_set():
            return
        try:
            self._roster.reload(lambda _: self._reloaded(), lambda why: self._reloaded(str(why)))
        except Refused:  # it is being read, and may have changed since
            asyncio.get_running_loop().call_later(_RELOAD_AGAIN_S, self.reload)
        else:
            self._supervisor.reloading()

    def _reloaded(self, problem: str = "") -> None:
        self._not_reloaded = problem
        self._supervisor.changed()
        self._supervisor.ready()

    def _twins_changed(self) -> None:
        if self._roster.configured is not self._configured:
            self._configured = self._roster.configured
            rules, carried = _rules(self._configured)
            self._real.replace(rules)
            self._actuators.replace(carried)
            self._client.inputs_changed(self._real.feed.filters, self._actuators.filters)
            self._road.replace(_plans(self._configured))
        self._client.twins_changed()
        self._road.look()
        self._health.introduce()

    async def _wait_for_broker(self) -> None:
        wait_s = self._wait_s
        subscribed = asyncio.create_task(self._client.wait_subscribed(wait_s), name="wait for the broker")
        stopped = asyncio.create_task(self._stop.wait(), name="wait for the end")
        await asyncio.wait({subscribed, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (subscribed, stopped):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if not self._client.subscribed.is_set() and not self._stop.is_set():
            _log.warning("no_broker_yet", waited_s=wait_s, text="twins call the Central System without it")

    async def _say_goodbye(self) -> None:
        publisher = self._publisher
        said = await while_it_gets_on(
            *(publisher.farewell(), lambda: publisher.sent_total),
            patience_s=_FAREWELL_PATIENCE_S,
            limit_s=_FAREWELL_S,
        )
        # Where the broker takes nothing any more, its will for us says what we could not.
        await self._client.close(_FAREWELL_PATIENCE_S if said else 0.0)

    def _fail(self, error: StoreError) -> None:
        self._lost = error
        self._stop.set()


def _clock(settings: Settings, contents: Contents) -> Clock:
    floor = None if contents.clock is None else contents.clock.floor
    return Clock(rate=settings.clock.rate if settings.clock else 1.0, floor=floor)


def _fleet(settings: Settings, store: Store, listeners: Listeners, clock: Clock) -> Fleet:
    bounds = Bounds(max_size=settings.transfers.max_size, total_s=settings.transfers.timeout)
    files = Files(files_folder(settings.store))
    return Fleet(store, listeners, clock, FleetOptions(transfer_bounds=bounds), files=files, hide=masking.secrets)


def _problems(settings: Settings, twins: Sequence[TwinSpec]) -> list[Wrong]:
    rules, wrong = inputs.built(settings, _evse_counts(twins))
    return wrong + _carried(settings, twins, rules)[1] + traffic.built(settings, _evse_counts(twins))[1]


def _rules(configured: Configuration) -> tuple[Rules, tuple[OutputRule, ...]]:
    # What is wrong with them was told when the configuration was loaded.
    rules, _ = inputs.built(configured.settings, _evse_counts(configured.twins))
    return rules, _carried(configured.settings, configured.twins, rules)[0]


def _carried(settings: Settings, twins: Sequence[TwinSpec], rules: Rules) -> tuple[tuple[OutputRule, ...], list[Wrong]]:
    heard = [rule.pattern.filter for rule in rules.inputs]
    return outputs.built(settings, _evse_counts(twins), heard, rules.outputs)


def _plans(configured: Configuration) -> Plans:
    return traffic.built(configured.settings, _evse_counts(configured.twins))[0]


def _evse_counts(twins: Sequence[TwinSpec]) -> dict[str, int]:
    return {twin.id: len(twin.evses) for twin in twins}


def _key_problem(key: str, spec: KeySpec) -> str | None:
    (variable,) = keys.settings({key: spec})
    return variables.problem(variable, spec)


def files_folder(settings: StoreSettings) -> Path:
    """Return where the files of twins lie."""
    if settings.files is not None:
        return Path(settings.files)
    path = database(settings.url)
    return path.with_name(f"{path.name if path.suffix == '.files' else path.stem}.files")


def _runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    try:
        import uvloop  # noqa: PLC0415 - does not exist everywhere
    except ImportError:
        return asyncio.run
    return uvloop.run


async def _until_signal(configured: Configuration, load: Load | None) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in _ENDING:
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # nothing to reload before it runs
    await serve(configured, stop, load, lambda reload: loop.add_signal_handler(signal.SIGHUP, reload))
