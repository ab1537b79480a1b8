"""A firmware update step by step, and under any accidents."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from fakes.manufacturer import root, signer
from fakes.twins import Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.crypto.certificates import split
from twin.errors import Rejected
from twin.model.asked import Reset, Signing, Trigger, UpdateFirmware
from twin.model.effects import AuthorizationAsked, Booted, CancelJob, Fetch, FirmwareReported, Refusal, Tell
from twin.model.inputs import (
    AuthorizationAnswered,
    BootAnswered,
    ClearFault,
    Fetched,
    LinkDown,
    PlugIn,
    PresentToken,
    PressStop,
    SetFault,
    SetFirmwareOutcome,
    SetNetwork,
    SetPowered,
    TokenInfo,
    TransferFailed,
    Unplug,
)
from twin.model.spec import OnRestart
from twin.model.terms import (
    AuthorizationStatus,
    ErrorCode,
    FirmwareOutcome,
    FirmwareStatus,
    Registration,
    ResetKind,
    Status,
    TransferProblem,
)

ACCEPTED = TokenInfo(AuthorizationStatus.ACCEPTED)
SIGNING = Signing(signer(), "c2ln")
WHOLE_SERIES = re.compile(
    "(DownloadScheduled )?Downloading (DownloadFailed |Downloaded "
    "(InvalidSignature |(SignatureVerified (InstallScheduled )?)?Installing "
    "(InstallationFailed |(InstallRebooting )?Installed )))"
)


def bench(*, signed=False, **spec):
    made = Bench(manufacturer_roots=split(root()) if signed else (), **spec)
    made.accept()
    return made


def order(on, *, signed=False, **more):
    more = {"location": "http://h/fw-2.0.bin", "retrieve_at": on.now, **more}
    if signed:
        more = {"request_id": 3, "signing": SIGNING, **more}
    return UpdateFirmware(request_ref="u", **more)


def steps(on):
    return [report.status for report in on.reports(FirmwareReported)]


def running(on):
    """Return the id of the fetch that runs, None for none."""
    found = None
    for effect in on.effects:
        if isinstance(effect, Fetch):
            assert found is None, "two at the same time"
            found = effect.job_id
        elif isinstance(effect, CancelJob):
            assert found == effect.job_id
            found = None
    return found


def finish(on, event):
    """Tell the twin what became of the running fetch, which is over then."""
    on.take(on.twin.job(event, on.now))
    on.effects = [effect for effect in on.effects if not isinstance(effect, Fetch | CancelJob)]


def charge(on, number=1):
    on.command(PlugIn(evse=number))
    on.command(PresentToken(evse=number, token="A"))
    on.answer(on.last(AuthorizationAsked), AuthorizationAnswered(ACCEPTED))


def test_fw_09_each_step_is_told_durably():
    on = bench()
    on.request(order(on))
    tells = [
        effect for effect in on.effects if isinstance(effect, Tell) and isinstance(effect.report, FirmwareReported)
    ]
    assert [tell.durable for tell in tells] == [True]


def test_r8_the_reply_goes_before_the_first_step():
    on = bench()
    effects = on.request(order(on))
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds.index("Reply") < kinds.index("Tell") < kinds.index("Fetch")


def test_r5_what_became_of_a_fetch_that_was_given_up_changes_nothing():
    on = bench()
    on.request(order(on))
    before = on.twin.dump()
    for event in (Fetched("other", "3"), TransferFailed("other", TransferProblem.FAILED, "")):
        assert on.twin.job(event, on.now) == []
    assert on.twin.dump() == before


def test_fw_09_after_a_restart_the_image_is_fetched_again_and_the_try_is_not_used_up():
    on = bench()
    on.request(order(on, retries=0))
    old = running(on)
    on.effects.clear()
    on.restart()
    on.wait(0)
    assert running(on) not in (None, old)
    assert steps(on) == []
    finish(on, Fetched(running(on), "2.0"))
    on.wait(0)
    assert steps(on) == [FirmwareStatus.DOWNLOADED, FirmwareStatus.INSTALLING]


def test_fw_09_a_power_cut_gives_the_fetch_up_for_the_time_being():
    on = bench()
    on.request(order(on))
    on.command(SetPowered(powered=False))
    assert running(on) is None
    on.wait(1000)
    assert running(on) is None
    on.command(SetPowered(powered=True))
    on.wait(60)
    assert running(on) is not None


def test_fw_06_where_a_restart_is_a_power_cut_the_new_firmware_comes_up_with_it():
    on = bench(on_restart=OnRestart.POWER_LOSS)
    on.request(order(on))
    finish(on, Fetched(running(on), "2.0"))
    on.wait(10)
    on.restart(on.now)
    assert on.twin.view(on.now).station.firmware_version == "2.0"
    on.accept()
    assert steps(on)[-1] is FirmwareStatus.INSTALLED


def test_fw_06_the_version_is_cut_to_what_boot_notification_can_say():
    on = bench()
    on.request(order(on))
    finish(on, Fetched(running(on), "v" * 80))
    on.wait(60)
    on.accept()
    assert on.last(Booted).firmware_version == "v" * 50


def test_fw_05_a_faulted_connector_stays_so_and_is_unavailable_after_it():
    on = bench()
    charge(on)
    on.command(SetFault(evse=2, code=ErrorCode.GROUND_FAILURE))
    on.request(order(on))
    finish(on, Fetched(running(on), "2.0"))
    on.wait(0)
    assert [on.evse(1).status, on.evse(2).status] == [Status.CHARGING, Status.FAULTED]
    on.command(ClearFault(evse=2))
    assert on.evse(2).status is Status.UNAVAILABLE
    on.command(PressStop(evse=1))
    assert on.evse(1).status is Status.UNAVAILABLE


def test_sec_32_a_plain_update_that_a_signed_one_replaces_is_told_to_have_failed():
    on = bench()
    on.request(order(on))
    on.spec = on.twin._box.spec = on.spec.__class__(
        id="garage", identity="garage", evses=on.spec.evses, manufacturer_roots=split(root())
    )
    on.request(order(on, signed=True))
    told = on.reports(FirmwareReported)
    assert [(report.status, report.signed, report.request_id) for report in told] == [
        (FirmwareStatus.DOWNLOADING, False, None),
        (FirmwareStatus.DOWNLOAD_FAILED, False, None),
        (FirmwareStatus.DOWNLOADING, True, 3),
    ]


def test_sec_29_the_refusal_is_an_error_of_the_protocol():
    on = bench(signed=True)
    on.request(order(on))
    assert isinstance(on.replies()[-1], Refusal)


def test_cc_13_a_triggered_idle_is_neither_kept_nor_an_event():
    on = bench()
    on.request(Trigger(request_ref="t", message="FirmwareStatusNotification"))
    assert steps(on) == [FirmwareStatus.IDLE]
    assert on.notes("firmware_status") == []
    assert on.twin.view(on.now).station.firmware_status is None


# --- Whatever happens -------------------------------------------------------------------------------------------------

_ACCIDENTS = st.one_of(
    st.floats(0, 30),
    st.sampled_from(
        ["restart", "restart", "mains off", "mains on", "link down", "link up", "network off", "network on"]
    ),
    st.sampled_from(["fetched", "fetched", "failed", "charge", "stop", "unplug", "reset", "accept", "pending"]),
    st.sampled_from([*FirmwareOutcome]),
)


def _happen(on: Bench, what) -> None:
    job_id = running(on)
    match what:
        case float():
            on.wait(what)
        case "restart":
            on.effects = [effect for effect in on.effects if not isinstance(effect, Fetch | CancelJob)]
            on.restart(on.now)
        case "mains off" | "mains on":
            on.command(SetPowered(powered=what == "mains on"))
        case "network off" | "network on":
            on.command(SetNetwork(network=what == "network on"))
        case "link down":
            on.take(on.twin.link(LinkDown("ws://csms", "cut"), on.now))
        case "link up" | "accept" if on.twin.wants_link:
            on.link_up()
            if what == "accept" and on.twin.registration is not Registration.ACCEPTED:
                on.answer(on.last(Booted), BootAnswered(Registration.ACCEPTED, 300, on.now))
        case "pending" if on.twin.wants_link and on.twin.registration is None:
            on.link_up()
            on.answer(on.last(Booted), BootAnswered(Registration.PENDING, 10, on.now))
        case "fetched" if job_id is not None:
            finish(on, Fetched(job_id, "2.0", genuine=True))
        case "failed" if job_id is not None:
            finish(on, TransferFailed(job_id, TransferProblem.FAILED, ""))
        case "charge":
            charge(on)
        case "stop":
            on.command(PressStop(evse=1))
        case "unplug":
            on.command(Unplug(evse=1))
        case "reset":
            on.request(Reset(request_ref="r", kind=ResetKind.SOFT))
        case FirmwareOutcome():
            on.command(SetFirmwareOutcome(outcome=what))


def _come_to_rest(on: Bench) -> None:
    """Let all accidents be over, and the update go on to its end."""
    for what in ("mains on", "network on", "stop", *(("accept", 20.0, "fetched", 60.0) * 4)):
        with suppress(Rejected):
            _happen(on, what)


@pytest.mark.parametrize("on_restart", [*OnRestart])
@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.sampled_from([0.0, 20.0]), st.lists(_ACCIDENTS, max_size=25))
def test_fw_09_no_accident_loses_or_doubles_a_step(on_restart, signed, ahead_s, accidents):
    on = bench(signed=signed, on_restart=on_restart)
    on.request(order(on, signed=signed, retrieve_at=on.now + ahead_s, install_at=on.now + 40 if signed else None))
    for accident in accidents:
        with suppress(Rejected, IndexError):
            _happen(on, accident)
    _come_to_rest(on)
    told = "".join(f"{status} " for status in steps(on))
    assert WHOLE_SERIES.fullmatch(told), told
    assert [note.fields["status"] for note in on.notes("firmware_status")] == steps(on)
    view = on.twin.view(on.now)
    assert view.station.firmware_version == ("2.0" if told.endswith("Installed ") else "1.0")
    assert all(evse.available for evse in view.evses)
    assert on.twin.next_deadline() is None or on.twin.next_deadline() > on.now
