"""The life cycle of one twin's connection: dialled, lost, dialled again with growing delays, cut, restored.

Knows nothing about OCPP; what comes in and what happens is handed to the owner.
"""

from __future__ import annotations

import asyncio
import re
from random import Random
from typing import Protocol

from twin.errors import LinkError
from twin.fleet.counters import Tally
from twin.fleet.faults import Fault, contained
from twin.fleet.pacing import Dialer
from twin.fleet.ports import Connect
from twin.link.backoff import Backoff
from twin.link.explain import unheard
from twin.link.target import Target
from twin.link.websocket import Connection
from twin.model.inputs import LinkRefused
from twin.model.spec import TwinSpec
from twin.model.terms import LinkProblem

_USER = re.compile("//[^/]*@")

GOING_AWAY = 1001
"""RFC 6455 §7.4.1."""


class Owner(Protocol):
    """Be the one whom an uplink belongs to."""

    def target(self) -> Target:
        """Return whom to connect to now; raises LinkError."""
        ...

    def opened(self, url: str, server: bytes | None) -> None:
        """Learn that the connection stands; `server` is the Central System's certificate (DER), if it has one."""
        ...

    def received(self, text: str) -> None:
        """Take what came in."""
        ...

    def lost(self, url: str, reason: str) -> None:
        """Learn that the connection went, after `opened`."""
        ...

    def apart(self, url: str, reason: str) -> None:
        """Learn why there is no connection, where `lost` is not told: once, until that changes."""
        ...

    def refused(self, event: LinkRefused) -> None:
        """Learn that an attempt to connect failed, each time."""
        ...

    def rearm(self) -> None:
        """Ask for `next_deadline` again."""
        ...


class Links:
    """Be what all uplinks share: who dials when, how, and how many connections stand."""

    def __init__(self, dialer: Dialer, connect: Connect, timeout_s: float, tally: Tally) -> None:
        self.dialer = dialer
        self.connect = connect
        self.timeout_s = timeout_s
        self.tally = tally
        self._standing = 0
        self._none = asyncio.Event()
        self._none.set()

    def opened(self) -> None:
        """Count a connection."""
        self._standing += 1
        self.tally.links_opened += 1
        self._none.clear()

    def closed(self) -> None:
        """Count it no longer."""
        self._standing -= 1
        self.tally.links_lost += 1
        if not self._standing:
            self._none.set()

    async def all_closed(self) -> None:
        """Return when no connection stands."""
        await self._none.wait()


class Uplink:
    """Keep one twin connected while that is wanted; be the connection's peer."""

    __slots__ = (
        "_at_once",
        "_backoff",
        "_dialing",
        "_heard",
        "_links",
        "_losses",
        "_owner",
        "_ping_s",
        "_reason",
        "_retry_at",
        "_since",
        "_spec",
        "_told",
        "_url",
        "_wanted",
        "connection",
    )

    def __init__(self, spec: TwinSpec, owner: Owner, links: Links) -> None:
        self._spec = spec
        self._owner = owner
        self._links = links
        self.connection: Connection | None = None
        self._url = ""
        self._wanted = False
        self._dialing = False
        self._at_once = False  # dial without delay when the connection is gone
        self._told = False  # the owner knows that the connection stands
        self._heard = False
        self._since = 0.0
        self._losses = 0
        self._retry_at: float | None = None
        self._reason: str | None = None
        self._backoff: Backoff | None = None
        self._ping_s = 0.0

    # --- What the owner wants -----------------------------------------------------------------------------------------

    def want(self, wanted: bool) -> None:
        """Connect at once and stay connected, or break the connection and stay away."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if wanted:
            self._at_once = True
            self._dial()
        else:
            self._stop_dialing()
            if self.connection is not None:
                self.connection.abort("The charge point cut the connection.")
        self._owner.rearm()

    def become(self, spec: TwinSpec) -> None:
        """Dial as another spec says from the next time on."""
        self._spec = spec
        self._backoff = None

    def drop(self, reason: str) -> None:
        """Break the connection once and dial at once."""
        if self.connection is not None:
            self._at_once = True
            self.connection.abort(reason)

    def renew(self, reason: str) -> None:
        """Close the connection politely and dial at once, with what is then to be said about us."""
        if self.connection is not None:
            self._at_once = True
            self.connection.close(1000, reason)
            self._owner.rearm()

    def shut(self, reason: str, *, tell: bool) -> None:
        """Close politely and stay away until wanted again; `tell` the owner when it is `lost`, or nothing more."""
        self._wanted = False
        if self._told and not tell:
            self._told = False
            self._owner.apart(self._url, reason)
        self._stop_dialing()
        if self.connection is not None:
            self.connection.close(GOING_AWAY, reason)
        self._owner.rearm()

    def ping_every(self, seconds: float) -> None:
        """Send pings in this interval, from now on; 0 for none."""
        if seconds != self._ping_s:
            self._ping_s = seconds
            if self.connection is not None:
                self.connection.set_ping_interval(seconds)
                self._owner.rearm()

    # --- Time ---------------------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when, in the loop's time, `tick` has something to do."""
        if self._retry_at is not None:
            return self._retry_at
        return None if self.connection is None else self.connection.next_deadline()

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._retry_at is not None and self._retry_at <= now:
            self._dial()
        elif self.connection is not None:
            self.connection.tick(now)

    # --- Dialling -----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Return the name of the task that dials."""
        return f"connect {self._spec.id}"

    async def dial(self) -> None:
        """Try to connect once; the dialer's task runs this."""
        links = self._links
        url = _USER.sub("//", self._spec.csms.url)
        try:
            with contained(self._spec.id):
                target = self._owner.target()
                url = target.url
                connection = await links.connect(target, self, timeout_s=links.timeout_s)
        except LinkError as error:
            self._failed(LinkRefused(url, str(error), LinkProblem(error.problem)))
        except Fault as fault:
            self._failed(LinkRefused(url, str(fault)))
        else:
            self._opened(url, connection)

    def _dial(self) -> None:
        self._retry_at = None
        if self.connection is None and not self._dialing:
            self._at_once = False
            self._dialing = True
            self._links.dialer.request(self)

    def _stop_dialing(self) -> None:
        self._retry_at = None
        self._at_once = False
        if self._dialing:
            self._dialing = False
            self._links.dialer.cancel(self)

    def _failed(self, event: LinkRefused) -> None:
        self._dialing = False
        self._links.tally.links_failed[event.problem] += 1
        self._retry()
        if event.reason != self._reason:
            self._reason = event.reason
            self._owner.apart(event.url, event.reason)
        self._owner.refused(event)

    def _opened(self, url: str, connection: Connection) -> None:
        self._dialing = False
        self._links.opened()
        self._url = url
        self.connection = connection
        self._told = True
        self._heard = False
        self._reason = None
        self._since = asyncio.get_running_loop().time()
        if self._ping_s:
            connection.set_ping_interval(self._ping_s)
        self._owner.opened(url, connection.server_certificate)
        self._owner.rearm()

    # --- The connection tells -----------------------------------------------------------------------------------------

    def on_text(self, text: str) -> None:
        """Take a frame."""
        self._heard = True
        if self._told:
            self._owner.received(text)

    def on_closed(self, reason: str) -> None:
        """Learn that the connection is gone, whoever ended it and how."""
        self.connection = None
        told, self._told = self._told, False
        self._links.closed()
        stood_s = asyncio.get_running_loop().time() - self._since
        if self._heard or stood_s >= self._spec.csms.backoff_max_s:
            self._backoff = None  # the Central System took us: begin with the shortest delay again
        if told:
            theirs = self._wanted and not self._at_once and not self._heard
            self._owner.lost(self._url, unheard(reason, self._url) if theirs else reason)
        if self._dialing or not self._wanted:  # the owner may have had his say meanwhile
            self._owner.rearm()
        elif self._at_once:
            self._dial()
        else:
            self._retry()

    def _retry(self) -> None:
        # OCPP 1.6 T-05, T-06: never give up, with a growing and random delay. Made only when it is needed,
        # because a random generator weighs more than everything else of an idle twin's link.
        if self._backoff is None:
            csms = self._spec.csms
            self._losses += 1
            random = Random(f"{self._spec.seed}/{self._spec.id}/{self._losses}")
            self._backoff = Backoff(csms.backoff_min_s, csms.backoff_max_s, csms.backoff_jitter, random)
        self._retry_at = asyncio.get_running_loop().time() + self._backoff.next()
        self._owner.rearm()
