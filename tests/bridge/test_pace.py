from __future__ import annotations

from bridge.pace import Pace
from bridge.profiles import Output, output

METER, SESSION = ("garage", ("meter", 1)), ("garage", ("session", 1))


def test_a_change_is_shown_at_once_then_once_in_each_interval():
    pace = Pace(Output())
    assert pace.meter_changed("garage", 1, 0.0)
    assert not pace.meter_changed("garage", 1, 0.2)
    assert not pace.meter_changed("garage", 1, 0.3)
    assert pace.due(0.9) == []
    assert pace.due(1.0) == [METER]
    assert not pace.meter_changed("garage", 1, 1.5)
    assert pace.meter_changed("garage", 2, 1.5)


def test_after_a_pause_a_change_is_shown_at_once():
    pace = Pace(Output())
    pace.meter_changed("garage", 1, 0.0)
    assert pace.meter_changed("garage", 1, 5.0)


def test_while_energy_flows_both_are_refreshed():
    pace = Pace(Output(session_interval_s=3.0))
    pace.charging("garage", 1, flows=True, now=0.0)
    pace.charging("garage", 1, flows=True, now=0.5)
    seen = [item for second in range(1, 7) for item in pace.due(float(second))]
    assert (seen.count(METER), seen.count(SESSION)) == (6, 2)
    pace.charging("garage", 1, flows=False, now=6.0)
    pace.due(100.0)
    assert pace.next_due() is None


def test_a_twin_that_is_gone_is_forgotten():
    pace = Pace(Output())
    pace.meter_changed("garage", 1, 0.0)
    pace.charging("garage", 1, flows=True, now=0.0)
    pace.forget("garage")
    pace.due(100.0)
    pace.forget("garage")
    assert pace.next_due() is None
    assert pace.meter_changed("garage", 1, 0.1)


def test_many_evses_take_turns():
    pace = Pace(output("fleet"))
    for twin in range(600):
        pace.charging(f"t{twin}", 1, flows=True, now=1000.0)
    seconds = [len(pace.due(1000.0 + second)) for second in range(1, 61)]
    assert sum(seconds) == 600 * 2
    assert max(seconds) < 60
    assert [len(pace.due(1060.0 + second)) for second in range(1, 61)] == seconds


def test_it_is_news_when_energy_begins_and_ceases_to_flow():
    pace = Pace(output("quiet"))
    assert [pace.charging("a", 1, flows=flows, now=0.0) for flows in (False, True, True, False, False)] == [
        *(False, True, False),
        *(True, False),
    ]
    assert pace.next_due() is None
