"""A charging session: how it starts, what it measures, how it ends (OCPP 1.6 §4.8, §4.10, §3.16).

Knows nothing of cards and requests; `charging` decides when somebody may start or stop one.
"""

from __future__ import annotations

from collections.abc import Sequence

from twin.model import actuation, metering, power, profiles, reserved, status
from twin.model.box import Box, Step
from twin.model.effects import Metered, Reading, Sample, SessionEnded, SessionStarted
from twin.model.inputs import StartAnswered
from twin.model.state import Evse, Grant, Session
from twin.model.terms import Action, AuthorizationStatus, Instant, Measurand, ReadingContext, StopReason

SAMPLED = "SampledDataCtrlr.TxUpdatedMeasurands"
ALIGNED = "AlignedDataCtrlr.Measurands"
ENDED_SAMPLED = "SampledDataCtrlr.TxEndedMeasurands"
ENDED_ALIGNED = "AlignedDataCtrlr.TxEndedMeasurands"
EV_SIDE = "EV side disconnected"


def read(
    step: Step,
    evse: Evse,
    items: Sequence[str],
    context: ReadingContext,
    *,
    base_wh: float,
    at: Instant | None = None,
) -> Reading | None:
    """Read the meter of an EVSE now."""
    offered = power.offer(step.box, evse, step.now)
    return metering.reading(
        evse,
        step.box.hardware(evse.number),
        items,
        context,
        step.now,
        at=step.own_now if at is None else at,
        phases=offered.phases,
        offered=offered.rate,
        base_wh=base_wh,
    )


def start(step: Step, evse: Evse, grant: Grant) -> None:
    """Start a session: it begins here, and the message reports it (X-02)."""
    box, request_id = step.box, grant.request_id or step.request_id
    evse.grant, evse.attempt_ends_at, evse.finishing, evse.info = None, None, False, None
    evse.keeper = evse.keeper_parent = None
    register_wh = metering.whole_wh(evse, step.now)
    evse.session = session = Session(
        box.ids(),
        grant.token,
        step.now,
        register_wh,
        parent=grant.parent,
        source=grant.source,
        request_id=request_id,
        sample_base_wh=register_wh,
    )
    evse.locked = box.hardware(evse.number).lock
    profiles.begin(step, evse, grant.profile)
    session.begin = read(step, evse, _collected(box), ReadingContext.TRANSACTION_BEGIN, base_wh=register_wh)
    arm_sampling(step, evse)
    evse.averages, evse.aligned_base_wh = None, evse.register.read(step.now)
    box.transactions[session.id] = None
    kept = reserved.ended_by(box, evse, grant.token, grant.parent)
    number = None if kept is None else kept.id
    report = SessionStarted(session.id, evse.number, grant.token, step.own_now, register_wh, number, request_id)
    step.tell(report, durable=True)
    step.note(
        "transaction_started",
        evse.number,
        request_id=request_id,
        session_id=session.id,
        transaction_id=None,
        id_tag=grant.token,
        status=None,
        meter_start_wh=register_wh,
    )
    if kept is not None:
        reserved.end(step, kept, "used", request_id=request_id)  # RV-10
    status.refresh(step, evse.number)


def _collected(box: Box) -> list[str]:
    """Return what StopTransaction.transactionData carries, each measurand once (V-23, V-24)."""
    return list(dict.fromkeys((*box.variables.items(ENDED_SAMPLED), *box.variables.items(ENDED_ALIGNED))))


def end(
    step: Step,
    evse: Evse,
    reason: StopReason,
    *,
    token: str | None = None,
    keep_locked: bool = False,
    request_id: str | None = None,
) -> None:
    """End the running session; `token` only if one stopped it (X-11). The caller refreshes the status."""
    box, session = step.box, evse.session
    if session is None:
        return
    request_id = request_id or step.request_id
    stop_wh = metering.whole_wh(evse, step.now)
    at = max(step.own_now, box.own_time(session.started_at))
    session.ended_at, session.meter_stop_wh, session.reason = step.now, stop_wh, reason
    report = SessionEnded(
        session.id, evse.number, at, stop_wh, reason, token, _transaction_data(step, evse, session), request_id
    )
    step.tell(report, durable=True)
    step.note(
        "transaction_stopped",
        evse.number,
        request_id=request_id,
        session_id=session.id,
        transaction_id=session.transaction_id,
        id_tag=session.token,
        reason=reason,
        meter_stop_wh=stop_wh,
        energy_wh=stop_wh - session.meter_start_wh,
    )
    session.begin, session.readings, session.next_sample_at, session.invalid_cap_wh = None, [], None, None
    evse.last, evse.session = session, None
    profiles.end(step, evse)
    if box.station.resetting is not None:
        box.station.awaited_stops.append(session.id)
    # a normal end releases the cable: otherwise it waits for the card of its owner.
    if not keep_locked:
        evse.locked = False
    elif evse.locked:
        evse.keeper, evse.keeper_parent = session.token, session.parent
    evse.finishing = evse.plugged or evse.cable


def abandon(step: Step, evse: Evse) -> None:
    """Tell the end of a session whose EVSE the configuration took away: every session that began is told to end."""
    owner = evse.session
    if owner is None:
        return
    box, stop_wh = step.box, metering.whole_wh(evse, step.now)
    register = Sample(Measurand.ENERGY_ACTIVE_IMPORT_REGISTER, stop_wh)
    last = Reading(step.own_now, ReadingContext.TRANSACTION_END, (register,))
    known = [found for found in (owner.begin, *owner.readings) if found is not None]
    readings = (*known, last) if known else ()
    at = max(step.own_now, box.own_time(owner.started_at))
    step.tell(SessionEnded(owner.id, evse.number, at, stop_wh, StopReason.OTHER, None, readings), durable=True)
    step.note(
        "transaction_stopped",
        evse.number,
        session_id=owner.id,
        transaction_id=owner.transaction_id,
        id_tag=owner.token,
        reason=StopReason.OTHER,
        meter_stop_wh=stop_wh,
        energy_wh=stop_wh - owner.meter_start_wh,
    )


def _transaction_data(step: Step, evse: Evse, session: Session) -> tuple[Reading, ...]:
    items = _collected(step.box)
    if not items:
        return ()
    last = read(step, evse, items, ReadingContext.TRANSACTION_END, base_wh=session.meter_start_wh)
    begin = session.begin or _begin(step, session, items)
    between = sorted(session.readings, key=lambda reading: reading.at)
    readings = [found for found in (begin, *between, last) if found is not None]
    return tuple(metering.thinned(readings, step.box.variables.integer("SampledDataCtrlr.TxEndedMaxReadings")))


def _begin(step: Step, session: Session, items: Sequence[str]) -> Reading | None:
    """Return what is still known of the begin where nothing was to be collected then (V-24)."""
    if Measurand.ENERGY_ACTIVE_IMPORT_REGISTER not in items:
        return None
    register = Sample(Measurand.ENERGY_ACTIVE_IMPORT_REGISTER, session.meter_start_wh)
    return Reading(step.box.own_time(session.started_at), ReadingContext.TRANSACTION_BEGIN, (register,))


# --- Sampling ---------------------------------------------------------------------------------------------------------


def arm_sampling(step: Step, evse: Evse) -> None:
    """Set when the next periodic sample is due, counted from the start of the session (V-01, V-03)."""
    session = evse.session
    if session is None:
        return
    interval_s = step.box.variables.integer("SampledDataCtrlr.TxUpdatedInterval")
    if not interval_s:
        session.next_sample_at = None
        return
    passed = int((step.now - session.started_at) // interval_s)
    session.next_sample_at = session.started_at + (passed + 1) * interval_s


def sample(step: Step, evse: Evse) -> None:
    """Report the periodic sample that is due, and collect what the end of the session reports."""
    session, box = evse.session, step.box
    if session is None:
        return
    periodic, base_wh = ReadingContext.SAMPLE_PERIODIC, session.sample_base_wh
    told = read(step, evse, box.variables.items(SAMPLED), periodic, base_wh=base_wh)
    if told is not None:
        step.tell(Metered(evse.number, (told,), session.id), durable=True)
    collect(step, session, read(step, evse, box.variables.items(ENDED_SAMPLED), periodic, base_wh=base_wh))
    session.sample_base_wh = evse.register.read(step.now)
    arm_sampling(step, evse)
    step.changed(evse.number)


def collect(step: Step, session: Session, found: Reading | None) -> None:
    """Keep a reading for the end of the session, thinned out where there are too many (V-25)."""
    if found is not None:
        # Begin and End come on top, hence two less (V-25).
        limit = step.box.variables.integer("SampledDataCtrlr.TxEndedMaxReadings") - 2
        session.readings = [*session.readings, found]
        if len(session.readings) > max(2, 2 * limit):
            session.readings = metering.thinned(session.readings, max(2, limit))


# --- The Central System's verdict -------------------------------------------------------------------------------------


def started(step: Step, report: SessionStarted, answer: StartAnswered) -> None:
    """Take the answer to StartTransaction; matched by the session's id, whatever runs by now (R5)."""
    evse = step.box.evse(report.evse)
    session = evse.session if evse.session is not None and evse.session.id == report.session_id else None
    for known in (evse.session, evse.last):
        if known is not None and known.id == report.session_id:
            known.transaction_id = answer.transaction_id
    accepted = answer.info.status is AuthorizationStatus.ACCEPTED
    step.note(
        "transaction_accepted" if accepted else "transaction_rejected",
        evse.number,
        request_id=report.request_id,
        session_id=report.session_id,
        transaction_id=answer.transaction_id,
        id_tag=report.token,
        status=answer.info.status,
        meter_start_wh=report.meter_start_wh,
    )
    step.changed(evse.number)
    if session is None:
        return
    if answer.info.parent is not None:
        session.parent = answer.info.parent
    if not accepted:
        _invalidated(step, evse, session)


def _invalidated(step: Step, evse: Evse, session: Session) -> None:
    """Do what is set for a card that turned out not to be valid (OCPP 1.6 §3.5.4; A-19 to A-23)."""
    allowance_wh = step.box.variables.integer("TxCtrlr.MaxEnergyOnInvalidId")
    if allowance_wh:
        session.invalid_cap_wh = evse.register.read(step.now) + allowance_wh
        return
    exhausted(step, evse)


def exhausted(step: Step, evse: Evse) -> None:
    """Stop a session whose card is not valid, or only its energy, as StopTransactionOnInvalidId says."""
    session = evse.session
    if session is None:
        return
    session.invalid_cap_wh = None
    if step.box.variables.flag("TxCtrlr.StopTxOnInvalidId"):
        end(step, evse, StopReason.DE_AUTHORIZED, keep_locked=True, request_id=session.request_id)
        after_end(step, evse)
    else:
        session.suspended = True  # only the energy stops (C5)
        status.refresh(step, evse.number)


def after_end(step: Step, evse: Evse) -> None:
    """Show that a session is over; a scheduled Inoperative takes effect now (C6 and F8, or C8; AV-02)."""
    status.refresh(step, evse.number)
    if evse.scheduled:
        evse.scheduled, evse.operative, evse.finishing = False, False, False
        status.refresh(step, evse.number)
        _let_go_out_of_service(step, evse.number)
    if not step.box.common.operative and all(one.session is None for one in step.box.evses):
        _let_go_out_of_service(step, 0)


def _let_go_out_of_service(step: Step, number: int) -> None:
    actuation.do(step, Action.AVAILABILITY, number, connector_id=number, type="Inoperative")


def cap_at(evse: Evse) -> Instant | None:
    """Return when the energy allowed after an invalidation is used up (A-22)."""
    cap_wh = None if evse.session is None else evse.session.invalid_cap_wh
    if cap_wh is None:
        return None
    # A real register gets there in jumps.
    return evse.register.at if evse.register.wh >= cap_wh else evse.register.when(cap_wh)
