"""Jobs that the runtime does for the box: what became of them, and what interrupts them. Decides nothing."""

from __future__ import annotations

from typing import assert_never

from twin.model import enrolment, firmware, logs, remote, transfers
from twin.model.box import Box, Step
from twin.model.inputs import Actuated, Delivered, Fetched, JobEvent, KeyMade, TransferFailed


def handle(step: Step, event: JobEvent) -> None:
    """Take what became of a job. Each owner knows its own jobs by their ids and leaves others alone."""
    match event:
        case Fetched():
            firmware.fetched(step, event)
        case Delivered():
            logs.delivered(step, event)
        case TransferFailed():
            firmware.failed(step, event)
            logs.failed(step, event)
            enrolment.failed(step, event)
        case KeyMade():
            enrolment.key_made(step, event)
        case Actuated():
            remote.actuated(step, event)
        case _:
            assert_never(event)


def interrupt(step: Step) -> None:
    """Break off all transfers: the box dies, or its network goes."""
    transfers.interrupt(step, step.box.station.firmware)
    transfers.interrupt(step, step.box.station.upload)


def forget(box: Box) -> None:
    """Take it that the program started anew, and runs no transfers yet."""
    transfers.forget(box.station.firmware)
    transfers.forget(box.station.upload)
