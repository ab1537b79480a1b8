"""Group 8 of the checklist: reset."""

from __future__ import annotations

import pytest
from fakes.central_system import CallError, Hold
from fakes.scenes import booted, charge, charging

from twin.model.inputs import PlugIn, PresentToken, PressReset, SetPowered, SetResetFails, Unplug
from twin.model.spec import CsmsSpec


def frames(cs) -> list[str]:
    return [what.split('"')[3] if what.startswith("[2") else what[1] for _, who, what in cs.log if who == "twin"]


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_rs_01_rs_05_answer_link_drop_delay_boot(kind):
    cs = booted(reboot_time_s=8.0)
    at = cs.now
    assert cs.ask("Reset", {"type": kind}).status == "Accepted"
    mark = cs.mark()
    cs.advance(1)
    assert not cs.link
    assert not cs.station.wants_link
    cs.advance(60)
    boot = cs.sent("BootNotification", mark)[0]
    assert at + 8 <= boot.at <= at + 20
    assert cs.actions(mark)[:3] == ["BootNotification", "StatusNotification", "StatusNotification"]


def test_rs_02_soft_reset_stops_transactions_gracefully_before_the_reboot():
    cs = charging(evses=2)
    charge(cs, 2, "TAG2")
    cs.ask("Reset", {"type": "Soft"})
    before_boot = cs.actions()[1:]
    assert before_boot.count("StopTransaction") == 2
    assert {call["reason"] for call in cs.sent("StopTransaction")} == {"SoftReset"}
    cs.advance(60)
    assert len(cs.sent("StopTransaction")) == 2
    assert cs.actions().count("BootNotification") == 2


def test_rs_03_hard_reset_reports_the_stop_before_or_after():
    cs = charging()
    cs.advance(600)
    cs.ask("Reset", {"type": "Hard"})
    cs.advance(60)
    assert [call["reason"] for call in cs.sent("StopTransaction")] == ["HardReset"]
    assert cs.last("StopTransaction")["transactionId"] == 1


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
@pytest.mark.parametrize("answer", [Hold(), CallError("InternalError")])
def test_rs_04_an_unanswered_stop_is_sent_after_the_reset(kind, answer):
    cs = charging(keys={"TransactionMessageRetryInterval": "5", "MessageTimeout": "10"})
    cs.always["StopTransaction"] = answer
    cs.ask("Reset", {"type": kind})
    cs.advance(7)
    del cs.always["StopTransaction"]
    cs.advance(300)
    assert cs.actions().count("BootNotification") == 2
    assert len({str(call.payload) for call in cs.sent("StopTransaction")}) == 1
    assert cs.station.queued == 0


def test_rs_04_soft_reset_does_not_wait_for_ever():
    cs = charging()
    cs.always["StopTransaction"] = Hold()
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(300)
    assert cs.actions().count("BootNotification") == 2


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_rs_05_configuration_and_registers_survive(kind):
    cs = charging()
    cs.advance(600)
    assert cs.configure("ConnectionTimeOut", 33) == "Accepted"
    cs.command(PresentToken(token="TAG1", evse=1), Unplug(evse=1))
    register = cs.last("StopTransaction")["meterStop"]
    cs.ask("Reset", {"type": kind})
    cs.advance(60)
    assert cs.configuration("ConnectionTimeOut") == {"ConnectionTimeOut": "33"}
    charge(cs)
    assert cs.last("StartTransaction")["meterStart"] == register


def test_rs_05_no_frame_while_rebooting():
    cs = booted(keys={"HeartbeatInterval": "2"}, reboot_time_s=20.0)
    cs.ask("Reset", {"type": "Hard"})
    mark = cs.mark()
    cs.advance(19)
    assert cs.actions(mark) == []


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_rs_07_plug_still_in_after_the_reset(kind):
    cs = charging()
    cs.ask("Reset", {"type": kind})
    mark = cs.mark()
    cs.advance(60)
    assert cs.statuses(1, mark)[0] in {"Preparing", "Finishing"}
    assert not cs.station.view(cs.now).sessions[0].active


def test_rs_07_plugged_and_unplugged_while_rebooting():
    cs = booted(reboot_time_s=20.0)
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(5)
    cs.command(PlugIn(evse=1))
    cs.advance(60)
    assert cs.status() == "Preparing"


def test_rs_01_crash_while_rebooting():
    cs = charging(reboot_time_s=20.0)
    cs.ask("Reset", {"type": "Hard"})
    cs.advance(5)
    cs.crash()
    cs.advance(60)
    assert cs.status() in {"Preparing", "Finishing"}
    assert len(cs.sent("StopTransaction")) == 1


def test_rs_01_two_resets_are_one_reboot_each():
    cs = booted()
    for kind in ("Soft", "Hard"):
        cs.ask("Reset", {"type": kind})
        cs.advance(60)
    assert cs.actions().count("BootNotification") == 3


def test_rs_06_k_23_reset_retries_is_a_setting():
    cs = booted()
    assert cs.configure("ResetRetries", 3) == "Accepted"
    assert cs.configure("ResetRetries", -1) == "Rejected"
    assert cs.configuration("ResetRetries") == {"ResetRetries": "3"}


def test_rs_05_a_cable_locked_by_the_session_is_free_after_it():
    cs = charging()
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(60)
    assert not cs.station.view(cs.now).evses[0].locked
    cs.command(Unplug(evse=1))
    assert cs.status() == "Available"


def test_rs_01_frames_end_with_the_answer_or_stop_before_the_link_goes():
    cs = charging()
    cs.ask("Reset", {"type": "Soft"})
    tail = frames(cs)
    assert "3" in tail
    assert tail.index("3") < tail.index("StopTransaction")


def test_rs_02_a_soft_reset_does_not_wait_for_a_link_that_is_gone():
    cs = charging(reboot_time_s=5.0)
    cs.script("StopTransaction", Hold())
    cs.ask("Reset", {"type": "Soft"})
    cs.cut()
    cs.advance(6)
    mark = cs.mark()
    cs.restore()
    assert cs.actions(mark)[0] == "BootNotification"
    assert cs.actions(mark)[-1] == "StopTransaction"


def errors(cs, since: int = 0) -> list[tuple[str, str]]:
    calls = cs.sent("StatusNotification", since)
    return [(call["status"], call["errorCode"]) for call in calls if call["connectorId"] == 0]


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_rs_06_a_reset_that_fails_is_tried_again_and_then_reported(kind, retries):
    cs = charging(keys={"ResetRetries": retries})
    cs.command(SetResetFails(fails=True))
    mark = cs.mark()
    assert cs.ask("Reset", {"type": kind}).status == "Accepted"
    cs.advance(5 * retries + 0.5)
    assert errors(cs, mark) == []
    assert cs.ask("Reset", {"type": kind}).status == "Rejected"
    cs.advance(20)
    assert errors(cs, mark) == [("Available", "ResetFailure")]
    assert cs.link
    assert len(cs.sent("BootNotification")) == 1
    assert [call["reason"] for call in cs.sent("StopTransaction")] == [f"{kind}Reset"]


def test_rs_06_the_box_goes_on_working_after_a_reset_that_failed():
    cs = charging()
    cs.command(SetResetFails(fails=True))
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(60)
    cs.command(Unplug(evse=1))
    charge(cs)
    assert cs.status() == "Charging"


def test_rs_06_a_reset_may_succeed_when_it_is_tried_again():
    cs = booted()
    cs.command(SetResetFails(fails=True))
    cs.ask("Reset", {"type": "Hard"})
    cs.advance(3)
    cs.command(SetResetFails(fails=False))
    cs.advance(60)
    assert len(cs.sent("BootNotification")) == 2
    assert {code for _, code in errors(cs)} == {"NoError"}


@pytest.mark.parametrize("repair", ["off", "reset", "power"])
def test_rs_06_the_failure_is_over_when_the_box_was_mended_or_has_restarted(repair):
    cs = booted()
    cs.command(SetResetFails(fails=True), PressReset())
    cs.advance(60)
    assert errors(cs)[-1] == ("Available", "ResetFailure")
    if repair == "power":
        cs.command(SetPowered(powered=False), SetPowered(powered=True))
    else:
        cs.command(SetResetFails(fails=False))
        assert errors(cs)[-1] == ("Available", "NoError")
        if repair == "reset":
            cs.ask("Reset", {"type": "Soft"})
    cs.advance(60)
    assert errors(cs)[-1] == ("Available", "NoError")


def test_rs_06_a_crash_between_the_tries_does_not_forget_them():
    cs = booted(keys={"ResetRetries": 3})
    cs.command(SetResetFails(fails=True))
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(7)
    cs.crash()
    cs.advance(60)
    assert errors(cs)[-1] == ("Available", "ResetFailure")
    assert len(cs.sent("BootNotification")) == 2  # one of them because the program started anew


@pytest.mark.parametrize("profile", [0, 1])
def test_sec_22_resets_and_starts_are_security_events(profile):
    cs = booted(csms=CsmsSpec(security_profile=profile, password="secret"))
    cs.ask("Reset", {"type": "Soft"})
    cs.advance(60)
    expected = ["StartupOfTheDevice", "ResetOrReboot", "StartupOfTheDevice"]
    assert [note.fields["security_type"] for note in cs.noted("security_event")] == expected
    told = [call["type"] for call in cs.sent("SecurityEventNotification")]
    assert told == (expected if profile else [])
    cs.crash()
    cs.command(SetPowered(powered=False), SetPowered(powered=True))
    cs.advance(60)
    assert [note.fields["security_type"] for note in cs.noted("security_event")] == [*expected, "StartupOfTheDevice"]
