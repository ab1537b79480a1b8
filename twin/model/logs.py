"""Uploads of logs: GetDiagnostics and GetLog (OCPP 1.6 §5.9; Security whitepaper N01).

One upload at a time: a new request replaces it. What the file holds is the runtime's business.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from twin.model import transfers
from twin.model.asked import GetLog
from twin.model.box import Box, Step
from twin.model.effects import CancelJob, Deliver, LogAnswered, LogReported
from twin.model.inputs import Delivered, TransferFailed
from twin.model.state import UploadJob
from twin.model.terms import Instant, LogKind, LogStatus, TransferProblem

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_IDENTITY = 100

_WORDS = {LogKind.DIAGNOSTICS: "diagnostics", LogKind.SECURITY: "security"}

_STATUSES = {  # N01.FR.10: as precise as possible
    TransferProblem.FAILED: LogStatus.UPLOAD_FAILURE,
    TransferProblem.BAD_URL: LogStatus.BAD_MESSAGE,
    TransferProblem.DENIED: LogStatus.PERMISSION_DENIED,
    TransferProblem.UNSUPPORTED: LogStatus.NOT_SUPPORTED,
    TransferProblem.TOO_LARGE: LogStatus.UPLOAD_FAILURE,
}


def get(step: Step, request: GetLog) -> None:
    """Begin an upload; where there is nothing to upload, say so and do nothing (DG-01, SEC-25)."""
    station = step.box.station
    if not _is_available(step.box, request):
        step.reply(request.request_ref, LogAnswered("Rejected"))
        return
    word = "Accepted" if station.upload is None else "AcceptedCanceled"  # N01.FR.11
    name = _file_name(step, request.kind)
    step.reply(request.request_ref, LogAnswered(word, name))
    _cancel(step, request)
    station.upload = UploadJob(request, name)
    _tell(step, request, LogStatus.UPLOADING)
    _try(step, station.upload)


def _is_available(box: Box, request: GetLog) -> bool:
    reversed_window = request.oldest is not None and request.latest is not None and request.latest < request.oldest
    return box.spec.journal_limit > 0 and not reversed_window


def _file_name(step: Step, kind: LogKind) -> str:
    identity = _UNSAFE.sub("_", step.box.spec.identity)[:_MAX_IDENTITY]
    at = datetime.fromtimestamp(step.own_now, UTC)
    return f"{identity}_{_WORDS[kind]}_{at:%Y%m%dT%H%M%SZ}.zip"


def _cancel(step: Step, request: GetLog) -> None:
    """Give the present upload up. Of the same kind of request, the new one goes on with its series (DG-04)."""
    job = step.box.station.upload
    if job is None:
        return
    if job.job_id is not None:
        step.do(CancelJob(job.job_id))
    if _is_extended(job.order) != _is_extended(request):
        _tell(step, job.order, LogStatus.UPLOAD_FAILURE, "Another request took its place")


def _is_extended(order: GetLog) -> bool:
    return order.request_id is not None


def _try(step: Step, job: UploadJob) -> None:
    order, offset_s = job.order, step.box.station.clock_offset_s
    job_id = transfers.begin(step, job)
    problem = transfers.obstacle(step.box, order.location)
    if problem is not None:
        _failed(step, job, problem, transfers.OBSTACLES[problem])
        return
    oldest, latest = (None if at is None else at - offset_s for at in (order.oldest, order.latest))
    step.do(Deliver(job_id, order.location, job.file_name, order.kind, oldest, latest))


def _failed(step: Step, job: UploadJob, problem: TransferProblem, detail: str) -> None:
    if not transfers.may_retry(step, job, problem):
        _end(step, job, _STATUSES[problem], detail)


def _end(step: Step, job: UploadJob, status: LogStatus, detail: str | None = None) -> None:
    step.box.station.upload = None
    _tell(step, job.order, status, detail)


def _tell(step: Step, order: GetLog, status: LogStatus, detail: str | None = None) -> None:
    report = LogReported(status, _is_extended(order), order.request_id)
    step.box.station.log_told = report
    step.tell(report, durable=True)
    step.note("diagnostics_status", status=word(report), detail=detail)
    step.changed(0)


def word(report: LogReported) -> str:
    """Return OCPP's word for a step, of which GetDiagnostics has a single one for all failures (OCPP 1.6 §7.24)."""
    plain = report.extended or report.status in (LogStatus.IDLE, LogStatus.UPLOADING, LogStatus.UPLOADED)
    return report.status if plain else "UploadFailed"


def trigger(step: Step, *, extended: bool) -> None:
    """Tell the present status because the Central System asked for it (CC-13, SEC-26)."""
    job = step.box.station.upload
    if job is None or _is_extended(job.order) != extended:
        step.tell(LogReported(LogStatus.IDLE, extended), triggered=True)
    else:
        step.tell(LogReported(LogStatus.UPLOADING, extended, job.order.request_id), triggered=True)


def _mine(step: Step, job_id: str) -> UploadJob | None:
    job = step.box.station.upload
    return job if job is not None and job.job_id == job_id else None


def delivered(step: Step, event: Delivered) -> None:
    """Take it that the log is there."""
    if (job := _mine(step, event.job_id)) is not None:
        _end(step, job, LogStatus.UPLOADED)


def failed(step: Step, event: TransferFailed) -> None:
    """Take it that a try to upload failed; the failure is told after the last one (DG-02)."""
    if (job := _mine(step, event.job_id)) is not None:
        _failed(step, job, event.problem, event.detail)


def due(step: Step) -> None:
    """Do what is due."""
    job = step.box.station.upload
    if job is None:
        return
    at = transfers.due_at(step.box, job)
    if at is not None and at <= step.now:
        _try(step, job)


def deadlines(box: Box) -> list[Instant | None]:
    """Return when something is due."""
    job = box.station.upload
    return [] if job is None else [transfers.due_at(box, job)]
