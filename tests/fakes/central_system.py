"""A Central System face to face with one `Station`, in virtual time and without a network.

It plays the shell as well: it stores a turn's rows, then lets the frames go, then carries out what is said about
the link; so it can lose the process at any of these points (`crash`, `crash_next`) and start it again from the rows.
Every frame of the twin goes past a `Judge` first.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec
from fakes.judge import MATRIX, TRIGGERED_BY, Foul, Judge, iso

from twin.errors import Rejected
from twin.model.effects import Job
from twin.model.inputs import Boot, JobEvent, LinkRefused
from twin.model.spec import Access, EvseSpec, KeySpec, TwinSpec
from twin.model.terms import LinkProblem
from twin.model.view import SessionView, TwinView
from twin.station import Station
from twin.turn import CallOutcome, DropReport, DropState, PutReport, PutState, Turn

J = TypeVar("J", bound=Job)

T0 = 1_767_607_200.0  # 2026-01-05T10:00:00Z, a Monday
URL = "ws://central.example/ocpp/CP1"


@dataclass(frozen=True)
class CallError:
    """Answer with a CALLERROR."""

    code: str = "InternalError"
    description: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hold:
    """Do not answer (yet): the call lies in `held` until `release`."""


@dataclass(frozen=True)
class Later:
    """Answer after some seconds."""

    seconds: float
    answer: Any = None


@dataclass(frozen=True)
class Cut:
    """Lose the link instead of answering, for so many seconds."""

    seconds: float = 5.0


@dataclass(frozen=True)
class Garbage:
    """Answer with this text; `{id}` stands for the message id."""

    text: str


@dataclass(frozen=True)
class Call:
    """Record one CALL of the twin: when it came, on which connection, and what it said."""

    at: float
    connection: int
    id: str
    action: str
    payload: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.payload[name]


@dataclass(frozen=True)
class Reply:
    """Record the twin's answer to a CALL of the Central System: a payload, or a CALLERROR's code."""

    at: float
    id: str
    payload: dict[str, Any] | None = None
    code: str | None = None
    description: str | None = None

    @property
    def status(self) -> str:
        assert self.payload is not None, f"CALLERROR {self.code}: {self.description}"
        return self.payload["status"]


@dataclass
class Rows:
    """Hold what is on the disk."""

    parts: dict[str, bytes] = field(default_factory=dict)
    reports: dict[int, bytes] = field(default_factory=dict)
    alive: float | None = None

    def store(self, turn: Turn) -> None:
        for row in turn.rows:
            match row:
                case PutState(part=part, data=data):
                    self.parts[part] = data
                case DropState(part=part):
                    self.parts.pop(part, None)
                case PutReport(seq=seq, data=data):
                    self.reports[seq] = data
                case DropReport(seq=seq):
                    self.reports.pop(seq, None)


def spec(evses: int = 1, keys: Mapping[str, Any] | None = None, evse: EvseSpec | None = None, **more: Any) -> TwinSpec:
    """Describe a box; `keys` are configuration keys at first start."""
    settings = {
        name: value if isinstance(value, KeySpec) else KeySpec(str(value)) for name, value in (keys or {}).items()
    }
    return TwinSpec(id="cp1", identity="CP1", evses=(evse or EvseSpec(),) * evses, keys=settings, **more)


def _without_flow(view: Any) -> Any:
    """Leave out what changes with time alone."""
    return msgspec.structs.replace(view, energy_wh=None, duration_s=None) if isinstance(view, SessionView) else view


class CentralSystem:
    """Own the clock, the link and the disk of one twin, and answer what it asks.

    `answers` scripts the next answers by action (used up in order), `always` the lasting ones: a payload, a callable
    (payload -> answer) or one of CallError, Hold, Later, Cut, Garbage. Cards are in `tags` (IdTagInfo); unknown ones
    are accepted. `log` has everything in order; `received` the twin's CALLs, `replies` its answers, `jobs` what it
    wants the runtime to do (`finish` says what became of it).
    """

    def __init__(self, spec: TwinSpec, *, now: float = T0, linked: bool = True, boot_interval: int = 300) -> None:
        self.now = now
        self.spec = spec
        self.rows = Rows()
        self.judge = Judge(len(spec.evses))
        self.judge.message_timeout_s = float(spec.keys["MessageTimeout"].value) if "MessageTimeout" in spec.keys else 30
        self.judge.status_may_jump = "MinimumStatusDuration" in spec.keys
        self.offset_s = 0.0  # how far the Central System's clock is ahead
        self.boot_interval = boot_interval
        self.reconnect_after_s = 1.0
        self.reachable = linked
        self.connection = 0
        self.link = False
        self.answers: dict[str, deque[Any]] = {}
        self.always: dict[str, Any] = {}
        self.tags: dict[str, dict[str, Any]] = {}
        self.transaction_ids = itertools.count(1)
        self.log: list[Any] = []
        self.received: list[Call] = []
        self.replies: dict[str, Reply] = {}
        self.held: list[Call] = []
        self.given: list[tuple[Call, int]] = []  # which StartTransaction was given which transaction id
        self.notes: list[Any] = []
        self.calls: list[CallOutcome] = []
        self.access = Access()  # with what the present connection was opened
        self.admits: Callable[[Access], LinkProblem | None] = lambda _: None  # why a connection is refused
        self.certificate: bytes | None = None  # by which the Central System proves itself (DER)
        self.jobs: list[Job] = []  # what the twin wanted fetched, delivered, made or given up
        self.crash_next: Literal["before_store", "after_store"] | None = None
        self.starts = 0
        self._ids = itertools.count(1)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._inbox: deque[str] = deque()
        self._pumping = False
        self._off = False
        self._start()

    # --- What tests look at

    def sent(self, action: str, since: int = 0) -> list[Call]:
        """List the twin's CALLs of one action, from `since` (an earlier `len(received)`)."""
        return [call for call in self.received[since:] if call.action == action]

    def actions(self, since: int = 0) -> list[str]:
        return [call.action for call in self.received[since:]]

    def mark(self) -> int:
        return len(self.received)

    def last(self, action: str) -> Call:
        found = self.sent(action)
        assert found, f"no {action} in {self.actions()}"
        return found[-1]

    def statuses(self, connector: int, since: int = 0) -> list[str]:
        return [call["status"] for call in self.sent("StatusNotification", since) if call["connectorId"] == connector]

    def status(self, connector: int = 1) -> str:
        return self.statuses(connector)[-1]

    def noted(self, name: str) -> list[Any]:
        return [note for note in self.notes if note.name == name]

    def configuration(self, *keys: str) -> dict[str, str | None]:
        """Read configuration keys, or all of them."""
        payload = self.ask("GetConfiguration", {"key": list(keys)} if keys else {}).payload
        assert payload is not None
        return {item["key"]: item.get("value") for item in payload.get("configurationKey", [])}

    def configure(self, key: str, value: Any) -> str:
        """Change a configuration key and give the status back."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        status = self.ask("ChangeConfiguration", {"key": key, "value": text}).status
        if status == "Accepted" and key == "MessageTimeout":
            self.judge.message_timeout_s = float(text)
        if status == "Accepted" and key == "MinimumStatusDuration":
            self.judge.status_may_jump = True
        return status

    # --- What happens to the box

    def command(self, *commands: Any) -> None:
        """Do something physical; a refusal must leave the twin as it was (R2)."""
        for command in commands:
            before = self.station.view(self.now)
            try:
                turn = self.station.command(command, self.now)
            except Rejected:
                assert self.station.view(self.now) == before, f"R2: the refused {command} changed something"
                raise
            if isinstance(command, Boot):
                self.judge.boot_asked()
            self._carry_out(turn)

    def refused(self, command: Any) -> str:
        """Do something that the box must refuse, and give the code."""
        try:
            self.command(command)
        except Rejected as refusal:
            return refusal.code
        raise AssertionError(f"{command} was taken")

    def advance(self, seconds: float) -> None:
        """Let time pass; everything due happens at its time."""
        self.advance_to(self.now + seconds)

    def advance_to(self, target: float) -> None:
        idle = 0
        while True:
            deadline = self.station.next_deadline()
            due = min([d for d in (deadline, self._due[0][0] if self._due else None) if d is not None], default=None)
            if due is None or due > target:
                break
            idle = idle + 1 if due <= self.now else 0
            assert idle < 200, f"R3: next_deadline() stays at {due}, now is {self.now}"
            self.now = max(self.now, due)
            if self._due and self._due[0][0] <= self.now:
                self._due.pop(0)[2]()
            if deadline is not None and deadline <= self.now:
                self._carry_out(self.station.tick(self.now))
        self.now = max(self.now, target)
        self._carry_out(self.station.tick(self.now))  # an early tick must do no harm

    def oversleep(self, seconds: float) -> None:
        """Let time pass without a tick, as when the machine is suspended; then everything due happens late."""
        self.now += seconds
        self.advance(0)

    # --- The link

    def cut(self, reason: str = "the cable was cut") -> None:
        """Lose the link and keep it lost."""
        self.reachable = False
        self._disconnect(reason)

    def restore(self) -> None:
        """Let the twin connect again, at once."""
        self.reachable = True
        self._connect()

    def blink(self) -> None:
        """Lose the link and have it back at once."""
        self.cut()
        self.restore()

    def crash(self, downtime_s: float = 0.0) -> None:
        """Lose the process, with all that is not on the disk, and start it again."""
        self.link = False
        self._inbox.clear()
        self._due.clear()
        self.now += downtime_s
        self._start()

    def refuse_link(self, problem: LinkProblem = LinkProblem.OTHER, reason: str = "connection refused") -> None:
        """Let the twin fail to connect, and keep it from connecting until `restore`."""
        self.cut()
        self._carry_out(self.station.link_refused(LinkRefused(self.url, reason, problem), self.now))

    # --- The runtime's jobs

    def finish(self, *events: JobEvent) -> None:
        """Tell the twin what became of its jobs; what it wants done lies in `jobs`."""
        for event in events:
            self._carry_out(self.station.job(event, self.now))

    def wanted(self, kind: type[J]) -> J:
        """Return the newest job of a kind."""
        found = [job for job in self.jobs if isinstance(job, kind)]
        assert found, f"no {kind.__name__} in {self.jobs}"
        return found[-1]

    # --- The Central System's own calls

    def ask(self, action: str, payload: Any = None) -> Reply:
        """Call the twin and give its answer, which must come at once."""
        reply = self.replies.get(self.call(action, payload))
        assert reply is not None, f"T-23: no answer to {action} {payload}"
        return reply

    def call(self, action: str, payload: Any = None, message_id: str | None = None) -> str:
        """Call the twin and give the message id, whether an answer comes or not."""
        message_id = message_id or f"cs-{next(self._ids)}"
        self.judge.called(message_id, action)
        if action in {"TriggerMessage", "ExtendedTriggerMessage"}:
            requested = payload.get("requestedMessage")
            if action == "ExtendedTriggerMessage":
                requested = TRIGGERED_BY.get(requested, requested)
            repeats = self.judge.connectors + 1 if "connectorId" not in payload else 1
            self.judge.triggered += [requested] * repeats
        self.say(json.dumps([2, message_id, action, {} if payload is None else payload]))
        return message_id

    def say(self, text: str) -> None:
        """Send any text to the twin, without asking whether it may be sent."""
        assert self.link, "the link is down"
        self.log.append((self.now, "cs", text))
        self._inbox.append(text)
        self._pump()

    def script(self, action: str, *answers: Any) -> None:
        """Put answers to the next CALLs of that action."""
        self.answers.setdefault(action, deque()).extend(answers)

    def release(self, answer: Any = None, index: int = 0) -> None:
        """Answer a held CALL, late or not; by default as it would have been answered at once."""
        call = self.held.pop(index)
        self._answer(call, self._default(call) if answer is None else answer)
        self._pump()

    # --- The inside

    def _start(self) -> None:
        self.starts += 1
        ids = itertools.count(1)
        prefix = f"{self.starts:04d}"
        self.judge.rebooted()
        self._view: TwinView | None = None
        self.station, turn = Station.start(
            self.spec,
            self.now,
            ids=lambda: f"{prefix}-{next(ids):08d}",
            parts=dict(self.rows.parts),
            reports=sorted(self.rows.reports.items()),
            alive=self.rows.alive,
        )
        self._carry_out(turn)
        self._connect()

    def _carry_out(self, turn: Turn) -> None:
        crash, self.crash_next = self.crash_next, None
        if crash == "before_store":
            self.crash()
            return
        self.rows.store(turn)
        self.rows.alive = self.now
        if crash == "after_store":
            self.crash()
            return
        for frame in turn.frames:
            assert self.link, f"a frame without a link: {frame.text}"
            self._hear(frame.text)
        self._take_notes(turn)
        self._compare_views(turn)
        self.calls += turn.calls
        self.jobs += turn.jobs
        if turn.drop is not None and self.link:
            self._disconnect(turn.drop)
        if self.link and self.station.access.renews(self.access):
            self._disconnect("the security settings were changed")
        if turn.power is False:
            self._disconnect("the box cut the link")
        was_off, self._off = self._off, not self.station.wants_link and self._network
        if was_off and not self._off:
            self.judge.rebooted()
        self._reconnect_later()
        self._pump()

    @property
    def _network(self) -> bool:
        return self.station.view(self.now).station.network

    def _take_notes(self, turn: Turn) -> None:
        self.notes += turn.notes
        for note in turn.notes:
            self.log.append((self.now, "note", note))
            if note.name != "status_changed" or not note.evse or self._off or not self.station.wants_link:
                continue  # a power-up is no step
            before, after = note.fields["previous"], note.fields["status"]
            if before is not None and before != after and after not in MATRIX[before]:
                raise Foul(f"S-04: EVSE {note.evse} went from {before} to {after}")

    def _compare_views(self, turn: Turn) -> None:
        """Hold what the twin shows against what it says has changed; energy and time flow without a word."""
        before, after = self._view, self.station.view(self.now)
        self._view = after
        if before is None:
            return
        if before.station != after.station:
            assert ("station", 0) in turn.changed, f"not told: {before.station} became {after.station}"
        for number in range(1, len(after.evses) + 1):
            for kind, olds, news in (
                ("evse", before.evses, after.evses),
                ("limit", before.limits, after.limits),
                ("session", before.sessions, after.sessions),
            ):
                old, new = (_without_flow(views[number - 1]) for views in (olds, news))
                assert old == new or (kind, number) in turn.changed, f"not told: {old} became {new}"
            if before.evses[number - 1].status != after.evses[number - 1].status:
                told = [n.fields["status"] for n in turn.notes if n.name == "status_changed" and n.evse == number]
                assert told[-1:] == [after.evses[number - 1].status], f"EVSE {number}: no event for its new status"

    def _connect(self) -> None:
        if self.link or not self.reachable or not self.station.wants_link:
            return
        self.access = self.station.access
        problem = self.admits(self.access)
        if problem is not None:
            self.log.append((self.now, "link", problem))
            self._carry_out(self.station.link_refused(LinkRefused(self.url, f"refused: {problem}", problem), self.now))
            return
        self.link = True
        self.connection += 1
        self.judge.connected()
        self.log.append((self.now, "link", "up"))
        self._carry_out(self.station.link_up(self.url, self.now, self.certificate))

    @property
    def url(self) -> str:
        """Return where the present connection goes."""
        return URL if self.access.profile < 2 else URL.replace("ws:", "wss:")

    def _disconnect(self, reason: str) -> None:
        if not self.link:
            return
        self.link = False
        self._inbox.clear()
        self.held.clear()
        self.judge.disconnected()
        self.log.append((self.now, "link", reason))
        self._carry_out(self.station.link_down(self.url, reason, self.now))

    def _reconnect_later(self) -> None:
        if not self.link and self.reachable and self.station.wants_link and not self._reconnecting:
            self._at(self.now + self.reconnect_after_s, self._connect)

    @property
    def _reconnecting(self) -> bool:
        return any(what == self._connect for _, _, what in self._due)

    def _at(self, when: float, what: Callable[[], None]) -> None:
        self._due.append((when, next(self._order), what))
        self._due.sort(key=lambda item: item[:2])

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._inbox:
                self._carry_out(self.station.receive(self._inbox.popleft(), self.now))
        finally:
            self._pumping = False

    def _hear(self, text: str) -> None:
        self.log.append((self.now, "twin", text))
        kind, message_id, content = self.judge.judge(text, self.now)
        match kind:
            case 2:
                action, payload = content
                call = Call(self.now, self.connection, message_id, action, payload)
                self.received.append(call)
                self._answer(call, self._choose(call))
            case 3:
                self.replies[message_id] = Reply(self.now, message_id, content)
            case 4:
                self.replies[message_id] = Reply(self.now, message_id, None, content[0], content[1])

    def _choose(self, call: Call) -> Any:
        if self.answers.get(call.action):
            return self.answers[call.action].popleft()
        if call.action in self.always:
            return self.always[call.action]
        return self._default(call)

    def _answer(self, call: Call, answer: Any) -> None:
        if call.connection != self.connection or not self.link:
            return
        match answer:
            case Hold():
                self.held.append(call)
            case Later(seconds=seconds, answer=later):
                later = self._default(call) if later is None else later
                self._at(self.now + seconds, lambda: (self._answer(call, later), self._pump()))
            case Cut(seconds=seconds):
                self._at(self.now, self.cut)
                self._at(self.now + seconds, self.restore)
            case Garbage(text=text):
                self._reply(call, text.replace("{id}", call.id))
            case CallError(code=code, description=description, details=details):
                self._reply(call, json.dumps([4, call.id, code, description, details]))
            case dict():
                if call.action == "BootNotification" and answer.get("status") in {"Accepted", "Pending", "Rejected"}:
                    self.judge.registered(answer["status"], answer["interval"], self.now)
                if call.action == "StartTransaction" and isinstance(answer.get("transactionId"), int):
                    self.given.append((call, answer["transactionId"]))
                self._reply(call, json.dumps([3, call.id, answer]))
            case _:
                self._answer(call, answer(call.payload))

    def _reply(self, call: Call, text: str) -> None:
        self.judge.answered(call.id)
        self.log.append((self.now, "cs", text))
        self._inbox.append(text)

    def boot_answer(self, status: str = "Accepted", interval: int | None = None) -> dict[str, Any]:
        interval = self.boot_interval if interval is None else interval
        return {"status": status, "currentTime": iso(self.now + self.offset_s), "interval": interval}

    def _default(self, call: Call) -> Any:
        match call.action:
            case "BootNotification":
                return self.boot_answer()
            case "Heartbeat":
                return {"currentTime": iso(self.now + self.offset_s)}
            case "Authorize":
                return {"idTagInfo": self.tags.get(call["idTag"], {"status": "Accepted"})}
            case "StartTransaction":
                info = self.tags.get(call["idTag"], {"status": "Accepted"})
                return {"transactionId": next(self.transaction_ids), "idTagInfo": info}
            case "DataTransfer" | "SignCertificate":
                return {"status": "Accepted"}
            case _:
                return {}
