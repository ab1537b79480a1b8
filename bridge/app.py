"""The composition root: makes a daemon out of settings, runs it, and ends it in the reverse order.

Reads settings once and hands them down as plain values. The order at the start: store, twins, MQTT, and the Central
System last, so that a level that was set meanwhile counts from the first BootNotification on.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from bridge import logs, masking
from bridge.actuating import building
from bridge.actuating.actuators import Actuators
from bridge.client import Client
from bridge.descriptors import TooFewFiles, make_room_for
from bridge.health import Health, NodeInfo
from bridge.listeners import Listeners
from bridge.options import MqttOptions
from bridge.publisher import Publisher
from bridge.refusals import Refused
from bridge.roster import Roster
from bridge.router import Router
from config import presets
from config.loading import Configuration, load
from config.settings import LogSettings, Settings, StoreSettings
from twin.errors import StoreError
from twin.fleet import Bounds, Clock, Files, Fleet, FleetOptions
from twin.model import variables
from twin.model.spec import KeySpec
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
        check=building.problems,
    )


def mqtt_options(settings: Settings) -> MqttOptions:
    """Return the settings of the MQTT side as plain values."""
    mqtt = settings.mqtt
    return MqttOptions(
        url=mqtt.url,
        username=mqtt.username,
        password=mqtt.password if mqtt.password is not None else mqtt.password_file,
        ca_file=mqtt.ca_file,
        cert_file=mqtt.cert_file,
        key_file=mqtt.key_file,
        verify_hostname=mqtt.verify_hostname,
        protocol=mqtt.protocol,
        client_id=mqtt.client_id,
        keepalive_s=round(mqtt.keepalive),
        connect_timeout_s=mqtt.connect_timeout,
        start_without_broker_s=mqtt.startup_wait,
        backoff_min_s=mqtt.backoff.min,
        backoff_max_s=mqtt.backoff.max,
        session_expiry_s=round(mqtt.session_expiry),
        base_topic=mqtt.base_topic,
        node=settings.node,
        subscribe=mqtt.subscribe,
        allow=tuple(mqtt.allow),
        max_payload=mqtt.max_payload,
        rate_per_s=mqtt.rate_limit.per_second,
        rate_burst=mqtt.rate_limit.burst,
        stale_after_s=mqtt.stale_after,
        duplicate_window_s=mqtt.duplicate_window,
        meter_interval_s=mqtt.meter_interval,
        session_interval_s=mqtt.session_interval,
        health_interval_s=mqtt.health_interval,
        error_interval_s=mqtt.error_interval,
        max_backlog=mqtt.max_backlog,
        mask_id_tags=mqtt.mask_id_tags,
        trace=tuple(mqtt.trace),
        cars=presets.cars(),
    )


def run(configured: Configuration, load: Load | None = None) -> int:
    """Run the daemon until a signal ends it; return the exit code. `load` reads the configuration anew."""
    return ended(lambda: _until_signal(configured, load), configured.settings.logs)


def ended(daemon: Callable[[], Coroutine[Any, Any, None]], log: LogSettings) -> int:
    """Run a daemon in an event loop of its own; return the exit code."""
    logs.configure(log.level, log.format)
    # Ten thousand twins are many objects that live for ever: look at them seldom (and see `_settle`).
    gc.set_threshold(100_000, 50, 1000)
    try:
        _runner()(daemon())
    except (CannotStart, StoreError) as error:
        _log.error("failed", reason=str(error))
        return 1
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
        floor = None if contents.clock is None else contents.clock.floor
        clock = Clock(rate=settings.clock.rate if settings.clock else 1.0, floor=floor)
        self._configured = configured
        self._contents = contents
        self._stop = stop
        self._wait_s = options.start_without_broker_s
        self._lost: StoreError | None = None
        self._publisher = Publisher(options, now=clock.now, on_failed=self._fail)
        transfers = Bounds(max_size=settings.transfers.max_size, total_s=settings.transfers.timeout)
        listeners = Listeners(self._publisher)
        self._fleet = Fleet(
            store,
            listeners,
            clock,
            FleetOptions(transfer_bounds=transfers),
            files=Files(files_folder(settings.store)),
            hide=masking.secrets,
        )
        self._publisher.attach(self._fleet)
        counts = {spec.id: len(spec.evses) for spec in configured.twins}
        outputs, _ = building.built(settings, counts)
        self._actuators = Actuators(outputs, options, self._fleet, self._publisher, now=clock.now, rate=clock.rate)
        self._fleet.attach(self._actuators)
        listeners.add(self._actuators.changed)
        self._publisher.on_connect(self._actuators.connected)
        self._roster = Roster(
            configured,
            self._fleet,
            self._publisher,
            load=load,
            key_problem=_key_problem,
            changed=self._twins_changed,
            equip=self._actuators.equip,
        )
        router = Router(
            options, self._fleet, self._publisher, now=clock.now, stored=contents.receipts, roster=self._roster
        )
        router.overhear(self._actuators.hears)
        try:
            self._client = Client(options, self._publisher, router, lambda: self._fleet.ids, self._actuators.filters)
        except OSError as error:
            raise CannotStart(f"the certificates for the broker cannot be used ({error}): check mqtt.*_file") from error
        info = NodeInfo(version("ocpp-twin"), clock.now(), lambda: clock.rate)
        self._health = Health(options, info, fleet=self._fleet, publisher=self._publisher, router=router)

    async def run(self) -> None:
        """Start, wait for the end, and end what was started in the reverse order."""
        began = time.monotonic()
        await self._fleet.load(self._roster.at_start(self._contents.added), self._contents)
        _settle()
        self._actuators.start()
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(self._publisher.run(), name="publisher")
            reporting = tasks.create_task(self._health.run(), name="health")
            talking = tasks.create_task(self._client.run(), name="mqtt client")
            await self._wait_for_broker()
            tasks.create_task(self._fleet.run(), name="fleet")
            node, twins = self._configured.settings.node, len(self._fleet.ids)
            _log.info("running", node=node, twins=twins, took_s=round(time.monotonic() - began, 3))
            await self._stop.wait()
            _log.info("stopping")
            self._actuators.stop()
            await self._fleet.close()
            await self._say_goodbye()
            for task in (talking, reporting, publishing):
                task.cancel()
        if self._lost is not None:
            raise self._lost
        _log.info("stopped")

    def reload(self) -> None:
        """Read the configuration again, as SIGHUP asks."""
        with contextlib.suppress(Refused):  # one is being read
            self._roster.reload(lambda _: None, lambda _: None)

    def _twins_changed(self) -> None:
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


def _key_problem(key: str, spec: KeySpec) -> str | None:
    (variable,) = keys.settings({key: spec})
    return variables.problem(variable, spec)


def files_folder(settings: StoreSettings) -> Path:
    """Return where the files of twins lie."""
    if settings.files is not None:
        return Path(settings.files)
    path = database(settings.url)
    return path.with_name(f"{path.name if path.suffix == '.files' else path.stem}.files")


def _settle() -> None:
    """Take all that was loaded out of the garbage collector's sight."""
    gc.collect()
    gc.freeze()


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
