"""The daemon: its parts, the order in which they begin, and the reverse in which they end.

Store and twins come first, then MQTT, and the Central System last, so that a level that was set meanwhile counts from
the first BootNotification on. Opens nothing that it does not begin itself: settings and store are given to it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import TypeAlias

import structlog

from bridge import garbage, masking, surroundings
from bridge.client import Client
from bridge.farewell import while_it_gets_on
from bridge.from_settings import discovery_options, http_options, mqtt_options, mqtt_output
from bridge.health import Health, NodeInfo
from bridge.homeassistant.announcer import Announcer
from bridge.leftovers import Leftovers
from bridge.listeners import Listeners
from bridge.monitoring.monitor import Monitor
from bridge.monitoring.sources import Sources
from bridge.options import MqttOptions
from bridge.publisher import Publisher
from bridge.refusals import Refused
from bridge.roster import Roster
from bridge.router import Router
from bridge.supervisor import Supervisor, how_it_is
from bridge.surroundings import Surroundings
from config.loading import Configuration
from config.settings import Settings, StoreSettings
from twin.errors import StoreError
from twin.fleet import Bounds, Clock, Files, Fleet, FleetOptions
from twin.model import variables
from twin.model.spec import KeySpec
from twin.ocpp.v16 import keys
from twin.store.port import Contents, Store
from twin.store.sqlite import database

_FAREWELL_S = 60.0
_FAREWELL_PATIENCE_S = 1.5
_STATUS_INTERVAL_S = 10.0
_RELOAD_AGAIN_S = 0.1

Load: TypeAlias = Callable[[], Configuration]
"""Reads the configuration; raises ConfigError."""

_log = structlog.get_logger("daemon")


class CannotStart(Exception):
    """Say in a sentence why there can be no daemon, and what to do."""


class Daemon:
    """Hold the parts; `monitor` is entered before `run` and left after it. Raises CannotStart.

    `run` ends when `stop` is set. `load` reads the configuration anew.
    """

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
        self._is_running = False
        self._reload_wanted = False
        self._not_reloaded = ""
        self._wait_s = options.start_without_broker_s
        self._lost: StoreError | None = None
        self._publisher = Publisher(options, now=clock.now, on_failed=self._fail)
        listeners = Listeners(self._publisher)
        self._fleet = _fleet(settings, store, listeners, clock)
        self._publisher.attach(self._fleet)
        self._leftovers = Leftovers(options, contents.node, self._fleet.keep)
        self._leftovers.follow(self._publisher, options.output)
        self._around = Surroundings(
            *(configured, options, self._fleet, self._publisher),
            clock=clock,
            listeners=listeners,
            stored=contents.receipts,
        )
        self._fleet.attach(self._around.actuators)
        self._announcer = announcer = Announcer(discovery_options(settings), self._fleet, self._publisher)
        self._publisher.watch_stations(announcer.changed)
        self._publisher.watch_broker(supervisor.changed)
        self._roster = self._roster_of(clock, announcer, load)
        router = self._router_of(options, clock)
        self._client = self._client_of(options, router, announcer)
        info = NodeInfo(version("ocpp-twin"), clock.now(), lambda: clock.rate)
        self._health = Health(options, info, fleet=self._fleet, publisher=self._publisher, router=router)
        self.monitor = Monitor(http_options(settings), self._sources(settings, router, announcer, info))

    # --- The parts ----------------------------------------------------------------------------------------------------

    def _roster_of(self, clock: Clock, announcer: Announcer, load: Load) -> Roster:
        return Roster(
            self._configured,
            self._fleet,
            announcer,
            load=load,
            key_problem=key_problem,
            changed=self._twins_changed,
            equip=lambda found: surroundings.equipping(found, clock),
        )

    def _router_of(self, options: MqttOptions, clock: Clock) -> Router:
        router = Router(
            options,
            self._fleet,
            self._publisher,
            now=clock.now,
            stored=self._contents.receipts,
            roster=self._roster,
            feed=self._around.sensors.feed,
        )
        router.overhear(self._around.actuators.hears)
        return router

    def _client_of(self, options: MqttOptions, router: Router, announcer: Announcer) -> Client:
        try:
            return Client(options, self._publisher, router, lambda: self._fleet.ids, announcer, *self._around.heard)
        except OSError as error:
            raise CannotStart(f"the certificates for the broker cannot be used ({error}): check mqtt.*_file") from error

    def _sources(self, settings: Settings, router: Router, announcer: Announcer, info: NodeInfo) -> Sources:
        return Sources(
            fleet=self._fleet,
            publisher=self._publisher,
            router=router,
            client=self._client,
            real=self._around.sensors,
            announcer=announcer,
            lag=self._health.lag,
            info=info,
            database=database(settings.store.url),
        )

    # --- Its life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Start, wait for the end, and end what was started in the reverse order. Raises StoreError."""
        began = time.monotonic()
        await self._load()
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(self._publisher.run(), name="publisher")
            reporting = tasks.create_task(self._health.run(), name="health")
            talking = tasks.create_task(self._client.run(), name="mqtt client")
            await self._wait_for_broker()
            tasks.create_task(self._fleet.run(), name="fleet")
            settling = tasks.create_task(garbage.settle(lambda: self._fleet.tally.links_opened), name="settling")
            self._around.open_road()
            self._runs(time.monotonic() - began)
            await self._stop.wait()
            _log.info("stopping")
            self._supervisor.stopping()
            self._roster.close()
            self.monitor.stopping()
            self._publisher.ending()
            self._around.stop()
            await self._fleet.close()
            await self._say_goodbye()
            for task in (talking, reporting, publishing, settling):
                task.cancel()
        if self._lost is not None:
            raise self._lost
        _log.info("stopped")

    async def _load(self) -> None:
        specs = self._roster.at_start(self._contents.added)
        await self._fleet.load(takewhile(lambda _: not self._stop.is_set(), specs), self._contents)
        await self.monitor.loaded()
        self._around.start()
        if self._stop.is_set():  # while it was loading; nothing is taken from the broker any more
            await self._client.close()

    async def _wait_for_broker(self) -> None:
        wait_s = self._wait_s
        waiting = [
            asyncio.create_task(self._client.wait_subscribed(wait_s), name="wait for the broker"),
            asyncio.create_task(self._stop.wait(), name="wait for the end"),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if not self._client.subscribed.is_set() and not self._stop.is_set():
            _log.warning("no_broker_yet", waited_s=wait_s, text="twins call the Central System without it")

    def _runs(self, took_s: float) -> None:
        if self._stop.is_set():
            return
        _log.info("running", node=self._configured.settings.node, twins=len(self._fleet.ids), took_s=round(took_s, 3))
        interval_s = min(self._configured.settings.mqtt.health_interval, _STATUS_INTERVAL_S)
        self._supervisor.describe(self._describe, interval_s)
        self._supervisor.ready()
        self._is_running = True
        if self._reload_wanted:
            self.reload()

    def _describe(self) -> str:
        found = how_it_is(
            len(self._fleet.ids), self._fleet.counters.connected, broker_connected=self._publisher.is_connected
        )
        return f"{found}; the last reload failed: {self._not_reloaded}" if self._not_reloaded else found

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

    # --- Changes ------------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read the configuration again, as SIGHUP asks; while twins are still being loaded, after that."""
        if self._stop.is_set():
            return
        if not self._is_running:
            self._reload_wanted = True
            return
        try:
            self._roster.reload(lambda _: self._reloaded(), lambda why: self._reloaded(str(why)))
        except Refused:  # it is being read, and may have changed since
            asyncio.get_running_loop().call_later(_RELOAD_AGAIN_S, self.reload)
        else:
            self._supervisor.reloading()

    def _reloaded(self, problem: str = "") -> None:
        self._not_reloaded = problem
        if not self._stop.is_set():
            self._supervisor.changed()
            self._supervisor.ready()

    def _twins_changed(self) -> None:
        if self._roster.configured is not self._configured:
            self._configured = self._roster.configured
            self._follow_profile(self._configured.settings)
            self._around.replace(self._configured)
            self._client.inputs_changed(*self._around.heard)
        self._client.twins_changed()
        self._around.twins_changed()
        self._health.introduce()

    def _follow_profile(self, settings: Settings) -> None:
        if (found := mqtt_output(settings)) != self._publisher.output:
            self._leftovers.follow(self._publisher, found)
        self._announcer.follow(discovery_options(settings))


def key_problem(key: str, spec: KeySpec) -> str | None:
    """Return what is wrong with the value of an OCPP key, if anything is."""
    (variable,) = keys.settings({key: spec})
    return variables.problem(variable, spec)


def files_folder(settings: StoreSettings) -> Path:
    """Return where the files of twins lie."""
    if settings.files is not None:
        return Path(settings.files)
    path = database(settings.url)
    return path.with_name(f"{path.name if path.suffix == '.files' else path.stem}.files")


def _clock(settings: Settings, contents: Contents) -> Clock:
    floor = None if contents.clock is None else contents.clock.floor
    return Clock(rate=settings.clock.rate if settings.clock else 1.0, floor=floor)


def _fleet(settings: Settings, store: Store, listeners: Listeners, clock: Clock) -> Fleet:
    bounds = Bounds(max_size=settings.transfers.max_size, total_s=settings.transfers.timeout)
    files = Files(files_folder(settings.store))
    return Fleet(store, listeners, clock, FleetOptions(transfer_bounds=bounds), files=files, hide=masking.secrets)
