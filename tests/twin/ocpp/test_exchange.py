import json

import msgspec
import pytest
from fakes.line import ACCEPTED, AVAILABLE, BEAT, BOOT, END, METER, START, TAMPERED, URL, Line, actions, notes, sent
from hypothesis import given
from hypothesis import strategies as st

from twin.model import inputs
from twin.model.effects import (
    Answered,
    CancelJob,
    Changed,
    Deliver,
    Drop,
    Fetch,
    Forget,
    Note,
    Power,
    Refusal,
    Reply,
    Tell,
)
from twin.model.spec import KeySpec
from twin.model.terms import (
    Gate,
    LinkProblem,
    LogKind,
    Registration,
)
from twin.ocpp.dialect import DIALECTS
from twin.ocpp.outbox import Outbox, UserCall
from twin.turn import CallOutcome, DropReport, PutReport, Turn


@pytest.fixture
def line():
    return Line()


# --- Calls of ours ----------------------------------------------------------------------------------------------------


def test_a_report_becomes_a_call(line):
    assert sent(line.tell(BEAT)) == [2, "m1", "Heartbeat", {}]


def test_one_call_is_under_way_at_a_time(line):
    first = line.tell(BEAT, AVAILABLE)
    assert actions(first) == ["Heartbeat"]
    assert actions(line.tell(AVAILABLE)) == []
    second = line.answer(first, {"currentTime": "1970-01-01T00:00:09Z"})
    assert actions(second) == ["StatusNotification"]
    assert line.twin.answers() == [(BEAT, inputs.HeartbeatAnswered(9.0))]


def test_nothing_is_sent_without_a_connection():
    line = Line(up=False)
    assert line.tell(START, durable=True).frames == []
    assert actions(line.up()) == ["StartTransaction"]


def test_nothing_is_sent_by_a_box_that_just_died(line):
    line.twin.wants_link = False
    assert line.tell(BEAT).frames == []
    assert not line.exchange.listening


def test_nothing_new_is_sent_on_a_connection_that_breaks(line):
    turn = line.apply(Tell(BEAT), Drop("asked for"))
    assert (turn.drop, turn.frames) == ("asked for", [])


def test_only_the_boot_passes_a_closed_gate(line):
    line.twin.gate = Gate.CLOSED
    assert actions(line.tell(AVAILABLE, BOOT)) == ["BootNotification"]


def test_after_the_boot_statuses_go_before_the_backlog():
    line = Line(up=False)
    line.twin.gate = Gate.CLOSED
    line.tell(START, durable=True)
    line.twin.prepare("link", Tell(BOOT))
    boot = line.up()
    line.twin.prepare("answer", Tell(AVAILABLE), gate=Gate.OPEN)
    status = line.answer(boot, {"status": "Accepted", "currentTime": "1970-01-01T00:00:00Z", "interval": 60})
    assert actions(status) == ["StatusNotification"]
    assert actions(line.answer(status, {})) == ["StartTransaction"]


def test_a_durable_report_is_stored_until_it_was_answered(line):
    start = line.tell(START, durable=True)
    assert [type(row) for row in start.rows] == [PutReport]
    assert line.exchange.waiting == 0
    assert line.answer(start, ACCEPTED | {"transactionId": 7}).rows == [DropReport(1)]
    assert line.twin.answers()[0][1].transaction_id == 7


def test_a_transactions_number_is_filled_in_when_a_message_goes(line):
    start = line.tell(START, METER, durable=True)
    line.twin.prepare("answer", transactions={"s": 0})
    meter = line.answer(start, ACCEPTED | {"transactionId": 0})
    assert sent(meter)[3]["transactionId"] == 0


def test_a_transaction_that_stayed_unknown_is_minus_one(line):
    assert sent(line.tell(END, durable=True))[3]["transactionId"] == -1


# --- Failure ----------------------------------------------------------------------------------------------------------


def test_a_failed_durable_report_is_sent_again_after_a_growing_wait(line):
    first = line.tell(START, durable=True)
    failed = line.refuse(first)
    assert (failed.frames, [type(row) for row in failed.rows]) == ([], [PutReport])
    assert line.twin.answers()[-1] == (START, inputs.Failed("InternalError", "no", final=False))
    assert line.exchange.next_deadline() == line.now + 60
    assert line.wait(59.9).frames == []
    second = line.wait(0.1)
    assert sent(second)[3] == sent(first)[3]
    assert sent(second)[1] != sent(first)[1]
    line.refuse(second)
    assert line.exchange.next_deadline() == line.now + 120
    third = line.wait(120)
    dropped = line.refuse(third)
    assert dropped.rows == [DropReport(1)]
    assert dropped.notes[-1] == Note(
        "message_dropped", {"action": "StartTransaction", "reason": "InternalError: no"}, line.now
    )
    assert line.twin.answers()[-1] == (START, inputs.Failed("InternalError", "no", final=True))


def test_a_wait_blocks_other_transaction_messages_but_nothing_else(line):
    line.refuse(line.tell(START, METER, durable=True))
    beat = line.tell(BEAT)
    assert actions(beat) == ["Heartbeat"]
    assert line.answer(beat, {"currentTime": "1970-01-01T00:00:00Z"}).frames == []


def test_an_attempt_is_remembered_over_a_restart(line):
    failed = line.refuse(line.tell(START, durable=True))
    (row,) = failed.rows
    job = Outbox(9, [(row.seq, row.data)]).take(Gate.OPEN, line.now + 60)
    assert (job.attempts, job.retry_at) == (1, line.now + 60)


def test_silence_is_a_failure_after_the_time_out(line):
    line.tell(START, durable=True)
    assert line.exchange.next_deadline() == line.now + 30
    line.wait(29.9)
    assert line.twin.answers() == []
    line.wait(0.1)
    assert line.twin.answers() == [(START, inputs.Unanswered(final=False))]


def test_a_late_answer_is_told_and_dropped(line):
    beat = line.tell(BEAT)
    line.wait(30)
    status = line.tell(AVAILABLE)
    late = line.answer(beat, {"currentTime": "1970-01-01T00:00:00Z"})
    assert (notes(late), late.frames) == (["protocol_error"], [])
    assert line.twin.answers() == [(BEAT, inputs.Unanswered())]
    line.answer(status, {})
    assert line.twin.answers()[-1] == (AVAILABLE, inputs.Acknowledged())


def test_another_report_fails_once(line):
    turn = line.refuse(line.tell(AVAILABLE), "SecurityError")
    assert notes(turn) == ["message_dropped"]
    assert line.twin.answers() == [(AVAILABLE, inputs.Failed("SecurityError", "no"))]


@pytest.mark.parametrize("answer", ['[3,"m1",{"x":1}]', '[3,"m1",[]]', '[3,"m1"]', '[3,"m1",{},{}]'])
def test_a_bad_confirmation_is_a_failure(line, answer):
    line.tell(AVAILABLE)
    assert notes(line.receive(answer)) == ["protocol_error", "message_dropped"]
    assert line.twin.answers() == [
        (AVAILABLE, inputs.Failed("FormationViolation", line.twin.answers()[0][1].description))
    ]


@pytest.mark.parametrize("unreadable", ["null", '"-1"', "17"])
def test_an_error_that_names_no_call_is_about_the_one_under_way(line, unreadable):
    line.tell(BEAT)
    turn = line.receive(f'[4,{unreadable},"FormatViolation","",{{}}]')
    assert notes(turn) == ["protocol_error", "message_dropped"]
    assert line.twin.answers() == [(BEAT, inputs.Failed("FormationViolation", ""))]
    assert notes(line.receive(f'[4,{unreadable},"GenericError","",{{}}]')) == ["protocol_error"]


def test_an_error_about_a_frame_that_was_sent_by_hand_is_not_about_ours(line):
    line.tell(BEAT)
    line.exchange.send_raw("[2, broken", Turn())
    assert notes(line.receive('[4,"-1","GenericError","",{}]')) == ["protocol_error"]
    assert line.twin.answers() == []


# --- The link ---------------------------------------------------------------------------------------------------------


def test_a_lost_link_is_no_failure(line):
    first = line.tell(START, METER, durable=True)
    down = line.down()
    assert (down.rows, line.exchange.waiting) == ([], 2)
    assert line.twin.answers() == [(START, inputs.Unanswered(link_lost=True, final=False))]
    second = line.up()
    assert sent(second)[2:] == sent(first)[2:]
    assert sent(second)[1] != sent(first)[1]


def test_other_reports_die_with_the_link(line):
    line.tell(BEAT, AVAILABLE)
    line.down()
    lost = inputs.Unanswered(link_lost=True)
    assert line.twin.answers() == [(BEAT, lost), (AVAILABLE, lost)]
    assert [kind for kind, *_ in line.twin.heard] == ["link", "link", "answer", "answer"]
    assert line.up().frames == []


def test_back_online_statuses_go_before_what_waited(line):
    line.down()
    line.tell(START, durable=True)
    line.twin.prepare("link", Tell(AVAILABLE))
    assert actions(line.up()) == ["StatusNotification"]


def test_an_answer_from_an_old_connection_is_nobodys(line):
    beat = line.tell(BEAT)
    line.down()
    line.up()
    assert notes(line.answer(beat, {"currentTime": "1970-01-01T00:00:00Z"})) == ["protocol_error"]


# --- Calls of the Central System --------------------------------------------------------------------------------------


def test_a_request_is_answered_while_a_call_is_under_way(line):
    line.tell(BEAT)
    turn = line.receive('[2,"x","ClearCache",{}]')
    assert sent(turn) == [3, "x", {"status": "Accepted"}]
    assert actions(turn) == ["ClearCache"]


def test_the_reply_goes_before_what_it_causes(line):
    line.twin.prepare("request", Reply("x", Answered("Accepted")), Tell(BEAT, triggered=True))
    turn = line.receive('[2,"x","TriggerMessage",{"requestedMessage":"Heartbeat"}]')
    assert [json.loads(frame.text)[0] for frame in turn.frames] == [3, 2]
    assert actions(turn) == ["TriggerMessage", "Heartbeat"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[2,"x","Nonsense",{}]', "NotImplemented"),
        ('[2,"x","Heartbeat",{}]', "NotSupported"),
        ('[2,"x","Reset",{}]', "ProtocolError"),
        ('[2,"x","Reset",{"type":"Hard","x":1}]', "FormationViolation"),
        ('[2,"x","Reset",{"type":7}]', "TypeConstraintViolation"),
        ('[2,"x","Reset",{"type":"x"}]', "PropertyConstraintViolation"),
        ('[2,"x","Reset",[]]', "FormationViolation"),
        ('[2,"x","Reset"]', "ProtocolError"),
    ],
)
def test_a_bad_call_earns_a_call_error_and_a_note(line, text, code):
    turn = line.receive(text)
    answer = sent(turn)
    assert (answer[:3], answer[4]) == ([4, "x", code], {})
    assert notes(turn) == ["protocol_error"]
    assert turn.notes[0].fields["code"] == code
    assert line.twin.heard[1:] == []


def test_a_long_id_is_repeated_in_the_call_error(line):
    text = json.dumps([2, "y" * 37, "ClearCache", {}])
    assert sent(line.receive(text))[:3] == [4, "y" * 37, "GenericError"]


def test_the_same_id_twice_at_once_is_refused(line):
    text = '[2,"x","ClearCache",{}]'
    assert sent(line.receive(text))[0] == 3
    assert sent(line.receive(text))[:2] == [4, "x"]


def test_too_many_keys_are_refused(line):
    text = json.dumps([2, "x", "GetConfiguration", {"key": ["k"] * 101}])
    assert sent(line.receive(text))[:3] == [4, "x", "OccurenceConstraintViolation"]


@pytest.mark.parametrize("text", ["nonsense", "[7]", '[3,"x",{}]', "[]"])
def test_what_cannot_be_answered_is_only_told(line, text):
    turn = line.receive(text)
    assert (notes(turn), turn.frames) == (["protocol_error"], [])


@pytest.mark.parametrize("text", ['[2,"x","ClearCache",{}]', '[2,"x","Nonsense",{}]', '[2,"x"]'])
def test_a_rejected_box_answers_nothing(line, text):
    line.twin.registration, line.twin.gate = Registration.REJECTED, Gate.CLOSED
    turn = line.receive(text)
    assert (notes(turn), turn.frames) == (["protocol_error"], [])
    assert [kind for kind, *_ in line.twin.heard] == ["link"]


def test_a_pending_box_answers_and_sends_what_was_triggered(line):
    line.twin.registration, line.twin.gate = Registration.PENDING, Gate.PENDING
    line.twin.prepare("request", Reply("x", Answered("Accepted")), Tell(AVAILABLE, triggered=True), Tell(BEAT))
    turn = line.receive('[2,"x","TriggerMessage",{"requestedMessage":"StatusNotification"}]')
    assert actions(turn) == ["TriggerMessage", "StatusNotification"]
    line.now += 1
    assert line.receive(json.dumps([3, json.loads(turn.frames[1].text)[1], {}])).frames == []


def test_a_request_that_the_twin_refuses_earns_a_call_error_and_a_note(line):
    line.twin.prepare("request", Reply("x", Refusal("PropertyConstraintViolation", "There is no connector 9")))
    turn = line.receive('[2,"x","ClearCache",{}]')
    assert sent(turn) == [4, "x", "PropertyConstraintViolation", "There is no connector 9", {}]
    assert turn.notes == [
        Note(
            "protocol_error",
            {
                "action": "ClearCache",
                "code": "PropertyConstraintViolation",
                "description": "There is no connector 9",
            },
            line.now,
        )
    ]


@pytest.mark.parametrize(("problem", "told"), [(LinkProblem.SUBPROTOCOL, 1), (LinkProblem.UNAUTHORIZED, 0)])
def test_t_04_a_missing_subprotocol_is_a_protocol_error(problem, told):
    line = Line(up=False)
    event = inputs.LinkRefused(URL, "The Central System agreed on no subprotocol", problem)
    turn = line.after(lambda turn, now: line.exchange.refused(event, turn, now))
    assert notes(turn) == ["protocol_error"] * told
    assert line.twin.heard == [("link", event)]


def test_t_04_a_missing_subprotocol_is_told_once_until_something_else_happens():
    line = Line(up=False)

    def refuse(reason):
        event = inputs.LinkRefused(URL, reason, LinkProblem.SUBPROTOCOL)
        return notes(line.after(lambda turn, now: line.exchange.refused(event, turn, now)))

    assert [len(refuse(reason)) for reason in ("chose none", "chose none", "chose ocpp2.0.1", "chose none")] == [
        1,
        0,
        1,
        1,
    ]
    assert len(line.twin.heard) == 4
    line.after(lambda turn, now: line.exchange.open(URL, turn, now))
    assert refuse("chose none") == ["protocol_error"]


# --- Other effects ----------------------------------------------------------------------------------------------------


def test_effects_for_the_runtime_are_collected(line):
    note = Note("plugged", {}, 0.0)
    turn = line.apply(Changed(("evse", 1)), note, Power(False), Drop("why"))
    assert (turn.changed, turn.notes, turn.power, turn.drop) == ({("evse", 1)}, [note], False, "why")


def test_jobs_for_the_runtime_are_collected_in_order(line):
    jobs = [Fetch("j1", "http://a/b.bin"), Deliver("j2", "ftp://a/", "c.log", LogKind.DIAGNOSTICS), CancelJob("j1")]
    assert line.apply(*jobs).jobs == jobs


def test_a_cleared_queue_is_forgotten_and_the_twin_is_told():
    line = Line(up=False)
    line.tell(START, METER, END, durable=True)
    turn = line.apply(Forget())
    assert turn.rows == [DropReport(1), DropReport(2), DropReport(3)]
    assert [answer.final for _, answer in line.twin.answers()] == [True] * 3
    assert line.exchange.waiting == 0
    assert line.up().frames == []


def test_a_full_queue_drops_meter_values_first():
    line = Line(up=False, limit=2)
    line.tell(START, METER, durable=True)
    turn = line.tell(END, durable=True)
    assert notes(turn) == ["message_dropped"]
    assert turn.notes[0].fields["action"] == "MeterValues"
    assert [type(row) for row in turn.rows] == [PutReport, DropReport]
    assert line.tell(METER, durable=True).rows == []


# --- Users' calls -----------------------------------------------------------------------------------------------------


def user_call(line, tag="t"):
    line.exchange.call(UserCall(tag, "DataTransfer", msgspec.Raw(b'{"vendorId":"v"}')))
    return line.after(lambda turn, now: None)


def test_a_users_call_gets_its_answer(line):
    turn = user_call(line)
    assert sent(turn) == [2, "m1", "DataTransfer", {"vendorId": "v"}]
    done = line.answer(turn, {"any": "thing"})
    assert done.calls == [CallOutcome("t", "ok", {"any": "thing"})]
    assert (done.notes, line.twin.answers()) == ([], [])


def test_a_users_call_gets_its_error(line):
    done = line.refuse(user_call(line), "FormatViolation")
    data = {"code": "FormationViolation", "description": "no", "details": {}}
    assert done.calls == [CallOutcome("t", "call_error", data)]


def test_a_users_call_times_out(line):
    user_call(line)
    assert line.wait(30).calls == [CallOutcome("t", "timeout")]


def test_users_calls_end_with_the_link(line):
    user_call(line, "first")
    user_call(line, "second")
    assert line.down().calls == [CallOutcome("first", "timeout"), CallOutcome("second", "offline")]


def test_users_calls_end_when_the_gate_closes(line):
    line.tell(BEAT)
    user_call(line)
    line.twin.gate = Gate.CLOSED
    assert line.apply().calls == [CallOutcome("t", "offline")]


def test_a_note_does_not_repeat_megabytes(line):
    turn = line.receive(json.dumps([2, "x", "y" * 100_000, {}]))
    assert len(turn.notes[0].fields["action"]) == 50
    turn = line.receive(json.dumps([3, "y" * 100_000, {}]))
    assert len(turn.notes[0].fields["description"]) == 255


# --- Rules that always hold -------------------------------------------------------------------------------------------

STEPS = st.sampled_from(
    ["start", "meter", "end", "event", "beat", "call", "ask", "answer", "refuse", "silence", "up", "down"]
)


def stored(box):
    return [*box._transactional, *box._notices]


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_nothing_is_lost_or_sent_twice_at_once(steps):
    line, world = Line(), World()
    for step in steps:
        line.now += 1
        world.see(STEP[step](line, world))
        waiting = line.exchange.waiting or line.outbox._others
        retry_at = line.outbox.retry_at(Gate.OPEN)
        idle = world.pending is None and line.exchange.connected
        assert not (waiting and idle) or (retry_at is not None and retry_at > line.now)
        assert set(world.rows) == {job.seq for job in stored(line.outbox)} | world.under_way(line)
    assert len(world.asked) == len(world.replied)


class World:
    """What can be seen from outside: the disk, and the CALL that waits for an answer."""

    def __init__(self):
        self.rows = {}
        self.pending = None
        self.ids = set()
        self.asked = []
        self.replied = []

    def see(self, turn):
        for row in turn.rows:
            if isinstance(row, PutReport):
                self.rows[row.seq] = row.data
            else:
                del self.rows[row.seq]
        for frame in turn.frames:
            kind, message_id, *rest = json.loads(frame.text)
            if kind == 2:
                assert self.pending is None
                assert message_id not in self.ids
                self.ids.add(message_id)
                self.pending = message_id, rest[0]
            else:
                self.replied.append(message_id)

    def under_way(self, line):
        flight = line.exchange._endpoint._flight
        return {flight.job.seq} if flight is not None and flight.job.durable else set()

    def settled(self, line, text):
        if self.pending is None:
            return line.apply()
        message_id, action = self.pending
        self.pending = None
        return line.receive(text(message_id, action))

    def lost(self, step):
        self.pending = None
        return step()

    def ask(self, line):
        if not line.exchange.connected:
            return line.apply()
        self.asked.append(f"cs{len(self.asked)}")
        return line.receive(json.dumps([2, self.asked[-1], "ClearCache", {}]))


ANSWERS = {
    "StartTransaction": ACCEPTED | {"transactionId": 1},
    "Heartbeat": {"currentTime": "1970-01-01T00:00:00Z"},
}
STEP = {
    "start": lambda line, world: line.tell(START, durable=True),
    "meter": lambda line, world: line.tell(METER, durable=True),
    "end": lambda line, world: line.tell(END, durable=True),
    "event": lambda line, world: line.tell(TAMPERED, durable=True),
    "beat": lambda line, world: line.tell(BEAT) if line.exchange.connected else line.apply(),
    "call": lambda line, world: user_call(line) if line.exchange.connected else line.apply(),
    "ask": lambda line, world: world.ask(line),
    "answer": lambda line, world: world.settled(line, lambda i, a: json.dumps([3, i, ANSWERS.get(a, {})])),
    "refuse": lambda line, world: world.settled(line, lambda i, a: json.dumps([4, i, "InternalError", "", {}])),
    "silence": lambda line, world: world.lost(lambda: line.wait(400)),
    "up": lambda line, world: line.apply() if line.exchange.connected else line.up(),
    "down": lambda line, world: world.lost(line.down) if line.exchange.connected else line.apply(),
}


def test_vendor_keys_reach_the_dialect():
    assert DIALECTS["1.6"]({"Mine": KeySpec("1")}, False).settings == {"Vendor.Mine": KeySpec("1")}
