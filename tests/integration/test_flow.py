"""A card is swiped and a car is charged, seen from both sides, on each kind of broker."""

from __future__ import annotations

import contextlib
from datetime import datetime

import pytest
from fakes.witness import Witness

from bridge.demo.broker import broker


@pytest.fixture(params=["mosquitto", "amqtt"])
async def port(request, tmp_path):
    """Where a broker listens: one that speaks MQTT 5, and one that speaks 3.1.1 only."""
    async with contextlib.AsyncExitStack() as ends:
        if request.param == "mosquitto":
            yield request.getfixturevalue("mosquitto").port
        else:
            yield (await ends.enter_async_context(broker(18990, tmp_path, "amqtt"))).port


async def test_from_plug_to_unplug(port, settings, make_daemon, books):
    async with Witness(port) as witness:
        given = settings(f"mqtt://127.0.0.1:{port}")
        # amqtt takes the properties of MQTT 5 for a length and waits: the daemon has to find out.
        given["mqtt"] |= {"trace": True, "connect_timeout": "500ms"}
        daemon = await make_daemon(given)
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        await witness.until("garage/1/state", lambda state: state["status"] == "Available")

        plugged = await witness.ok("garage/1/set/plugged", "ON")
        await witness.until("garage/1/state", lambda state: (state["status"], state["plugged"]) == ("Preparing", True))
        first = await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        await witness.event("garage", "transaction_accepted")
        await witness.until("garage/1/state", lambda state: state["charging"] and state["transaction_id"] == 1)
        await witness.until("garage/1/meter", lambda meter: meter["power_w"] > 1000 and meter["energy_wh"] > 0)
        sample = await books.until("MeterValues")
        second = await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        stop = await books.until("StopTransaction")
        await witness.until("garage/1/state", lambda state: state["status"] == "Finishing")
        before, known = witness.mark(), books.mark()
        unplugged = await witness.ok("garage/1/set/plugged", "OFF")
        await witness.until("garage/1/state", lambda state: state["status"] == "Available", after=before)
        await books.until("StatusNotification", lambda told: told["status"] == "Available", after=known)
        session = await witness.until("garage/1/session", lambda session: session["stop_reason"])
        assert await daemon.stop() == 0
        await witness.until("garage/availability", lambda text: text == "offline")

    (start,) = books.all("StartTransaction")
    assert (start["connectorId"], start["idTag"], start["meterStart"]) == (1, "04A2B3C4", 0)
    assert sample["transactionId"] == 1
    assert (stop["transactionId"], stop["idTag"], stop.get("reason", "Local")) == (1, "04A2B3C4", "Local")
    assert (session["transaction_id"], session["active"], session["stop_reason"]) == (1, False, "Local")
    assert session["meter_stop_wh"] == stop["meterStop"] > start["meterStart"]
    assert datetime.fromisoformat(session["started_at"]) == datetime.fromisoformat(start["timestamp"])
    assert datetime.fromisoformat(session["ended_at"]) == datetime.fromisoformat(stop["timestamp"])
    told = [(told["status"]) for told in books.all("StatusNotification") if told["connectorId"] == 1]
    assert told == ["Available", "Preparing", "Charging", "Finishing", "Available"]

    events = witness.payloads("garage/event")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    causes = {(event["type"], event["request_id"]) for event in events if event["request_id"]}
    assert causes >= {
        ("plugged", plugged),
        ("authorized", first),
        ("transaction_started", first),
        ("transaction_accepted", first),
        ("transaction_stopped", second),
        ("unplugged", unplugged),
    }
    registers = [meter["energy_wh"] for meter in witness.payloads("garage/1/meter")]
    assert registers == sorted(registers)
    sent = [trace["action"] for trace in witness.payloads("garage/ocpp/sent")]
    assert {"BootNotification", "Authorize", "StartTransaction", "MeterValues", "StopTransaction"} <= set(sent)
