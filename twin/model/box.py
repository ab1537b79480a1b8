"""The state of one box in one place, and the step: what a single input does to it.

Holds and hands out; decides nothing. Every function of the model that changes a box takes both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twin.model.cards import Cache, LocalList
from twin.model.credentials import NONE, Credentials
from twin.model.effects import Changed, Effect, Note, Outcome, Reply, Report, Tell
from twin.model.installed import Profiles
from twin.model.spec import EvseSpec, TwinSpec
from twin.model.state import Connection, Evse, Station
from twin.model.terms import Gate, Instant, PartKind, Registration
from twin.model.variables import Variables

_EVSE_PARTS: tuple[PartKind, ...] = ("evse", "limit", "meter", "session")


class Box:
    """Be everything that a twin is and remembers. `transactions` maps open sessions to the Central System's ids."""

    __slots__ = (
        "cache",
        "common",
        "connection",
        "credentials",
        "credentials_stored",
        "evses",
        "ids",
        "local_list",
        "orphans",
        "paced",
        "profiles",
        "spec",
        "station",
        "transactions",
        "variables",
    )

    def __init__(
        self,
        spec: TwinSpec,
        station: Station,
        common: Evse,
        evses: list[Evse],
        variables: Variables,
        ids: Callable[[], str],
    ) -> None:
        self.spec = spec
        self.station = station
        self.common = common
        self.evses = evses
        self.variables = variables
        self.ids = ids
        self.paced = False
        """Time does not run as it does at the Central System, whose clock says nothing then."""
        self.cache = Cache()
        self.profiles = Profiles()
        self.local_list = LocalList()
        self.transactions: dict[str, int | None] = {}
        self.connection = Connection()
        self.orphans: tuple[Evse, ...] = ()
        """EVSEs that the configuration took away while they charged; their sessions are ended at the start."""
        self.credentials: Credentials = NONE
        self.credentials_stored: tuple[Credentials, bytes] | None = None
        """The snapshot's memo of them."""

    @property
    def online(self) -> bool:
        """Tell whether the Central System can be told and asked now."""
        return self.connection.up and self.connection.registration is Registration.ACCEPTED

    @property
    def gate(self) -> Gate:
        """Say what may be sent (OCPP 1.6 §4.2, B-02, B-08, B-11)."""
        match self.connection.registration:
            case Registration.ACCEPTED:
                return Gate.OPEN
            case Registration.PENDING:
                return Gate.PENDING
            case Registration.REJECTED | None:
                return Gate.CLOSED

    @property
    def running(self) -> bool:
        """Tell whether the box has power and is not rebooting."""
        return self.station.powered and self.station.up_at is None

    @property
    def firmware_version(self) -> str | None:
        """Return the version of the firmware that runs: the last one installed, or what the box came with."""
        return self.station.firmware_version or self.spec.firmware_version

    @property
    def wants_link(self) -> bool:
        """Tell whether the box would have a connection now."""
        return self.running and self.station.network

    def evse(self, number: int) -> Evse:
        """Return an EVSE by its number, or (0) what the station has in common with one."""
        return self.common if number == 0 else self.evses[number - 1]

    def hardware(self, number: int) -> EvseSpec:
        """Return what an EVSE is made of."""
        return self.spec.evses[number - 1]

    def all(self) -> Iterator[Evse]:
        """Go through station and EVSEs, the station first."""
        yield self.common
        yield from self.evses

    def own_time(self, now: Instant) -> Instant:
        """Return the time on the box's own clock, which follows the Central System's (B-05, R6)."""
        return now + self.station.clock_offset_s


class Step:
    """Collect what one input causes; `request_id` is that of the command that is behind it."""

    __slots__ = ("box", "effects", "now", "request_id")

    def __init__(self, box: Box, now: Instant, request_id: str | None = None) -> None:
        self.box = box
        self.now = now
        self.request_id = request_id
        self.effects: list[Effect] = []

    @property
    def own_now(self) -> Instant:
        """Return the time on the box's own clock."""
        return self.box.own_time(self.now)

    def do(self, effect: Effect) -> None:
        """Want something done."""
        self.effects.append(effect)

    def reply(self, request_ref: str, outcome: Outcome) -> None:
        """Answer a request of the Central System."""
        self.effects.append(Reply(request_ref, outcome))

    def tell(self, report: Report, *, durable: bool = False, triggered: bool = False) -> None:
        """Tell the Central System something."""
        self.effects.append(Tell(report, durable, triggered))

    def note(self, name: str, evse: int | None = None, *, request_id: str | None = None, **fields: Any) -> None:
        """State a fact for people and programs on MQTT."""
        self.effects.append(Note(name, fields, self.now, evse or None, request_id or self.request_id))

    def changed(self, number: int) -> None:
        """Say that an EVSE, or (0) the station, shows something new."""
        if number == 0:
            self.effects.append(Changed(("station", 0)))
        else:
            self.effects.extend(Changed((kind, number)) for kind in _EVSE_PARTS)
