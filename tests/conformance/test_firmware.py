"""Group 15 of the checklist: firmware management, unsigned."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest
from fakes.central_system import Hold
from fakes.depot import IMAGE, NEVER, Depot, depot
from fakes.judge import iso
from fakes.scenes import charge

from twin.model.effects import CancelJob, Fetch
from twin.model.inputs import (
    Fetched,
    PlugIn,
    PresentToken,
    PressReset,
    PressStop,
    SetFirmwareOutcome,
    SetNetwork,
    SetPowered,
    TransferFailed,
    Unplug,
)
from twin.model.terms import FirmwareOutcome, TransferProblem

FSN = "FirmwareStatusNotification"
GOOD = ["Downloading", "Downloaded", "Installing", "Installed"]


def update(cs: Depot, location: str = IMAGE, *, after: float = -60.0, **more):
    """Ask for an update and make sure that the confirmation is empty and immediate."""
    reply = cs.ask("UpdateFirmware", {"location": location, "retrieveDate": iso(cs.now + after), **more})
    assert reply.payload == {}, reply
    return reply


def order(cs: Depot, since: int = 0) -> list[str]:
    """List what was told, in order: steps, boots and the status of connector 1."""
    told = []
    for call in cs.received[since:]:
        match call.action:
            case "FirmwareStatusNotification":
                told.append(call["status"])
            case "BootNotification":
                told.append("Boot")
            case "StatusNotification" if call["connectorId"] == 1:
                told.append(f"1 {call['status']}")
    return told


def test_fw_01_fw_02_an_update_is_answered_at_once_and_told_step_by_step():
    cs = depot()
    mark = cs.mark()
    update(cs)
    cs.advance(300)
    assert cs.steps(FSN) == GOOD
    assert order(cs, mark) == [
        "Downloading",
        "Downloaded",
        "1 Unavailable",
        "Installing",
        "Boot",
        "1 Available",
        "Installed",
    ]
    assert cs.wanted(Fetch).url == IMAGE
    assert cs.wanted(Fetch).signing is None


def test_fw_01_nothing_is_fetched_before_the_retrieve_date():
    cs = depot()
    update(cs, after=100)
    cs.advance(99)
    assert not cs.jobs
    assert not cs.sent(FSN)
    cs.advance(2)
    assert cs.steps(FSN) == ["Downloading"]


def test_fw_01_the_retrieve_date_is_on_the_central_systems_clock():
    cs = depot()
    cs.offset_s = 1000
    cs.blink()
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(30)
    update(cs, after=1100)
    cs.advance(99)
    assert not cs.jobs
    cs.advance(2)
    assert cs.tries(Fetch) == 1


def test_fw_01_a_waiting_update_survives_a_crash_and_a_power_cut():
    cs = depot()
    update(cs, after=100)
    cs.crash()
    cs.command(SetPowered(powered=False), SetPowered(powered=True))
    cs.advance(90)
    assert not cs.jobs
    cs.advance(200)
    assert cs.steps(FSN) == GOOD


@pytest.mark.parametrize(
    ("retries", "expected"), [({"retries": 0}, 1), ({"retries": 3, "retryInterval": 30}, 4), ({}, 3)]
)
def test_fw_02_fw_03_a_download_that_fails_is_tried_again_and_told_in_the_end(retries, expected):
    cs = depot()
    cs.ends.extend([TransferProblem.FAILED] * 10)
    update(cs, **retries)
    cs.advance(1000)
    assert cs.steps(FSN) == ["Downloading", "DownloadFailed"]
    assert cs.tries(Fetch) == expected
    assert cs.status() == "Available"


def test_fw_03_retries_are_an_interval_apart():
    cs = depot()
    cs.ends.extend([TransferProblem.FAILED] * 2)
    update(cs, retries=2, retryInterval=60)
    cs.advance(61)
    assert cs.tries(Fetch) == 1
    cs.advance(1)
    assert cs.tries(Fetch) == 2
    cs.advance(62)
    assert cs.tries(Fetch) == 3
    cs.advance(100)
    assert cs.steps(FSN) == GOOD


def test_fw_03_an_interval_of_nothing_does_not_run_wild():
    cs = depot()
    cs.command(SetFirmwareOutcome(outcome=FirmwareOutcome.DOWNLOAD_FAILED))
    update(cs, retries=1000, retryInterval=0)
    cs.advance(10)
    assert cs.steps(FSN) == ["Downloading"]


@pytest.mark.parametrize("problem", [TransferProblem.UNSUPPORTED, TransferProblem.TOO_LARGE, TransferProblem.BAD_URL])
def test_fw_03_what_no_retry_can_help_is_not_tried_again(problem):
    cs = depot()
    cs.ends.append(problem)
    update(cs, retries=5)
    cs.advance(100)
    assert cs.tries(Fetch) == 1
    assert cs.steps(FSN) == ["Downloading", "DownloadFailed"]


def test_fw_04_installing_waits_for_the_running_transaction():
    cs = depot(2)
    charge(cs)
    update(cs)
    cs.advance(1000)
    assert cs.steps(FSN) == ["Downloading", "Downloaded"]
    assert cs.status(1) == "Charging"
    cs.command(PressStop(evse=1))
    cs.advance(100)
    assert cs.steps(FSN) == GOOD
    assert [call["reason"] for call in cs.sent("StopTransaction")] == ["Local"]


def test_fw_05_unused_and_freed_connectors_are_unavailable_until_it_is_installed():
    cs = depot(2)
    charge(cs)
    update(cs)
    cs.advance(60)
    assert cs.status(2) == "Unavailable"
    assert cs.status(0) == "Available"
    cs.command(PlugIn(evse=2), PresentToken(evse=2, token="B"))
    assert cs.status(2) == "Unavailable"
    cs.command(PressStop(evse=1))
    assert cs.statuses(1)[-1] == "Unavailable"
    mark = cs.mark()
    cs.advance(100)
    assert cs.steps(FSN) == GOOD
    assert cs.statuses(2, mark) == ["Preparing", "Finishing"]
    assert cs.statuses(1, mark)[0] in ("Preparing", "Finishing")
    assert len(cs.sent("StartTransaction")) == 1


def test_fw_05_who_was_about_to_charge_has_to_begin_anew():
    cs = depot(2)
    charge(cs)
    cs.command(PresentToken(evse=2, token="B"))
    assert cs.status(2) == "Preparing"
    update(cs)
    cs.advance(10)
    assert cs.status(2) == "Unavailable"
    assert not cs.station.view(cs.now).evses[1].authorized
    assert not cs.station.view(cs.now).evses[1].available


def test_fw_05_requests_are_refused_while_connectors_are_kept_free():
    cs = depot(2)
    charge(cs)
    update(cs)
    cs.advance(10)
    assert cs.ask("RemoteStartTransaction", {"idTag": "B", "connectorId": 2}).status == "Rejected"


@pytest.mark.parametrize("kind", ["Inoperative", "Operative"])
def test_fw_05_change_availability_is_remembered_beside_it(kind):
    cs = depot(2)
    charge(cs)
    if kind == "Operative":
        cs.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})
    cs.command(SetFirmwareOutcome(outcome=FirmwareOutcome.INSTALLATION_FAILED))
    update(cs)
    cs.advance(10)
    assert cs.ask("ChangeAvailability", {"connectorId": 2, "type": kind}).status == "Accepted"
    assert cs.status(2) == "Unavailable"
    cs.command(PressStop(evse=1), Unplug(evse=1))
    cs.advance(100)
    assert cs.steps(FSN)[-1] == "InstallationFailed"
    assert cs.status(1) == "Available"
    assert cs.status(2) == ("Available" if kind == "Operative" else "Unavailable")


def test_fw_06_the_new_version_boots_before_installed_is_told():
    cs = depot()
    assert cs.last("BootNotification")["firmwareVersion"] == "1.0"
    update(cs)
    cs.advance(100)
    assert cs.last("BootNotification")["firmwareVersion"] == "2.0"
    assert cs.station.view(cs.now).station.firmware_version == "2.0"
    assert cs.station.view(cs.now).station.firmware_status == "Installed"
    cs.crash()
    assert cs.last("BootNotification")["firmwareVersion"] == "2.0"
    cs.advance(100)
    assert cs.steps(FSN) == GOOD


def test_fw_06_installed_follows_acceptance():
    cs = depot()
    update(cs)
    cs.script("BootNotification", cs.boot_answer("Pending", 60), cs.boot_answer("Rejected", 60))
    cs.advance(120)
    assert cs.steps(FSN) == GOOD[:-1]
    assert cs.status() == "Unavailable"
    cs.advance(120)
    assert cs.steps(FSN) == GOOD
    assert cs.status() == "Available"


def test_fw_06_without_the_central_system_the_new_firmware_runs_all_the_same():
    cs = depot(keys={"LocalAuthorizeOffline": True, "AllowOfflineTxForUnknownId": True})
    update(cs)
    cs.advance(10)
    cs.cut()
    cs.advance(60)
    charge(cs)
    assert cs.station.view(cs.now).evses[0].charging
    cs.restore()
    cs.advance(10)
    assert cs.steps(FSN) == GOOD


def test_fw_06_the_commanded_version_is_that_of_the_next_image_only():
    cs = depot()
    cs.command(SetFirmwareOutcome(outcome=FirmwareOutcome.OK, version="9.9"))
    update(cs)
    cs.advance(100)
    assert cs.last("BootNotification")["firmwareVersion"] == "9.9"
    update(cs)
    cs.advance(100)
    assert cs.last("BootNotification")["firmwareVersion"] == "2.0"


def test_fw_06_an_image_that_names_no_version_changes_none():
    cs = depot()
    cs.good["version"] = None
    update(cs)
    cs.advance(100)
    assert cs.last("BootNotification")["firmwareVersion"] == "1.0"
    assert cs.steps(FSN) == GOOD


def test_fw_06_a_reboot_waits_until_the_last_step_is_known():
    cs = depot()
    update(cs)
    cs.advance(1)
    cs.script(FSN, {}, Hold())
    cs.advance(15)
    assert cs.steps(FSN)[-1] == "Installing"
    assert cs.link
    cs.release()
    cs.advance(100)
    assert cs.steps(FSN) == GOOD


@pytest.mark.parametrize(
    ("outcome", "steps"),
    [
        (FirmwareOutcome.DOWNLOAD_FAILED, ["Downloading", "DownloadFailed"]),
        (FirmwareOutcome.INSTALLATION_FAILED, ["Downloading", "Downloaded", "Installing", "InstallationFailed"]),
        (FirmwareOutcome.INVALID_SIGNATURE, ["Downloading", "Downloaded", "Installing", "InstallationFailed"]),
    ],
)
def test_fw_02_fw_07_a_failure_leaves_the_old_version_and_usable_connectors(outcome, steps):
    cs = depot(2)
    cs.command(PlugIn(evse=2), SetFirmwareOutcome(outcome=outcome))
    update(cs)
    cs.advance(500)
    assert cs.steps(FSN) == steps
    assert [note.fields["status"] for note in cs.noted("firmware_status")] == steps
    assert len(cs.sent("BootNotification")) == 1
    assert cs.station.view(cs.now).station.firmware_version == "1.0"
    charge(cs)
    cs.command(PresentToken(evse=2, token="B"))
    assert cs.status(1) == cs.status(2) == "Charging"


def test_fw_07_a_failure_commanded_while_the_image_is_fetched():
    cs = depot()
    update(cs, retries=0)
    cs.command(SetFirmwareOutcome(outcome=FirmwareOutcome.DOWNLOAD_FAILED))
    cs.advance(100)
    assert cs.steps(FSN) == ["Downloading", "DownloadFailed"]


def test_fw_07_a_newer_order_replaces_one_that_is_fetched():
    cs = depot()
    cs.ends.append(NEVER)
    update(cs)
    old = cs.wanted(Fetch)
    cs.advance(10)
    update(cs, "https://files.example/other.bin")
    assert CancelJob(old.job_id) in cs.jobs
    cs.finish(Fetched(old.job_id, "6.6.6"))  # too late (R5)
    cs.finish(TransferFailed(old.job_id, TransferProblem.FAILED, ""))
    cs.advance(100)
    assert cs.steps(FSN) == ["Downloading", *GOOD]
    assert cs.last("BootNotification")["firmwareVersion"] == "2.0"
    assert cs.wanted(Fetch).url == "https://files.example/other.bin"


def test_fw_07_a_newer_order_replaces_one_that_waits_for_its_date():
    cs = depot()
    update(cs, after=1000)
    update(cs, after=50)
    cs.advance(2000)
    assert cs.steps(FSN) == GOOD


def test_fw_07_a_newer_order_replaces_one_that_waits_for_a_transaction():
    cs = depot(2)
    charge(cs)
    update(cs)
    cs.advance(60)
    assert cs.status(2) == "Unavailable"
    update(cs, after=60)
    assert cs.status(2) == "Available"
    cs.advance(30)
    cs.command(PressStop(evse=1))
    cs.advance(20)
    assert cs.steps(FSN) == ["Downloading", "Downloaded"]
    cs.advance(100)
    assert cs.steps(FSN) == ["Downloading", "Downloaded", *GOOD]


def test_fw_07_an_order_that_comes_while_installing_is_carried_out_afterwards():
    cs = depot()
    update(cs)
    cs.advance(5)
    assert cs.steps(FSN)[-1] == "Installing"
    update(cs, "http://files.example/older.bin")
    update(cs, "http://files.example/newest.bin")
    cs.advance(300)
    assert cs.steps(FSN) == GOOD + GOOD
    assert cs.wanted(Fetch).url == "http://files.example/newest.bin"


@pytest.mark.parametrize(
    "location",
    ["sftp://files.example/a.bin", "nonsense", "http://", "://x", "file:///etc/passwd"],
)
def test_fw_08_a_location_that_cannot_be_served_ends_in_download_failed(location):
    cs = depot()
    update(cs, location)
    cs.advance(100)
    assert cs.steps(FSN) == ["Downloading", "DownloadFailed"]
    assert not cs.jobs


def test_fw_02_the_event_says_why_an_update_failed():
    cs = depot()
    cs.ends.append(TransferProblem.FAILED)
    update(cs, retries=0)
    cs.advance(10)
    update(cs, "nonsense")
    details = [note.fields["detail"] for note in cs.noted("firmware_status")]
    assert details[:2] == [None, "it did not work"]
    assert "scheme://" in details[3]


@pytest.mark.parametrize("location", ["FTP://u:p@h:2121/a", "ftps://h/a", "http://h/a", "HTTPS://u@h:444/a"])
def test_fw_08_the_protocol_is_that_of_the_location(location):
    cs = depot()
    update(cs, location)
    assert cs.wanted(Fetch).url == location


def test_fw_08_only_supported_protocols_are_used():
    cs = depot(keys={"SupportedFileTransferProtocols": "FTP"})
    assert cs.configuration("SupportedFileTransferProtocols") == {"SupportedFileTransferProtocols": "FTP"}
    update(cs)
    cs.advance(100)
    assert cs.steps(FSN) == ["Downloading", "DownloadFailed"]


def test_fw_09_the_job_outlives_a_lost_link_and_its_steps_are_told_in_order():
    cs = depot()
    update(cs)
    cs.cut()
    cs.advance(100)
    assert cs.steps(FSN) == ["Downloading"]
    cs.restore()
    cs.advance(100)
    assert cs.steps(FSN) == GOOD


def test_fw_09_without_a_network_nothing_is_fetched_until_it_is_back():
    cs = depot()
    update(cs)
    cs.command(SetNetwork(network=False))
    assert not cs.running
    cs.advance(1000)
    assert cs.tries(Fetch) == 1
    cs.command(SetNetwork(network=True))
    cs.advance(100)
    assert cs.tries(Fetch) == 2
    assert cs.steps(FSN) == GOOD


@pytest.mark.parametrize("at", [0, 1, 3, 10, 12.5, 13.5, 16, 20])
@pytest.mark.parametrize("accident", ["crash", "power", "link"])
def test_fw_09_an_accident_in_any_phase_loses_and_doubles_no_step(at, accident):
    cs = depot()
    update(cs)
    cs.advance(at)
    if accident == "crash":
        cs.crash(5.0)
    elif accident == "power":
        cs.command(SetPowered(powered=False))
        cs.advance(60)
        cs.command(SetPowered(powered=True))
    else:
        cs.cut()
        cs.advance(5)
        cs.restore()
    cs.advance(300)
    assert cs.steps(FSN) == GOOD
    assert cs.status() == "Available"
    assert cs.last("BootNotification")["firmwareVersion"] == "2.0"


def test_fw_09_a_reset_while_fetching_does_not_end_the_update():
    cs = depot()
    cs.takes_s = 20
    update(cs)
    assert cs.ask("Reset", {"type": "Soft"}).status == "Accepted"
    cs.advance(200)
    assert cs.steps(FSN) == GOOD
    assert len(cs.sent("BootNotification")) == 3


def test_fw_04_a_reset_that_ends_the_last_transaction_comes_before_installing():
    cs = depot()
    charge(cs)
    update(cs)
    cs.advance(30)
    assert cs.ask("Reset", {"type": "Hard"}).status == "Accepted"
    cs.advance(0.5)
    assert cs.steps(FSN) == ["Downloading", "Downloaded"]
    cs.advance(200)
    assert cs.steps(FSN) == GOOD
    assert len(cs.sent("BootNotification")) == 3


def test_rs_01_no_reset_while_firmware_is_installed():
    cs = depot()
    update(cs)
    cs.advance(5)
    assert cs.ask("Reset", {"type": "Soft"}).status == "Rejected"
    assert cs.refused(PressReset()) == "state_conflict"
    cs.advance(100)
    assert cs.steps(FSN) == GOOD


def test_rs_01_a_reset_of_the_new_firmware_before_it_is_accepted():
    cs = depot()
    update(cs)
    cs.advance(10)
    cs.always["BootNotification"] = cs.boot_answer("Pending", 1000)
    cs.advance(30)
    assert cs.steps(FSN)[-1] == "Installing"
    assert cs.ask("Reset", {"type": "Hard"}).status == "Accepted"
    update(cs, after=1000)
    del cs.always["BootNotification"]
    cs.advance(30)
    assert cs.steps(FSN) == GOOD
    cs.advance(1100)
    assert cs.steps(FSN) == GOOD + GOOD


class Unlucky(Depot):
    """Lose the process in the turn in which `turns` runs out."""

    turns = 0
    when: Literal["before_store", "after_store"] = "before_store"

    def _carry_out(self, turn):
        self.turns -= 1
        if self.turns == 0:
            self.crash_next = self.when
        super()._carry_out(turn)


@pytest.mark.parametrize("when", ["before_store", "after_store"])
@pytest.mark.parametrize("turns", range(2, 40, 2))
def test_fw_09_a_crash_in_any_turn_loses_no_step(turns, when):
    cs = Unlucky(depot().spec, boot_interval=0)
    cs.when, cs.turns = when, turns
    update(cs)
    cs.advance(300)
    # What is told twice is the same message again, whose answer was lost with the process.
    assert [step for step, _ in itertools.groupby(cs.steps(FSN))] == GOOD
    assert cs.last("BootNotification")["firmwareVersion"] == "2.0"


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(None, "Idle"), (1, "Downloading"), (30, "Downloaded"), (1000, "Downloaded")],
)
def test_cc_13_a_triggered_status_is_the_present_one_or_idle(seconds, status):
    cs = depot()
    charge(cs)
    if seconds is not None:
        update(cs)
        cs.advance(seconds)
    mark = cs.mark()
    assert cs.ask("TriggerMessage", {"requestedMessage": FSN}).status == "Accepted"
    assert cs.steps(FSN, mark) == [status]


def test_cc_13_idle_before_the_retrieve_date_and_after_the_end():
    cs = depot()
    update(cs, after=50)
    cs.ask("TriggerMessage", {"requestedMessage": FSN})
    assert cs.steps(FSN) == ["Idle"]
    cs.advance(200)
    mark = cs.mark()
    cs.ask("TriggerMessage", {"requestedMessage": FSN})
    assert cs.steps(FSN, mark) == ["Idle"]
    assert cs.steps(FSN).count("Idle") == 2


def test_cc_13_the_triggered_status_while_installing_and_pending():
    cs = depot()
    update(cs)
    cs.advance(5)
    mark = cs.mark()
    cs.ask("TriggerMessage", {"requestedMessage": FSN})
    assert cs.steps(FSN, mark) == ["Installing"]
    cs.always["BootNotification"] = cs.boot_answer("Pending", 1000)
    cs.advance(30)
    cs.ask("TriggerMessage", {"requestedMessage": FSN})
    assert cs.steps(FSN)[-2:] == ["Installing", "Installing"]
