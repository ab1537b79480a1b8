"""The broker dies, forgets all, and comes back."""

from __future__ import annotations

from fakes.witness import Witness

KEPT = {
    "bridge/main/availability",
    "bridge/main/health",
    "bridge/main/info",
    "garage/1/limit",
    "garage/1/meter",
    "garage/1/session",
    "garage/1/state",
    "garage/availability",
    "garage/state",
}


async def all_kept(broker):
    """Return when the broker keeps all topics, with what stands there."""
    async with Witness(broker.port) as witness:
        for topic in sorted(KEPT):
            await witness.until(topic)
    async with Witness(broker.port) as witness:
        for topic in sorted(KEPT):
            await witness.said.until(lambda said, topic=topic: said.topic == topic and said.retained, topic)
        assert {said.topic for said in witness.said if said.retained} == KEPT
        return {said.topic: said.payload for said in witness.said if said.retained}


async def test_all_is_published_again_and_ocpp_goes_on_meanwhile(mosquitto, settings, make_daemon, books):
    await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        await witness.event("garage", "transaction_accepted")
    before = await all_kept(mosquitto)
    mosquitto.stop()
    away = books.mark()
    for _ in range(2):
        await books.until("MeterValues", after=away)
        away = books.mark()
    mosquitto.start()
    after = await all_kept(mosquitto)
    assert after["garage/availability"] == after["bridge/main/availability"] == "online"
    assert after["garage/1/state"] == before["garage/1/state"]
    assert after["garage/1/meter"]["energy_wh"] > before["garage/1/meter"]["energy_wh"]
    async with Witness(mosquitto.port) as witness:
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        await books.until("StopTransaction")


async def test_ocpp_goes_on_while_it_is_away(mosquitto, settings, make_daemon, books, csms):
    await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        await witness.ok("garage/1/set/plugged", "ON")
    mosquitto.stop()
    # The Central System can do without MQTT.
    remote = {"connectorId": 1, "idTag": "04A2B3C4"}
    assert await csms.call("garage", "RemoteStartTransaction", remote) == {"status": "Accepted"}
    await books.until("StartTransaction")
    await books.until("StatusNotification", lambda told: told["status"] == "Charging")
    mosquitto.start()
    async with Witness(mosquitto.port) as witness:
        # Its subscription may come too late for the backlog, which lasts for one connection of the daemon only.
        state = await witness.until("garage/1/state", lambda state: state["charging"])
        assert state["transaction_id"] == 1
        await witness.ok("garage/1/cmd/stop", "")
        await witness.event("garage", "transaction_stopped")
