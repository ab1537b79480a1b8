"""Signed firmware updates of the security extension (Security whitepaper L01)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fakes.depot import IMAGE, NEVER, Depot, depot
from fakes.judge import iso
from fakes.manufacturer import root, signer
from fakes.scenes import charge

from twin.crypto.certificates import split
from twin.model.effects import CancelJob, Fetch
from twin.model.inputs import PressStop, SetFirmwareOutcome, SetPowered
from twin.model.terms import FirmwareOutcome, TransferProblem

FSN = "FirmwareStatusNotification"
SIGNED = "SignedFirmwareStatusNotification"
TO_INSTALLED = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]


def secured(evses: int = 1, **more) -> Depot:
    """Give a Depot whose twin knows its manufacturer's root."""
    return depot(evses, manufacturer_roots=split(root()), **more)


def update(cs: Depot, request_id: int = 5, *, after: float = -60, install: float | None = None, **more):
    firmware = {
        "location": IMAGE,
        "retrieveDateTime": iso(cs.now + after),
        "signingCertificate": more.pop("certificate", signer()),
        "signature": "c2lnbmF0dXJl",
    }
    if install is not None:
        firmware["installDateTime"] = iso(cs.now + install)
    return cs.ask("SignedUpdateFirmware", {"requestId": request_id, "firmware": firmware, **more}).status


def steps(cs: Depot, request_id: int = 5) -> list[str]:
    """List the steps told of one update; all but Idle must name it (SEC-33)."""
    assert all(("requestId" in call.payload) == (call["status"] != "Idle") for call in cs.sent(SIGNED))
    return [call["status"] for call in cs.sent(SIGNED) if call.payload.get("requestId") == request_id]


def security_events(cs: Depot) -> list[str]:
    return [call["type"] for call in cs.sent("SecurityEventNotification")]


def test_sec_29_plain_updates_are_not_supported_with_this_extension_in_use():
    cs = secured()
    reply = cs.ask("UpdateFirmware", {"location": IMAGE, "retrieveDate": iso(cs.now)})
    assert reply.code == "NotSupported"
    cs.advance(100)
    assert not cs.jobs
    assert not cs.sent(FSN)


def test_sec_30_sec_32_sec_33_sec_36_an_update_step_by_step():
    cs = secured()
    mark = cs.mark()
    assert update(cs) == "Accepted"
    cs.advance(200)
    assert steps(cs) == TO_INSTALLED
    assert not cs.sent(FSN)
    job = cs.wanted(Fetch)
    assert job.signing is not None
    assert (job.signing.certificate, job.signing.signature) == (signer(), "c2lnbmF0dXJl")
    boot = next(i for i, call in enumerate(cs.received) if i >= mark and call.action == "BootNotification")
    told = [i for i, call in enumerate(cs.received) if call.action == SIGNED]
    assert told[-2] < boot < told[-1]
    assert cs.received[boot]["firmwareVersion"] == "2.0"
    assert security_events(cs) == ["FirmwareUpdated"]


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param(lambda: signer("Stranger"), id="of somebody else"),
        pytest.param(lambda: signer(end=datetime(2026, 1, 2, tzinfo=UTC)), id="expired"),
        pytest.param(lambda: "nonsense", id="unreadable"),
        pytest.param(lambda: "", id="empty"),
    ],
)
def test_sec_24_sec_30_a_bad_certificate_is_refused_first(certificate):
    cs = secured()
    assert update(cs, certificate=certificate()) == "InvalidCertificate"
    cs.advance(100)
    assert not cs.jobs
    assert not cs.sent(SIGNED)
    assert security_events(cs) == ["InvalidFirmwareSigningCertificate"]


def test_sec_30_a_bad_certificate_leaves_a_running_update_alone():
    cs = secured()
    update(cs)
    assert update(cs, 6, certificate="nonsense") == "InvalidCertificate"
    cs.advance(200)
    assert steps(cs) == TO_INSTALLED


def test_sec_34_without_a_manufacturer_root_no_certificate_is_valid():
    cs = depot()
    assert update(cs) == "InvalidCertificate"


@pytest.mark.parametrize("genuine", [False, None])
def test_sec_24_sec_32_sec_34_a_bad_signature_ends_the_update(genuine):
    cs = secured()
    cs.ends.append({"genuine": genuine})
    update(cs)
    cs.advance(200)
    assert steps(cs) == ["Downloading", "Downloaded", "InvalidSignature"]
    assert security_events(cs) == ["InvalidFirmwareSignature"]
    assert cs.status() == "Available"
    assert cs.station.view(cs.now).station.firmware_version == "1.0"


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (FirmwareOutcome.DOWNLOAD_FAILED, ["Downloading", "DownloadFailed"]),
        (FirmwareOutcome.INVALID_SIGNATURE, ["Downloading", "Downloaded", "InvalidSignature"]),
        (
            FirmwareOutcome.INSTALLATION_FAILED,
            ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallationFailed"],
        ),
    ],
)
def test_sec_32_failures_on_command(outcome, expected):
    cs = secured()
    cs.command(SetFirmwareOutcome(outcome=outcome))
    update(cs)
    cs.advance(200)
    assert steps(cs) == expected
    assert cs.status() == "Available"


def test_sec_32_a_download_in_the_future_is_scheduled():
    cs = secured()
    update(cs, after=100)
    assert steps(cs) == ["DownloadScheduled"]
    cs.advance(99)
    assert not cs.jobs
    cs.advance(200)
    assert steps(cs) == ["DownloadScheduled", *TO_INSTALLED]


def test_sec_35_an_installation_in_the_future_is_scheduled_and_nobody_is_disturbed_before():
    cs = secured()
    update(cs, install=500)
    cs.advance(100)
    assert steps(cs) == ["Downloading", "Downloaded", "SignatureVerified", "InstallScheduled"]
    assert cs.status() == "Available"
    cs.advance(399)
    assert steps(cs)[-1] == "InstallScheduled"
    cs.advance(100)
    assert steps(cs) == [*TO_INSTALLED[:3], "InstallScheduled", *TO_INSTALLED[3:]]


def test_sec_35_an_installation_date_that_has_passed_is_now():
    cs = secured()
    update(cs, install=-50)
    cs.advance(200)
    assert steps(cs) == TO_INSTALLED


def test_sec_35_transactions_end_first_and_connectors_are_kept_free():
    cs = secured(2)
    charge(cs)
    update(cs, install=100)
    cs.advance(50)
    assert cs.status(2) == "Available"
    cs.advance(500)
    assert steps(cs)[-1] == "InstallScheduled"
    assert (cs.status(1), cs.status(2)) == ("Charging", "Unavailable")
    cs.command(PressStop(evse=1))
    assert cs.status(1) == "Unavailable"
    cs.advance(100)
    assert steps(cs)[-1] == "Installed"


@pytest.mark.parametrize("seconds", [1, 50, 300])
def test_sec_37_a_newer_update_cancels_one_that_is_pending(seconds):
    cs = secured()
    cs.takes_s = 20
    charge(cs)
    update(cs, 1, install=200)
    cs.advance(seconds)
    known = steps(cs, 1)
    assert update(cs, 2, certificate=signer()) == "AcceptedCanceled"
    if seconds == 1:
        assert any(isinstance(job, CancelJob) for job in cs.jobs)
    cs.command(PressStop(evse=1))
    cs.advance(500)
    assert steps(cs, 1) == known
    assert steps(cs, 2) == TO_INSTALLED


def test_sec_37_what_is_being_installed_cannot_be_cancelled():
    cs = secured()
    update(cs, 1)
    cs.advance(5)
    assert steps(cs, 1)[-1] == "Installing"
    assert update(cs, 2) == "Rejected"
    cs.advance(200)
    assert steps(cs, 1) == TO_INSTALLED
    assert steps(cs, 2) == []


def test_sec_37_a_cancelling_update_need_not_exist():
    cs = secured()
    cs.ends.append(NEVER)
    update(cs, 1)
    cs.ends.append(TransferProblem.FAILED)
    assert update(cs, 2, retries=0) == "AcceptedCanceled"
    cs.advance(100)
    assert steps(cs, 2) == ["Downloading", "DownloadFailed"]
    assert update(cs, 3) == "Accepted"


def trigger(cs: Depot) -> tuple[int | None, str]:
    mark = cs.mark()
    assert cs.ask("ExtendedTriggerMessage", {"requestedMessage": FSN}).status == "Accepted"
    (call,) = cs.sent(SIGNED, mark)
    return call.payload.get("requestId"), call["status"]


def test_sec_28_sec_38_a_triggered_status_is_the_last_one_or_idle():
    cs = secured()
    assert trigger(cs) == (None, "Idle")
    update(cs)
    assert trigger(cs) == (5, "Downloading")
    cs.advance(200)
    assert cs.last(SIGNED)["status"] == "Installed"
    assert trigger(cs) == (None, "Idle")
    cs.command(SetFirmwareOutcome(outcome=FirmwareOutcome.INVALID_SIGNATURE))
    update(cs, 6)
    cs.advance(200)
    assert trigger(cs) == (6, "InvalidSignature")
    cs.crash()
    assert trigger(cs) == (6, "InvalidSignature")


@pytest.mark.parametrize("at", [0, 1, 3, 10, 12.5, 13.5, 16, 20])
@pytest.mark.parametrize("accident", ["crash", "power"])
def test_sec_32_an_accident_in_any_phase_loses_and_doubles_no_step(at, accident):
    cs = secured()
    update(cs)
    cs.advance(at)
    if accident == "crash":
        cs.crash(5.0)
    else:
        cs.command(SetPowered(powered=False))
        cs.advance(60)
        cs.command(SetPowered(powered=True))
    cs.advance(300)
    assert steps(cs) == TO_INSTALLED
    assert security_events(cs) == ["FirmwareUpdated"]
