"""Which places can be reached, and when a try follows another."""

from __future__ import annotations

import pytest
from fakes.twins import Bench

from twin.model import transfers
from twin.model.asked import GetLog
from twin.model.box import Step
from twin.model.effects import CancelJob
from twin.model.state import UploadJob
from twin.model.terms import TransferProblem


def make(**order):
    step = Step(Bench().twin._box, 1000.0)
    job = UploadJob(GetLog(request_ref="g", location="ftp://h/", **order), "log.zip")
    return step, job


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("ftp://user:password@host:2121/path", None),
        ("  https://host/a b", None),
        ("HTTP://[::1]:80/x", None),
        ("sftp://host/x", TransferProblem.UNSUPPORTED),
        ("file:///etc/passwd", TransferProblem.UNSUPPORTED),
        ("host/path", TransferProblem.BAD_URL),
        ("http:/host/path", TransferProblem.BAD_URL),
        ("http://", TransferProblem.BAD_URL),
        ("http:///", TransferProblem.BAD_URL),
        ("://host/path", TransferProblem.BAD_URL),
        ("", TransferProblem.BAD_URL),
    ],
)
def test_fw_08_a_location_needs_a_protocol_that_is_supported_and_a_place(location, expected):
    assert transfers.obstacle(make()[0].box, location) is expected


@pytest.mark.parametrize(
    ("retries", "interval_s", "problem", "due_at"),
    [
        (None, None, TransferProblem.FAILED, 1010.0),
        (1, 60, TransferProblem.FAILED, 1060.0),
        (1, 0, TransferProblem.DENIED, 1001.0),
        (0, 60, TransferProblem.FAILED, None),
        (-1, 60, TransferProblem.FAILED, None),
        (5, 60, TransferProblem.BAD_URL, None),
        (5, 60, TransferProblem.UNSUPPORTED, None),
        (5, 60, TransferProblem.TOO_LARGE, None),
    ],
)
def test_fw_03_dg_03_a_retry_follows_where_it_may_help(retries, interval_s, problem, due_at):
    step, job = make(retries=retries, retry_interval_s=interval_s)
    transfers.begin(step, job)
    assert transfers.may_retry(step, job, problem) is (due_at is not None)
    assert (job.job_id, job.due_at) == (None, due_at)


def test_fw_09_a_try_that_was_broken_off_is_not_used_up():
    step, job = make(retries=0)
    job_id = transfers.begin(step, job)
    assert transfers.due_at(step.box, job) is None
    transfers.interrupt(step, job)
    assert step.effects == [CancelJob(job_id)]
    assert (job.tries, transfers.due_at(step.box, job)) == (0, transfers.AT_ONCE)
    transfers.interrupt(step, job)
    assert step.effects == [CancelJob(job_id)]
