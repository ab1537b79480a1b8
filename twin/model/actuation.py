"""What real things are asked to do: which answers to the Central System wait for them, and until when.

Must not know what a request means; `remote` does. What waits is forgotten with the connection that it came by.
"""

from __future__ import annotations

from typing import Any

from twin.model.asked import PhysicalRequest
from twin.model.box import Box, Step
from twin.model.effects import Actuate, CancelJob
from twin.model.state import Pending
from twin.model.terms import Action, Instant


def put_off(
    step: Step, action: Action, evse: int, request: PhysicalRequest, *, session_id: str | None = None, **fields: Any
) -> bool:
    """Let real things do it before it is answered; False where none tells when it is done."""
    waits = [one.wait_s for one in step.box.spec.actuated if one.serves(action, evse) and one.wait_s is not None]
    if not waits:
        return False
    job_id, connection = step.box.ids(), step.box.connection
    pending = Pending(request, evse, step.now + max(waits), session_id)
    connection.pending = {**connection.pending, job_id: pending}
    step.do(Actuate(job_id, action, evse, fields))
    return True


def do(step: Step, action: Action, evse: int, **fields: Any) -> None:
    """Let real things do what was answered already."""
    if any(one.serves(action, evse) for one in step.box.spec.actuated):
        step.do(Actuate(step.box.ids(), action, evse, fields))


def take(box: Box, job_id: str) -> Pending | None:
    """Return what waited for a job, which is over; None if nothing did (R5)."""
    pending = box.connection.pending.get(job_id)
    if pending is not None:
        box.connection.pending = {known: one for known, one in box.connection.pending.items() if known != job_id}
    return pending


def forget(step: Step) -> None:
    """Let nothing wait any more: nobody is there to be answered."""
    for job_id in step.box.connection.pending:
        step.do(CancelJob(job_id))
    step.box.connection.pending = {}


def overdue(step: Step) -> list[str]:
    """Return the ids of jobs that took too long."""
    return [job_id for job_id, one in step.box.connection.pending.items() if one.due_at <= step.now]


def deadlines(box: Box) -> list[Instant | None]:
    """Return until when answers wait."""
    return [one.due_at for one in box.connection.pending.values()]
