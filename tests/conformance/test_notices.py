"""Security events and the steps of jobs on their way: never lost, never in the way of transactions (SEC-21, FW-09)."""

from __future__ import annotations

import pytest
from fakes.central_system import CallError, CentralSystem, Hold, spec
from fakes.scenes import QUIET, booted, charge, charging

from twin.model.inputs import PresentToken, RaiseSecurityEvent

EVENT = "SecurityEventNotification"


def happen(cs, *kinds: str) -> None:
    cs.command(*(RaiseSecurityEvent(kind=kind) for kind in kinds))


def kinds(cs, since: int = 0) -> list[str]:
    return [call["type"] for call in cs.sent(EVENT, since)]


def test_sec_21_an_event_is_sent_at_once_with_its_time():
    cs = booted()
    cs.command(RaiseSecurityEvent(kind="TamperDetectionActivated", tech_info="the door"))
    assert cs.last(EVENT).payload == {
        "type": "TamperDetectionActivated",
        "timestamp": "2026-01-05T10:00:00.000Z",
        "techInfo": "the door",
    }


def test_sec_21_events_wait_for_the_link_and_come_in_order_with_their_own_times():
    cs = booted()
    cs.cut()
    for kind in ("A", "B", "C"):
        happen(cs, kind)
        cs.advance(10)
    cs.restore()
    assert kinds(cs) == ["A", "B", "C"]
    assert [call["timestamp"][17:19] for call in cs.sent(EVENT)] == ["00", "10", "20"]


@pytest.mark.parametrize("crash", ["after_store", "later"])
def test_sec_21_events_outlive_the_process(crash):
    cs = booted()
    cs.cut()
    happen(cs, "A")
    if crash == "after_store":
        cs.crash_next = "after_store"
    happen(cs, "B")
    if crash == "later":
        cs.crash(downtime_s=60)
    cs.restore()
    assert kinds(cs) == ["A", "B"]
    cs.crash()
    assert kinds(cs) == ["A", "B"]


def test_sec_21_an_event_whose_answer_was_lost_is_sent_again():
    cs = booted()
    cs.script(EVENT, Hold())
    happen(cs, "A")
    cs.blink()
    assert kinds(cs) == ["A", "A"]
    cs.advance(300)
    assert kinds(cs) == ["A", "A"]


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
def test_a_central_system_without_the_extension_is_asked_once_for_each_event(code):
    cs = booted()
    cs.always[EVENT] = CallError(code)
    happen(cs, "A", "B")
    assert kinds(cs) == ["A", "B"]
    cs.advance(600)
    assert kinds(cs) == ["A", "B"]
    assert [note.fields["action"] for note in cs.noted("message_dropped")] == [EVENT, EVENT]
    charge(cs)
    assert cs.status() == "Charging"


def test_sec_21_events_that_nobody_answers_hold_up_no_transaction():
    cs = booted(keys={"MessageTimeout": "10"})
    cs.always[EVENT] = Hold()
    happen(cs, "A", "B")
    charge(cs)
    assert not cs.sent("StartTransaction")
    cs.advance(11)
    assert cs.last("StartTransaction")["idTag"] == "TAG1"
    assert kinds(cs) == ["A"]
    cs.always.clear()
    cs.advance(3600)
    assert kinds(cs)[-2:] == ["A", "B"]


def test_sec_21_an_event_does_not_wait_for_the_next_try_of_a_transaction_message():
    cs = booted()
    cs.script("StartTransaction", CallError())
    charge(cs)
    happen(cs, "A")
    assert kinds(cs) == ["A"]
    cs.advance(61)
    assert len(cs.sent("StartTransaction")) == 2


def test_transactions_that_waited_go_before_events_that_waited():
    cs = charging()
    cs.cut()
    happen(cs, "A")
    cs.command(PresentToken(token="TAG1", evse=1))
    mark = cs.mark()
    cs.restore()
    durable = [action for action in cs.actions(mark) if action != "StatusNotification"]
    assert durable == ["StopTransaction", EVENT]


def test_b_11_no_event_passes_a_pending_registration():
    cs = CentralSystem(spec(1, QUIET), linked=False)
    cs.script("BootNotification", cs.boot_answer("Pending", 30))
    cs.restore()
    happen(cs, "A")
    assert kinds(cs) == []
    cs.advance(31)
    assert kinds(cs) == ["A"]


@pytest.mark.parametrize("message", ["FirmwareStatusNotification", "DiagnosticsStatusNotification"])
def test_b_11_a_triggered_status_of_a_job_passes_a_pending_registration(message):
    cs = CentralSystem(spec(1, QUIET), linked=False)
    cs.script("BootNotification", cs.boot_answer("Pending", 30))
    cs.restore()
    assert cs.ask("TriggerMessage", {"requestedMessage": message}).status == "Accepted"
    assert cs.last(message).payload == {"status": "Idle"}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("LogStatusNotification", "LogStatusNotification"),
    ],
)
def test_b_11_sec_28_so_does_one_that_was_triggered_by_the_extension(asked, sent):
    cs = CentralSystem(spec(1, QUIET), linked=False)
    cs.script("BootNotification", cs.boot_answer("Pending", 30))
    cs.restore()
    assert cs.ask("ExtendedTriggerMessage", {"requestedMessage": asked}).status == "Accepted"
    assert cs.last(sent).payload == {"status": "Idle"}
