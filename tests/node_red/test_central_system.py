"""The flow that plays Central System: its calls are answered, and what they do is seen at the twin."""

import json
from datetime import datetime, timedelta

import pytest


@pytest.fixture
async def flow(red, read, demo, witness):
    await red.deploy(read("central-system", demo.port))
    return red


async def answer(flow, button):
    """Press a button, and return the answer's payload."""
    mark = flow.mark()
    await flow.press(button)
    return json.loads(await flow.debug("Answer", lambda text: json.loads(text)["request_id"] == button, after=mark))


async def test_a_transaction_is_started_and_stopped_from_afar(flow, witness):
    await flow.press("Plug in a car")
    assert (await answer(flow, "Remote start"))["payload"] == {"status": "Accepted"}
    accepted = await witness.event("garage", "transaction_accepted")
    await flow.status("Session", lambda text: text == f"transaction {accepted['data']['transaction_id']}")
    await flow.debug("Frame", lambda text: text.startswith("← station StartTransaction"))
    assert (await answer(flow, "Remote stop"))["payload"] == {"status": "Accepted"}
    await flow.status("Session", lambda text: text == "ended: Remote")
    assert (await answer(flow, "Unlock the cable"))["payload"] == {"status": "Unlocked"}
    await flow.press("Unplug")
    assert flow.complaints == []


async def test_what_needs_a_transaction_says_that_none_runs(flow):
    for button in ("Remote stop", "This transaction: 8 A"):
        mark = flow.mark()
        await flow.press(button)
        assert (await flow.debug("Error in this flow", after=mark)).startswith("No transaction runs")


async def test_keys_are_read_and_changed(flow, witness):
    keys = (await answer(flow, "Which keys are there?"))["payload"]["configurationKey"]
    assert {"key": "MeterValueSampleInterval", "readonly": False, "value": "15"} in keys
    assert (await answer(flow, "Meter values each 5 s"))["payload"] == {"status": "Accepted"}
    assert (await witness.event("garage", "configuration_changed"))["data"]["value"] == "5"


async def test_a_station_is_put_out_of_order_and_back_and_reset(flow, witness):
    await answer(flow, "Out of order")
    await flow.status("Status", lambda text: text == "Unavailable")
    mark = flow.mark()
    await answer(flow, "In order again")
    await flow.status("Status", lambda text: text == "Available", after=mark)
    assert (await answer(flow, "Forget known cards"))["payload"] == {"status": "Accepted"}
    assert (await answer(flow, "Soft reset"))["payload"] == {"status": "Accepted"}


async def test_messages_are_triggered(flow):
    messages = {"Meter values": "MeterValues", "Its status": "StatusNotification", "Heartbeat": "Heartbeat"}
    for button, message in messages.items():
        mark = flow.mark()
        assert (await answer(flow, button))["payload"] == {"status": "Accepted"}
        sign = f"← station {message} [2"
        await flow.debug("Frame", lambda text, sign=sign: text.startswith(sign), after=mark)


async def test_the_other_profiles_are_asked_for_as_ocpp_says(flow, witness):
    # Whether the twin has the profile is not the flow's business: the demo checks each call against OCPP's schemas.
    await flow.press("Plug in a car")
    await answer(flow, "Remote start")
    accepted = await witness.event("garage", "transaction_accepted")
    await flow.status("Session", lambda text: text.startswith("transaction "))
    for button in ("This transaction: 8 A", "Station: 6 A, then 16 A", "Reserve for CAFE0001"):
        await flow.press(button)
    sent = {}
    for action in ("SetChargingProfile", "ReserveNow"):
        line = await flow.debug("Frame", lambda text, action=action: text.startswith(f"→ station {action} [2"))
        sent[action] = json.loads(line.split(" ", 3)[3])[3]
    assert sent["SetChargingProfile"]["csChargingProfiles"]["transactionId"] == accepted["data"]["transaction_id"]
    expiry = datetime.fromisoformat(sent["ReserveNow"]["expiryDate"])
    assert timedelta(minutes=14) < expiry - datetime.now(expiry.tzinfo) <= timedelta(minutes=15)
