"""Whatever happens in whatever order: nothing stays due for ever, no register falls, no step leaves the matrix."""

from __future__ import annotations

from contextlib import suppress

from fakes.twins import NOON, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import Rejected
from twin.model.asked import ChangeAvailability, GetLog, RemoteStart, Trigger, UnlockConnector, UpdateFirmware
from twin.model.effects import AuthorizationAsked, Booted, Deliver, Fetch, SessionEnded, SessionStarted, Tell
from twin.model.evse import TRANSITIONS
from twin.model.inputs import (
    AuthorizationAnswered,
    Boot,
    BootAnswered,
    ClearFault,
    Delivered,
    EmergencyStop,
    Fetched,
    LinkDown,
    PlugIn,
    PresentToken,
    PressReset,
    PressStop,
    ReportMeter,
    SetFault,
    SetFirmwareOutcome,
    SetNetwork,
    SetPowered,
    SetResetFails,
    StartAnswered,
    TokenInfo,
    TransferFailed,
    Unplug,
    UnplugEvSide,
)
from twin.model.spec import EvSpec, OnRestart
from twin.model.terms import (
    AuthorizationStatus,
    ErrorCode,
    FirmwareOutcome,
    Quantity,
    ReadingContext,
    Registration,
    TransferProblem,
)

_EVSES = st.sampled_from([1, 2])
_PLACES = st.sampled_from(["http://h/a", "sftp://h/a"])
_COMMANDS = st.one_of(
    st.builds(PlugIn, evse=_EVSES, ev=st.sampled_from([None, EvSpec(battery_kwh=1, soc_pct=90, phases=1)])),
    st.builds(Unplug, evse=_EVSES),
    st.builds(UnplugEvSide, evse=_EVSES),
    st.builds(PresentToken, evse=st.sampled_from([1, 2, None]), token=st.sampled_from("AB")),
    st.builds(SetFault, evse=st.sampled_from([0, 1]), code=st.sampled_from([ErrorCode.GROUND_FAILURE])),
    st.builds(ClearFault, evse=st.sampled_from([0, 1])),
    st.builds(ReportMeter, evse=_EVSES, values=st.sampled_from([{q: v} for q in Quantity for v in (0.0, 9000.0)])),
    st.builds(SetPowered, powered=st.booleans()),
    st.builds(SetNetwork, network=st.booleans()),
    st.builds(SetResetFails, fails=st.booleans()),
    st.builds(SetFirmwareOutcome, outcome=st.sampled_from([*FirmwareOutcome])),
    st.sampled_from([EmergencyStop(), PressStop(evse=1), PressReset(), Boot()]),
)
_REQUESTS = st.one_of(
    st.builds(ChangeAvailability, request_ref=st.just("r"), evse=st.integers(0, 2), operative=st.booleans()),
    st.builds(RemoteStart, request_ref=st.just("r"), token=st.just("A"), evse=_EVSES),
    st.builds(UnlockConnector, request_ref=st.just("r"), evse=_EVSES),
    st.builds(Trigger, request_ref=st.just("r"), message=st.sampled_from(["BootNotification", "MeterValues"])),
    st.builds(
        UpdateFirmware, request_ref=st.just("r"), location=_PLACES, retrieve_at=st.sampled_from([0.0, NOON + 300])
    ),
    st.builds(GetLog, request_ref=st.just("r"), location=_PLACES, request_id=st.sampled_from([None, 1])),
)
_ANSWERS = st.tuples(st.sampled_from([*AuthorizationStatus]), st.sampled_from([*Registration, Registration.ACCEPTED]))
_STEPS = st.one_of(
    _COMMANDS,
    _COMMANDS,
    _REQUESTS,
    _ANSWERS,
    _ANSWERS,
    st.floats(0, 200),
    st.sampled_from(["up", "down", "restart", "done", "failed"]),
)
_SETTINGS = {
    "AlignedDataCtrlr.Interval": "70",
    "ChargingStation.MinimumStatusDuration": "3",
    "SampledDataCtrlr.TxEndedMeasurands": "Energy.Active.Import.Register",
    "TxCtrlr.MaxEnergyOnInvalidId": "100",
}


def _answer(bench, verdict, registration):
    told = [e.report for e in bench.effects if isinstance(e, Tell)]
    info, last = TokenInfo(verdict, "family"), told[-1] if told else None
    match last:
        case Booted():
            bench.answer(last, BootAnswered(registration, 30, bench.now + 100.1))
        case AuthorizationAsked():
            bench.answer(last, AuthorizationAnswered(info))
    if bench.reports(SessionStarted):
        bench.answer(bench.last(SessionStarted), StartAnswered(1, info))


def _end_job(bench, *, well):
    job = next((e for e in reversed(bench.effects) if isinstance(e, Fetch | Deliver)), None)
    match job:
        case None:
            return
        case _ if not well:
            event = TransferFailed(job.job_id, TransferProblem.FAILED, "")
        case Fetch():
            event = Fetched(job.job_id, "2.0")
        case Deliver():
            event = Delivered(job.job_id)
    bench.take(bench.twin.job(event, bench.now))


def _do(bench, step):
    match step:
        case float():
            bench.now += step
        case (verdict, registration):
            _answer(bench, verdict, registration)
        case "up" if bench.twin.wants_link:
            bench.link_up()
        case "down":
            bench.take(bench.twin.link(LinkDown("ws://csms", "gone"), bench.now))
        case "done" | "failed":
            _end_job(bench, well=step == "done")
        case "restart":
            bench.restart(bench.now)
        case str():
            pass
        case _ if hasattr(step, "request_ref"):
            bench.request(step)
        case _:
            with suppress(Rejected):
                bench.command(step)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(OnRestart), st.sampled_from([{}, _SETTINGS]), st.lists(_STEPS, max_size=40))
def test_nothing_stays_due_and_no_register_falls(on_restart, variables, steps):
    bench, registers = Bench(on_restart=on_restart, settings=variables), [0.0, 0.0]
    bench.accept()
    for step in steps:
        _do(bench, step)
        bench.take(bench.twin.tick(bench.now))
        due = bench.twin.next_deadline()
        assert due is None or due > bench.now
        before, registers = registers, [meter.energy_wh for meter in bench.twin.view(bench.now).meters]
        assert all(now >= then - 1e-6 for now, then in zip(registers, before, strict=True))
    for note in bench.notes("status_changed"):
        assert note.fields["status"] in TRANSITIONS[note.fields["previous"]]
    _check_transaction_data(bench)


def _check_transaction_data(bench):
    starts = {started.session_id: started.meter_start_wh for started in bench.reports(SessionStarted)}
    for ended in bench.reports(SessionEnded):
        ends = {reading.context: reading.samples[0].value for reading in ended.readings}
        if ends:  # V-24
            assert ends[ReadingContext.TRANSACTION_BEGIN] == starts[ended.session_id]
            assert ends[ReadingContext.TRANSACTION_END] == ended.meter_stop_wh
