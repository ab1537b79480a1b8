"""What downloads and uploads have in common: which places can be reached, and when a try follows another.

The runtime makes single tries; how many, and what a failure means, is decided here and by whoever gave the job.
"""

from __future__ import annotations

from typing import TypeAlias

from twin.model.box import Box, Step
from twin.model.effects import CancelJob
from twin.model.state import FirmwareJob, UploadJob
from twin.model.terms import Instant, TransferProblem

RETRIES = 2
"""How many tries follow the first one where the Central System leaves it open (FW-03, DG-03)."""

RETRY_INTERVAL_S = 10.0
"""How long to wait between two tries where the Central System leaves it open."""

LEAST_RETRY_INTERVAL_S = 1.0
"""How long to wait at least, so that a Central System that says 0 is not run over."""

AT_ONCE: Instant = 0.0
"""An instant that has always passed: what is due then is due now."""

Transfer: TypeAlias = FirmwareJob | UploadJob

OBSTACLES = {
    TransferProblem.BAD_URL: "The location is no URL: write scheme://user:password@host:port/path",
    TransferProblem.UNSUPPORTED: "SupportedFileTransferProtocols does not hold the location's protocol",
}
"""What to tell a person of a location that cannot be served."""

_WORTH_A_RETRY = frozenset({TransferProblem.FAILED, TransferProblem.DENIED})


def obstacle(box: Box, location: str) -> TransferProblem | None:
    """Return why a URL cannot be served at all, None if it may be tried (OCPP 1.6 §8; FW-08)."""
    scheme, separator, rest = location.strip().partition("://")
    if not (separator and scheme and rest.strip("/")):
        return TransferProblem.BAD_URL
    supported = box.variables.items("OCPPCommCtrlr.FileTransferProtocols")
    return None if scheme.upper() in supported else TransferProblem.UNSUPPORTED


def begin(step: Step, job: Transfer) -> str:
    """Begin a try and return its id."""
    job.job_id, job.due_at = step.box.ids(), None
    job.tries += 1
    return job.job_id


def may_retry(step: Step, job: Transfer, problem: TransferProblem) -> bool:
    """Plan the next try after one that failed, or return False: it is of no use, or there were enough."""
    job.job_id = None
    retries = RETRIES if job.order.retries is None else job.order.retries
    if problem not in _WORTH_A_RETRY or job.tries > retries:
        return False
    interval_s = RETRY_INTERVAL_S if job.order.retry_interval_s is None else job.order.retry_interval_s
    job.due_at = step.now + max(interval_s, LEAST_RETRY_INTERVAL_S)
    return True


def due_at(box: Box, job: Transfer) -> Instant | None:
    """Return when the next try is due; none is while one runs, or without a network."""
    if job.job_id is not None or not box.wants_link:
        return None
    return AT_ONCE if job.due_at is None else job.due_at


def interrupt(step: Step, job: Transfer | None) -> None:
    """Break off the try that runs; it does not count, and begins anew when it can (FW-09)."""
    if job is not None and job.job_id is not None:
        step.do(CancelJob(job.job_id))
        forget(job)


def forget(job: Transfer | None) -> None:
    """Take it that no try runs any more, because the program that ran it is gone."""
    if job is not None and job.job_id is not None:
        job.job_id, job.due_at = None, None
        job.tries -= 1


def interrupt_all(step: Step) -> None:
    """Break off all transfers: the box dies, or its network goes."""
    interrupt(step, step.box.station.firmware)
    interrupt(step, step.box.station.upload)


def forget_all(box: Box) -> None:
    """Take it that the program started anew, and runs no transfers yet."""
    forget(box.station.firmware)
    forget(box.station.upload)
