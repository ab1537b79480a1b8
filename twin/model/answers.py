"""What becomes of our reports: answers early, late or never.

Nothing here raises (R1), and nothing trusts the present state (R5).
"""

from __future__ import annotations

from typing import assert_never

from twin.model import asking, authority, enrolment, firmware, local_list, outage, registration, session
from twin.model.box import Step
from twin.model.effects import (
    AuthorizationAsked,
    Booted,
    CertificateAsked,
    FirmwareReported,
    HeartbeatDue,
    LogReported,
    Metered,
    Report,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
)
from twin.model.inputs import (
    Answer,
    AuthorizationAnswered,
    BootAnswered,
    Failed,
    HeartbeatAnswered,
    StartAnswered,
    StopAnswered,
    TokenInfo,
    Unanswered,
)

NEVER = -1
"""The transaction id of a session whose start the Central System never took (E3.18, X-06)."""

_NOT_SUPPORTED = ("NotSupported", "NotImplemented")


def handle(step: Step, report: Report, answer: Answer) -> None:
    """Take what became of a report."""
    match report:
        case Booted():
            if isinstance(answer, BootAnswered):
                registration.booted(step, answer)
            else:
                lost = isinstance(answer, Unanswered) and answer.link_lost
                registration.boot_failed(step, link_lost=lost)
        case HeartbeatDue():
            if isinstance(answer, HeartbeatAnswered):
                step.box.station.last_heartbeat_at = step.now
                registration.set_clock(step, answer.current_time)
                step.changed(0)
        case AuthorizationAsked():
            _authorization(step, report, answer)
        case SessionStarted():
            _started(step, report, answer)
        case SessionEnded():
            _ended(step, report, answer)
        case StatusChanged():
            if isinstance(answer, Failed | Unanswered):
                # It is told again with the next chance: when the connection is back.
                step.box.evse(report.evse).told = None
        case FirmwareReported():
            firmware.told(step, report)
        case Metered() | LogReported() | SecurityEvent():
            pass
        case CertificateAsked():
            enrolment.answered(step, report, answer)
        case _:
            assert_never(report)
    if not isinstance(report, Booted) and isinstance(answer, Failed) and answer.code == "SecurityError":
        registration.doubted(step)


def _is_final(answer: Answer) -> bool:
    return isinstance(answer, Failed | Unanswered) and answer.final


def _learn(step: Step, token: str, info: TokenInfo) -> None:
    local_list.compare(step, token, info)
    authority.learn(step, token, info)


def _authorization(step: Step, report: AuthorizationAsked, answer: Answer) -> None:
    match answer:
        case AuthorizationAnswered(info):
            _learn(step, report.token, info)
            asking.answered(step, report.authorization_id, info)
        case Failed(code):
            asking.unanswered(
                step, report.authorization_id, "NotSupported" if code in _NOT_SUPPORTED else "Unavailable"
            )
        case Unanswered(link_lost):
            asking.unanswered(step, report.authorization_id, "Unavailable" if link_lost else "Timeout")
        case _:
            asking.unanswered(step, report.authorization_id, "Unavailable")


def _started(step: Step, report: SessionStarted, answer: Answer) -> None:
    box = step.box
    gone = report.evse > len(box.evses)  # the configuration took the EVSE away since
    if isinstance(answer, StartAnswered):
        _learn(step, report.token, answer.info)
        if report.session_id in box.transactions:
            _doubt(step, report, answer.transaction_id)
            box.transactions[report.session_id] = answer.transaction_id
        if not gone:
            session.started(step, report, answer)
    elif _is_final(answer) and report.session_id in box.transactions:
        box.transactions[report.session_id] = NEVER
        if not gone:
            step.changed(report.evse)


def _doubt(step: Step, report: SessionStarted, transaction_id: int) -> None:
    """Tell of an id that another open transaction has; both go on, and the Central System has to tell them apart."""
    others = (known for session_id, known in step.box.transactions.items() if session_id != report.session_id)
    if transaction_id != NEVER and transaction_id in others:
        words = f"The transaction id {transaction_id} belongs to another open transaction"
        step.note(
            "protocol_error",
            report.evse,
            action="StartTransaction",
            code="PropertyConstraintViolation",
            description=words,
        )


def _ended(step: Step, report: SessionEnded, answer: Answer) -> None:
    if isinstance(answer, StopAnswered) and answer.info is not None and report.token is not None:
        _learn(step, report.token, answer.info)
    if isinstance(answer, StopAnswered) or _is_final(answer):
        step.box.transactions.pop(report.session_id, None)
        outage.stop_known(step, report.session_id)
    elif isinstance(answer, Unanswered) and answer.link_lost:
        outage.stop_known(step, report.session_id)
