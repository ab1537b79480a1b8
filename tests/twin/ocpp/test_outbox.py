import pytest

from twin.errors import SnapshotError
from twin.model.effects import (
    Booted,
    FirmwareReported,
    HeartbeatDue,
    LogReported,
    Metered,
    SecurityEvent,
    SessionEnded,
    SessionStarted,
    StatusChanged,
    Tell,
)
from twin.model.terms import BootReason, ErrorCode, FirmwareStatus, Gate, LogStatus, Status, StopReason
from twin.ocpp import outbox
from twin.ocpp.outbox import Outbox, UserCall

BOOT = Booted(BootReason.POWER_UP)
BEAT = HeartbeatDue()


def start(session="s"):
    return SessionStarted(session, 1, "TAG", 0.0, 0)


def meter(session="s"):
    return Metered(1, (), session)


def end(session="s"):
    return SessionEnded(session, 1, 0.0, 0, StopReason.LOCAL)


def status():
    return StatusChanged(1, Status.AVAILABLE, ErrorCode.NO_ERROR, 0.0)


def event(kind="TamperDetectionActivated"):
    return SecurityEvent(kind, 0.0)


def firmware(status=FirmwareStatus.DOWNLOADING):
    return FirmwareReported(status, signed=True, request_id=5)


def filled(*tells, limit=100):
    box = Outbox(limit)
    for tell in tells:
        box.add(tell)
    return box


def durable(report):
    return Tell(report, durable=True)


def drained(box, gate=Gate.OPEN, now=0.0):
    return [job.what for job in iter(lambda: box.take(gate, now), None)]


def test_an_open_gate_lets_all_pass_in_the_order_of_events():
    box = filled(durable(start()), Tell(BEAT), durable(meter()), Tell(status()), durable(end()))
    assert drained(box) == [start(), BEAT, meter(), status(), end()]


def test_a_closed_gate_lets_only_the_boot_pass():
    box = filled(Tell(status(), triggered=True), durable(start()), Tell(BOOT), Tell(BEAT))
    assert drained(box, Gate.CLOSED) == [BOOT]
    assert drained(box) == [status(), start(), BEAT]


def test_a_pending_gate_lets_what_was_triggered_pass():
    box = filled(Tell(status()), durable(start()), Tell(BEAT, triggered=True), Tell(BOOT))
    assert drained(box, Gate.PENDING) == [BEAT, BOOT]


def test_the_backlog_waits_for_what_is_new():
    box = filled(durable(start()), durable(meter()))
    box.hold()
    box.add(Tell(status()))
    box.add(durable(end()))
    box.add(Tell(BEAT))
    assert drained(box) == [status(), BEAT, start(), meter(), end()]


def test_a_wait_for_the_next_try_blocks_the_line_but_not_the_other_one():
    box = filled(durable(start()), durable(meter()))
    head = box.take(Gate.OPEN, 0.0)
    head.retry_at = 60.0
    box.put_back(head)
    box.add(Tell(BEAT))
    assert box.retry_at(Gate.OPEN) == 60.0
    assert box.retry_at(Gate.PENDING) is None
    assert drained(box, now=59.9) == [BEAT]
    assert drained(box, now=60.0) == [start(), meter()]


def test_numbers_rise_also_after_a_restart():
    box = filled(durable(start()))
    row, _ = box.add(durable(meter()))
    box = Outbox(100, [(row.seq, row.data)])
    again, _ = box.add(durable(end()))
    assert (row.seq, again.seq) == (2, 3)
    assert drained(box) == [meter(), end()]


def test_what_is_stored_is_restored_with_its_attempts():
    box = filled(durable(start()))
    job = box.take(Gate.OPEN, 0.0)
    job.attempts, job.retry_at = 2, 99.0
    row = outbox.row(job)
    restored = Outbox(100, [(row.seq, row.data)]).take(Gate.OPEN, 99.0)
    assert restored == job
    assert outbox.row(restored) == row


def test_rows_are_restored_in_the_order_of_their_numbers():
    rows = [Outbox(9).add(durable(report))[0] for report in (start(), meter(), end())]
    shuffled = [(3, rows[2].data), (1, rows[0].data), (2, rows[1].data)]
    assert drained(Outbox(9, shuffled)) == [start(), meter(), end()]


def test_what_was_restored_is_backlog():
    row, _ = Outbox(9).add(durable(start()))
    box = Outbox(9, [(row.seq, row.data)])
    box.add(Tell(status()))
    assert drained(box) == [status(), start()]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"type":"report","report":{"type":"Nonsense"}}', b"[1]"])
def test_a_damaged_row_is_told(data):
    with pytest.raises(SnapshotError, match="report 7"):
        Outbox(9, [(7, data)])


def test_only_durable_reports_have_rows():
    assert Outbox(9).add(Tell(BEAT)) == (None, None)


def test_a_full_box_drops_the_oldest_meter_values():
    box = filled(durable(start()), durable(meter("a")), durable(meter("b")), limit=3)
    row, dropped = box.add(durable(end()))
    assert row is not None
    assert dropped.what == meter("a")
    assert drained(box) == [start(), meter("b"), end()]


def test_a_full_box_never_drops_start_or_end():
    box = filled(durable(start()), durable(end()), durable(start("t")), limit=2)
    assert box.waiting == 3
    row, dropped = box.add(durable(meter("t")))
    assert row is None
    assert dropped.what == meter("t")
    assert drained(box) == [start(), end(), start("t")]


def test_reports_are_taken_out_in_order_and_calls_stay():
    box = filled(durable(start()), Tell(BEAT), durable(end()))
    call = UserCall("tag", "Heartbeat", b"{}")
    box.add_call(call)
    assert [job.what for job in box.take_reports()] == [start(), BEAT, end()]
    assert box.waiting == 0
    assert box.take_calls() == [call]
    assert box.take_calls() == []


def test_a_users_call_waits_in_line():
    box = filled(Tell(BEAT))
    call = UserCall("tag", "Heartbeat", b"{}")
    box.add_call(call)
    assert drained(box, Gate.PENDING) == []
    assert drained(box) == [BEAT, call]


def test_others_are_taken_out_on_their_own():
    box = filled(durable(start()), Tell(BEAT))
    assert [job.what for job in box.take_others()] == [BEAT]
    assert drained(box) == [start()]


# --- Notices ----------------------------------------------------------------------------------------------------------


def test_notices_go_when_nothing_else_can():
    box = filled(durable(event()), durable(start()), durable(firmware()), Tell(BEAT))
    assert drained(box) == [start(), BEAT, event(), firmware()]


def test_sec_21_notices_are_restored_in_order_beside_the_transactions():
    reports = (event(), start(), LogReported(LogStatus.UPLOADING, extended=True, request_id=2), meter(), firmware())
    box = Outbox(9)
    rows = [(row.seq, row.data) for row, _ in (box.add(durable(report)) for report in reports)]
    again = Outbox(9, rows)
    assert again.waiting == 5
    assert drained(again) == [start(), meter(), event(), reports[2], firmware()]


def test_a_notice_that_waits_holds_up_the_notices_behind_it_and_nothing_else():
    box = filled(durable(event("a")), durable(event("b")))
    head = box.take(Gate.OPEN, 0.0)
    head.retry_at = 60.0
    box.put_back(head)
    box.add(durable(start()))
    assert drained(box, now=59.9) == [start()]
    assert box.retry_at(Gate.OPEN) == 60.0
    assert drained(box, now=60.0) == [event("a"), event("b")]


def test_the_nearest_of_two_waits_counts():
    box = filled(durable(start()), durable(event()))
    for retry_at in (90.0, 60.0):
        job = box.take(Gate.OPEN, 0.0)
        job.retry_at = retry_at
        box.put_back(job)
        assert box.retry_at(Gate.OPEN) == retry_at
    assert box.retry_at(Gate.PENDING) is None


def test_b_11_a_triggered_notice_goes_first_under_a_pending_gate_and_back_in_its_place():
    box = filled(durable(event("a")), Tell(event("b"), durable=True, triggered=True), durable(event("c")))
    job = box.take(Gate.PENDING, 0.0)
    assert job.what == event("b")
    assert box.take(Gate.PENDING, 0.0) is None
    box.put_back(job)
    assert drained(box) == [event("a"), event("b"), event("c")]


def test_no_notice_passes_a_closed_gate():
    box = filled(Tell(event(), durable=True, triggered=True))
    assert drained(box, Gate.CLOSED) == []


def test_a_full_box_drops_the_oldest_notice_and_no_transaction():
    box = filled(durable(start()), durable(event("a")), durable(event("b")), limit=2)
    row, dropped = box.add(durable(event("c")))
    assert (row.seq, dropped.what) == (4, event("a"))
    assert drained(box) == [start(), event("b"), event("c")]


def test_a_box_without_room_stores_no_notice():
    row, dropped = Outbox(0).add(durable(event()))
    assert row is None
    assert dropped.what == event()
