"""A command that is delivered twice is done once, also when the daemon died in between."""

from __future__ import annotations

from fakes.witness import Witness


async def test_a_duplicate_after_kill_9(mosquitto, settings, make_daemon, books):
    daemon = await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4", request_id="once")
        await daemon.kill()
        await daemon.start()
        again = await witness.command("garage/1/cmd/swipe", "04A2B3C4", request_id="once")
        assert (again["status"], again["code"]) == ("ignored", "duplicate")
        # Not the event: one that was about to be published when the blow fell is gone, the state is not.
        await witness.until("garage/1/session", lambda session: session["active"] and session["transaction_id"])
        await witness.until("garage/1/state", lambda state: state["charging"])
        # The same words with an id of their own are another swipe, which ends it.
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4", request_id="twice")
        await books.until("StopTransaction")
    assert len(books.transactions()) >= 2
    assert len({start["timestamp"] for start in books.all("StartTransaction")}) == 1


async def test_what_is_sent_while_it_is_dead_arrives(mosquitto, settings, make_daemon, books):
    daemon = await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        # OCPP 1.6 §4.2: a box that was never accepted starts nothing by itself, offline neither.
        await witness.until("garage/state", lambda state: state["registration"] == "Accepted")
        await witness.ok("garage/1/set/plugged", "ON")
        await daemon.kill()
        await witness.say("garage/1/cmd/swipe", {"value": "04A2B3C4", "request_id": "late"})
        await daemon.start()
        event = await witness.event("garage", "transaction_started")
        assert event["request_id"] == "late"
    assert await books.until("StartTransaction")
