"""Firmware updates: fetched, checked, installed, and told of step by step (OCPP 1.6 §5.19; Security whitepaper L01).

Decides the phases of an update and what is told of each; the runtime fetches the image and checks its signature, and
`outage` reboots the box. An update outlives lost links, restarts and power cuts; each step is told once.
"""

from __future__ import annotations

from twin.model import cable, security, security_events, status, transfers
from twin.model.asked import UpdateFirmware
from twin.model.box import Box, Step
from twin.model.effects import Answered, CancelJob, Fetch, FirmwareReported, Refusal
from twin.model.inputs import Fetched, SetFirmwareOutcome, TransferFailed
from twin.model.state import FirmwareJob
from twin.model.terms import BootReason, FirmwareOutcome, FirmwareStatus, Instant, TransferProblem, UpdatePhase

INSTALL_S = 10.0
"""How long it takes to install an image, before the box reboots into it."""

GRACE_S = 10.0
"""How long that reboot waits at most until the Central System knows why."""

PROMPT_S = 1.0
"""How long it waits in any case, so that an answer that is on its way arrives."""

LEAST_DELAY_S = 2.0
"""A date that is nearer than clocks agree is now: nothing is told of being scheduled."""

MAX_VERSION = 50
"""The longest firmwareVersion of BootNotification (OCPP 1.6 §6.3)."""

COMMANDED = "Commanded over MQTT (firmware_outcome)"
"""What to tell a person of a failure that is none."""

_INSTALLING = frozenset({UpdatePhase.INSTALLING, UpdatePhase.REBOOTING})
_FAILURES = {
    UpdatePhase.WAITING: FirmwareStatus.DOWNLOAD_FAILED,
    UpdatePhase.FETCHING: FirmwareStatus.DOWNLOAD_FAILED,
}


# --- What the Central System asks -------------------------------------------------------------------------------------


def update(step: Step, request: UpdateFirmware) -> None:
    """Begin an update, or refuse it. A newer one replaces one that is not yet being installed (FW-07, SEC-37)."""
    if request.signing is None:
        _update_plain(step, request)
        return
    station = step.box.station
    problem = security.signing_problem(step.box, request.signing, step.own_now)
    if problem is not None:  # L01.FR.24, .02; no list says what was revoked, so nothing ever is RevokedCertificate
        step.reply(request.request_ref, Answered("InvalidCertificate"))
        security_events.event(step, "InvalidFirmwareSigningCertificate", problem, asked=True)
    elif not _may_replace(step.box):  # L01.FR.27
        step.reply(request.request_ref, Answered("Rejected"))
    else:
        word = "Accepted" if station.firmware is None else "AcceptedCanceled"  # L01.FR.26
        step.reply(request.request_ref, Answered(word))
        _replace(step, request)


def _update_plain(step: Step, request: UpdateFirmware) -> None:
    job = step.box.station.firmware
    if security.secured(step.box):  # SEC-29
        step.reply(request.request_ref, Refusal("NotSupported", "Firmware must be signed: use SignedUpdateFirmware"))
        return
    step.reply(request.request_ref, Answered("Accepted"))
    if job is not None and not _may_replace(step.box):
        job.then = request  # this confirmation cannot refuse
    else:
        _replace(step, request)


def is_installing(box: Box) -> bool:
    """Tell whether new firmware is being installed, which nothing may interrupt."""
    return box.station.firmware is not None and box.station.firmware.phase in _INSTALLING


def _may_replace(box: Box) -> bool:
    """Tell whether the present update, if there is one, can still be given up."""
    job = box.station.firmware
    return job is None or not (job.phase in _INSTALLING or job.phase is UpdatePhase.BOOTED)


def trigger(step: Step, *, signed: bool) -> None:
    """Tell the present status because the Central System asked for it (CC-13, SEC-38)."""
    job, last = step.box.station.firmware, step.box.station.firmware_told
    report = FirmwareReported(FirmwareStatus.IDLE, signed)
    if signed:
        if last is not None and last.signed and last.status is not FirmwareStatus.INSTALLED:
            report = last
    elif last is not None and job is not None and job.phase is not UpdatePhase.WAITING:
        report = FirmwareReported(last.status)
    step.tell(report, triggered=True)


def _replace(step: Step, order: UpdateFirmware) -> None:
    """Give the present update up for another one, which goes on with its series of steps."""
    station, job = step.box.station, step.box.station.firmware
    if job is not None:
        if job.job_id is not None:
            step.do(CancelJob(job.job_id))
        if _is_signed(job.order) != _is_signed(order) and job.phase is not UpdatePhase.WAITING:
            reached = _FAILURES.get(job.phase, FirmwareStatus.INSTALLATION_FAILED)
            _tell(step, reached, "Another request took its place")
        station.firmware = None
        _release(step)
    _begin(step, order)


def _begin(step: Step, order: UpdateFirmware) -> None:
    step.box.station.firmware = FirmwareJob(order)
    if _is_signed(order) and order.retrieve_at - step.own_now >= LEAST_DELAY_S:  # L01.FR.13
        _tell(step, FirmwareStatus.DOWNLOAD_SCHEDULED)
    due(step)


def _is_signed(order: UpdateFirmware) -> bool:
    return order.signing is not None


# --- The steps that are told ------------------------------------------------------------------------------------------


def _tell(step: Step, reached: FirmwareStatus, detail: str | None = None) -> None:
    job = step.box.station.firmware
    if job is None:
        return
    signed = _is_signed(job.order)
    report = FirmwareReported(reached, signed, job.order.request_id if signed else None)
    job.known, step.box.station.firmware_told = False, report
    step.tell(report, durable=True)
    step.note("firmware_status", status=reached, detail=detail)
    step.changed(0)


def told(step: Step, report: FirmwareReported) -> None:
    """Take it that the Central System knows of a step, or never will; the reboot need not wait any longer."""
    job = step.box.station.firmware
    if job is None or report != step.box.station.firmware_told:
        return
    job.known = True
    if job.phase is UpdatePhase.REBOOTING and step.box.station.reboot_at is not None:
        step.box.station.reboot_at = min(step.box.station.reboot_at, step.now + PROMPT_S)


def _end(step: Step, reached: FirmwareStatus, detail: str | None = None) -> None:
    """End an update; after a failure the box goes on with what it has (FW-07)."""
    _tell(step, reached, detail)
    job, step.box.station.firmware = step.box.station.firmware, None
    _release(step)
    if job is not None and job.then is not None:
        _begin(step, job.then)


# --- Fetching ---------------------------------------------------------------------------------------------------------


def _fetch(step: Step, job: FirmwareJob) -> None:
    if job.phase is UpdatePhase.WAITING:
        job.phase = UpdatePhase.FETCHING
        _tell(step, FirmwareStatus.DOWNLOADING)
    job_id = transfers.begin(step, job)
    problem = transfers.obstacle(step.box, job.order.location)
    if problem is not None:
        _not_fetched(step, job, problem, transfers.OBSTACLES[problem])
    elif step.box.station.firmware_outcome is FirmwareOutcome.DOWNLOAD_FAILED:
        _not_fetched(step, job, TransferProblem.FAILED, COMMANDED)
    else:
        step.do(Fetch(job_id, job.order.location, job.order.signing))


def _not_fetched(step: Step, job: FirmwareJob, problem: TransferProblem, detail: str) -> None:
    if not transfers.may_retry(step, job, problem):
        _end(step, FirmwareStatus.DOWNLOAD_FAILED, detail)


def _mine(step: Step, job_id: str) -> FirmwareJob | None:
    job = step.box.station.firmware
    return job if job is not None and job.job_id == job_id else None


def failed(step: Step, event: TransferFailed) -> None:
    """Take it that a try to fetch the image failed."""
    if (job := _mine(step, event.job_id)) is not None:
        _not_fetched(step, job, event.problem, event.detail)


def fetched(step: Step, event: Fetched) -> None:
    """Take it that the image is here."""
    job = _mine(step, event.job_id)
    if job is None:
        return
    outcome = step.box.station.firmware_outcome
    if outcome is FirmwareOutcome.DOWNLOAD_FAILED:
        _not_fetched(step, job, TransferProblem.FAILED, COMMANDED)
        return
    job.job_id, job.version = None, event.version
    _tell(step, FirmwareStatus.DOWNLOADED)
    if _is_signed(job.order):
        commanded = outcome is FirmwareOutcome.INVALID_SIGNATURE
        if event.genuine is not True or commanded:
            _end(step, FirmwareStatus.INVALID_SIGNATURE, COMMANDED if commanded else None)
            security_events.event(step, "InvalidFirmwareSignature", asked=True)  # L01.FR.03
            return
        _tell(step, FirmwareStatus.SIGNATURE_VERIFIED)
    job.phase = UpdatePhase.SCHEDULED
    if job.order.install_at is not None and job.order.install_at > step.own_now:  # L01.FR.16
        _tell(step, FirmwareStatus.INSTALL_SCHEDULED)


# --- Installing -------------------------------------------------------------------------------------------------------


def _hold(step: Step, job: FirmwareJob) -> None:
    """Let nobody begin to charge, and install when the last session is over (FW-04, FW-05, SEC-35)."""
    box = step.box
    job.phase, box.common.updating = UpdatePhase.HELD, True
    cable.void_attempt(box.common)
    box.station.asks = [ask for ask in box.station.asks if ask.stops is not None or not ask.evse]
    for evse in box.evses:
        if evse.session is None:
            cable.void_attempt(evse)
            evse.finishing = False
        status.refresh(step, evse.number)
    due(step)


def _release(step: Step) -> None:
    """Let people charge again where they could before."""
    box = step.box
    if not box.common.updating:
        return
    box.common.updating = False
    for evse in box.evses:
        if evse.plugged and evse.session is None:
            cable.plugged_in(step, evse)  # H2
        else:
            status.refresh(step, evse.number)


def _may_install(box: Box) -> bool:
    return box.station.resetting is None and all(evse.session is None for evse in box.evses)


def _install(step: Step, job: FirmwareJob) -> None:
    job.phase, job.due_at = UpdatePhase.INSTALLING, step.now + INSTALL_S
    _tell(step, FirmwareStatus.INSTALLING)


def _installed(step: Step, job: FirmwareJob) -> None:
    outcome, signed = step.box.station.firmware_outcome, _is_signed(job.order)
    unfit = outcome is FirmwareOutcome.INVALID_SIGNATURE and not signed
    if unfit or outcome is FirmwareOutcome.INSTALLATION_FAILED:
        _end(step, FirmwareStatus.INSTALLATION_FAILED, COMMANDED)
        return
    job.phase, job.due_at = UpdatePhase.REBOOTING, None
    if signed:
        _tell(step, FirmwareStatus.INSTALL_REBOOTING)  # SEC-36
    step.box.station.boot_reason = BootReason.FIRMWARE_UPDATE
    step.box.station.reboot_at = step.now + (PROMPT_S if job.known or not step.box.online else GRACE_S)


def came_up(step: Step) -> None:
    """Take it that the box starts: with the new firmware, or with the old one to install anew (FW-06)."""
    station, job = step.box.station, step.box.station.firmware
    if job is None:
        return
    if job.phase is UpdatePhase.INSTALLING:
        job.due_at = step.now + INSTALL_S
    elif job.phase is UpdatePhase.REBOOTING:
        brought = station.next_version or job.version or step.box.firmware_version
        station.firmware_version = None if brought is None else brought[:MAX_VERSION]
        station.next_version, job.phase = None, UpdatePhase.BOOTED
        _release(step)
        step.changed(0)


def accepted(step: Step) -> None:
    """Tell that the new firmware works, once the Central System has accepted the box with it (FW-06)."""
    job = step.box.station.firmware
    if job is not None and job.phase is UpdatePhase.BOOTED:
        _end(step, FirmwareStatus.INSTALLED)
        security_events.event(step, "FirmwareUpdated", step.box.firmware_version, asked=_is_signed(job.order))


# --- Time, and what is commanded --------------------------------------------------------------------------------------


def _due_at(box: Box, job: FirmwareJob) -> Instant | None:
    own_ahead_s = box.station.clock_offset_s
    match job.phase:
        case UpdatePhase.WAITING:
            return job.order.retrieve_at - own_ahead_s if box.wants_link else None
        case UpdatePhase.FETCHING:
            return transfers.due_at(box, job)
        case UpdatePhase.SCHEDULED:
            at = job.order.install_at
            return transfers.AT_ONCE if at is None else at - own_ahead_s
        case UpdatePhase.HELD:
            return transfers.AT_ONCE if _may_install(box) else None
        case UpdatePhase.INSTALLING:
            return job.due_at
        case UpdatePhase.REBOOTING | UpdatePhase.BOOTED:
            return None  # `outage` reboots, the Central System accepts


_ACTS = {
    UpdatePhase.WAITING: _fetch,
    UpdatePhase.FETCHING: _fetch,
    UpdatePhase.SCHEDULED: _hold,
    UpdatePhase.HELD: _install,
    UpdatePhase.INSTALLING: _installed,
}


def due(step: Step) -> None:
    """Do what is due."""
    job = step.box.station.firmware
    if job is None:
        return
    at = _due_at(step.box, job)
    if at is not None and at <= step.now:
        _ACTS[job.phase](step, job)


def deadlines(box: Box) -> list[Instant | None]:
    """Return when something is due."""
    job = box.station.firmware
    return [] if job is None else [_due_at(box, job)]


def set_outcome(step: Step, command: SetFirmwareOutcome) -> None:
    """Decide how updates end from now on; `ok` is what really becomes of them.

    Without a signature there is none to be invalid: then `invalid_signature` ends as InstallationFailed.
    """
    station = step.box.station
    station.firmware_outcome, station.next_version = command.outcome, command.version
