"""A chargebox twin: a synchronous object that takes inputs with the time and returns effects. Dispatch only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Self, assert_never

from twin.model import (
    aligned,
    answers,
    asking,
    charging,
    commands,
    firmware,
    jobs,
    logs,
    outage,
    power,
    profiles,
    registration,
    remote,
    requests,
    reservation,
    security,
    security_events,
    sensors,
    session,
    snapshot,
    status,
    views,
)
from twin.model.asked import Request
from twin.model.box import Box, Step
from twin.model.effects import Effect, Report
from twin.model.inputs import Answer, Command, JobEvent, LinkDown, LinkEvent, LinkRefused, LinkUp
from twin.model.spec import Access, KeySpec, TwinSpec
from twin.model.state import Evse
from twin.model.terms import Gate, Instant, Part, Registration
from twin.model.variables import Variables
from twin.model.view import PartView, TwinFigures, TwinView

_PARTS = (profiles, logs, security, remote, sensors)
_TIMED = (*_PARTS, firmware)


class Twin:
    """Be one charge point. Everything that happens to it comes in as a value, everything it wants goes out as one."""

    __slots__ = ("_box",)

    def __init__(self, box: Box) -> None:
        self._box = box

    @classmethod
    def new(cls, spec: TwinSpec, settings: Mapping[str, KeySpec], now: Instant, *, ids: Callable[[], str]) -> Self:
        """Make a twin that was never started before; `settings` by the names of the model's variables."""
        return cls(snapshot.fresh(spec, settings, now, ids))

    @classmethod
    def restore(
        cls,
        spec: TwinSpec,
        settings: Mapping[str, KeySpec],
        parts: Mapping[str, bytes],
        now: Instant,
        *,
        ids: Callable[[], str],
    ) -> Self:
        """Make a twin from what `dump` returned; raises SnapshotError."""
        return cls(snapshot.restore(spec, settings, parts, now, ids))

    def dump(self) -> dict[str, bytes]:
        """Return the durable state in named parts."""
        return snapshot.dump(self._box)

    # --- Inputs -------------------------------------------------------------------------------------------------------

    def start(self, now: Instant, alive: Instant | None = None) -> list[Effect]:
        """Begin to run; `alive` is until when the program ran before, for twins that restart as after a power cut."""
        step = Step(self._box, now)
        reservation.resume(step)
        outage.restarted(step, alive)
        return _done(step)

    def pace(self, *, paced: bool) -> None:
        """Learn whether time runs faster or slower than at the Central System: then its clock is not followed."""
        self._box.paced = paced

    def command(self, command: Command, now: Instant) -> list[Effect]:
        """Let something physical happen; raises Rejected before any change."""
        step = Step(self._box, now, command.request_id)
        commands.handle(step, command)
        return _done(step)

    def request(self, request: Request, now: Instant) -> list[Effect]:
        """Answer the Central System, exactly once, and do what it asks."""
        step = Step(self._box, now)
        requests.handle(step, request)
        return _done(step)

    def answer(self, report: Report, answer: Answer, now: Instant) -> list[Effect]:
        """Take what became of a report."""
        step = Step(self._box, now)
        answers.handle(step, report, answer)
        return _done(step)

    def link(self, event: LinkEvent, now: Instant) -> list[Effect]:
        """Take it that the connection came or went."""
        step = Step(self._box, now)
        match event:
            case LinkUp():
                registration.link_up(step, event)
            case LinkDown():
                registration.link_down(step, event)
            case LinkRefused():
                registration.link_refused(step, event)
            case _:
                assert_never(event)
        return _done(step)

    def job(self, event: JobEvent, now: Instant) -> list[Effect]:
        """Take what became of a job; one that was given up is nobody's (R5)."""
        step = Step(self._box, now)
        jobs.handle(step, event)
        return _done(step)

    def misheard(self, description: str, now: Instant) -> list[Effect]:
        """Take it that something came which is no valid OCPP message."""
        step = Step(self._box, now)
        security_events.misheard(step, description)
        return step.effects

    def exhausted(self, now: Instant) -> list[Effect]:
        """Take it that a message was lost because no more could be kept."""
        step = Step(self._box, now)
        security_events.exhausted(step)
        return step.effects

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        step = Step(self._box, now)
        _station_due(step)
        reservation.due(step)
        if self._box.running:
            for part in _PARTS:
                part.due(step)
            for evse in self._box.evses:
                _evse_due(step, evse)
            firmware.due(step)  # after the sessions that end now
            aligned.due(step)
        return _done(step)

    def next_deadline(self) -> Instant | None:
        """Return when `tick` has something to do."""
        return min([due for due in self._dues() if due is not None], default=None)

    def _dues(self) -> list[Instant | None]:
        box, connection = self._box, self._box.connection
        dues = [*outage.deadlines(box), *reservation.deadlines(box)]
        if not box.running:
            return dues
        for part in _TIMED:
            dues += part.deadlines(box)
        if connection.up and not connection.boot_told:
            dues.append(connection.boot_at)
        if box.online:
            dues.append(connection.next_heartbeat_at)
        else:
            dues += [ask.deadline for ask in box.station.asks]
        dues.append(connection.next_aligned_at)
        for evse in (box.common, *box.evses):
            if evse.attempt_ends_at is not None and not _is_asked(box, evse):
                dues.append(evse.attempt_ends_at)
        for evse in box.evses:
            dues.append(evse.tell_at)
            if evse.session is not None:
                dues += (power.full_at(evse), evse.session.next_sample_at, session.cap_at(evse))
        return dues

    # --- What it shows ------------------------------------------------------------------------------------------------

    @property
    def registration(self) -> Registration | None:
        """Return the Central System's answer to BootNotification, None before it."""
        return self._box.connection.registration

    @property
    def gate(self) -> Gate:
        """Return what may be sent now."""
        return self._box.gate

    @property
    def variables(self) -> Variables:
        """Return the settings."""
        return self._box.variables

    @property
    def wants_link(self) -> bool:
        """Tell whether the box would have a connection now."""
        return self._box.wants_link

    @property
    def access(self) -> Access:
        """Return how the box connects now."""
        return security.access(self._box)

    @property
    def charging(self) -> int:
        """Return at how many EVSEs energy flows."""
        return sum(views.is_charging(evse) for evse in self._box.evses)

    def transaction_id(self, session_id: str) -> int | None:
        """Return the Central System's id of a session: None while unknown, -1 if there will never be one (X-06)."""
        return self._box.transactions.get(session_id, answers.NEVER)

    def view(self, now: Instant) -> TwinView:
        """Show everything."""
        return views.whole(self._box, now)

    def figures(self, queued: int, now: Instant) -> TwinFigures:
        """Show the figures; `queued` messages wait."""
        return views.figures(self._box, queued, now)

    def view_of(self, part: Part, now: Instant) -> PartView:
        """Show one part."""
        return views.part(self._box, part, now)


def _done(step: Step) -> list[Effect]:
    aligned.follow(step)
    return step.effects


def _is_asked(box: Box, evse: Evse) -> bool:
    return any(ask.evse == evse.number and ask.stops is None for ask in box.station.asks)


def _is_due(due: Instant | None, step: Step) -> bool:
    return due is not None and due <= step.now


def _station_due(step: Step) -> None:
    box, connection = step.box, step.box.connection
    if _is_due(box.station.reboot_at, step):
        outage.reboot(step)
    if _is_due(box.station.up_at, step):
        outage.come_up(step)
    if not box.running:
        return
    if connection.up and not connection.boot_told and _is_due(connection.boot_at, step):
        registration.boot(step)
    if box.online and _is_due(connection.next_heartbeat_at, step):
        registration.heartbeat(step)
    asking.overdue(step)
    if _is_due(box.common.attempt_ends_at, step):
        charging.attempt_over(step, box.common)


def _evse_due(step: Step, evse: Evse) -> None:
    if _is_due(session.cap_at(evse), step):
        session.exhausted(step, evse)
    if evse.session is not None and _is_due(evse.session.next_sample_at, step):
        session.sample(step, evse)
    if evse.session is not None and _is_due(power.full_at(evse), step):
        status.refresh(step, evse.number)
    if _is_due(evse.attempt_ends_at, step):
        charging.attempt_over(step, evse)
    if _is_due(evse.tell_at, step):
        status.tell_due(step)
