"""The flow that plays Central System, beyond Core: profiles bound what flows, a reservation keeps others out."""

import json

import pytest


@pytest.fixture
async def flow(red, read, demo, witness):
    await red.deploy(read("central-system", demo.port))
    return red


async def accepted(flow, button):
    """Press a button whose call has to be accepted, and return the answer's payload."""
    mark = flow.mark()
    await flow.press(button)
    text = await flow.debug("Answer", lambda text: json.loads(text)["request_id"] == button, after=mark)
    payload = json.loads(text)["payload"]
    assert payload["status"] == "Accepted"
    return payload


async def limit(witness, amperes, source, *, after):
    await witness.until(
        "garage/1/limit", lambda limit: (limit["limit_a"], limit["source"]) == (amperes, source), after=after
    )


async def test_profiles_bound_what_flows_until_they_are_cleared(flow, witness):
    await flow.press("Plug in a car")
    await accepted(flow, "Remote start")
    await witness.event("garage", "transaction_accepted")
    await flow.status("Session", lambda text: text.startswith("transaction "))
    mark = witness.mark()
    await accepted(flow, "Default: 10 A")
    await limit(witness, 10, "TxDefaultProfile", after=mark)
    await flow.status("Limit", lambda text: text == "10 A, TxDefaultProfile")
    await accepted(flow, "This transaction: 8 A")
    await limit(witness, 8, "TxProfile", after=mark)
    await accepted(flow, "Station: 6 A, then 16 A")
    await limit(witness, 6, "ChargePointMaxProfile", after=mark)
    composite = await accepted(flow, "What comes in an hour?")
    assert composite["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 6
    await accepted(flow, "Forget all profiles")
    await limit(witness, 16, "hardware", after=mark)
    assert flow.complaints == []


async def test_a_reservation_is_made_and_cancelled(flow, witness):
    await accepted(flow, "Reserve for CAFE0001")
    await flow.status("Status", lambda text: text == "Reserved for CAFE0001")
    mark = flow.mark()
    await accepted(flow, "Cancel it")
    await flow.status("Status", lambda text: text == "Available", after=mark)
    assert flow.complaints == []
