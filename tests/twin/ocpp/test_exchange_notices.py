import json

import pytest
from fakes.line import ACCEPTED, DOWNLOADING, START, TAMPERED, UPLOADING, Line, actions, notes, sent

from twin.model import inputs
from twin.model.effects import (
    Answered,
    Reply,
    Tell,
)
from twin.model.terms import (
    Gate,
    Registration,
)
from twin.turn import DropReport, PutReport


@pytest.fixture
def line():
    return Line()


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported", "PropertyConstraintViolation"])
@pytest.mark.parametrize("notice", [TAMPERED, DOWNLOADING, UPLOADING])
def test_a_notice_that_is_not_understood_is_dropped_at_once_and_blocks_nothing(line, notice, code):
    first = line.tell(notice, TAMPERED, durable=True)
    dropped = line.refuse(first, code)
    assert dropped.rows == [DropReport(1)]
    assert notes(dropped) == ["message_dropped"]
    assert actions(dropped) == ["SecurityEventNotification"]
    assert line.twin.answers() == [(notice, inputs.Failed(code, "no"))]


def test_sec_21_a_notice_that_could_not_be_processed_is_sent_again(line):
    first = line.tell(TAMPERED, durable=True)
    line.refuse(first, "InternalError")
    assert line.exchange.next_deadline() == line.now + 60
    second = line.wait(60)
    assert sent(second)[3] == sent(first)[3]
    assert line.answer(second, {}).rows == [DropReport(1)]


def test_sec_21_a_notice_that_nobody_answered_is_sent_again_until_the_tries_are_used_up(line):
    line.tell(TAMPERED, durable=True)
    for wait_s in (60, 120):
        line.wait(30)
        assert actions(line.wait(wait_s)) == ["SecurityEventNotification"]
    gone = line.wait(30)
    assert (gone.rows, notes(gone)) == ([DropReport(1)], ["message_dropped"])
    assert line.exchange.waiting == 0


def test_sec_21_notices_wait_for_the_link_in_order_and_go_after_transactions():
    line = Line(up=False)
    line.tell(TAMPERED, DOWNLOADING, durable=True)
    line.tell(START, durable=True)
    first = line.up()
    assert actions(first) == ["StartTransaction"]
    second = line.answer(first, ACCEPTED | {"transactionId": 7})
    assert actions(second) == ["SecurityEventNotification"]
    assert actions(line.answer(second, {})) == ["FirmwareStatusNotification"]


def test_a_lost_link_is_no_failure_of_a_notice(line):
    first = line.tell(TAMPERED, DOWNLOADING, durable=True)
    assert line.down().rows == []
    again = line.up()
    assert sent(again)[2:] == sent(first)[2:]
    assert actions(line.answer(again, {})) == ["FirmwareStatusNotification"]


def test_a_transaction_does_not_wait_for_the_next_try_of_a_notice(line):
    line.refuse(line.tell(TAMPERED, DOWNLOADING, durable=True))
    assert actions(line.tell(START, durable=True)) == ["StartTransaction"]


def test_a_notice_does_not_wait_for_the_next_try_of_a_transaction(line):
    line.refuse(line.tell(START, durable=True))
    assert actions(line.tell(TAMPERED, durable=True)) == ["SecurityEventNotification"]


@pytest.mark.parametrize("notice", [DOWNLOADING, UPLOADING])
def test_b_11_only_a_triggered_notice_passes_a_pending_gate(line, notice):
    line.twin.registration, line.twin.gate = Registration.PENDING, Gate.PENDING
    assert line.tell(notice, TAMPERED, durable=True).frames == []
    line.twin.prepare("request", Reply("x", Answered("Accepted")), Tell(notice, durable=True, triggered=True))
    turn = line.receive('[2,"x","TriggerMessage",{"requestedMessage":"FirmwareStatusNotification"}]')
    assert [json.loads(frame.text)[0] for frame in turn.frames] == [3, 2]
    assert line.receive(json.dumps([3, json.loads(turn.frames[1].text)[1], {}])).frames == []
    line.twin.registration, line.twin.gate = Registration.ACCEPTED, Gate.OPEN
    assert len(line.apply().frames) == 1
    assert line.exchange.waiting == 1


def test_a_full_queue_drops_the_oldest_notice():
    line = Line(up=False, limit=1)
    line.tell(TAMPERED, durable=True)
    turn = line.tell(DOWNLOADING, durable=True)
    assert [type(row) for row in turn.rows] == [PutReport, DropReport]
    assert turn.notes[0].fields == {"action": "SecurityEventNotification", "reason": "the queue is full"}
    assert actions(line.up()) == ["FirmwareStatusNotification"]
