"""What is known of a fleet by what its daemons publish: nodes, twins, EVSEs, and what happened to them.

Takes (topic, payload, time) and nothing else: it knows neither a connection to a broker nor a screen.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bridge.topics import RESERVED, evse_number
from bridge.watching.frames import Direction, Frame, Frames
from bridge.watching.history import History
from bridge.watching.shapes import Event, Evse, Info, Limit, Meter, Session, Station, read

_MAX_EVENTS = 100
_MAX_FRAMES = 500

_ROOTS = ("{}/+/availability", "{}/+/state", "{}/+/event", "{}/bridge/+/availability", "{}/bridge/+/info")
_PARTS = ("{}/+/+/state", "{}/+/+/meter", "{}/+/+/limit", "{}/+/+/session")


def filters(base_topic: str) -> list[str]:
    """Return what to subscribe to, so that `Knowledge` hears all that it needs; frames are not among it."""
    return [name.format(base_topic.strip("/")) for name in (*_ROOTS, *_PARTS)]


@dataclass(slots=True)
class Node:
    """Be what is known of a daemon; `online` is None before it has said so."""

    online: bool | None = None
    info: Info | None = None


@dataclass(slots=True)
class Connector:
    """Be what is known of an EVSE."""

    evse: Evse = field(default_factory=Evse)
    meter: Meter = field(default_factory=Meter)
    limit: Limit = field(default_factory=Limit)
    session: Session = field(default_factory=Session)
    power: History = field(default_factory=History)
    allowed: History = field(default_factory=History)


@dataclass(slots=True)
class Twin:
    """Be what is known of a twin; `online` says whether it runs. `version` grows with all that is new."""

    id: str
    online: bool | None = None
    station: Station = field(default_factory=Station)
    connectors: dict[int, Connector] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=_MAX_EVENTS))
    frames: deque[Frame] = field(default_factory=lambda: deque(maxlen=_MAX_FRAMES))
    version: int = 0

    @property
    def power_w(self) -> float:
        """Return what all EVSEs draw."""
        return sum(one.meter.power_w for one in self.connectors.values())

    @property
    def energy_wh(self) -> float:
        """Return what the registers of all EVSEs say."""
        return sum(one.meter.energy_wh for one in self.connectors.values())

    @property
    def is_charging(self) -> bool:
        """Tell whether energy flows anywhere."""
        return any(one.evse.charging for one in self.connectors.values())


@dataclass(frozen=True, slots=True)
class Totals:
    """Sum a fleet up."""

    twins: int = 0
    running: int = 0
    connected: int = 0
    charging: int = 0
    faulted: int = 0
    power_w: float = 0.0
    queued: int = 0


class Knowledge:
    """Hold what was heard below a root. `version` grows with all that is new; nothing else tells of a change."""

    def __init__(self, base_topic: str) -> None:
        self._root = base_topic.strip("/") + "/"
        self._frames = Frames()
        self._replayed: set[str] | None = None
        self.nodes: dict[str, Node] = {}
        self.twins: dict[str, Twin] = {}
        self.version = 0
        self.members = 0
        """Grows when twins come or go."""

    def take(self, topic: str, payload: bytes, at: float) -> None:
        """Learn from a message that came at that time, in seconds."""
        if not topic.startswith(self._root):
            return
        match topic[len(self._root) :].split("/"):
            case ["bridge", node, name]:
                self._of_node(node, name, payload)
            case [twin, "availability" | "state" as name] if twin != RESERVED:
                self._of_twin(twin, name, payload)
            case [twin, "event"] if twin in self.twins:
                self._happened(self.twins[twin], payload)
            case [twin, "ocpp", "sent" | "received" as direction] if twin in self.twins:
                self._framed(self.twins[twin], direction, payload)
            case [twin, evse, name] if (number := evse_number(evse)) is not None:
                self._of_evse(twin, number, name, payload, at)
            case _:
                return

    def replay_begins(self) -> None:
        """Expect all that is retained once more: there is a new connection."""
        self._replayed = set()

    def replay_ends(self) -> None:
        """Forget twins and nodes of which nothing came again: they were removed while nobody listened."""
        if self._replayed is None:
            return
        gone = [name for name in self.twins if name not in self._replayed]
        for name in gone:
            del self.twins[name]
        self.nodes = {name: node for name, node in self.nodes.items() if f"{RESERVED}/{name}" in self._replayed}
        self._replayed = None
        self.members += bool(gone)
        self.version += 1

    def runs(self, twin: Twin) -> bool:
        """Tell whether a twin runs; the will of the only node speaks for all its twins."""
        if len(self.nodes) == 1 and next(iter(self.nodes.values())).online is False:
            return False
        return twin.online is not False

    def totals(self) -> Totals:
        """Sum up what runs."""
        running = [twin for twin in self.twins.values() if self.runs(twin)]
        return Totals(
            twins=len(self.twins),
            running=len(running),
            connected=sum(twin.station.connected for twin in running),
            charging=sum(one.evse.charging for twin in running for one in twin.connectors.values()),
            faulted=sum(one.evse.status == "Faulted" for twin in running for one in twin.connectors.values()),
            power_w=sum(twin.power_w for twin in running),
            queued=sum(twin.station.queued_messages for twin in running),
        )

    def _of_node(self, name: str, what: str, payload: bytes) -> None:
        if not payload:
            self.nodes.pop(name, None)
            self.version += 1
            return
        node = self.nodes.setdefault(name, Node())
        if self._replayed is not None:
            self._replayed.add(f"{RESERVED}/{name}")
        if what == "availability":
            node.online = payload == b"online"
        elif what == "info":
            node.info = read(Info, payload) or node.info
        self.version += 1

    def _of_twin(self, name: str, what: str, payload: bytes) -> None:
        if not payload:
            self._gone(name, what)
            return
        twin = self._twin(name)
        if what == "availability":
            twin.online = payload == b"online"
        else:
            twin.station = read(Station, payload) or twin.station
        self._touched(twin)

    def _happened(self, twin: Twin, payload: bytes) -> None:
        event = read(Event, payload)
        if event is not None:
            twin.events.append(event)
            self._touched(twin)

    def _of_evse(self, name: str, number: int, what: str, payload: bytes, at: float) -> None:
        if not payload:
            self._evse_gone(name, number, what)
            return
        twin = self._twin(name)
        known = twin.connectors.get(number)
        if known is None:
            known = twin.connectors[number] = Connector()
            twin.connectors = dict(sorted(twin.connectors.items()))
        match what:
            case "state":
                known.evse = read(Evse, payload) or known.evse
            case "meter":
                known.meter = read(Meter, payload) or known.meter
                known.power.add(known.meter.power_w, at)
            case "limit":
                known.limit = read(Limit, payload) or known.limit
                known.allowed.add(known.limit.limit_w, at)
            case "session":
                known.session = read(Session, payload) or known.session
            case _:
                return
        self._touched(twin)

    def _framed(self, twin: Twin, direction: Direction, payload: bytes) -> None:
        frame = self._frames.read(twin.id, direction, payload)
        if frame is not None:
            twin.frames.append(frame)
            self._touched(twin)

    def _twin(self, name: str) -> Twin:
        found = self.twins.get(name)
        if found is None:
            found = self.twins[name] = Twin(name)
            self.members += 1
        return found

    def _gone(self, name: str, what: str) -> None:
        # Cleared topics come one by one: with the station's state the twin is gone, what follows is old news.
        if what == "state" and self.twins.pop(name, None) is not None:
            self.members += 1
            self.version += 1

    def _evse_gone(self, name: str, number: int, what: str) -> None:
        twin = self.twins.get(name)
        known = None if twin is None else twin.connectors.get(number)
        if twin is None or known is None:
            return
        match what:  # with another output profile, meters and limits go, and the EVSE stays
            case "state":
                del twin.connectors[number]
            case "meter":
                known.meter = Meter()
            case "limit":
                known.limit = Limit()
            case _:
                return
        self._touched(twin)

    def _touched(self, twin: Twin) -> None:
        twin.version += 1
        self.version += 1
        if self._replayed is not None:
            self._replayed.add(twin.id)
