"""Twins come and go while the daemon runs: over MQTT, by a reload, and again after a crash."""

from __future__ import annotations

import json
import os
import signal

import pytest
from fakes.witness import Witness


def rewrite(daemon, settings):
    (daemon._folder / "given.yaml").write_text(json.dumps(settings))


async def test_an_added_twin_survives_kill_9_and_a_removed_one_leaves_nothing(mosquitto, settings, make_daemon, books):
    daemon = await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        result = await witness.ask("add_twin", twin={"id": "shed", "evses": 2, "keys": {"MeterValueSampleInterval": 1}})
        assert (result["status"], result["data"]) == ("ok", {"id": "shed"})
        await witness.until("shed/availability", lambda word: word == "online")
        await witness.until("shed/state", lambda state: state["registration"] == "Accepted")
        await witness.until("bridge/main/info", lambda info: info["twins"] == 2)
        await daemon.kill()
        mark = witness.mark()
        await daemon.start()
        await witness.event("shed", "booted", after=mark)
        await witness.ok("shed/1/set/plugged", "ON")
        await witness.ok("shed/1/cmd/swipe", "04A2B3C4")
        await witness.event("shed", "transaction_accepted", after=mark)

        mark = witness.mark()
        assert (await witness.ask("remove_twin", id="shed", forget=True))["data"] == {"id": "shed"}
        for topic in ("shed/state", "shed/availability", "shed/2/meter", "shed/1/session"):
            await witness.until(topic, lambda payload: payload is None, after=mark)
        await daemon.kill()
        await daemon.start()
        assert [twin["id"] for twin in (await witness.ask("list_twins"))["data"]["twins"]] == ["garage"]
    async with Witness(mosquitto.port) as late:
        await late.until("garage/state")
        assert [said for said in late.said.since(0) if said.topic.startswith("shed/")] == []


async def test_adding_and_removing_in_quick_succession(mosquitto, settings, make_daemon):
    daemon = await make_daemon(settings(mosquitto.url, home_assistant={"enabled": True}))
    async with Witness(mosquitto.port) as witness:
        await witness.until("garage/state", lambda state: state["connected"])
        ids = set()
        for number in range(8):
            for verb, fields in (("add_twin", {"twin": {"id": "shed"}}), ("remove_twin", {"id": "shed"})):
                ids.add(f"{verb}{number}")
                await witness.say(f"bridge/main/request/{verb}", {"request_id": f"{verb}{number}", **fields})
        answered = set()
        while answered != ids:
            said = await witness.said.until(
                lambda said: "/response/" in said.topic and said.payload["request_id"] not in answered, "all answers"
            )
            answered.add(said.payload["request_id"])
        await witness.ask("add_twin", twin={"id": "shed"})
        mark = witness.mark()
        await witness.ask("remove_twin", id="shed")
        await witness.until("shed/availability", lambda word: word is None, after=mark)
    async with Witness(mosquitto.port) as late:
        await late.until("garage/state")
        assert [said for said in late.said.since(0) if said.topic.startswith("shed/")] == []
    assert [line for line in daemon.log.since(0) if line.get("level") == "error"] == []


@pytest.mark.parametrize(
    ("twin", "code", "pointer", "words"),
    [
        ({"id": "garage"}, "state_conflict", "/twin/id", "already"),
        ({"id": "g2", "identity": "garage"}, "state_conflict", "/twin/identity", "same Central System"),
        ({"id": "a{1..3}"}, "bad_value", "/twin/id", "range"),
        ({"id": "x", "colour": 1}, "bad_value", "/twin/colour", "colour"),
        ({"id": "x", "keys": {"HeartbeatInterval": "soon"}}, "bad_value", "/twin/keys/HeartbeatInterval", "0 or more"),
        ({"id": "x", "template": "nope"}, "bad_value", "/twin/template", "nope"),
        ({"id": "x", "csms": {"password_file": "/etc/hostname"}}, "bad_value", "/twin/csms/password_file", "may name"),
        (
            {"id": "x", "keys": {"A": {"value_file": "/etc/hostname"}}},
            "bad_value",
            "/twin/keys/A/value_file",
            "may name",
        ),
    ],
)
async def test_what_is_wrong_with_a_twin_is_said(mosquitto, settings, make_daemon, twin, code, pointer, words):
    await make_daemon(settings(mosquitto.url))
    async with Witness(mosquitto.port) as witness:
        result = await witness.ask("add_twin", twin=twin)
        assert (result["status"], result["code"], result["data"]) == ("error", code, None)
        assert words in result["detail"]
        if code == "bad_value":
            assert (await witness.until("bridge/main/error"))["pointer"] == pointer


ELSEWHERE = {"url": "ws://127.0.0.1:1/elsewhere"}


@pytest.mark.parametrize(
    ("twin", "pointer"),
    [
        ({"id": "x", "csms": ELSEWHERE}, "/twin/csms/password"),
        ({"id": "x", "csms": {"tls_url": "wss://127.0.0.1:1/elsewhere"}}, "/twin/csms/password"),
        ({"id": "x", "template": "keyed", "csms": ELSEWHERE | {"password": None}}, "/twin/keys/AuthorizationKey"),
        ({"id": "x", "template": "odd", "csms": ELSEWHERE | {"password": None}}, "/twin/keys/authorizationkey"),
    ],
)
async def test_no_password_of_the_configuration_goes_elsewhere(mosquitto, settings, make_daemon, twin, pointer):
    given = settings(mosquitto.url)
    names = {"keyed": "AuthorizationKey", "odd": "authorizationkey"}
    templates = {name: {"keys": {key: "00112233445566778899aabbccddeeff"}} for name, key in names.items()}
    await make_daemon(given | {"csms": given["csms"] | {"password": "hush-hush"}, "templates": templates})
    async with Witness(mosquitto.port) as witness:
        result = await witness.ask("add_twin", twin=twin)
        assert (result["status"], result["code"], result["data"]) == ("error", "bad_value", None)
        assert (await witness.until("bridge/main/error"))["pointer"] == pointer


async def test_a_twin_with_a_central_system_of_its_own_brings_its_password(mosquitto, settings, make_daemon, csms):
    given = settings(mosquitto.url)
    await make_daemon(given | {"csms": given["csms"] | {"password": "hush-hush"}})
    async with Witness(mosquitto.port) as witness:
        own = {"url": f"{csms.url}/elsewhere", "password": None}
        assert (await witness.ask("add_twin", twin={"id": "x", "csms": own}))["status"] == "ok"
        same = {"url": given["csms"]["url"]}
        assert (await witness.ask("add_twin", twin={"id": "y", "csms": same}))["status"] == "ok"


async def test_what_is_stored_of_a_removed_twin_does_not_go_elsewhere(mosquitto, settings, make_daemon):
    await make_daemon(settings(mosquitto.url))
    elsewhere = {"id": "garage", "csms": ELSEWHERE}
    async with Witness(mosquitto.port) as witness:
        await witness.until("garage/state", lambda state: state["registration"] == "Accepted")
        await witness.ask("remove_twin", id="garage")
        result = await witness.ask("add_twin", twin=elsewhere)
        assert (result["status"], result["code"]) == ("error", "state_conflict")
        assert (await witness.ask("add_twin", twin={"id": "garage"}))["status"] == "ok"
        await witness.ask("remove_twin", id="garage", forget=True)
        assert (await witness.ask("add_twin", twin=elsewhere))["status"] == "ok"


async def test_a_reload_changes_only_what_changed(mosquitto, settings, make_daemon, books):
    given = settings(mosquitto.url, twins=[{"id": "a"}, {"id": "b", "evses": 2}, {"id": "c"}])
    daemon = await make_daemon(given)
    async with Witness(mosquitto.port) as witness:
        await witness.ask("add_twin", twin={"id": "own"})
        for twin in ("a", "b", "c", "own"):
            await witness.until(f"{twin}/state", lambda state: state["registration"] == "Accepted")
        await witness.ok("a/1/set/plugged", "ON")
        await witness.ok("a/1/cmd/swipe", "04A2B3C4")
        await witness.event("a", "transaction_accepted")
        mark = witness.mark()
        rewrite(daemon, {**given, "twins": [{"id": "a"}, {"id": "b", "model": "Wall 2"}, {"id": "d"}, {"id": "e"}]})
        result = await witness.ask("reload")
        assert result["data"] == {"added": ["d", "e"], "removed": ["c"], "changed": ["b"], "needs_restart": []}
        await witness.until("d/state", lambda state: state["registration"] == "Accepted", after=mark)
        await witness.until("b/state", lambda state: state["model"] == "Wall 2" and state["connected"], after=mark)
        await witness.until("b/2/state", lambda state: state is None, after=mark)
        await witness.until("c/state", lambda state: state is None, after=mark)
        await witness.until("bridge/main/info", lambda info: info["twins"] == 5, after=mark)
        listed = (await witness.ask("list_twins"))["data"]["twins"]
        assert [twin["id"] for twin in listed] == ["a", "b", "d", "e", "own"]
        assert witness.payloads("a/availability", after=mark) == []
        assert [event["type"] for event in witness.payloads("a/event", after=mark)] == []


async def test_a_configuration_that_is_wrong_changes_nothing(mosquitto, settings, make_daemon):
    given = settings(mosquitto.url)
    daemon = await make_daemon(given)
    async with Witness(mosquitto.port) as witness:
        rewrite(daemon, {**given, "twins": [{"id": "garage", "evses": "many"}]})
        result = await witness.ask("reload")
        assert (result["status"], result["code"]) == ("error", "bad_value")
        assert "twins[0].evses" in result["detail"]
        rewrite(daemon, {**given, "logs": {"format": "json", "level": "debug"}})
        assert (await witness.ask("reload"))["data"]["needs_restart"] == ["logs"]


async def test_sighup_reloads(mosquitto, settings, make_daemon):
    given = settings(mosquitto.url)
    daemon = await make_daemon(given)
    async with Witness(mosquitto.port) as witness:
        rewrite(daemon, {**given, "twins": [*given["twins"], {"id": "new"}]})
        os.kill(daemon._process.pid, signal.SIGHUP)
        await witness.until("new/state", lambda state: state["connected"])


async def test_only_own_subscriptions_follow(mosquitto, settings, make_daemon):
    given = settings(mosquitto.url)
    given["mqtt"]["subscribe"] = "own"
    await make_daemon(given)
    async with Witness(mosquitto.port) as witness:
        await witness.ask("add_twin", twin={"id": "shed"})
        await witness.until("shed/state")
        # The broker confirms the filter some time after the result; a retained level arrives either way.
        await witness.say("shed/1/set/plugged", "ON", retain=True)
        await witness.until("shed/1/state", lambda state: state["plugged"])


async def test_the_clock_rate(mosquitto, settings, make_daemon):
    await make_daemon(settings(mosquitto.url, clock={"rate": 1}))
    async with Witness(mosquitto.port) as witness:
        assert (await witness.ask("set_clock_rate", rate=60))["data"] == {"rate": 60.0}
        await witness.until("bridge/main/info", lambda info: info["clock_rate"] == 60)


async def test_many(mosquitto, settings, make_daemon):
    await make_daemon(settings(mosquitto.url, twins=[{"id": "lot-{1..5}"}]))
    async with Witness(mosquitto.port) as witness:
        result = await witness.ask("set_many", ids="lot-*", evse=1, level="plugged", value=True)
        assert result["data"] == {"matched": 5, "ok": 5, "refused": []}
        result = await witness.ask("cmd_many", ids=["lot-1", "lot-9"], evse=1, command="swipe", value="04A2B3C4")
        assert result["data"] == {"matched": 1, "ok": 1, "refused": [{"id": "lot-9", "code": "unknown_twin"}]}
        event = await witness.event("lot-1", "transaction_started")
        assert event["request_id"] == result["request_id"]
