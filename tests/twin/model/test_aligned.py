from __future__ import annotations

import pytest
from fakes.twins import Bench
from hypothesis import given
from hypothesis import strategies as st

from twin.model.asked import SetVariable
from twin.model.effects import Metered
from twin.model.inputs import ReportMeter
from twin.model.terms import Measurand, Quantity, ReadingContext

GRID_S = 900
steps = st.lists(st.tuples(st.floats(0, 22_000), st.integers(0, 300)), max_size=12)


def bench(items: str, interval: int = GRID_S) -> Bench:
    made = Bench(settings={"AlignedDataCtrlr.Interval": str(interval), "AlignedDataCtrlr.Measurands": items})
    made.accept()
    return made


def aligned(made: Bench, evse: int = 1) -> list[Metered]:
    return [report for report in made.reports(Metered) if report.evse == evse]


def values(report: Metered, measurand: Measurand) -> list[float]:
    return [one.value for reading in report.readings for one in reading.samples if one.measurand is measurand]


@given(steps)
def test_v_05_an_average_is_the_integral_over_the_interval(changes):
    made = bench("Power.Active.Import")
    begin = made.now
    made.command(ReportMeter(evse=1, values={Quantity.POWER_W: 0.0}))
    seen = [(made.now, 0.0)]
    for power_w, seconds in changes:
        made.command(ReportMeter(evse=1, values={Quantity.POWER_W: power_w}))
        seen.append((made.now, power_w))
        made.wait(seconds)
    made.wait(GRID_S)
    for number, report in enumerate(aligned(made)):
        start, end = begin + number * GRID_S, begin + (number + 1) * GRID_S
        known = sum(
            power_w * max(0.0, min(until, end) - max(at, start))
            for (at, power_w), (until, _) in zip(seen, [*seen[1:], (float("inf"), 0.0)], strict=True)
        )
        assert values(report, Measurand.POWER_ACTIVE_IMPORT) == [pytest.approx(known / GRID_S, abs=1e-6)]
        assert (report.readings[0].at, report.readings[0].context) == (start, ReadingContext.SAMPLE_CLOCK)


def test_v_05_each_phase_has_its_own_average():
    made = bench("Voltage")
    made.command(ReportMeter(evse=1, values={Quantity.VOLTAGE_L1_V: 230.0, Quantity.VOLTAGE_L2_V: 220.0}))
    made.wait(GRID_S / 2)
    made.command(ReportMeter(evse=1, values={Quantity.VOLTAGE_L1_V: 240.0}))
    made.wait(GRID_S / 2)
    assert values(aligned(made)[-1], Measurand.VOLTAGE) == pytest.approx([235.0, 220.0, 230.0])


def test_v_05_what_becomes_known_within_the_interval_is_averaged_over_the_time_for_which_it_was():
    made = bench("Temperature,Voltage")
    made.wait(GRID_S / 2)
    made.command(ReportMeter(evse=1, values={Quantity.TEMPERATURE_C: 35.0}))
    made.wait(GRID_S / 2)
    assert values(aligned(made)[-1], Measurand.TEMPERATURE) == pytest.approx([30.0])


def test_v_05_what_is_asked_for_within_the_interval_is_averaged_from_then_on():
    made, name = bench("Frequency"), "AlignedDataCtrlr.Measurands"
    made.command(ReportMeter(evse=1, values={Quantity.VOLTAGE_L1_V: 230.0}))
    made.request(SetVariable(request_ref="r", name=name, value="Voltage.L1", label="MeterValuesAlignedData"))
    made.wait(GRID_S / 2)
    made.command(ReportMeter(evse=1, values={Quantity.VOLTAGE_L1_V: 240.0}))
    made.wait(GRID_S / 2)
    assert values(aligned(made)[-1], Measurand.VOLTAGE) == pytest.approx([235.0])


def test_nothing_is_summed_up_where_nothing_is_to_be_averaged():
    for made in (bench("Energy.Active.Import.Register,SoC"), bench("Voltage", interval=0)):
        made.command(ReportMeter(evse=1, values={Quantity.POWER_W: 100.0}))
        assert b"averages" not in made.twin.dump()["evse/1"]


def test_v_05_averages_begin_anew_with_each_interval_and_outlive_a_restart():
    made = bench("Power.Active.Import")
    made.command(ReportMeter(evse=1, values={Quantity.POWER_W: 9000.0}))
    made.wait(GRID_S)
    made.restart()
    made.accept()
    made.command(ReportMeter(evse=1, values={Quantity.POWER_W: 1000.0}))
    made.wait(GRID_S)
    first, second = aligned(made)
    assert values(first, Measurand.POWER_ACTIVE_IMPORT) == pytest.approx([9000.0])
    assert values(second, Measurand.POWER_ACTIVE_IMPORT) == pytest.approx([1000.0])


def test_v_20_the_main_meter_is_told_with_the_registers_only():
    made = bench("Energy.Active.Import.Register")
    made.wait(GRID_S)
    (report,) = aligned(made, 0)
    assert [one.location for one in report.readings[0].samples] == ["Inlet"]
    assert aligned(bench("Voltage"), 0) == []
