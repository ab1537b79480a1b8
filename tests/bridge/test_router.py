from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.fleet import FakeFleet
from fakes.outlet import FakeOutlet

from bridge.options import MqttOptions
from bridge.ports import CallOutcome, Incoming
from bridge.publisher import Publisher
from bridge.router import Router
from twin.errors import Rejected
from twin.fleet import Frame
from twin.model import inputs

START = 1_700_000_000.0
ROOT = "ocpp-twin/"


@dataclass
class World:
    """A router, what it is fed and what it says; `acknowledged` counts."""

    options: MqttOptions = field(default_factory=MqttOptions)
    fleet: FakeFleet = field(default_factory=FakeFleet)
    now: float = START
    acknowledged: int = 0

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.options, now=lambda: self.now)
        self.publisher.attach(FakeFleet(twins={}))
        self.outlet = FakeOutlet()
        self.publisher.connected(self.outlet)
        self.router = Router(
            self.options, self.fleet, self.publisher, now=lambda: self.now, stored=list(self.fleet.receipts)
        )

    def send(self, topic: str, payload: Any = "", **fields: Any) -> list[Any]:
        """Return the results that a message caused, response topics included."""
        text = json.dumps(payload) if isinstance(payload, dict) else payload
        raw = text if isinstance(text, bytes) else text.encode()
        before = len(self.outlet.sent)
        self.router.handle(Incoming(ROOT + topic, raw, self._acknowledge, **fields))
        while self.publisher._hand_over():
            pass
        return [
            json.loads(message.payload)
            for message in self.outlet.sent[before:]
            if message.topic.endswith("/result") or "/response/" in message.topic or message.topic == "answers"
        ]

    def code(self, topic: str, payload: Any = "", **fields: Any) -> str | None:
        """Return the code of the only result."""
        (result,) = self.send(topic, payload, **fields)
        return result["code"]

    @property
    def errors(self) -> list[Any]:
        return self.outlet.on(ROOT + "bridge/main/error")

    @property
    def commands(self) -> list[Any]:
        return [command for _, command in self.fleet.taken]

    def _acknowledge(self) -> None:
        self.acknowledged += 1


@pytest.fixture
async def world() -> World:
    return World()


# --- What is taken ----------------------------------------------------------------------------------------------------


async def test_an_edge_always_gets_a_result(world):
    assert world.send("garage/1/cmd/swipe", "04A2") == [
        {
            "topic": "garage/1/cmd/swipe",
            "request_id": None,
            "status": "ok",
            "code": None,
            "detail": None,
            "at": "2023-11-14T22:13:20.000Z",
            "data": None,
        }
    ]
    assert world.outlet.topics()[-1] == "ocpp-twin/garage/result"


async def test_a_level_gets_one_only_where_it_asks(world):
    assert world.send("garage/1/set/plugged", "ON") == []
    assert world.send("garage/1/set/plugged", {"value": "ON", "request_id": "r"})[0]["request_id"] == "r"
    assert world.send("garage/1/set/plugged", "ON", response_topic="answers")[0]["status"] == "ok"
    assert world.send("garage/1/set/plugged", "maybe")[0]["code"] == "bad_value"


async def test_a_response_topic_comes_with_its_correlation_data(world):
    world.send("garage/1/cmd/swipe", "04A2", response_topic="answers", correlation=b"x")
    assert (world.outlet.sent[-1].topic, world.outlet.sent[-1].correlation) == ("answers", b"x")
    assert "ocpp-twin/garage/result" not in world.outlet.topics()


async def test_ok_is_said_and_acknowledged_when_it_is_stored(world):
    world.fleet.held = True
    assert world.send("garage/1/cmd/swipe", "04A2", qos=1) == []
    assert world.acknowledged == 0
    world.fleet.release()
    assert world.acknowledged == 1
    world.publisher._hand_over()
    assert world.outlet.on("ocpp-twin/garage/result")[0]["status"] == "ok"


async def test_empty_retained_messages_are_ignored_everywhere(world):
    for topic in ("garage/1/cmd/stop", "nowhere/cmd/stop", "bridge/main/request/list_twins", "garage/1/set/plugged"):
        assert world.send(topic, "", retain=True) == []
    assert (world.errors, world.commands, world.acknowledged) == ([], [], 4)


async def test_an_empty_level_is_ignored(world):
    assert world.send("garage/1/set/plugged", "") == []
    assert world.send("garage/1/set/plugged", "", response_topic="answers")[0]["status"] == "ignored"
    assert (world.errors, world.commands) == ([], [])


# --- Codes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "payload", "code", "near"),
    [
        ("garage/0/cmd/stop", "", "unknown_evse", "'1'"),
        ("garage/01/cmd/stop", "", "unknown_evse", "'1'"),
        ("garage/x/cmd/stop", "", "unknown_evse", "'1'"),
        ("office/7/cmd/stop", "", "unknown_evse", "'2'"),
        ("garage/1/cmd/stpo", "", "unknown_command", "'cmd/stop'"),
        ("garage/1/cmd/reset", "", "unknown_command", "garage/cmd/reset"),
        ("garage/set/plugged", "ON", "unknown_command", "garage/1/set/plugged"),
        ("garage/cmd", "", "unknown_command", ""),
        ("garage/cmd/security_event", "{}", "bad_value", "type is missing"),
        ("garage/1/cmd/swipe", "x" * 65_537, "too_large", "65536"),
        ("garage/1/set/plugged", "{", "bad_json", ""),
        ("garage/1/set/power_w", "1e9", "out_of_range", ""),
    ],
)
async def test_codes_for_topic_and_payload(world, topic, payload, code, near):
    (result,) = world.send(topic, payload)
    assert (result["status"], result["code"]) == ("error", code)
    assert near in result["detail"]
    (error,) = world.errors
    assert (error["topic"], error["code"], error["count"]) == (topic, code, 1)
    assert error["payload"] == payload[:256]
    assert world.commands == []
    assert world.acknowledged == 1


async def test_an_unknown_twin_is_told_on_the_error_topic_and_to_the_sender(world):
    assert world.send("garaeg/1/cmd/stop", "") == []
    assert world.errors[0]["code"] == "unknown_twin"
    assert "'garage'" in world.errors[0]["detail"]
    assert world.code("garaeg/1/cmd/stop", "", response_topic="answers") == "unknown_twin"
    assert world.send("bridge/set/plugged", "ON") == []
    assert world.errors[-1]["topic"] == "bridge/set/plugged"


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_retained_edge_is_refused(world, qos):
    assert world.code("garage/1/cmd/swipe", "04A2", retain=True, qos=qos) == "retained_command"
    assert world.code("bridge/main/request/list_twins", "{}", retain=True) == "retained_command"


async def test_what_is_not_allowed():
    world = World(MqttOptions(allow=("set/*", "cmd/swipe")))
    assert world.code("garage/1/cmd/stop") == "not_allowed"
    assert world.code("garage/1/cmd/swipe", "04A2") is None
    assert world.send("garage/1/set/plugged", "ON") == []
    assert world.code("bridge/main/request/list_twins", "{}") == "not_allowed"


async def test_a_flood_is_limited_for_each_twin():
    world = World(MqttOptions(rate_per_s=0.001, rate_burst=2))
    assert [world.code("garage/1/cmd/stop") for _ in range(3)] == [None, None, "rate_limited"]
    assert world.code("office/1/cmd/stop") is None


async def test_the_order_in_which_reasons_are_looked_for():
    world = World(MqttOptions(allow=("set/*",), max_payload=10, rate_burst=1, rate_per_s=0.001))
    large = "x" * 11
    assert world.code("garage/9/cmd/none", large, retain=True) == "unknown_evse"
    assert world.code("garage/1/cmd/none", large, retain=True) == "unknown_command"
    assert world.code("garage/1/cmd/stop", large, retain=True) == "too_large"
    assert world.code("garage/1/cmd/stop", "{", retain=True) == "not_allowed"
    world.send("garage/1/set/plugged", "ON")
    assert world.code("garage/1/set/plugged", "{") == "rate_limited"


async def test_a_request_id_that_is_too_long(world):
    (result,) = world.send("garage/1/cmd/stop", {"request_id": "x" * 65})
    assert (result["code"], result["request_id"]) == ("bad_value", None)


async def test_a_refused_message_is_answered_with_its_request_id(world):
    (result,) = world.send("garage/1/cmd/swipe", {"value": "", "request_id": "r"})
    assert (result["code"], result["request_id"]) == ("bad_value", "r")


async def test_the_twins_refusal_is_no_error_of_the_message(world):
    world.fleet.refusal = Rejected("state_conflict", "there is no session")
    (result,) = world.send("garage/1/cmd/stop", {"request_id": "r"})
    assert (result["code"], result["detail"]) == ("state_conflict", "there is no session")
    assert world.errors == []
    world.fleet.refusal = None
    assert world.code("garage/1/cmd/stop", {"request_id": "r"}) is None, "what was refused may be sent again"


async def test_a_failure_is_told_and_does_not_stop_anything(world):
    world.fleet.broken = True
    assert world.code("garage/1/cmd/stop") == "internal"
    world.fleet.broken = False
    assert world.code("garage/1/cmd/stop") is None
    assert world.acknowledged == 2


async def test_errors_of_one_kind_are_collapsed(world):
    for _ in range(5):
        world.send("nowhere/1/cmd/stop")
    assert len(world.errors) == 1
    assert world.router.refused_total == 5


# --- Duplicates -------------------------------------------------------------------------------------------------------


async def test_a_duplicate_is_not_done_again(world):
    swipe = {"value": "04A2", "request_id": "r"}
    assert world.code("garage/1/cmd/swipe", swipe) is None
    (result,) = world.send("garage/1/cmd/swipe", swipe)
    assert (result["status"], result["code"], result["request_id"]) == ("ignored", "duplicate", "r")
    assert len(world.commands) == 1
    assert world.code("office/1/cmd/swipe", swipe) is None, "another topic"
    world.now += 600
    assert world.code("garage/1/cmd/swipe", swipe) is None


async def test_a_duplicate_is_known_across_a_restart(world):
    world.send("garage/1/cmd/swipe", {"value": "04A2", "request_id": "r"})
    again = World(fleet=FakeFleet())
    again.fleet.receipts = world.fleet.receipts
    again.__post_init__()
    assert again.code("garage/1/cmd/swipe", {"value": "04A2", "request_id": "r"}) == "duplicate"


async def test_a_level_with_a_request_id_can_be_a_duplicate_too(world):
    plug = {"value": "ON", "request_id": "r"}
    assert [world.code("garage/1/set/plugged", plug) for _ in range(2)] == [None, "duplicate"]


async def test_a_second_delivery_at_qos_2_is_known_by_its_packet(world):
    assert world.code("garage/1/cmd/swipe", "04A2", qos=2, mid=7) is None
    assert world.code("garage/1/cmd/swipe", "04A2", qos=2, mid=7, dup=True) == "duplicate"
    assert world.code("garage/1/cmd/swipe", "04A2", qos=2, mid=7) is None, "packet ids come back"
    assert world.code("garage/1/cmd/swipe", "04A2", qos=2, mid=8, dup=True) is None


# --- Age and replays --------------------------------------------------------------------------------------------------


async def test_an_old_edge_is_stale(world):
    assert world.code("garage/1/cmd/stop", {"at": START - 301}) == "stale"
    assert world.code("garage/1/cmd/stop", {"at": START - 299}) is None
    assert world.code("garage/1/cmd/stop", {"at": START + 1e6}) is None


async def test_a_level_older_than_the_last_one_is_stale(world):
    assert world.send("garage/1/set/power_w", {"value": 1, "at": START - 1_000}) == []
    assert world.code("garage/1/set/power_w", {"value": 2, "at": START - 1_001}) == "stale"
    assert world.send("garage/1/set/power_w", {"value": 2, "at": START - 1_000}) == []
    world.send("garage/1/set/power_w", "3")
    assert world.code("garage/1/set/power_w", {"value": 4, "at": START - 1}) == "stale"
    assert world.send("garage/1/set/soc_pct", {"value": 4, "at": START - 1}) == []


async def test_retained_levels_count_at_the_start_and_not_when_replayed_after_a_live_one(world):
    world.router.replay_begins()
    world.send("garage/1/set/plugged", "ON", retain=True)
    world.router.replay_ends()
    world.send("garage/1/set/plugged", "OFF")
    world.router.replay_begins()
    assert world.send("garage/1/set/plugged", "ON", retain=True) == []
    world.send("garage/1/set/plugged", "ON", retain=True)
    assert [type(command) for command in world.commands] == [inputs.PlugIn, inputs.Unplug, inputs.PlugIn]
    assert world.acknowledged == 4


# --- Calls, frames, requests ------------------------------------------------------------------------------------------


async def test_a_call_waits_for_its_answer(world):
    world.fleet.outcome = None
    call = {"action": "Heartbeat", "payload": {}, "request_id": "r"}
    assert world.send("garage/cmd/call", call, qos=1) == []
    assert world.acknowledged == 1
    assert world.code("garage/cmd/call", call) == "duplicate"
    world.fleet.calling[0](CallOutcome("", "ok", {"currentTime": "now"}))
    world.publisher._hand_over()
    assert world.outlet.on("ocpp-twin/garage/result")[-1]["data"] == {"currentTime": "now"}
    (again,) = world.send("garage/cmd/call", call)
    assert (again["code"], again["data"]) == ("duplicate", {"currentTime": "now"})
    assert world.fleet.receipts[-1].data == b'{"currentTime":"now"}'


@pytest.mark.parametrize("status", ["call_error", "timeout", "offline"])
async def test_a_call_that_fails_may_be_made_again(world, status):
    world.fleet.outcome = CallOutcome("", status, {"code": "X"} if status == "call_error" else None)
    call = {"action": "Heartbeat", "request_id": "r"}
    assert [world.code("garage/cmd/call", call) for _ in range(2)] == [status, status]
    assert world.fleet.receipts == []


async def test_a_call_without_a_connection_is_refused(world):
    world.fleet.refusal = Rejected("offline", "there is no connection")
    assert world.code("garage/cmd/call", {"action": "Heartbeat"}) == "offline"


async def test_a_frame_goes_out_as_it_is(world):
    assert world.code("garage/cmd/frame", '[2,"1"') is None
    assert world.fleet.frames == [("garage", '[2,"1"')]


async def test_twins_are_listed_where_it_was_asked(world):
    (result,) = world.send("bridge/main/request/list_twins", {"request_id": "r", "ids": "gar*"})
    assert (result["topic"], result["request_id"]) == ("bridge/main/request/list_twins", "r")
    twin = {"id": "garage", "identity": "CP 1", "connected": True, "status": "Available"}
    assert result["data"] == {"total": 1, "twins": [twin]}
    assert world.outlet.topics()[-1] == "ocpp-twin/bridge/main/response/list_twins"
    assert world.send("bridge/main/request/list_twins", "", response_topic="answers")[0]["data"]["total"] == 2


async def test_frames_of_a_twin_are_published_when_somebody_asks_for_them(world):
    def frames():
        for twin in ("garage", "office"):
            world.publisher.frame(twin, "sent", Frame("[]", None), START)
        while world.publisher._hand_over():
            pass
        return [topic for topic in world.outlet.topics() if "/ocpp/" in topic]

    assert frames() == []
    (result,) = world.send("bridge/main/request/trace", {"ids": ["garage", "shed"], "for_s": 60})
    assert (result["status"], result["data"]["matched"], result["data"]["unknown"]) == ("ok", 1, ["shed"])
    assert frames() == ["ocpp-twin/garage/ocpp/sent"]
    assert world.send("bridge/main/request/trace", {"ids": "*", "for_s": 0})[0]["data"]["until"] is None
    assert frames() == ["ocpp-twin/garage/ocpp/sent"]


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({}, "bad_value", "/ids"),
        ({"ids": []}, "bad_value", "/ids"),
        ({"ids": "*", "for_s": -1}, "out_of_range", "/for_s"),
        ({"ids": "*", "for_s": 86_401}, "out_of_range", "/for_s"),
        ({"ids": "*", "for_s": "60"}, "bad_value", "/for_s"),
        ({"ids": "*", "for_s": True}, "bad_value", "/for_s"),
    ],
)
async def test_a_wrong_wish_to_trace_is_refused(world, fields, code, pointer):
    assert world.code("bridge/main/request/trace", fields) == code
    assert world.errors[0]["pointer"].startswith(pointer)


async def test_who_may_not_trace_is_told():
    world = World(MqttOptions(allow=("set/*", "request/list_twins")))
    assert world.code("bridge/main/request/trace", {"ids": "*"}) == "not_allowed"


async def test_a_twin_is_restarted_once(world):
    restart = {"id": "garage", "request_id": "r"}
    (result,) = world.send("bridge/main/request/restart_twin", restart)
    assert (result["status"], result["data"]) == ("ok", {"id": "garage"})
    (again,) = world.send("bridge/main/request/restart_twin", restart)
    assert (again["code"], again["data"]) == ("duplicate", {"id": "garage"})
    assert world.fleet.restarted == ["garage"]


@pytest.mark.parametrize("verb", ["add_twins", "set", "", "x/y"])
async def test_unknown_verbs_are_answered(world, verb):
    (result,) = world.send(f"bridge/main/request/{verb}", "{}")
    assert result["code"] == "unknown_command"
    assert "list_twins, add_twin" in result["detail"]


async def test_where_the_twins_are_fixed_that_is_said(world):
    (result,) = world.send("bridge/main/request/remove_twin", {"id": "garage", "request_id": "r"})
    assert (result["code"], result["request_id"]) == ("state_conflict", "r")
    (again,) = world.send("bridge/main/request/remove_twin", {"id": "garage", "request_id": "r"})
    assert again["code"] == "state_conflict"  # what was refused may be sent again


async def test_what_is_no_topic_of_ours_is_told(world):
    world.send("bridge/main/request", "{}")
    assert world.errors[0]["code"] == "unknown_command"
