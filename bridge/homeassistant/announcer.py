"""When Home Assistant is told of which twins: at each connect, when it comes up, and when twins come, change and go.

Decides who appears and when; what is said of a twin is written by `device`. What stands at the broker of twins that are
gone is found and cleared at each connect, so nothing that happened while there was no connection has to be kept.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import structlog

from bridge import render
from bridge.homeassistant import device
from bridge.homeassistant.options import DiscoveryOptions
from bridge.ports import Fleet, Incoming, Outgoing
from twin.model.view import StationView

MAX_BYTES = 256 * 1024
"""The longest message that is published: a broker may end the connection over a longer one, again and again."""

_QUIET_S = 1.0
_SWEEP_MAX_S = 10.0
_PAUSE_S = 0.05
_WAIT_S = (1.0, 10.0)

_log = structlog.get_logger("home_assistant")


class Shows(Protocol):
    """Publish; `Publisher` does."""

    def came(self, twin_id: str) -> None:
        """Show a twin from the beginning."""
        ...

    def went(self, twin_id: str, evses: int, first: int = 0) -> None:
        """Clear what stands of a twin that was removed, or of its EVSEs from `first` on."""
        ...

    def hand_over(self, message: Outgoing) -> None:
        """Publish a message if there is a connection."""
        ...


class Line(Protocol):
    """Be a connection to the broker; `Session` is."""

    async def listen(self, filters: list[str]) -> list[tuple[str, str]]:
        """Subscribe, and have what is retained replayed; return what was refused, with reasons. Raises MqttError."""
        ...

    def drop(self, filters: list[str]) -> None:
        """Unsubscribe without waiting."""
        ...


class Announcer:
    """Tell Home Assistant of twins, and the publisher of those that come and go; `attend` runs with each connection.

    `wait_s` returns how long to wait after Home Assistant came up: everybody on the broker hears that it did.
    """

    def __init__(
        self,
        options: DiscoveryOptions,
        fleet: Fleet,
        publisher: Shows,
        *,
        wait_s: Callable[[], float] = lambda: random.uniform(*_WAIT_S),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._options = options
        self._fleet = fleet
        self._publisher = publisher
        self._wait_s = wait_s
        self._sleep = sleep
        self._status = f"{options.prefix}/status"
        self._configs = f"{options.prefix}/device/+/config"
        self._born = asyncio.Event()
        self._ready = False
        self._found: dict[str, dict[str, str]] = {}
        self._heard = 0
        self._announced: dict[str, dict[str, str]] = {}
        self._firmware: dict[str, str | None] = {}
        self._owed: set[str] = set()
        self._said_full = False
        self._shown: set[str] = set()
        self._is_off = False
        self._followed = asyncio.Event()

    @property
    def announced(self) -> int:
        """Return how many twins Home Assistant was told of."""
        return len(self._announced)

    # --- The connection -----------------------------------------------------------------------------------------------

    async def attend(self, line: Line) -> None:
        """Announce all twins, and again whenever Home Assistant comes up. Raises MqttError."""
        try:
            await self._sweep(line)
            while not self._options.enabled:
                line.drop([self._status])  # a kept session may still have it
                await self._followed.wait()
                self._followed.clear()
            self._ready = True
            self._born.clear()
            await self._listen(line, self._status)
            await self._announce_all(states=False)
            while True:
                await self._born.wait()
                await self._sleep(self._wait_s())
                self._born.clear()
                await self._announce_all(states=True)
        finally:
            self._ready = False

    def follow(self, options: DiscoveryOptions) -> None:
        """Announce as another output profile says from now on; all else that may have changed needs a new start."""
        new = (options.enabled, options.all_or_none, options.hidden)
        own = self._options
        if new == (own.enabled, own.all_or_none, own.hidden):
            return
        enabled, all_or_none, hidden = new
        self._options = replace(own, enabled=enabled, all_or_none=all_or_none, hidden=hidden)
        self._count_anew()
        self._followed.set()
        if self._ready:
            self._born.set()

    def hears(self, topic: str) -> bool:
        """Tell whether a topic is one of those that `attend` subscribes to."""
        return topic == self._status or self._is_config(topic)

    def handle(self, message: Incoming) -> None:
        """Take what Home Assistant says of itself, or what stands of a device."""
        message.acknowledge()
        if message.topic != self._status:
            self._find(message)
        elif message.payload == b"online":
            self._born.set()

    # --- Twins come, change and go ------------------------------------------------------------------------------------

    def came(self, twin_id: str) -> None:
        """Announce a twin that was added or changed, and show it, unless it is gone already."""
        if twin_id not in self._fleet.ids:
            return
        if self._ready and self._options.shows(twin_id):
            self._announce_if_there_is_room(twin_id)
        self._publisher.came(twin_id)

    def went(self, twin_id: str, evses: int, first: int = 0) -> None:
        """Clear what was said of a twin that was removed, and then what stands of it or of EVSEs from `first` on."""
        if not first:
            self._shown.discard(twin_id)
            self._look_at_the_number()
            self._firmware.pop(twin_id, None)
            if self._announced.pop(twin_id, None) is not None:
                topic = device.topic(twin_id, self._options)
                self._clear(topic) if self._ready else self._owed.add(topic)
        self._publisher.went(twin_id, evses, first)

    def changed(self, twin_id: str) -> None:
        """Announce a twin again if its firmware is another one."""
        known = self._firmware.get(twin_id)
        if self._ready and twin_id in self._announced and self._firmware_of(twin_id) != known:
            self._announce(twin_id)

    # --- Too many for Home Assistant ----------------------------------------------------------------------------------

    def _count_anew(self) -> None:
        shows = self._options.shows
        self._shown = {twin_id for twin_id in self._fleet.ids if shows(twin_id)} if self._options.all_or_none else set()
        self._look_at_the_number()

    def _look_at_the_number(self) -> None:
        """Go silent where there are too many twins, or speak up where there are no longer."""
        options, was_off = self._options, self._is_off
        too_many = options.all_or_none and len(self._shown) > options.max_twins
        self._is_off = too_many or not options.enabled
        if self._is_off and not was_off:
            for twin_id in self._announced:
                topic = device.topic(twin_id, options)
                self._clear(topic) if self._ready else self._owed.add(topic)
            self._announced.clear()
            if too_many:
                advice = "raise home_assistant.max_twins, choose with include and exclude, or set enabled to true"
                _log.info("discovery_off", twins=len(self._shown), max_twins=options.max_twins, advice=advice)
        if was_off and not self._is_off and self._ready:
            self._born.set()

    # --- What stands at the broker ------------------------------------------------------------------------------------

    async def _sweep(self, line: Line) -> None:
        """Find what this node has said at an earlier time, and clear what does not hold any more."""
        self._count_anew()
        self._found.clear()
        self._heard = -1
        await self._listen(line, self._configs)
        # The broker does not say when the last retained message was sent.
        left = _SWEEP_MAX_S
        while left > 0 and self._heard != 0:
            self._heard = 0
            await self._sleep(_QUIET_S)
            left -= _QUIET_S
        line.drop([self._configs])
        shown = {
            device.topic(twin_id, self._options): twin_id
            for twin_id in self._fleet.ids
            if self._options.shows(twin_id) and not self._is_off
        }
        for topic in [*self._found, *(self._owed - self._found.keys())]:
            twin_id = shown.get(topic)
            if twin_id is None or not self._has_room_for(twin_id):
                self._clear(topic)
            else:
                # A broker may have lost what Home Assistant still knows.
                self._announced[twin_id] = self._announced.get(twin_id, {}) | self._found.get(topic, {})
        self._found.clear()
        self._owed.clear()

    async def _listen(self, line: Line, name: str) -> None:
        for refused, reason in await line.listen([name]):
            if self._options.enabled:
                _log.error("subscription_refused", filter=refused, reason=reason, advice="allow it in the broker's ACL")

    def _is_config(self, topic: str) -> bool:
        return topic.startswith(f"{self._options.prefix}/device/") and topic.endswith("/config")

    def _find(self, message: Incoming) -> None:
        self._heard += 1
        try:
            found = device.platforms(json.loads(message.payload), self._options)
        except (ValueError, RecursionError):
            return
        if found is not None:
            self._found[message.topic] = found

    # --- What is said -------------------------------------------------------------------------------------------------

    async def _announce_all(self, *, states: bool) -> None:
        for twin_id in self._wanted():
            if twin_id in self._fleet.ids:
                self._announce(twin_id)
                if states:
                    self._publisher.came(twin_id)
                await self._sleep(_PAUSE_S)

    def _wanted(self) -> list[str]:
        """Return who is announced: those who are already, then others as long as there is room."""
        if self._is_off:
            return []
        shown = [twin_id for twin_id in self._fleet.ids if self._options.shows(twin_id)]
        old = [twin_id for twin_id in shown if twin_id in self._announced]
        new = [twin_id for twin_id in shown if twin_id not in self._announced]
        room = max(0, self._options.max_twins - len(old))
        if len(new) > room:
            self._say_full(len(new) - room)
        return old + new[:room]

    def _has_room_for(self, twin_id: str) -> bool:
        return twin_id in self._announced or len(self._announced) < self._options.max_twins

    def _announce_if_there_is_room(self, twin_id: str) -> None:
        if self._options.all_or_none:
            self._shown.add(twin_id)
            self._look_at_the_number()
        if self._is_off:
            return
        if self._has_room_for(twin_id):
            self._announce(twin_id)
        else:
            self._say_full(1)

    def _say_full(self, left_out: int) -> None:
        if not self._said_full:
            self._said_full = True
            advice = "raise home_assistant.max_twins, or choose with include and exclude"
            _log.warning("not_all_twins_announced", max_twins=self._options.max_twins, left_out=left_out, advice=advice)

    def _announce(self, twin_id: str) -> None:
        firmware = self._firmware[twin_id] = self._firmware_of(twin_id)
        before = self._announced.get(twin_id, {})
        spec = self._fleet.spec(twin_id)
        message = device.device_message(spec, self._options, firmware_version=firmware, gone=before)
        payload = render.encode(message)
        if len(payload) > MAX_BYTES:
            advice = f"a twin of {len(spec.evses)} EVSEs is too large for Home Assistant; exclude it"
            _log.warning("twin_not_announced", twin=twin_id, size=len(payload), advice=advice)
            return
        self._announced[twin_id] = {key: value["platform"] for key, value in message["components"].items()}
        self._publisher.hand_over(Outgoing(device.topic(twin_id, self._options), payload, 1, retain=True))

    def _clear(self, topic: str) -> None:
        # Once: a second one is a warning in Home Assistant's log. What is lost on the way is found at the next connect.
        self._publisher.hand_over(Outgoing(topic, b"", 1, retain=True))

    def _firmware_of(self, twin_id: str) -> str | None:
        view = self._fleet.view_of(twin_id, ("station", 0))
        return view.firmware_version if isinstance(view, StationView) else None
