"""A daemon that publishes less: what a session tells, what a change of profile clears, what works all the same."""

from __future__ import annotations

import json

import aiomqtt
import pytest
from fakes.witness import Witness

OUTPUT = {
    "from": "garage/1/limit",
    "topic": "box/set",
    "payload": "{{ limit_a | int }}",
    "confirm": {"topic": "box/amp", "tolerance": 1, "timeout": "2s"},
}


async def _retained(mosquitto, count):
    """Return the first so many topics of garage that stand at the broker."""
    found = set()
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe("ocpp-twin/garage/#")
        async for message in client.messages:
            if message.retain:
                found.add(str(message.topic).removeprefix("ocpp-twin/garage/"))
            if len(found) == count:
                return found
    raise AssertionError(found)


@pytest.fixture
def given(mosquitto, settings):
    """Make settings with a profile, and nothing set beside it."""

    def make(profile, **mqtt):
        found = settings(mosquitto.url)
        found["mqtt"] = {"url": mosquitto.url, "profile": profile, "backoff": {"min": "100ms", "max": "300ms"}} | mqtt
        return found

    return make


async def _session(witness):
    await witness.until("garage/state", lambda state: state["registration"] == "Accepted")
    await witness.ok("garage/1/set/plugged", "ON")
    await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
    await witness.until("garage/1/session", lambda session: session["transaction_id"] is not None)
    await witness.until("garage/1/state", lambda state: state["charging"])
    await witness.ok("garage/1/set/plugged", "OFF")
    await witness.until("garage/1/session", lambda session: session["stop_reason"] is not None)


async def test_quiet_tells_what_somebody_must_know_and_answers_commands(mosquitto, given, make_daemon):
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given("quiet"))
        await _session(witness)
        assert (await witness.until("bridge/main/info"))["profile"] == "quiet"
        # What follows from a command is told whatever it is.
        assert {"plugged", "authorized", "transaction_accepted"} <= {
            event["type"] for event in witness.payloads("garage/event")
        }
        assert not [said for said in witness.said.since(0) if said.payload and said.topic.endswith(("meter", "limit"))]
        sessions = witness.payloads("garage/1/session")
        assert len(sessions) <= 4
        assert sessions[-1]["active"] is False
        refused = await witness.command("garage/1/cmd/stop", None)
        assert refused["code"] == "state_conflict"
        await witness.say("garage/1/set/plugged", "perhaps")
        await witness.until("bridge/main/error", lambda error: error["code"] == "bad_value")


async def test_a_fleet_shows_a_meter_at_once_when_energy_begins_and_ceases_to_flow(mosquitto, given, make_daemon):
    async with Witness(mosquitto.port) as witness:
        await make_daemon(given("fleet"))
        await _session(witness)
        await witness.until("garage/1/meter", lambda meter: meter["power_w"] == 0 and meter["energy_wh"] > 0)
        assert witness.payloads("garage/1/limit")
        assert len(witness.payloads("garage/1/meter")) <= 4


async def test_another_profile_clears_what_does_not_hold_any_more(mosquitto, given, make_daemon, tmp_path):
    async with Witness(mosquitto.port) as witness:
        daemon = await make_daemon(given("home"))
        await witness.until("garage/1/session")
        mark = witness.mark()
        (tmp_path / "given.yaml").write_text(json.dumps(given("quiet")))
        reloaded = await witness.ask("reload")
        assert (reloaded["status"], reloaded["data"]["needs_restart"]) == ("ok", [])
        for part in ("limit", "meter"):
            await witness.until(f"garage/1/{part}", lambda found: found is None, after=mark)
        await witness.until("bridge/main/info", lambda info: info["profile"] == "quiet", after=mark)
        assert await _retained(mosquitto, 4) == {"availability", "state", "1/state", "1/session"}
        mark = witness.mark()
        await daemon.stop()
        await daemon.start()
        await witness.until("garage/1/session", after=mark)
        await witness.ask("list_twins")
        assert not [said for said in witness.said.since(mark) if said.topic.endswith(("meter", "limit"))]


async def test_real_things_are_moved_although_nothing_is_published_of_it(mosquitto, given, make_daemon):
    async with Witness(mosquitto.port) as witness, aiomqtt.Client("127.0.0.1", mosquitto.port) as box:
        await box.subscribe("box/set")
        await make_daemon(given("quiet") | {"outputs": [OUTPUT]})
        await witness.until("garage/state", lambda state: state["registration"] == "Accepted")
        await witness.ok("garage/1/set/plugged", "ON")
        await witness.ok("garage/1/cmd/swipe", "04A2B3C4")
        async for message in box.messages:
            if int(message.payload) > 0:
                break
        await witness.event("garage", "actuation_failed")
