"""The Central System goes away and comes back, in every manner that there is."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
from fakes.witness import Witness
from websockets.asyncio.server import serve


async def test_what_happens_offline_is_delivered_later_in_order(mosquitto, settings, make_daemon, books, away):
    await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await books.until("StatusNotification", lambda told: told["connectorId"] == 1)
        before = books.mark()
        async with away():
            await witness.event("garage", "disconnected")
            for _ in range(2):
                mark = witness.mark()
                await witness.ok("garage/1/set/plugged", "ON")
                await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
                await witness.event("garage", "transaction_started", after=mark)
                await witness.until("garage/1/session", lambda session: session["energy_wh"], after=mark)
                await witness.ok("garage/1/cmd/stop", "")
                await witness.event("garage", "transaction_stopped", after=mark)
                await witness.ok("garage/1/set/plugged", "OFF")
            queued = await witness.until("garage/state", lambda state: state["queued_messages"] >= 4)
            assert (queued["connected"], queued["connected_at"]) == (False, None)
        await books.until("StopTransaction", lambda told: told["transactionId"] == 2)
        await witness.until("garage/state", lambda state: state["connected"] and state["queued_messages"] == 0)

    told = books.transactions(after=before)
    starts = [one.payload for one in told if one.action == "StartTransaction"]
    stops = [one.payload for one in told if one.action == "StopTransaction"]
    assert [one.action for one in told if one.action != "MeterValues"] == ["StartTransaction", "StopTransaction"] * 2
    assert [stop["transactionId"] for stop in stops] == [1, 2]
    events = witness.payloads("garage/event")
    assert [start["timestamp"] for start in starts] == [
        event["at"] for event in events if event["type"] == "transaction_started"
    ]
    assert [stop["timestamp"] for stop in stops] == [
        event["at"] for event in events if event["type"] == "transaction_stopped"
    ]
    assert "BootNotification" not in [one.action for one in books.told.since(before)]


@pytest.fixture(params=["close 1000", "close 1001", "abort", "refused", "503"])
def interruption(request, csms, away):
    """Break the connection of `garage` and return when a new one is possible."""
    (manner, _, code) = request.param.partition(" ")

    async def interrupt(witness):
        mark = witness.mark()
        match manner:
            case "close":
                await csms.disconnect("garage", int(code), "a test")
            case "abort":
                csms._stations["garage"]._connection.transport.abort()
            case "refused":
                async with away():
                    await witness.until("garage/state", lambda state: not state["connected"], after=mark)
            case _:
                async with away(), serve(None, "127.0.0.1", csms._port, process_request=busy):
                    await asked.wait()
        await witness.event("garage", "disconnected", after=mark)
        return await witness.event("garage", "connected", after=mark)

    asked = asyncio.Event()

    def busy(connection, _):
        asked.set()
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "busy\n")

    return interrupt


async def test_a_transaction_outlasts_each_of_them(mosquitto, settings, make_daemon, books, interruption):
    await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        await witness.event("garage", "transaction_accepted")
        await witness.until("garage/1/state", lambda state: state["charging"])
        mark = books.mark()
        await interruption(witness)
        await books.until("MeterValues", lambda told: told["transactionId"] == 1, after=mark)
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        await books.until("StopTransaction")
    assert "BootNotification" not in [one.action for one in books.told.since(mark)]
    assert len(books.all("StartTransaction")) == len(books.all("StopTransaction")) == 1
