"""What became of jobs that the runtime did for the box: who of the model is told. Decides nothing."""

from __future__ import annotations

from typing import assert_never

from twin.model import enrolment, firmware, logs, remote
from twin.model.box import Step
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
