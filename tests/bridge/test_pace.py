from __future__ import annotations

from bridge.pace import Pace

METER, SESSION = ("garage", ("meter", 1)), ("garage", ("session", 1))


def test_a_change_is_shown_at_once_then_once_in_each_interval():
    pace = Pace(1.0, 10.0)
    assert pace.meter_changed("garage", 1, 0.0)
    assert not pace.meter_changed("garage", 1, 0.2)
    assert not pace.meter_changed("garage", 1, 0.3)
    assert pace.due(0.9) == []
    assert pace.due(1.0) == [METER]
    assert not pace.meter_changed("garage", 1, 1.5)
    assert pace.meter_changed("garage", 2, 1.5)


def test_after_a_pause_a_change_is_shown_at_once():
    pace = Pace(1.0, 10.0)
    pace.meter_changed("garage", 1, 0.0)
    assert pace.meter_changed("garage", 1, 5.0)


def test_while_energy_flows_both_are_refreshed():
    pace = Pace(1.0, 3.0)
    pace.charging("garage", 1, flows=True, now=0.0)
    pace.charging("garage", 1, flows=True, now=0.5)
    seen = [item for second in range(1, 7) for item in pace.due(float(second))]
    assert (seen.count(METER), seen.count(SESSION)) == (6, 2)
    pace.charging("garage", 1, flows=False, now=6.0)
    pace.due(100.0)
    assert pace.next_due() is None


def test_a_twin_that_is_gone_is_forgotten():
    pace = Pace(1.0, 10.0)
    pace.meter_changed("garage", 1, 0.0)
    pace.charging("garage", 1, flows=True, now=0.0)
    pace.forget("garage")
    pace.due(100.0)
    pace.forget("garage")
    assert pace.next_due() is None
    assert pace.meter_changed("garage", 1, 0.1)
