"""The flow that breaks things: every button does what it says, and what was refused is shown with the reason."""

import pytest


@pytest.fixture
async def flow(red, read, demo, witness):
    await red.deploy(read("faults", demo.port))
    return red


@pytest.fixture
async def charging(flow, witness):
    await flow.press("Plug in and…")
    await flow.press("…swipe first")
    await witness.until("garage/1/state", lambda state: state["status"] == "Charging")
    return flow


async def test_faults_come_together_and_go_one_by_one(flow, witness):
    await flow.press("Ground failure")
    state = await witness.until("garage/1/state", lambda state: state["status"] == "Faulted")
    assert (state["error_code"], state["error_info"]) == ("GroundFailure", "RCD tripped")
    await flow.status("EVSE", lambda text: text == "Faulted, GroundFailure")
    await flow.press("Two at once: it is hot")
    assert (await witness.event("garage", "fault", after=witness.mark() - 1))["data"]["error_code"]
    await witness.until("garage/event", lambda event: event["data"].get("error_code") == "HighTemperature")
    await flow.press("The hot one is mended")
    assert (await witness.event("garage", "fault_cleared"))["data"]["error_code"] == "HighTemperature"
    await flow.press("All is mended")
    await flow.status("EVSE", lambda text: text == "Available, NoError", after=flow.mark())


async def test_the_station_has_faults_of_its_own(flow, witness):
    await flow.press("Station: weak signal")
    await witness.until("garage/state", lambda state: state["error_code"] == "WeakSignal")
    mark = witness.mark()
    await flow.press("Station: mended")
    await witness.until("garage/state", lambda state: state["error_code"] == "NoError", after=mark)


async def test_mains_and_network_go_and_come_back(flow, witness):
    await flow.press("Mains off")
    await flow.status("Station", lambda text: text == "no power, not connected")
    await flow.press("Mains on: it boots")
    await witness.event("garage", "booted", after=witness.mark())
    mark = flow.mark()
    await flow.press("Cut the network")
    await flow.status("Station", lambda text: text == "powered, not connected", after=mark)
    mark = flow.mark()
    await flow.press("Network is back")
    await flow.status("Station", lambda text: text == "powered, connected", after=mark)


async def test_door_link_and_reset_button(flow, witness):
    await flow.press("Open the door")
    await witness.until("garage/state", lambda state: state["door_open"])
    mark = witness.mark()
    await flow.press("Close the door")
    await witness.until("garage/state", lambda state: state["door_open"] is False, after=mark)
    await flow.press("Break the connection")
    await witness.event("garage", "disconnected", after=mark)
    await witness.event("garage", "connected", after=mark)
    await flow.press("Reset button: hard")
    reset = await witness.until("garage/result", lambda result: result["topic"] == "garage/cmd/reset")
    assert reset["status"] == "ok"


@pytest.mark.parametrize("button", ["Emergency stop", "Emergency stop: station"])
async def test_an_emergency_stop_ends_the_transaction(charging, witness, button):
    await charging.press(button)
    assert (await witness.event("garage", "transaction_stopped"))["data"]["reason"] == "EmergencyStop"


async def test_a_cable_is_pulled_at_the_car(charging, witness):
    await charging.press("Car pulls its end")
    assert (await witness.event("garage", "transaction_stopped"))["data"]["reason"] == "EVDisconnected"
    await charging.press("Unplug")
    await witness.until("garage/1/state", lambda state: state["status"] == "Available", after=witness.mark())


async def test_a_jammed_lock_makes_an_unlock_fail(flow, witness):
    await flow.press("The lock jams")
    await flow.press("Plug in and…")
    await witness.event("garage", "plugged")
    await flow.press("Have it unlocked")
    await flow.status("Central System's result", lambda text: text == "UnlockFailed")
    await flow.press("The lock is mended")
    mark = flow.mark()
    await flow.press("Have it unlocked")
    await flow.status("Central System's result", lambda text: text == "Unlocked", after=mark)


async def test_bad_manners_reach_the_central_system(flow, witness):
    await flow.press("Not JSON")
    await flow.debug("Frame", lambda text: text.endswith("ocpp/sent hello?"))
    await flow.press("An action that is none")
    await flow.debug("Frame", lambda text: "NotImplemented" in text and "odd-1" in text)
    await flow.press("A call of our own")
    called = await witness.until("garage/result", lambda result: result["topic"] == "garage/cmd/call")
    assert called["data"]["status"]
    await flow.status("Result", lambda text: text == "ok")
    await flow.press("BootNotification again")
    await flow.debug("Frame", lambda text: '"BootNotification"' in text and "sent" in text)


async def test_what_is_refused_says_why(flow):
    for button, code in (
        ("A misspelt command", "unknown_command"),
        ("A level without sense", "bad_value"),
        ("A retained swipe", "retained_command"),
    ):
        mark = flow.mark()
        await flow.press(button)
        await flow.status("Refused", lambda text, code=code: text == code, after=mark)
        assert f": {code}" in await flow.debug("Told by the daemon", after=mark)
    await flow.press("Take it back")
    mark = flow.mark()
    await flow.press("Stop without a session")
    assert "garage/1/cmd/stop: state_conflict" in await flow.debug("Refused", after=mark)
    assert flow.complaints == []
