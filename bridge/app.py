"""The composition root: makes a daemon out of settings, runs it, and ends it in the reverse order.

Reads settings once and hands them down as plain values. The order at the start: store, twins, MQTT, and the Central
System last, so that a level that was set meanwhile counts from the first BootNotification on.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from bridge import garbage, logs, masking
from bridge.actuating import building as outputs
from bridge.actuating.actions import equipped
from bridge.actuating.actuators import Actuators
from bridge.actuating.rules import OutputRule
from bridge.client import Client
from bridge.descriptors import TooFewFiles, make_room_for
from bridge.from_settings import discovery_options, mqtt_options
from bridge.health import Health, NodeInfo
from bridge.homeassistant.announcer import Announcer
from bridge.listeners import Listeners
from bridge.mapping import building as inputs
from bridge.mapping.real_things import RealThings
from bridge.mapping.rules import Mapping as Rules
from bridge.options import MqttOptions
from bridge.publisher import Publisher
from bridge.refusals import Refused
from bridge.roster import Roster
from bridge.router import Router
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

_FAREWELL_S = 3.0

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
    return ended(lambda: _until_signal(configured, load), configured.settings.logs)


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
    try:
        make_room_for(len(configured.twins))
    except TooFewFiles as error:
        raise CannotStart(str(error)) from None
    for note in configured.notes:
        _log.info("note", text=note)
    store = open_store(configured.settings.store.url)
    try:
        daemon = _Daemon(configured, store, store.load(), stop, load or (lambda: configured))
        on_reload(daemon.reload)
        await daemon.run()
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
    ) -> None:
        settings, options = configured.settings, mqtt_options(configured.settings)
        clock = _clock(settings, contents)
        self._configured = configured
        self._contents = contents
        self._stop = stop
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
        self._real.start()
        self._actuators.start()
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(self._publisher.run(), name="publisher")
            reporting = tasks.create_task(self._health.run(), name="health")
            talking = tasks.create_task(self._client.run(), name="mqtt client")
            await self._wait_for_broker()
            tasks.create_task(self._fleet.run(), name="fleet")
            settling = tasks.create_task(garbage.settle(lambda: self._fleet.counters.connected), name="settling")
            node, twins = self._configured.settings.node, len(self._fleet.ids)
            _log.info("running", node=node, twins=twins, took_s=round(time.monotonic() - began, 3))
            await self._stop.wait()
            _log.info("stopping")
            self._real.stop()
            self._actuators.stop()
            await self._fleet.close()
            await self._say_goodbye()
            for task in (talking, reporting, publishing, settling):
                task.cancel()
        if self._lost is not None:
            raise self._lost
        _log.info("stopped")

    def reload(self) -> None:
        """Read the configuration again, as SIGHUP asks."""
        with contextlib.suppress(Refused):  # one is being read
            self._roster.reload(lambda _: None, lambda _: None)

    def _twins_changed(self) -> None:
        if self._roster.configured is not self._configured:
            self._configured = self._roster.configured
            rules, carried = _rules(self._configured)
            self._real.replace(rules)
            self._actuators.replace(carried)
            self._client.inputs_changed(self._real.feed.filters, self._actuators.filters)
        self._client.twins_changed()
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
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._publisher.farewell()
        await self._client.close(_FAREWELL_S)

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
    return wrong + _carried(settings, twins, rules)[1]


def _rules(configured: Configuration) -> tuple[Rules, tuple[OutputRule, ...]]:
    # What is wrong with them was told when the configuration was loaded.
    rules, _ = inputs.built(configured.settings, _evse_counts(configured.twins))
    return rules, _carried(configured.settings, configured.twins, rules)[0]


def _carried(settings: Settings, twins: Sequence[TwinSpec], rules: Rules) -> tuple[tuple[OutputRule, ...], list[Wrong]]:
    heard = [rule.pattern.filter for rule in rules.inputs]
    return outputs.built(settings, _evse_counts(twins), heard, rules.outputs)


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
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # nothing to reload before it runs
    await serve(configured, stop, load, lambda reload: loop.add_signal_handler(signal.SIGHUP, reload))
