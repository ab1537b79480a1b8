from types import SimpleNamespace

from twin.fleet.counters import Counters, Tally
from twin.model.effects import Note
from twin.turn import Frame, Heard


def note(name, **fields):
    return Note(name, fields, 0.0)


def test_two_kinds_of_notes_are_counted():
    tally = Tally()
    for name in ("protocol_error", "message_dropped", "message_dropped", "plugged"):
        tally.note(note(name, code="NotSupported"))
    assert (tally.protocol_errors["NotSupported"], tally.protocol_errors.total(), tally.dropped.total()) == (1, 1, 2)


def test_what_was_given_up_is_counted_by_action():
    tally = Tally()
    vendors = [f"Vendor{number}" for number in range(500)]
    for action in ("StopTransaction", "StopTransaction", "Heartbeat", *vendors):
        tally.note(note("message_dropped", action=action))
    assert [tally.dropped[action] for action in ("StopTransaction", "StartTransaction", "Heartbeat")] == [2, 0, 1]
    assert tally.dropped.total() == 503
    assert len(tally.dropped) <= 201


def test_words_from_outside_do_not_fill_the_memory():
    tally = Tally()
    for number in range(1_000):
        tally.note(note("protocol_error", code=f"Nonsense{number}"))
        tally.heard(Heard("error", "Heartbeat", f"Nonsense{number}", 0.1))
        tally.sent(Frame(f'[2,"1","Word{number}",{{}}]', f"Word{number}"))
        tally.sent(Frame('[4,"1","NotImplemented","",{}]', f"Word{number}"))
    assert tally.protocol_errors["other"] == tally.call_errors["other"] == 1_000
    assert tally.actions_out["error", "other"] == 1_000
    assert len(tally.actions_out) <= 210
    assert tally.actions_out.total() == tally.ocpp_out == 2_000


def test_messages_are_counted_by_type_and_action():
    tally = Tally()
    tally.sent(Frame('[2,"1","Heartbeat",{}]', "Heartbeat"))
    tally.sent(Frame('[3,"1",{}]', "Reset"))
    tally.sent(Frame("by hand", None))
    tally.heard(Heard("call", "Reset"))
    tally.heard(Heard("call"))
    tally.heard(Heard("result", "Heartbeat", took_s=0.3))
    tally.heard(Heard("timeout", "Heartbeat"))
    assert dict(tally.actions_out) == {("call", "Heartbeat"): 1, ("result", "Reset"): 1, ("other", "other"): 1}
    assert dict(tally.actions_in) == {("call", "Reset"): 1, ("call", "other"): 1, ("result", "Heartbeat"): 1}
    assert (tally.timeouts, tally.round_trips.count, tally.round_trips.sum) == (1, 1, 0.3)


def test_what_stands_is_summed_up():
    tally = Tally()
    tally.ocpp_in, tally.ocpp_out = 7, 8
    stations = [SimpleNamespace(census=lambda: (True, 2, 5)), SimpleNamespace(census=lambda: (False, 0, 1))]
    counters = Counters.take(tally, 1.5, stations)
    assert counters == Counters(7, 8, 0, 0, 1.5, connected=1, charging=2, queued_messages=6)
