import asyncio
import json

import pytest

from bridge.objection import EDGE_S, LEVEL_S, doubt, listening, patience_s, remark
from bridge.options import MqttOptions
from bridge.tool import NoBroker, publish
from bridge.visitor import connection

BASE = "ocpp-twin"
LONG_S = 15.0


@pytest.mark.parametrize(
    ("topic", "seconds"),
    [
        ("ocpp-twin/garage/1/set/plugged", LEVEL_S),
        ("ocpp-twin/garage/cmd/swipe", EDGE_S),
        ("ocpp-twin/bridge/main/request/reload", EDGE_S),
        ("ocpp-twin/garage/state", None),
        ("home/garage/1/set/plugged", None),
    ],
)
def test_how_long_an_objection_may_take(topic, seconds):
    assert patience_s(topic, BASE) == seconds


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("garage/1/set/plugged", "did you mean ocpp-twin/garage/1/set/plugged?"),
        ("ocpp-twin/garage/1/plugged", "no daemon takes ocpp-twin/garage/1/plugged: levels are ocpp-twin/…/set/…"),
    ],
)
def test_a_topic_that_no_daemon_listens_to(topic, said):
    assert said in doubt(topic, BASE)


@pytest.mark.parametrize("topic", ["ocpp-twin/garage/1/set/pluged", "zigbee2mqtt/lamp/set", "a/b", "home/lamp/set/on"])
def test_a_topic_that_may_be_right(topic):
    assert doubt(topic, BASE) is None


@pytest.mark.parametrize(
    ("answers", "heard"),
    [
        (
            [("bridge/main/error", {"topic": "g/cmd/x", "code": "unknown_command", "detail": "no"})],
            "unknown_command: no",
        ),
        (
            [("g/result", {"topic": "g/cmd/y", "status": "error"}), ("g/result", {"topic": "g/cmd/x", "status": "ok"})],
            None,
        ),
        ([("g/result", {"topic": "g/cmd/x", "status": "error", "code": "stale", "detail": "old"})], "stale: old"),
    ],
)
async def test_what_a_daemon_says_is_heard(mosquitto, answers, heard):
    options = MqttOptions(url=mosquitto.url)
    async with connection(options) as client, listening(client, f"{BASE}/g/cmd/x", BASE) as objection:
        await publish(options, f"{BASE}/bridge/main/error", "no JSON")
        for topic, fields in answers:
            await publish(options, f"{BASE}/{topic}", json.dumps(fields))
        assert await asyncio.wait_for(objection, LONG_S) == heard


async def test_silence_is_consent(mosquitto):
    assert await publish(MqttOptions(url=mosquitto.url), f"{BASE}/g/set/x", "ON", wait_s=0.1) is None


@pytest.mark.parametrize(
    ("topic", "said", "told"),
    [
        ("ocpp-twin/garage/1/cmd/swipe", "", "ok"),
        ("ocpp-twin/garage/1/cmd/swipe", None, "no daemon answers below ocpp-twin: does it run at this broker?"),
        ("ocpp-twin/garage/1/set/plugged", None, None),
        ("a/b", None, None),
    ],
)
def test_who_waits_for_an_answer_is_told_that_it_came_or_did_not(topic, said, told):
    assert remark(topic, BASE, said) == told


async def test_a_broker_that_does_not_take_it_says_so(make_mosquitto, tmp_path):
    (tmp_path / "acl").write_text("topic read #\n")
    broker = make_mosquitto(f"acl_file {tmp_path}/acl", "user root")
    with pytest.raises(NoBroker, match=r"refuses ocpp-twin/x \(Not authorized\): allow it in its access rules"):
        await publish(MqttOptions(url=broker.url), "ocpp-twin/x", "ON")
