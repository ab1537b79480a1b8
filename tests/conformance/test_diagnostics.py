"""Group 16 of the checklist: GetDiagnostics."""

from __future__ import annotations

import re

import pytest
from fakes.depot import FOLDER, NEVER, Depot, depot
from fakes.judge import iso

from twin.model.effects import CancelJob, Deliver
from twin.model.inputs import Delivered, SetNetwork, SetPowered
from twin.model.terms import LogKind, TransferProblem

DSN = "DiagnosticsStatusNotification"
GOOD = ["Uploading", "Uploaded"]


def diagnostics(cs: Depot, location: str = FOLDER, **more) -> str | None:
    """Ask for diagnostics and give the file's name."""
    payload = cs.ask("GetDiagnostics", {"location": location, **more}).payload
    assert payload is not None
    return payload.get("fileName")


def test_dg_01_dg_02_one_file_is_uploaded_and_told_step_by_step():
    cs = depot()
    name = diagnostics(cs)
    assert name == "CP1_diagnostics_20260105T100000Z.zip"
    cs.advance(100)
    assert cs.steps(DSN) == GOOD
    (job,) = cs.jobs
    assert job == Deliver(job.job_id, FOLDER, name, LogKind.DIAGNOSTICS)
    assert [note.fields["status"] for note in cs.noted("diagnostics_status")] == GOOD
    assert cs.station.view(cs.now).station.diagnostics_status == "Uploaded"


def test_dg_01_without_a_journal_there_is_no_file_and_nothing_is_told():
    cs = depot(journal_limit=0)
    assert diagnostics(cs) is None
    cs.advance(100)
    assert not cs.jobs
    assert not cs.sent(DSN)


def test_dg_01_a_window_that_ends_before_it_begins_holds_nothing():
    cs = depot()
    assert diagnostics(cs, startTime=iso(cs.now), stopTime=iso(cs.now - 60)) is None
    cs.advance(100)
    assert not cs.sent(DSN)


@pytest.mark.parametrize("identity", ["Garage/Ö 1: ../../etc", "x" * 300, "..", "a\\b\0c"])
def test_dg_01_any_identity_makes_a_file_name(identity):
    cs = Depot(depot().spec.__class__("cp1", identity), boot_interval=0)
    name = diagnostics(cs)
    assert name is not None
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,255}", name)


@pytest.mark.parametrize(
    ("retries", "expected"), [({"retries": 0}, 1), ({"retries": 2, "retryInterval": 5}, 3), ({}, 3)]
)
def test_dg_02_dg_03_an_upload_is_tried_again_and_fails_in_the_end(retries, expected):
    cs = depot()
    cs.ends.extend([TransferProblem.FAILED] * 10)
    diagnostics(cs, **retries)
    cs.advance(1000)
    assert cs.tries(Deliver) == expected
    assert cs.steps(DSN) == ["Uploading", "UploadFailed"]
    assert cs.station.view(cs.now).station.diagnostics_status == "UploadFailed"


def test_dg_03_a_retry_may_succeed_after_its_interval():
    cs = depot()
    cs.ends.append(TransferProblem.FAILED)
    diagnostics(cs, retries=1, retryInterval=100)
    cs.advance(101)
    assert cs.tries(Deliver) == 1
    cs.advance(5)
    assert cs.steps(DSN) == GOOD


def test_dg_03_start_and_stop_bound_the_content_on_the_runtimes_clock():
    cs = depot()
    cs.offset_s = 500
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(30)
    diagnostics(cs, startTime=iso(cs.now + 500 - 3600), stopTime=iso(cs.now + 500))
    job = cs.wanted(Deliver)
    assert job.oldest == pytest.approx(cs.now - 3600, abs=0.01)
    assert job.latest == pytest.approx(cs.now, abs=0.01)


@pytest.mark.parametrize("location", ["sftp://h/logs/", "nonsense", ""])
def test_dg_02_a_location_that_cannot_be_served_ends_in_upload_failed(location):
    cs = depot()
    assert diagnostics(cs, location) is not None
    cs.advance(100)
    assert cs.steps(DSN) == ["Uploading", "UploadFailed"]
    assert not cs.jobs


def test_dg_04_a_newer_request_replaces_the_upload_and_goes_on_with_its_series():
    cs = depot()
    cs.ends.append(NEVER)
    diagnostics(cs)
    old = cs.wanted(Deliver)
    cs.advance(50)
    assert diagnostics(cs, "http://files.example/in/") != old.file_name
    assert CancelJob(old.job_id) in cs.jobs
    cs.finish(Delivered(old.job_id))  # too late (R5)
    assert cs.steps(DSN) == ["Uploading", "Uploading"]
    cs.advance(100)
    assert cs.steps(DSN) == ["Uploading", *GOOD]


def test_dg_04_nothing_that_is_published_tells_the_password_of_the_location():
    cs = depot()
    diagnostics(cs)
    cs.advance(100)
    assert "secret" not in repr(cs.notes)
    assert "secret" not in repr(cs.station.view(cs.now))


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("accident", ["crash", "power", "link", "network", "reset"])
def test_dg_02_an_accident_loses_and_doubles_no_step(at, accident):
    cs = depot()
    diagnostics(cs)
    cs.advance(at)
    match accident:
        case "crash":
            cs.crash(5.0)
        case "power":
            cs.command(SetPowered(powered=False))
            cs.advance(60)
            cs.command(SetPowered(powered=True))
        case "link":
            cs.cut()
            cs.advance(5)
            cs.restore()
        case "network":
            cs.command(SetNetwork(network=False))
            cs.advance(500)
            cs.command(SetNetwork(network=True))
        case "reset":
            cs.ask("Reset", {"type": "Hard"})
    cs.advance(100)
    assert cs.steps(DSN) == GOOD


def test_cc_13_a_triggered_status_is_uploading_or_idle():
    cs = depot()
    for expected in ("Idle", "Uploading", "Idle"):
        mark = cs.mark()
        assert cs.ask("TriggerMessage", {"requestedMessage": DSN}).status == "Accepted"
        assert cs.steps(DSN, mark) == [expected]
        if expected == "Idle":
            diagnostics(cs)
        else:
            cs.advance(100)
