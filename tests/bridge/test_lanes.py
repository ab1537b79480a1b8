from __future__ import annotations

from fakes.fleet import FakeFleet
from fakes.outlet import FakeOutlet

from bridge.backlog import Backlog
from bridge.lanes import Lanes, Left
from bridge.options import MqttOptions
from bridge.ports import Outgoing
from bridge.states import States
from bridge.topics import Topics


def message(topic: str, *, keep: bool = False) -> Outgoing:
    return Outgoing(topic, b"1", 1, retain=False, keep=keep)


def lanes() -> Lanes:
    options = MqttOptions()
    states = States(options, Topics(options.base_topic, options.node))
    states.attach(FakeFleet({}))
    return Lanes(states, Backlog(100))


def all_of(found: Lanes, outlet: FakeOutlet) -> list[str]:
    while found.hand_over(outlet) is Left.MORE:
        pass
    return outlet.topics()


def test_the_urgent_goes_before_documents_what_happened_and_sweeps():
    found = lanes()
    found.sweep([message("sweep")])
    found.trace(message("trace"))
    found.happen(message("event"))
    found.document(message("document"))
    found.urge(message("urgent"))
    assert all_of(found, FakeOutlet()) == ["urgent", "document", "event", "trace", "sweep"]
    assert found.sent_total == 5


def test_no_lane_holds_up_the_others():
    found, outlet = lanes(), FakeOutlet()
    for number in range(20):
        found.happen(message(f"event {number}"))
    found.sweep([message("sweep")])
    assert found.hand_over(outlet) is Left.MORE
    assert outlet.topics()[-1] == "sweep"


def test_it_says_why_it_stopped():
    found = lanes()
    found.happen(message("event"))
    assert found.hand_over(FakeOutlet(room=0)) is Left.FULL
    assert found.hand_over(FakeOutlet()) is Left.NOTHING


def test_with_each_connection_documents_come_again_and_what_is_not_kept_is_forgotten():
    found = lanes()
    for topic in ("one", "two"):
        found.document(message(topic))
    all_of(found, FakeOutlet())
    found.urge(message("urgent"))
    found.trace(message("trace"))
    found.sweep([message("sweep")])
    found.interrupt([message("uncertain", keep=True), message("state")])
    found.begin("two")
    assert all_of(found, FakeOutlet()) == ["two", "one", "uncertain"]


def test_what_the_broker_cannot_take_is_counted():
    found = lanes()
    found.happen(Outgoing("event", b"long", 1, retain=False))
    assert all_of(found, FakeOutlet(max_size=1)) == []
    assert found.unsendable == 1
    assert found.sent_total == 0
