from types import SimpleNamespace

from twin.fleet.counters import Counters, Tally


def test_two_kinds_of_notes_are_counted():
    tally = Tally()
    for name in ("protocol_error", "message_dropped", "message_dropped", "plugged"):
        tally.note(name)
    assert (tally.protocol_errors, tally.dropped) == (1, 2)


def test_what_stands_is_summed_up():
    tally = Tally()
    tally.ocpp_in, tally.ocpp_out = 7, 8
    stations = [
        SimpleNamespace(connected=True, charging=2, queued=5),
        SimpleNamespace(connected=False, charging=0, queued=1),
    ]
    counters = Counters.take(tally, 1.5, stations)
    assert counters == Counters(7, 8, 0, 0, 1.5, connected=1, charging=2, queued_messages=6)
