"""The Open Charge Alliance's test cases for charge points: smart charging.

Each test is one case of its compliance testing tool ("TestCaseDocument", 2024-04), told from its messages. The tool
begins its schedules some seconds before it sends them.
"""

from __future__ import annotations

from typing import Any

import pytest
from fakes.central_system import CentralSystem
from fakes.judge import instant, iso
from fakes.scenes import booted, charge, charging, transaction

from twin.model.inputs import PlugIn
from twin.model.spec import EvseSpec

BIG = EvseSpec(max_a=63)
EARLIER_S = 5
UNITS = pytest.mark.parametrize("unit", ["A", "W"])


def schedule(unit: str, *periods: tuple[int, float], phases: int | None = 3, **more: Any) -> dict[str, Any]:
    """Write a schedule with limits in A, or in kW."""
    factor = 1 if unit == "A" else 1000
    number = {} if phases is None else {"numberPhases": phases}
    listed = [{"startPeriod": start, "limit": limit * factor, **number} for start, limit in periods]
    return {"chargingRateUnit": unit, "chargingSchedulePeriod": listed, **more}


def profile(number: int, purpose: str, stack: int, inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": number,
        "stackLevel": stack,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": inner,
        **more,
    }


def put(cs: CentralSystem, connector: int, **fields: Any) -> str:
    reply = cs.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile(**fields)})
    return reply.status if reply.code is None else reply.code


def early(cs: CentralSystem) -> dict[str, str]:
    return {"startSchedule": iso(cs.now - EARLIER_S)}


def window(cs: CentralSystem) -> dict[str, str]:
    return {"validFrom": iso(cs.now - EARLIER_S), "validTo": iso(cs.now - EARLIER_S + 401)}


def composite(cs: CentralSystem, duration: int, unit: str = "A") -> list[tuple[int, float]]:
    """Ask for the composite schedule; check all but the periods, and give those in A or kW."""
    fields = {"connectorId": 1, "duration": duration, "chargingRateUnit": unit}
    found = cs.ask("GetCompositeSchedule", fields).payload
    assert found is not None
    assert (found["status"], found["connectorId"]) == ("Accepted", 1)
    assert abs(instant(found["scheduleStart"]) - cs.now - cs.offset_s) <= 1
    inner = found["chargingSchedule"]
    assert (inner["duration"], inner["chargingRateUnit"]) == (duration, unit)
    factor = 1 if unit == "A" else 1000
    return [(one["startPeriod"], one["limit"] / factor) for one in inner["chargingSchedulePeriod"]]


@UNITS
@pytest.mark.parametrize("starts", [True, False])
@pytest.mark.parametrize("runs", [True, False])
def test_tc_056_tc_082_sc_04_tx_default_profile(unit, starts, runs):
    cs = charging() if runs else booted()
    inner = schedule(unit, (0, 6), duration=300, **(early(cs) if starts else {}))
    assert put(cs, 1, number=1, purpose="TxDefaultProfile", stack=0, inner=inner) == "Accepted"
    found = composite(cs, 300 - EARLIER_S, unit)
    assert found == [(0, 6)]


@UNITS
@pytest.mark.parametrize("starts", [True, False])
def test_tc_057_sc_05_tx_profile(unit, starts):
    cs = charging()
    inner = schedule(unit, (0, 6), duration=300, **(early(cs) if starts else {}))
    more = {"transactionId": transaction(cs)}
    assert put(cs, 1, number=1, purpose="TxProfile", stack=0, inner=inner, **more) == "Accepted"
    assert composite(cs, 300 - EARLIER_S, unit) == [(0, 6)]


@pytest.mark.parametrize("names_one", [True, False])
def test_tc_058_1_tc_058_2_sc_05_a_tx_profile_needs_its_transaction(names_one):
    cs = booted()
    inner = schedule("A", (0, 6), duration=300)
    more = {"transactionId": 1} if names_one else {}
    assert put(cs, 1, number=1, purpose="TxProfile", stack=0, inner=inner, **more) == "Rejected"
    cs = charging()
    more = {"transactionId": transaction(cs) + 1}
    assert put(cs, 1, number=1, purpose="TxProfile", stack=0, inner=inner, **more) == "Rejected"
    assert cs.ask("ClearChargingProfile", {"id": 1}).status == "Unknown"


@UNITS
def test_tc_066_sc_37_composite_schedule_of_three_purposes(unit):
    cs = charging(evse=BIG)
    start = early(cs)
    assert (
        put(
            cs,
            0,
            number=1,
            purpose="ChargePointMaxProfile",
            stack=0,
            inner=schedule(unit, (0, 10), duration=86_400, **start),
        )
        == "Accepted"
    )
    inner = schedule(unit, (0, 6), (60, 10), (120, 8), (180, 15), (260, 8), duration=300, **start)
    assert put(cs, 1, number=2, purpose="TxDefaultProfile", stack=0, inner=inner, **window(cs)) == "Accepted"
    inner = schedule(unit, (0, 8), (50, 11), (140, 16), (200, 6), (240, 12), duration=260, **start)
    more = window(cs) | {"transactionId": transaction(cs)}
    assert put(cs, 1, number=3, purpose="TxProfile", stack=0, inner=inner, **more) == "Accepted"
    found = composite(cs, 400, unit)
    x = EARLIER_S
    # The default applies again when the transaction's profile has ended, and then only the box's own.
    assert found == [(0, 8), (50 - x, 10), (200 - x, 6), (240 - x, 10), (260 - x, 8), (300 - x, 10)]


@UNITS
def test_tc_067_sc_28_clear_charging_profiles(unit):
    cs = booted(evse=BIG)
    start = early(cs)
    inner = schedule(unit, (0, 6), (60, 8), (200, 10), duration=400, **start)
    assert put(cs, 1, number=1, purpose="TxDefaultProfile", stack=1, inner=inner) == "Accepted"
    inner = schedule(unit, (0, 7), (100, 9), duration=400, **start)
    assert put(cs, 1, number=2, purpose="TxDefaultProfile", stack=0, inner=inner, **window(cs)) == "Accepted"
    inner = schedule(unit, (0, 11), (200, 12), duration=86_400, **start)
    assert put(cs, 0, number=3, purpose="ChargePointMaxProfile", stack=0, inner=inner, **window(cs)) == "Accepted"
    x = EARLIER_S
    assert composite(cs, 90, unit) == [(0, 6), (60 - x, 8)]
    assert cs.ask("ClearChargingProfile", {"id": 1}).status == "Accepted"
    assert composite(cs, 350, unit) == [(0, 7), (100 - x, 9)]
    fields = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
    assert cs.ask("ClearChargingProfile", fields).status == "Accepted"
    assert composite(cs, 350, unit) == [(0, 11), (200 - x, 12)]
    assert cs.ask("ClearChargingProfile", {}).status == "Accepted"
    assert len(composite(cs, 350, unit)) == 1
    assert cs.ask("ClearChargingProfile", {}).status == "Unknown"


@UNITS
def test_tc_072_sc_13_stacking(unit):
    cs = booted(evse=BIG)
    start = early(cs)
    inner = schedule(unit, (0, 6), (100, 8), (200, 10), duration=400, **start)
    assert put(cs, 1, number=1, purpose="TxDefaultProfile", stack=0, inner=inner, **window(cs)) == "Accepted"
    inner = schedule(unit, (0, 7), (100, 9), duration=150, **start)
    assert put(cs, 1, number=2, purpose="TxDefaultProfile", stack=1, inner=inner, **window(cs)) == "Accepted"
    x = EARLIER_S
    assert composite(cs, 350, unit) == [(0, 7), (100 - x, 9), (150 - x, 8), (200 - x, 10)]


@UNITS
@pytest.mark.parametrize("ahead", [-0.2, -0.001, 0.0, 0.05, 0.4])
def test_tc_056_sc_37_a_schedule_that_begins_just_now_counts_at_once(unit, ahead):
    """Real Central Systems write what their clocks show, to the fraction."""
    cs = booted()
    cs.advance(0.748)
    begins = iso(cs.now + ahead)
    inner = schedule(unit, (0, 6), (50, 10), (200, 7), duration=300, startSchedule=begins)
    assert put(cs, 1, number=1, purpose="TxDefaultProfile", stack=0, inner=inner, validFrom=begins) == "Accepted"
    found = composite(cs, 280, unit)
    assert found == [(0, 6), (50, 10), (200, 7)]


def test_sc_09_v_19_an_id_that_comes_again_takes_the_profile_from_another_transaction():
    cs = booted(evses=2)
    given = profile(9, "TxProfile", 0, schedule("A", (0, 10)))
    for connector in (1, 2):
        cs.command(PlugIn(evse=connector))
        fields = {"connectorId": connector, "idTag": f"TAG{connector}", "chargingProfile": given}
        assert cs.ask("RemoteStartTransaction", fields).status == "Accepted"
    assert [limit.limit_a for limit in cs.station.view(cs.now).limits] == [32, 10]
    assert [round(meter.power_w) for meter in cs.station.view(cs.now).meters] == [22_080, 6_900]


@UNITS
@pytest.mark.parametrize("kind", ["Absolute", "Relative"])
def test_tc_059_r_08_remote_start_with_a_profile(unit, kind):
    cs = booted(evse=BIG)
    cs.command(PlugIn(evse=1))
    start = early(cs) if kind == "Absolute" else {}
    given = profile(1, "TxProfile", 0, schedule(unit, (0, 6), duration=300, **start)) | {"chargingProfileKind": kind}
    fields = {"connectorId": 1, "idTag": "VALID1", "chargingProfile": given}
    assert cs.ask("RemoteStartTransaction", fields).status == "Accepted"
    assert cs.status() == "Charging"
    assert composite(cs, 200, unit) == [(0, 6)]
    limit = cs.station.view(cs.now).limits[0]
    assert limit.limit_a == 6 if unit == "A" else round(limit.limit_w) == 6000


@pytest.mark.parametrize("purpose", ["TxDefaultProfile", "ChargePointMaxProfile"])
def test_tc_060_r_08_remote_start_with_a_profile_of_another_purpose(purpose):
    cs = booted()
    cs.command(PlugIn(evse=1))
    given = profile(1, purpose, 0, schedule("A", (0, 6)))
    fields = {"connectorId": 1, "idTag": "VALID1", "chargingProfile": given}
    assert cs.ask("RemoteStartTransaction", fields).status == "Rejected"
    assert not cs.sent("StartTransaction")


def test_b_05_sc_21_a_step_of_the_clock_moves_schedules_at_once():
    cs = booted()
    inner = schedule("A", (0, 6), duration=300, startSchedule=iso(cs.now + 1000))
    assert put(cs, 1, number=1, purpose="TxDefaultProfile", stack=0, inner=inner) == "Accepted"
    charge(cs)
    assert cs.station.view(cs.now).limits[0].limit_a == 32
    cs.offset_s = 1100.0
    assert cs.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}).status == "Accepted"
    assert cs.station.view(cs.now).limits[0].limit_a == 6
    assert composite(cs, 100) == [(0, 6)]
