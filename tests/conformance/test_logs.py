"""The logs of the security extension: GetLog and LogStatusNotification (Security whitepaper N01)."""

from __future__ import annotations

import pytest
from fakes.depot import FOLDER, NEVER, Depot, depot
from fakes.judge import iso

from twin.model.effects import CancelJob, Deliver
from twin.model.terms import LogKind, TransferProblem

LSN = "LogStatusNotification"
DSN = "DiagnosticsStatusNotification"


def get_log(cs: Depot, request_id: int = 7, kind: str = "SecurityLog", location: str = FOLDER, **more):
    log = {"remoteLocation": location, **{name: more.pop(name) for name in list(more) if name.endswith("Timestamp")}}
    return cs.ask("GetLog", {"logType": kind, "requestId": request_id, "log": log, **more})


def steps(cs: Depot) -> list[tuple[int | None, str]]:
    return [(call.payload.get("requestId"), call["status"]) for call in cs.sent(LSN)]


@pytest.mark.parametrize(("kind", "word"), [("SecurityLog", "security"), ("DiagnosticsLog", "diagnostics")])
def test_sec_25_sec_26_a_log_is_uploaded_and_told_with_the_request_id(kind, word):
    cs = depot()
    reply = get_log(cs, 12, kind)
    assert reply.payload == {"status": "Accepted", "filename": f"CP1_{word}_20260105T100000Z.zip"}
    cs.advance(60)
    assert steps(cs) == [(12, "Uploading"), (12, "Uploaded")]
    assert cs.wanted(Deliver).kind == LogKind(kind)
    assert cs.tries(Deliver) == 1
    assert not cs.sent(DSN)


def test_sec_25_the_timestamps_bound_the_content():
    cs = depot()
    get_log(cs, oldestTimestamp=iso(cs.now - 60), latestTimestamp=iso(cs.now - 30))
    assert (cs.wanted(Deliver).oldest, cs.wanted(Deliver).latest) == (cs.now - 60, cs.now - 30)


def test_sec_25_what_is_not_there_is_rejected():
    cs = depot(journal_limit=0)
    assert get_log(cs).payload == {"status": "Rejected"}
    cs.advance(60)
    assert not cs.jobs
    assert not steps(cs)


def test_sec_25_a_request_id_of_zero_is_one():
    cs = depot()
    get_log(cs, 0)
    cs.advance(60)
    assert steps(cs) == [(0, "Uploading"), (0, "Uploaded")]


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (TransferProblem.FAILED, "UploadFailure"),
        (TransferProblem.BAD_URL, "BadMessage"),
        (TransferProblem.DENIED, "PermissionDenied"),
        (TransferProblem.UNSUPPORTED, "NotSupportedOperation"),
        (TransferProblem.TOO_LARGE, "UploadFailure"),
    ],
)
def test_sec_26_a_failure_says_why(problem, status):
    cs = depot()
    cs.ends.extend([problem] * 5)
    get_log(cs, retries=1)
    cs.advance(100)
    assert steps(cs) == [(7, "Uploading"), (7, status)]
    assert cs.station.view(cs.now).station.diagnostics_status == status


@pytest.mark.parametrize(
    ("location", "status"), [("sftp://h/", "NotSupportedOperation"), ("nonsense", "BadMessage"), ("", "BadMessage")]
)
def test_sec_26_a_location_that_cannot_be_served(location, status):
    cs = depot()
    assert get_log(cs, location=location).status == "Accepted"
    assert steps(cs) == [(7, "Uploading"), (7, status)]
    assert not cs.jobs


def test_sec_27_a_new_get_log_cancels_the_upload():
    cs = depot()
    cs.ends.append(NEVER)
    get_log(cs, 1)
    old = cs.wanted(Deliver)
    assert get_log(cs, 2, "DiagnosticsLog").status == "AcceptedCanceled"
    assert CancelJob(old.job_id) in cs.jobs
    cs.advance(60)
    assert steps(cs) == [(1, "Uploading"), (2, "Uploading"), (2, "Uploaded")]
    assert get_log(cs, 3).status == "Accepted"


def test_sec_27_dg_04_uploads_of_both_kinds_end_each_other():
    cs = depot()
    cs.ends.extend([NEVER, NEVER])
    get_log(cs, 1)
    cs.ask("GetDiagnostics", {"location": FOLDER})
    assert steps(cs) == [(1, "Uploading"), (1, "UploadFailure")]
    assert get_log(cs, 2).status == "AcceptedCanceled"
    cs.advance(60)
    assert steps(cs)[2:] == [(2, "Uploading"), (2, "Uploaded")]
    assert cs.steps(DSN) == ["Uploading", "UploadFailed"]


def test_sec_26_idle_is_only_triggered_and_without_a_request_id():
    cs = depot()
    for expected in ((None, "Idle"), (7, "Uploading"), (None, "Idle")):
        assert cs.ask("ExtendedTriggerMessage", {"requestedMessage": LSN}).status == "Accepted"
        assert steps(cs)[-1] == expected
        if expected == (None, "Idle"):
            get_log(cs)
        else:
            cs.advance(60)


def test_sec_26_get_diagnostics_is_no_log_upload():
    cs = depot()
    cs.ask("GetDiagnostics", {"location": FOLDER})
    cs.ask("ExtendedTriggerMessage", {"requestedMessage": LSN})
    assert steps(cs) == [(None, "Idle")]


def test_sec_25_without_the_firmware_profile_logs_are_uploaded_all_the_same():
    cs = depot(keys={"SupportedFeatureProfiles": "Core"})
    assert get_log(cs).status == "Accepted"
    cs.advance(60)
    assert steps(cs) == [(7, "Uploading"), (7, "Uploaded")]
