"""An upload of a log step by step, and under any accidents."""

from __future__ import annotations

from contextlib import suppress

from fakes.twins import Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import Rejected
from twin.model.asked import GetLog, Trigger
from twin.model.effects import CancelJob, Deliver, LogAnswered, LogReported, Tell
from twin.model.inputs import Delivered, Fetched, SetNetwork, SetPowered, TransferFailed
from twin.model.terms import LogKind, LogStatus, TransferProblem


def bench(**spec):
    on = Bench(**spec)
    on.accept()
    return on


def ask(on, **more):
    return on.request(GetLog(request_ref="g", **{"location": "ftp://h/logs", **more}))


def steps(on):
    return [report.status for report in on.reports(LogReported)]


def running(on):
    """Return the id of the upload that runs, None for none."""
    found = None
    for effect in on.effects:
        if isinstance(effect, Deliver):
            assert found is None, "two at the same time"
            found = effect.job_id
        elif isinstance(effect, CancelJob):
            assert found == effect.job_id
            found = None
    return found


def over(on):
    """Forget the transfers that are over."""
    on.effects = [effect for effect in on.effects if not isinstance(effect, Deliver | CancelJob)]


def test_dg_02_each_step_is_told_durably_after_the_reply():
    on = bench()
    effects = ask(on)
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds.index("Reply") < kinds.index("Tell") < kinds.index("Deliver")
    assert [effect.durable for effect in effects if isinstance(effect, Tell)] == [True]


def test_r5_what_became_of_an_upload_that_was_given_up_changes_nothing():
    on = bench()
    ask(on)
    before = on.twin.dump()
    for event in (Delivered("x"), TransferFailed("x", TransferProblem.FAILED, ""), Fetched(running(on))):
        assert on.twin.job(event, on.now) == []
    assert on.twin.dump() == before


def test_sec_27_the_answer_to_get_diagnostics_names_the_new_file():
    on = bench()
    ask(on)
    on.now += 1
    ask(on)
    answers = [outcome for outcome in on.replies() if isinstance(outcome, LogAnswered)]
    assert answers[0].file_name != answers[1].file_name


def test_sec_25_the_longest_identity_leaves_room_for_the_rest_of_the_name():
    on = Bench()
    on.spec = on.twin._box.spec = on.spec.__class__(id="garage", identity="é" * 500)
    on.accept()
    ask(on, kind=LogKind.SECURITY, request_id=1)
    name = on.replies()[-1].file_name
    assert len(name) <= 255
    assert name.isascii()


def test_cc_13_a_triggered_idle_is_neither_kept_nor_an_event():
    on = bench()
    on.request(Trigger(request_ref="t", message="DiagnosticsStatusNotification"))
    assert steps(on) == [LogStatus.IDLE]
    assert on.notes("diagnostics_status") == []
    assert on.twin.view(on.now).station.diagnostics_status is None


_ACCIDENTS = st.one_of(
    st.floats(0, 30),
    st.sampled_from(["restart", "mains off", "mains on", "network off", "network on", "delivered", "failed"]),
)


def _happen(on: Bench, what) -> None:
    job_id = running(on)
    match what:
        case float():
            on.wait(what)
        case "restart":
            over(on)
            on.restart(on.now)
        case "mains off" | "mains on":
            on.command(SetPowered(powered=what == "mains on"))
        case "network off" | "network on":
            on.command(SetNetwork(network=what == "network on"))
        case "delivered" | "failed" if job_id is not None:
            failure = TransferFailed(job_id, TransferProblem.FAILED, "")
            on.take(on.twin.job(Delivered(job_id) if what == "delivered" else failure, on.now))
            over(on)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([None, 4]), st.integers(0, 3), st.lists(_ACCIDENTS, max_size=25))
def test_dg_02_sec_26_no_accident_loses_or_doubles_a_step(request_id, retries, accidents):
    on = bench()
    ask(on, request_id=request_id, retries=retries)
    for accident in accidents:
        with suppress(Rejected):
            _happen(on, accident)
    for what in ("mains on", "network on", 60.0, "delivered"):
        _happen(on, what)
    assert steps(on) in ([LogStatus.UPLOADING, last] for last in (LogStatus.UPLOADED, LogStatus.UPLOAD_FAILURE))
    assert {(report.extended, report.request_id) for report in on.reports(LogReported)} == {
        (request_id is not None, request_id)
    }
