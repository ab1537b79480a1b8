from __future__ import annotations

import asyncio

import msgspec
import pytest
from fakes.fleet import EVSE, FakeFleet
from fakes.outlet import FakeOutlet

from bridge.options import MqttOptions
from bridge.profiles import output
from bridge.publisher import Publisher
from bridge.refusals import Code, Complaint
from bridge.render import Outcome
from twin.errors import StoreError
from twin.fleet import Frame
from twin.model.effects import Note

NOW = 1_700_000_000.0
EVENTS = "ocpp-twin/garage/event"


def publisher_of(fleet: FakeFleet | None = None, **options) -> Publisher:
    publisher = Publisher(MqttOptions(**options), now=lambda: NOW)
    publisher.attach(fleet or FakeFleet({"garage": 1}))
    return publisher


def pump(publisher: Publisher) -> None:
    while publisher._hand_over():
        pass


def note(name: str = "plugged") -> Note:
    return Note(name, {}, NOW, evse=1)


@pytest.fixture
async def outlet():
    return FakeOutlet()


async def test_online_comes_first_then_everything(outlet):
    publisher = publisher_of()
    publisher.connected(outlet)
    pump(publisher)
    assert outlet.topics()[0] == "ocpp-twin/bridge/main/availability"
    assert len(outlet.sent) == 1 + 6
    assert publisher.sent_total == 7


async def test_events_are_numbered_for_each_twin_and_kept_while_the_broker_is_away(outlet):
    publisher = publisher_of()
    for _ in range(2):
        publisher.noted("garage", note())
    publisher.noted("office", note())
    publisher.connected(outlet)
    pump(publisher)
    assert [event["seq"] for event in outlet.on(EVENTS)] == [1, 2]
    assert [event["seq"] for event in outlet.on("ocpp-twin/office/event")] == [1]


async def test_quiet_numbers_what_it_tells_and_never_leaves_out_results_and_errors(outlet):
    publisher = publisher_of(output=output("quiet"))
    publisher.connected(outlet)
    for name in ("plugged", "fault", "status_changed", "transaction_stopped"):
        publisher.noted("garage", note(name))
    publisher.noted("garage", Note("plugged", {}, NOW, evse=1, request_id="mine"))
    publisher.result("ocpp-twin/garage/result", Outcome("t", "ok"))
    publisher.complain(Complaint("t", Code.BAD_VALUE, "d", None, ""))
    pump(publisher)
    told = [(event["seq"], event["type"]) for event in outlet.on(EVENTS)]
    assert told == [(1, "fault"), (2, "transaction_stopped"), (3, "plugged")]
    assert publisher.told["plugged"] == 2
    assert outlet.on("ocpp-twin/garage/result")
    assert outlet.on("ocpp-twin/bridge/main/error")


async def test_the_oldest_events_are_dropped_and_counted(outlet):
    publisher = publisher_of(max_backlog=2)
    for _ in range(5):
        publisher.noted("garage", note())
    publisher.connected(outlet)
    pump(publisher)
    assert [event["seq"] for event in outlet.on(EVENTS)] == [4, 5]
    assert publisher.dropped_total == 3


async def test_what_was_uncertain_is_sent_again_first(outlet):
    publisher = publisher_of()
    first = FakeOutlet()
    publisher.connected(first)
    publisher.noted("garage", note("a"))
    pump(publisher)
    publisher.noted("garage", note("b"))
    publisher.disconnected(first.sent)
    publisher.connected(outlet)
    pump(publisher)
    assert [event["type"] for event in outlet.on(EVENTS)] == ["a", "b"]
    assert outlet.topics().count("ocpp-twin/garage/1/state") == 1


async def test_states_are_coalesced_while_the_broker_is_slow():
    fleet = FakeFleet({"garage": 1})
    publisher = publisher_of(fleet)
    outlet = FakeOutlet(room=7)
    publisher.connected(outlet)
    pump(publisher)
    for plugged in (True, False, True):
        fleet.views["garage", ("evse", 1)] = msgspec.structs.replace(EVSE, plugged=plugged)
        publisher.changed("garage", {("evse", 1)})
    pump(publisher)
    assert len(outlet.sent) == 7
    outlet.room = None
    pump(publisher)
    assert [state["plugged"] for state in outlet.on("ocpp-twin/garage/1/state")] == [False, True]


async def test_results_carry_their_correlation_data(outlet):
    publisher = publisher_of()
    publisher.connected(outlet)
    publisher.result("answers", Outcome("t", "ok"), b"7")
    pump(publisher)
    (message,) = [message for message in outlet.sent if message.topic == "answers"]
    assert (message.qos, message.retain, message.correlation) == (1, False, b"7")


async def test_complaints_are_collapsed_for_their_interval(outlet, monkeypatch):
    publisher = publisher_of()
    publisher.connected(outlet)
    for number in range(3):
        publisher.complain(Complaint("t", Code.BAD_VALUE, "d", None, str(number)))
    pump(publisher)
    loop = asyncio.get_running_loop()
    later = loop.time() + 10.1
    monkeypatch.setattr(loop, "time", lambda: later)
    publisher._tick()
    pump(publisher)
    assert [(error["count"], error["payload"]) for error in outlet.on("ocpp-twin/bridge/main/error")] == [
        (1, "0"),
        (2, "2"),
    ]
    assert publisher.would_collapse("t", Code.BAD_VALUE)


async def test_a_loop_may_do_at_once_what_is_due_now(outlet, monkeypatch):
    # uvloop returns the handle of call_soon then, which does not know its time.
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_at", lambda _when, act: loop.call_soon(act))
    publisher = publisher_of()
    publisher.connected(outlet)
    for number in range(4):
        publisher.complain(Complaint(f"t{number % 2}", Code.BAD_VALUE, "d", None, str(number)))
    pump(publisher)
    assert len(outlet.on("ocpp-twin/bridge/main/error")) == 2


async def test_only_traced_twins_show_their_frames_and_only_to_a_broker(outlet):
    publisher = publisher_of(trace=("gar*",))
    publisher.frame("garage", "sent", Frame("[]", None), NOW)
    publisher.connected(outlet)
    for twin in ("garage", "office"):
        publisher.frame(twin, "received", Frame("[]", None), NOW)
    pump(publisher)
    assert [topic for topic in outlet.topics() if "/ocpp/" in topic] == ["ocpp-twin/garage/ocpp/received"]


async def test_what_the_broker_cannot_take_is_counted():
    publisher = publisher_of()
    outlet = FakeOutlet(max_size=10)
    publisher.connected(outlet)
    pump(publisher)
    assert outlet.topics() == ["ocpp-twin/bridge/main/availability", "ocpp-twin/garage/availability"]
    assert publisher.dropped_total == 5


async def test_documents_are_published_again_after_each_connect(outlet):
    publisher = publisher_of()
    publisher.document("ocpp-twin/bridge/main/info", b"{}", qos=1)
    for taken in (FakeOutlet(), outlet):
        publisher.connected(taken)
        pump(publisher)
        assert taken.topics()[:2] == ["ocpp-twin/bridge/main/availability", "ocpp-twin/bridge/main/info"]


async def test_the_task_goes_on_when_it_is_woken(outlet):
    publisher = publisher_of()
    task = asyncio.create_task(publisher.run())
    outlet.room = 3
    publisher.connected(outlet)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(outlet.sent) == 3
    outlet.room = None
    publisher.wake()
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(outlet.sent) == 7
    task.cancel()


async def test_of_a_twin_that_went_before_it_was_shown_nothing_stays(outlet):
    fleet = FakeFleet({"garage": 1, "shed": 2})
    publisher = publisher_of(fleet)
    publisher.connected(outlet)
    pump(publisher)
    outlet.sent.clear()
    publisher.came("shed")
    del fleet.twins["shed"]
    publisher.went("shed", 2)
    pump(publisher)
    assert outlet.topics()[-1] == "ocpp-twin/shed/availability"
    assert [message.payload for message in outlet.sent] == [b""] * 10


async def test_what_came_back_is_not_cleared_later(outlet):
    fleet = FakeFleet({"garage": 1, "shed": 2})
    publisher = publisher_of(fleet)
    publisher.went("shed", 3)
    publisher.came("shed")
    publisher.connected(outlet)
    pump(publisher)
    assert {message.topic for message in outlet.sent if not message.payload} == {
        f"ocpp-twin/shed/3/{name}" for name in ("state", "meter", "limit", "session")
    }


async def test_a_farewell_ends_with_the_node(outlet):
    publisher = publisher_of()
    task = asyncio.create_task(publisher.run())
    publisher.connected(outlet)
    publisher.noted("garage", note())
    await publisher.farewell()
    assert outlet.on(EVENTS)
    assert [(message.topic, message.payload) for message in outlet.sent[-2:]] == [
        ("ocpp-twin/garage/availability", b"offline"),
        ("ocpp-twin/bridge/main/availability", b"offline"),
    ]
    task.cancel()


async def test_a_farewell_does_not_wait_for_a_broker_that_is_away(outlet):
    publisher = publisher_of()
    await publisher.farewell()
    task = asyncio.create_task(publisher.run())
    outlet.room = 0
    publisher.connected(outlet)
    farewell = asyncio.create_task(publisher.farewell())
    await asyncio.sleep(0)
    publisher.disconnected([])
    await farewell
    task.cancel()


async def test_who_watches_the_broker_is_told_when_it_came_and_went(outlet):
    publisher, seen = publisher_of(), []
    publisher.watch_broker(lambda: seen.append(publisher.is_connected))
    publisher.connected(outlet)
    publisher.disconnected([])
    assert seen == [True, False]


async def test_a_lost_store_is_passed_on():
    failures: list[StoreError] = []
    publisher = Publisher(MqttOptions(), now=lambda: NOW, on_failed=failures.append)
    error = StoreError("full")
    publisher.failed(error)
    assert failures == [error]
