"""A fleet's day in virtual time: cars come and go, links fail, boxes restart; the books must balance."""

from __future__ import annotations

from random import Random

import pytest
from fakes.central_system import T0, CallError, CentralSystem, Later, spec
from fakes.judge import instant

from twin.model.inputs import PlugIn, PresentToken, PressStop, SetEvReady, Unplug
from twin.model.spec import EvSpec

BOXES = 20
DAY = 86_400.0
KEYS = {
    "MeterValueSampleInterval": "900",
    "ClockAlignedDataInterval": "3600",
    "MeterValuesAlignedData": "Energy.Active.Import.Register,Power.Active.Import",
    "StopTxnSampledData": "Energy.Active.Import.Register",
    "TransactionMessageRetryInterval": "20",
    "AllowOfflineTxForUnknownId": "true",
    "ConnectionTimeOut": "120",
}


def live(box: CentralSystem, random: Random) -> int:
    """Let cars come and go at one box for a day; give the number of sessions."""
    sessions = 0
    while box.now < T0 + DAY:
        box.advance(random.uniform(60, 5400))
        evse, tag = random.randint(1, 2), f"CARD{random.randint(1, 9)}"
        before = box.station.view(box.now).sessions[evse - 1].session_id
        if box.station.view(box.now).evses[evse - 1].plugged:
            continue
        box.command(PlugIn(evse=evse, ev=EvSpec(battery_kwh=40, max_a=16, phases=3)))
        box.advance(random.uniform(1, 100))
        box.command(PresentToken(token=tag, evse=evse))
        disturb(box, random)
        box.advance(random.uniform(600, 4 * 3600))
        if random.random() < 0.3:
            box.command(SetEvReady(evse=evse, ready=False))
            box.advance(600)
            box.command(SetEvReady(evse=evse, ready=True))
        box.restore()
        running = box.station.view(box.now).sessions[evse - 1]
        sessions += running.session_id != before
        if running.active and random.random() < 0.8:
            box.command(random.choice([PresentToken(token=tag, evse=evse), PressStop(evse=evse)]))
            box.advance(random.uniform(5, 60))
        box.command(Unplug(evse=evse))
    return sessions


def disturb(box: CentralSystem, random: Random) -> None:
    """Do to the box what happens now and then."""
    match random.randint(0, 9):
        case 0:
            box.cut()
        case 1:
            box.blink()
        case 2:
            box.crash(downtime_s=random.uniform(0, 300))
        case 3:
            box.crash_next = "before_store"
        case 4:
            box.script("MeterValues", CallError("InternalError"))
        case 5:
            box.script("StopTransaction", Later(12.0))
        case _:
            pass


@pytest.mark.parametrize("seed", [1])
def test_x_20_v_17_a_fleets_day(seed):
    total = 0
    for number in range(BOXES):
        random = Random(seed * 1000 + number)
        box = CentralSystem(spec(2, KEYS, seed=number), boot_interval=3600)
        total += live(box, random)
        box.restore()
        box.advance(3600)
        for evse in (1, 2):
            if box.station.view(box.now).sessions[evse - 1].active:
                box.command(PressStop(evse=evse))
        box.advance(3600)
        assert box.station.queued == 0
        assert not box.rows.reports
        balance(box)
    assert total > BOXES * 4


def balance(box: CentralSystem) -> None:
    """Hold one box's transactions of the day against each other: each started once, ended once, in order."""
    open_at: dict[int, int] = {}
    register = {1: 0.0, 2: 0.0}
    at = 0.0
    connector_of: dict[int, int] = {}
    seen: set[str] = set()
    for call in box.received:
        if call.action not in {"StartTransaction", "StopTransaction", "MeterValues"} or str(call.payload) in seen:
            continue
        seen.add(str(call.payload))
        if call.action == "StartTransaction":
            assert call["connectorId"] not in connector_of.values(), "X-07: two at one connector"
            assert call["meterStart"] >= register[call["connectorId"]] - 1, "V-17"
            assert instant(call["timestamp"]) >= at - 1, "X-20"
            at = instant(call["timestamp"])
            number = transaction_of(box, call)
            connector_of[number] = call["connectorId"]
            open_at[number] = call["meterStart"]
        elif call.action == "StopTransaction":
            number = call["transactionId"]
            assert call["meterStop"] >= open_at[number], "V-17"
            assert instant(call["timestamp"]) >= at - 1, "X-20"
            at = instant(call["timestamp"])
            register[connector_of.pop(number)] = call["meterStop"]
        elif "transactionId" in call.payload:
            assert connector_of[call["transactionId"]] == call["connectorId"], "V-09"
    assert not connector_of, "X-10: a transaction without an end"


def transaction_of(box: CentralSystem, start) -> int:
    """Give the transaction id that the Central System gave last for this StartTransaction."""
    same = [given for call, given in box.given if call.payload == start.payload]
    return same[-1]
