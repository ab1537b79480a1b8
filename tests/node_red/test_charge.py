"""The flow that charges: buttons on one side, one swipe followed on the other."""

import json

import pytest


@pytest.fixture
async def flow(red, read, demo, witness):
    await red.deploy(read("charge", demo.port))
    return red


async def test_a_swipe_is_followed_from_authorized_to_the_end_of_its_transaction(flow, witness):
    await flow.press("Plug in a car")
    await witness.until("garage/1/state", lambda state: state["plugged"])
    await flow.press("Swipe 04A2B3C4")
    accepted = await witness.event("garage", "transaction_accepted")
    assert accepted["request_id"].startswith("swipe-")
    await flow.status("Step", lambda text: text == "transaction_accepted")
    await flow.status("Status", lambda text: text.startswith("Charging, 04A2B3C4"))
    await flow.status("Session", lambda text: text == f"transaction {accepted['data']['transaction_id']}")
    await flow.status("Limit", lambda text: text.startswith("16 A"))

    await flow.press("Swipe again: stop")
    step = json.loads(await flow.debug("Step", lambda text: "transaction_stopped" in text))
    assert step["request_id"] == accepted["request_id"]
    steps = [step for step in step["steps"].split(" → ") if step != "status_changed"]
    assert steps == ["authorized", "transaction_started", "transaction_accepted", "transaction_stopped"]
    await flow.status("Session", lambda text: text == "ended: Local")
    mark = flow.mark()
    await flow.press("Unplug")
    await flow.status("Status", lambda text: text == "Available", after=mark)
    assert flow.complaints == []


async def test_a_meter_reads_what_it_is_told_until_it_is_simulated_again(flow, witness):
    await flow.press("Plug in a car")
    await flow.press("Swipe 04A2B3C4")
    await witness.event("garage", "transaction_accepted")
    await flow.press("It reads 5.52 kW")
    await witness.until("garage/1/meter", lambda meter: meter["power_w"] == 5520)
    await flow.status("Meter", lambda text: text.startswith("5.52 kW, "))
    await flow.press("One phase, 3.68 kW")
    await witness.until("garage/1/meter", lambda meter: (meter["current_l1_a"], meter["current_l2_a"]) == (16, 0))
    await flow.press("Simulate again")
    await witness.until("garage/1/state", lambda state: state["meter_source"] == "simulated", after=witness.mark())
    assert flow.complaints == []


async def test_the_car_and_the_stop_button_have_their_say(flow, witness):
    await flow.press("Plug in a car")
    await flow.press("Swipe 04A2B3C4")
    await witness.until("garage/1/state", lambda state: state["status"] == "Charging")
    await flow.press("Car: no energy wanted")
    await witness.until("garage/1/state", lambda state: state["status"] == "SuspendedEV")
    mark = witness.mark()
    await flow.press("Car: energy wanted")
    await witness.until("garage/1/state", lambda state: state["status"] == "Charging", after=mark)
    await flow.press("or the stop button")
    assert (await witness.event("garage", "transaction_stopped"))["data"]["reason"] == "Local"


async def test_a_refusal_is_shown(flow):
    await flow.press("or the stop button")
    assert "garage/1/cmd/stop: state_conflict" in await flow.debug("Refused")
    await flow.status("Refused", lambda text: text == "state_conflict")
