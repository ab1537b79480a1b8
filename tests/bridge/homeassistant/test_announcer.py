import asyncio
import json
from dataclasses import replace

import msgspec
import pytest
import structlog
from fakes.fleet import STATION, FakeFleet

from bridge.homeassistant import announcer as module
from bridge.homeassistant.announcer import Announcer
from bridge.homeassistant.device import device_message, topic
from bridge.homeassistant.options import DiscoveryOptions
from bridge.ports import Incoming
from twin.model.spec import EvseSpec

OPTIONS = DiscoveryOptions()
STATUS = "homeassistant/status"
CONFIGS = "homeassistant/device/+/config"


class Board:
    """Be a publisher that writes down what it is told to do."""

    def __init__(self):
        self.done = []

    def came(self, twin_id):
        self.done.append(f"show {twin_id}")

    def went(self, twin_id, evses, first=0):
        self.done.append(f"clear {twin_id} {evses} {first}")

    def hand_over(self, message):
        assert (message.qos, message.retain, message.keep) == (1, True, False)
        name = message.topic.removeprefix("homeassistant/device/").removesuffix("/config")
        self.done.append(f"announce {name}" if message.payload else f"forget {name}")
        self.last = json.loads(message.payload or b"null")

    def take(self):
        done, self.done = self.done, []
        return done


class FakeLine:
    """Be a connection to a broker that keeps messages; `refuses` says so."""

    def __init__(self, *, refuses=False):
        self.refuses = refuses
        self.kept = {}
        self.filters = []
        self.dropped = []
        self.to = None

    async def listen(self, filters):
        self.filters += filters
        if self.refuses:
            return [(name, "not authorised") for name in filters]
        if CONFIGS in filters:
            for name, payload in self.kept.items():
                say(self.to, name, payload, retain=True)
        return []

    def drop(self, filters):
        self.dropped += filters


class Bench:
    """Hold an announcer; `waits` are the pauses it made, and `born` counts how often Home Assistant came up."""

    def __init__(self, fleet=None, options=OPTIONS, line=None):
        self.fleet = fleet or FakeFleet()
        self.board = Board()
        self.line = line or FakeLine()
        self.waits = []
        self.announcer = Announcer(options, self.fleet, self.board, wait_s=lambda: 7.0, sleep=self.sleep)
        self.line.to = self.announcer
        self.task = None

    async def sleep(self, seconds):
        self.waits.append(seconds)
        await asyncio.sleep(0)

    async def connect(self):
        await self.disconnect()
        self.task = asyncio.create_task(self.announcer.attend(self.line))
        await self.settle()
        return self.board.take()

    async def disconnect(self):
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def settle(self):
        for _ in range(1_000):
            await asyncio.sleep(0)


@pytest.fixture
async def make():
    benches = []

    def bench(*args, **kwargs):
        benches.append(Bench(*args, **kwargs))
        return benches[-1]

    yield bench
    for one in benches:
        await one.disconnect()


def say(announcer, name, payload, *, retain=False):
    acknowledged = []
    assert announcer.hears(name)
    announcer.handle(Incoming(name, payload, lambda: acknowledged.append(1), retain=retain))
    assert acknowledged == [1]


def kept(fleet, twin_id, options=OPTIONS):
    return {topic(twin_id, options): json.dumps(device_message(fleet.spec(twin_id), options)).encode()}


async def test_all_twins_are_announced_at_each_connect(make):
    bench = make()
    assert await bench.connect() == ["announce ocpp-twin_garage", "announce ocpp-twin_office"]
    assert await bench.connect() == ["announce ocpp-twin_garage", "announce ocpp-twin_office"]
    assert bench.line.filters == [CONFIGS, STATUS] * 2
    assert bench.line.dropped == [CONFIGS] * 2


async def test_when_home_assistant_comes_up_everything_is_said_again_after_a_while(make):
    bench = make()
    await bench.connect()
    bench.waits.clear()
    say(bench.announcer, STATUS, b"online")
    await bench.settle()
    assert bench.board.take() == [
        *("announce ocpp-twin_garage", "show garage"),
        *("announce ocpp-twin_office", "show office"),
    ]
    assert bench.waits[0] == 7.0
    say(bench.announcer, STATUS, b"offline")
    await bench.settle()
    assert bench.board.take() == []


async def test_home_assistant_coming_up_twice_in_a_row_is_answered_once(make):
    bench = make(FakeFleet({"a": 1}))
    await bench.connect()
    say(bench.announcer, STATUS, b"online")
    say(bench.announcer, STATUS, b"online")
    await bench.settle()
    assert bench.board.take() == ["announce ocpp-twin_a", "show a"]


async def test_what_stands_of_twins_that_are_gone_is_cleared_once(make):
    bench = make()
    old = FakeFleet({"shed": 1})
    foreign = kept(old, "shed", DiscoveryOptions(node="other", base_topic="elsewhere"))
    bench.line.kept = {
        **kept(old, "shed"),
        **kept(bench.fleet, "garage"),
        **foreign,
        "homeassistant/device/0x1/config": b'{"origin": {"name": "zigbee2mqtt"}}',
        "homeassistant/device/0x2/config": b"[",
        "homeassistant/device/0x3/config": b"",
    }
    assert await bench.connect() == [
        *("forget ocpp-twin_shed", "announce ocpp-twin_garage", "announce ocpp-twin_office")
    ]


async def test_everything_is_cleared_where_it_is_disabled_and_nothing_is_said(make):
    bench = make(options=replace(OPTIONS, enabled=False))
    bench.line.kept = kept(bench.fleet, "garage")
    assert await bench.connect() == ["forget ocpp-twin_garage"]
    assert bench.line.filters == [CONFIGS]
    assert bench.line.dropped == [CONFIGS, STATUS]
    bench.fleet.twins["new"] = 1
    bench.announcer.came("new")
    bench.announcer.went("garage", 1)
    bench.announcer.changed("office")
    assert bench.board.take() == ["show new", "clear garage 1 0"]


async def test_twins_that_come_and_go_are_announced_and_forgotten(make):
    bench = make(FakeFleet({"a": 1}))
    await bench.connect()
    bench.fleet.twins["b"] = 2
    bench.announcer.came("b")
    assert bench.board.take() == ["announce ocpp-twin_b", "show b"]
    del bench.fleet.twins["b"]
    bench.announcer.went("b", 2)
    assert bench.board.take() == ["forget ocpp-twin_b", "clear b 2 0"]
    bench.announcer.went("b", 2)
    assert bench.board.take() == ["clear b 2 0"]
    bench.announcer.came("b")  # it was removed before it was known to have come
    assert bench.board.take() == []


async def test_a_twin_that_goes_while_there_is_no_connection_is_forgotten_at_the_next(make):
    bench = make(FakeFleet({"a": 1, "b": 1}))
    await bench.connect()
    await bench.disconnect()
    bench.board.take()
    spec, twins = bench.fleet.spec("a"), bench.fleet.twins
    del twins["a"], twins["b"]
    bench.announcer.went("a", 1)
    bench.announcer.went("b", 1)
    assert bench.board.take() == ["clear a 1 0", "clear b 1 0"]
    twins["b"] = 1  # and comes back
    bench.line.kept = {topic("a", OPTIONS): json.dumps(device_message(spec, OPTIONS)).encode()}
    assert await bench.connect() == ["forget ocpp-twin_a", "announce ocpp-twin_b"]
    assert await bench.connect() == ["forget ocpp-twin_a", "announce ocpp-twin_b"]  # it still stands there
    bench.line.kept = {}
    assert await bench.connect() == ["announce ocpp-twin_b"]


async def test_what_a_broker_without_memory_has_lost_is_remembered(make):
    bench = make(FakeFleet({"a": 2}))
    await bench.connect()
    await bench.disconnect()
    bench.fleet.twins["a"] = 1
    await bench.connect()
    assert bench.board.last["components"]["2_power"] == {"platform": "sensor"}


async def test_entities_that_a_twin_has_no_more_are_removed_also_after_a_restart(make):
    bench = make(FakeFleet({"a": 2}))
    bench.line.kept = kept(bench.fleet, "a")
    bench.fleet.twins["a"] = 1
    await bench.connect()
    assert bench.board.last["components"]["2_power"] == {"platform": "sensor"}
    bench.fleet.spec = lambda twin_id: msgspec.structs.replace(
        FakeFleet({"a": 1}).spec("a"), evses=(EvseSpec(phases=1),)
    )
    bench.announcer.went("a", 2, 2)
    bench.announcer.came("a")
    assert bench.board.take() == ["clear a 2 2", "announce ocpp-twin_a", "show a"]
    assert bench.board.last["components"]["1_current_l3"] == {"platform": "sensor"}
    assert bench.board.last["components"]["2_power"] == {"platform": "sensor"}


async def test_another_firmware_is_told(make):
    bench = make(FakeFleet({"a": 1}))
    bench.announcer.changed("a")
    await bench.connect()
    bench.announcer.changed("a")
    assert bench.board.take() == []
    bench.fleet.views["a", ("station", 0)] = msgspec.structs.replace(STATION, firmware_version="2.0")
    bench.announcer.changed("a")
    assert bench.board.take() == ["announce ocpp-twin_a"]
    assert bench.board.last["device"]["sw_version"] == "2.0"


async def test_globs_say_who_appears(make):
    options = replace(OPTIONS, include=("g*", "o*"), exclude=("*e",))
    bench = make(FakeFleet({"garage": 1, "go": 1, "shed": 1}), options)
    assert await bench.connect() == ["announce ocpp-twin_go"]
    bench.announcer.came("garage")
    assert bench.board.take() == ["show garage"]


async def test_no_more_than_so_many_appear_and_the_log_says_how_to_change_it(make):
    bench = make(FakeFleet(dict.fromkeys("abcd", 1)), replace(OPTIONS, max_twins=2))
    bench.line.kept = {**kept(bench.fleet, "d")}
    with structlog.testing.capture_logs() as lines:
        assert await bench.connect() == ["announce ocpp-twin_d", "announce ocpp-twin_a"]
        bench.announcer.came("b")
        assert bench.board.take() == ["show b"]
    (line,) = lines
    assert (line["event"], line["max_twins"], line["left_out"]) == ("not_all_twins_announced", 2, 2)
    assert "home_assistant.max_twins" in line["advice"]
    bench.fleet.twins.pop("a")
    bench.announcer.went("a", 1)
    bench.announcer.came("b")
    assert bench.board.take() == ["forget ocpp-twin_a", "clear a 1 0", "announce ocpp-twin_b", "show b"]


async def test_a_lower_limit_clears_the_rest(make):
    bench = make(FakeFleet(dict.fromkeys("ab", 1)), replace(OPTIONS, max_twins=1))
    bench.line.kept = {**kept(bench.fleet, "a"), **kept(bench.fleet, "b")}
    assert await bench.connect() == ["forget ocpp-twin_b", "announce ocpp-twin_a"]


FLEET = replace(OPTIONS, all_or_none=True, max_twins=2)


async def test_all_appear_or_none(make):
    bench = make(FakeFleet(dict.fromkeys("abc", 1)), FLEET)
    bench.line.kept = kept(bench.fleet, "a")
    with structlog.testing.capture_logs() as lines:
        assert await bench.connect() == ["forget ocpp-twin_a"]
    assert [(line["event"], line["twins"], line["max_twins"]) for line in lines] == [("discovery_off", 3, 2)]
    assert bench.announcer.announced == 0


async def test_only_twins_that_are_meant_to_appear_are_counted(make):
    bench = make(FakeFleet(dict.fromkeys("abc", 1)), replace(FLEET, include=("a", "b")))
    assert await bench.connect() == ["announce ocpp-twin_a", "announce ocpp-twin_b"]


async def test_one_too_many_and_all_go_until_it_has_gone(make):
    bench = make(FakeFleet(dict.fromkeys("ab", 1)), FLEET)
    await bench.connect()
    bench.announcer.came("a")  # it was changed, and is counted once
    assert bench.board.take() == ["announce ocpp-twin_a", "show a"]
    bench.fleet.twins["c"] = 1
    bench.announcer.came("c")
    assert bench.board.take() == ["forget ocpp-twin_a", "forget ocpp-twin_b", "show c"]
    say(bench.announcer, STATUS, b"online")
    await bench.settle()
    assert bench.board.take() == []
    del bench.fleet.twins["a"]
    bench.announcer.went("a", 1)
    await bench.settle()
    done = bench.board.take()
    assert done[0] == "clear a 1 0"
    assert {"announce ocpp-twin_b", "announce ocpp-twin_c"} < set(done)


async def test_another_profile_lets_all_appear_or_go(make):
    bench = make(FakeFleet({"a": 1}), replace(OPTIONS, enabled=False))
    assert await bench.connect() == []
    bench.announcer.follow(OPTIONS)
    await bench.settle()
    assert "announce ocpp-twin_a" in bench.board.take()
    bench.announcer.follow(replace(OPTIONS, hidden=frozenset({"meter"})))
    await bench.settle()
    assert bench.board.take()
    assert bench.board.last["components"]["1_power"] == {"platform": "sensor"}
    bench.announcer.follow(replace(OPTIONS, enabled=False))
    await bench.settle()
    assert bench.board.take() == ["forget ocpp-twin_a"]
    bench.announcer.follow(replace(OPTIONS, enabled=False))
    await bench.settle()
    assert bench.board.take() == []


async def test_a_twin_that_is_too_large_for_a_broker_is_left_out(make, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    bench = make(FakeFleet({"a": 1}))
    with structlog.testing.capture_logs() as lines:
        assert await bench.connect() == []
    assert [line["event"] for line in lines] == ["twin_not_announced"]


async def test_a_broker_that_refuses_is_told_of(make):
    bench = make(FakeFleet({"a": 1}), line=FakeLine(refuses=True))
    with structlog.testing.capture_logs() as lines:
        assert await bench.connect() == ["announce ocpp-twin_a"]
    assert [line["filter"] for line in lines] == [CONFIGS, STATUS]


async def test_twins_that_go_while_it_announces_are_left_out(make):
    bench = make(FakeFleet({"a": 1, "b": 1}))
    bench.sleep_before = bench.announcer._sleep

    async def sleep(seconds):
        bench.fleet.twins.pop("b", None) if seconds == module._PAUSE_S else None
        await asyncio.sleep(0)

    bench.announcer._sleep = sleep
    assert await bench.connect() == ["announce ocpp-twin_a"]


@pytest.mark.parametrize("name", ["homeassistant/sensor/x/config", "ocpp-twin/a/set/plugged", "homeassistant/statuses"])
def test_it_hears_nothing_else(name):
    assert not Announcer(OPTIONS, FakeFleet(), Board()).hears(name)
