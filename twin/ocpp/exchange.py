"""What passes between a twin and its Central System on one connection after the other.

Decides what goes on the wire next, whose answer is whose, and what becomes of a message that failed; must not know a
single OCPP message, nor what a twin does with an input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, assert_never

import msgspec

from twin.errors import ProtocolError
from twin.model.effects import (
    Actuate,
    CancelJob,
    Changed,
    Deliver,
    Drop,
    Effect,
    Fetch,
    Forget,
    MakeKey,
    Note,
    Power,
    Refusal,
    Reply,
    Report,
    Tell,
)
from twin.model.inputs import Answer, Failed, LinkDown, LinkRefused, LinkUp, Unanswered
from twin.model.spec import TwinSpec
from twin.model.terms import Gate, Instant, LinkProblem, Registration
from twin.model.twin import Twin
from twin.ocpp import frames, outbox
from twin.ocpp.dialect import Dialect
from twin.ocpp.endpoint import Endpoint, Flight
from twin.ocpp.outbox import Job, Outbox, UserCall
from twin.turn import CallOutcome, Frame, Heard, Turn

_MAX_WORD = 50
_MAX_SENTENCE = 255

_WELL_FORMED = frozenset({"NotSupported", "NotImplemented"})
"""Codes for valid messages that this charge point cannot serve; all others tell of invalid ones (whitepaper §8)."""

_HOPELESS = frozenset(
    {
        "NotImplemented",
        "NotSupported",
        "ProtocolError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
    }
)
"""The error codes that a message would earn again (OCPP-J 1.6 §4.2.3)."""


class Exchange:
    """Carry a twin's reports to the Central System, and the Central System's requests to the twin."""

    __slots__ = ("_dialect", "_endpoint", "_outbox", "_refusal", "_spec", "_twin", "connected")

    def __init__(self, spec: TwinSpec, twin: Twin, dialect: Dialect, queue: Outbox, ids: Callable[[], str]) -> None:
        self._spec = spec
        self._twin = twin
        self._dialect = dialect
        self._outbox = queue
        self._endpoint = Endpoint(ids)
        self._refusal: str | None = None  # why there was no connection the last time
        self.connected = False

    @property
    def waiting(self) -> int:
        """Return how many messages wait that must not be lost."""
        return self._outbox.waiting

    @property
    def listening(self) -> bool:
        """Tell whether the box can be heard: a connection stands, and the box did not just die or lose its uplink."""
        return self.connected and self._twin.wants_link

    def next_deadline(self) -> Instant | None:
        """Return when `expire` or `pump` has something to do, None for never."""
        if self._endpoint.busy:
            return self._endpoint.deadline
        return self._outbox.retry_at(self._twin.gate) if self.listening else None

    # --- The connection -----------------------------------------------------------------------------------------------

    def open(self, url: str, turn: Turn, now: Instant, server: bytes | None = None) -> None:
        """Begin on a new connection; `server` is the Central System's certificate (DER)."""
        self.connected = True
        self._refusal = None
        self._endpoint.reset()
        self.apply(self._twin.link(LinkUp(url, server), now), turn, now)

    def close(self, url: str, reason: str, turn: Turn, now: Instant) -> None:
        """End with a connection: what must not be lost waits, the rest is forgotten."""
        self.connected = False
        flight = self._endpoint.reset()
        others = self._outbox.take_others()
        # The twin learns first that it is offline, so that it does not tell again what it is told was not heard.
        self.apply(self._twin.link(LinkDown(url, reason), now), turn, now)
        if flight is not None:
            self._lose(flight.job, "timeout", turn, now)
        for job in others:
            self._lose(job, "offline", turn, now)

    def refused(self, event: LinkRefused, turn: Turn, now: Instant) -> None:
        """Take note that no connection could be opened; the same fault of the Central System's is told once."""
        known, self._refusal = self._refusal, event.reason
        if event.problem is LinkProblem.SUBPROTOCOL and event.reason != known:
            turn.notes.append(_complaint(None, "ProtocolError", event.reason, now))
        self.apply(self._twin.link(event, now), turn, now)

    def expire(self, turn: Turn, now: Instant) -> None:
        """Give up a CALL whose time is up."""
        if (flight := self._endpoint.expired(now)) is not None:
            turn.heard = Heard("timeout", flight.action)
            self._fail(flight, Unanswered(), "no answer came in time", turn, now)

    # --- From the Central System --------------------------------------------------------------------------------------

    def send_raw(self, text: str, turn: Turn) -> None:
        """Put text on the wire as it is; where it is a CALL, its answer is nobody's fault."""
        try:
            frame = frames.parse(text)
        except ProtocolError as error:
            self._endpoint.sent_raw(error.message_id)
        else:
            if isinstance(frame, frames.Call):
                self._endpoint.sent_raw(frame.id)
        turn.frames.append(Frame(text, None))

    def receive(self, text: str, turn: Turn, now: Instant) -> None:
        """Take a text frame, whatever it is."""
        try:
            self._read(frames.parse(text), turn, now)
        except ProtocolError as error:
            turn.heard = Heard("other")
            self._refuse(error, None, turn, now)

    def _read(self, frame: frames.Parsed, turn: Turn, now: Instant) -> None:
        match frame:
            case frames.Call():
                self._serve(frame, turn, now)
            case frames.Result(id=message_id, payload=payload):
                if (flight := self._flight(message_id, turn, now)) is not None:
                    turn.heard = Heard("result", flight.action, took_s=now - flight.at)
                    self._land(flight, payload, turn, now)
            case frames.Error(id=message_id, code=code, description=description, details=details):
                flight = self._endpoint.unread(message_id)
                if flight is not None:
                    about = f"An error that names no CALL, taken to be about {flight.action}: {code}"
                    turn.notes.append(_complaint(flight.action, code, about, now))
                flight = flight or self._flight(message_id, turn, now)
                took_s = None if flight is None else now - flight.at
                turn.heard = Heard("error", None if flight is None else flight.action, code, took_s)
                if flight is not None:
                    data = {"code": code, "description": description, "details": details}
                    self._fail(flight, Failed(code, description), f"{code}: {description}", turn, now, data)
            case frames.Broken(id=message_id, description=description):
                if (flight := self._flight(message_id, turn, now)) is not None:
                    self._spoil(flight, ProtocolError("FormationViolation", description), turn, now)
            case frames.Ignored(message_type=message_type):
                turn.notes.append(
                    _complaint(None, "MessageTypeNotSupported", f"Message type {message_type} was ignored", now)
                )
            case _:
                assert_never(frame)

    def _serve(self, call: frames.Call, turn: Turn, now: Instant) -> None:
        try:
            self._endpoint.accept(call.id, now)
            request = self._dialect.request(call.action, call.payload, call.id, self._twin.variables)
        except ProtocolError as error:
            turn.heard = Heard("call")
            self._refuse(error, call.action, turn, now)
            return
        turn.heard = Heard("call", call.action)
        if self._mute:
            turn.notes.append(
                _complaint(call.action, "SecurityError", "A CALL while the registration is Rejected", now)
            )
            return
        self._endpoint.serve(call.id, call.action)
        self.apply(self._twin.request(request, now), turn, now)

    @property
    def _mute(self) -> bool:
        return self._twin.registration is Registration.REJECTED  # OCPP 1.6 §4.2, B-08: no answers then.

    def _refuse(self, error: ProtocolError, action: str | None, turn: Turn, now: Instant) -> None:
        turn.notes.append(_complaint(action, error.code, error.description, now))
        if error.message_id is not None and not self._mute:
            text = frames.error(error.message_id, error.code, error.description)
            turn.frames.append(Frame(text, action))
        if error.code not in _WELL_FORMED:
            self.apply(self._twin.misheard(error.description, now), turn, now)

    def _flight(self, message_id: str | None, turn: Turn, now: Instant) -> Flight | None:
        flight = self._endpoint.answered(message_id)
        if flight is None and not self._endpoint.answers_raw(message_id):  # T-21
            turn.notes.append(
                _complaint(None, "GenericError", f"An answer that nobody waits for, to {message_id}", now)
            )
        return flight

    def _land(self, flight: Flight, payload: dict[str, Any], turn: Turn, now: Instant) -> None:
        job = flight.job
        if isinstance(job.what, UserCall):
            turn.calls.append(CallOutcome(job.what.tag, "ok", payload))
            return
        try:
            answer = self._dialect.answer(job.what, payload)
        except ProtocolError as error:
            self._spoil(flight, error, turn, now)
            return
        self._settle(job, job.what, answer, turn, now)

    def _spoil(self, flight: Flight, error: ProtocolError, turn: Turn, now: Instant) -> None:
        # T-32: a confirmation that breaks its schema is a failed request.
        turn.notes.append(_complaint(flight.action, error.code, error.description, now))
        self.apply(self._twin.misheard(error.description, now), turn, now)
        data = {"code": error.code, "description": error.description, "details": {}}
        failed = Failed(error.code, error.description)
        self._fail(flight, failed, f"{error.code}: {error.description}", turn, now, data)

    # --- What becomes of what was sent --------------------------------------------------------------------------------

    def _settle(self, job: Job, report: Report, answer: Answer, turn: Turn, now: Instant) -> None:
        if job.durable:
            turn.rows.append(outbox.gone(job))
        self.apply(self._twin.answer(report, answer, now), turn, now)

    def _fail(
        self,
        flight: Flight,
        answer: Failed | Unanswered,
        reason: str,
        turn: Turn,
        now: Instant,
        data: dict[str, Any] | None = None,
    ) -> None:
        job = flight.job
        if isinstance(job.what, UserCall):
            status = "timeout" if data is None else "call_error"
            turn.calls.append(CallOutcome(job.what.tag, status, data))
            return
        job.attempts += 1
        # OCPP 1.6 §3.7.1, X-22 … X-24: try again after a growing wait, in the end drop it and go on.
        left = self._twin.variables.integer("OCPPCommCtrlr.MessageAttempts") - job.attempts
        if left > 0 and _is_worth_another_try(job, answer):
            wait_s = self._twin.variables.integer("OCPPCommCtrlr.MessageAttemptInterval")
            job.retry_at = now + wait_s * job.attempts
            self._outbox.put_back(job)
            turn.rows.append(outbox.row(job))
            later = msgspec.structs.replace(answer, final=False)
            self.apply(self._twin.answer(job.what, later, now), turn, now)
            return
        turn.notes.append(_loss(flight.action, reason, now))
        self._settle(job, job.what, answer, turn, now)

    def _lose(self, job: Job, status: str, turn: Turn, now: Instant) -> None:
        if isinstance(job.what, UserCall):
            turn.calls.append(CallOutcome(job.what.tag, status))
            return
        if job.durable:  # a lost link is no failure, so the attempt is not used up.
            self._outbox.put_back(job)
        self.apply(self._twin.answer(job.what, Unanswered(link_lost=True, final=not job.durable), now), turn, now)

    # --- From the twin ------------------------------------------------------------------------------------------------

    def apply(self, effects: Iterable[Effect], turn: Turn, now: Instant) -> None:
        """Carry out, in their order, what an input caused."""
        for effect in effects:
            match effect:
                case Tell():
                    self._queue(effect, turn, now)
                case Reply():
                    self._reply(effect, turn, now)
                case Changed(part=part):
                    turn.changed.add(part)
                case Power(link=link):
                    turn.power = link
                case Drop(reason=reason):
                    turn.drop = reason
                case Forget():
                    self._forget(turn, now)
                case Note():
                    turn.notes.append(effect)
                case Fetch() | Deliver() | MakeKey() | Actuate() | CancelJob():
                    turn.jobs.append(effect)
                case _:
                    assert_never(effect)

    def _reply(self, reply: Reply, turn: Turn, now: Instant) -> None:
        message_id, action = reply.request_ref, self._endpoint.served(reply.request_ref)
        if action is None or self._mute:  # the connection that it came by is gone, or the registration
            return
        match reply.outcome:
            case Refusal(code=code, description=description):
                turn.notes.append(_complaint(action, code, description, now))
                text = frames.error(message_id, code, description)
            case outcome:
                text = frames.result(message_id, self._dialect.reply(outcome, action))
        turn.frames.append(Frame(text, action))

    def _queue(self, tell: Tell, turn: Turn, now: Instant) -> None:
        stored, dropped = self._outbox.add(tell)
        if stored is not None:
            turn.rows.append(stored)
        if dropped is not None and not isinstance(dropped.what, UserCall):
            if stored is not None:
                turn.rows.append(outbox.gone(dropped))
            turn.notes.append(_loss(self._dialect.action(dropped.what), "the queue is full", now))
            self.apply(self._twin.exhausted(now), turn, now)

    def _forget(self, turn: Turn, now: Instant) -> None:
        for job in self._outbox.take_reports():
            if not isinstance(job.what, UserCall):
                self._settle(job, job.what, Failed("Dropped", "The queue was cleared"), turn, now)

    # --- To the Central System ----------------------------------------------------------------------------------------

    def call(self, call: UserCall) -> None:
        """Queue a user's CALL."""
        self._outbox.add_call(call)

    def pump(self, turn: Turn, now: Instant) -> None:
        """Send what goes next, if something may be sent (R4)."""
        gate = self._twin.gate
        if not self.listening or gate is not Gate.OPEN:
            self._outbox.hold()
            turn.calls += [CallOutcome(call.tag, "offline") for call in self._outbox.take_calls()]
        if not self.listening or turn.drop is not None or self._endpoint.busy:
            return
        job = self._outbox.take(gate, now)
        if job is not None:
            turn.frames.append(self._frame(job, now))

    def _frame(self, job: Job, now: Instant) -> Frame:
        due = now + self._twin.variables.integer("OCPPCommCtrlr.MessageTimeout")
        if isinstance(job.what, UserCall):
            action, payload = job.what.action, job.what.payload
        else:
            action = self._dialect.action(job.what)
            session_id = getattr(job.what, "session_id", None)
            transaction_id = None if session_id is None else self._twin.transaction_id(session_id)
            payload = self._dialect.report(job.what, self._spec, transaction_id)
        flight = self._endpoint.depart(action, job, now, due)
        return Frame(frames.call(flight.id, action, payload), action)


def _is_worth_another_try(job: Job, answer: Failed | Unanswered) -> bool:
    if job.transactional:
        return True
    # Security whitepaper A04.FR.02: delivery is guaranteed, unless the Central System does not know such messages.
    return job.durable and not (isinstance(answer, Failed) and answer.code in _HOPELESS)


def _complaint(action: str | None, code: str, description: str, now: Instant) -> Note:
    # The words may be the Central System's, a megabyte of them.
    fields = {"action": action and action[:_MAX_WORD], "code": code, "description": description[:_MAX_SENTENCE]}
    return Note("protocol_error", fields, now)


def _loss(action: str, reason: str, now: Instant) -> Note:
    return Note("message_dropped", {"action": action, "reason": reason}, now)
