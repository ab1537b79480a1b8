from itertools import count

import pytest

from twin.errors import ProtocolError
from twin.model.effects import HeartbeatDue
from twin.ocpp.endpoint import HANDLED_FOR_S, Endpoint
from twin.ocpp.outbox import Job


@pytest.fixture
def endpoint():
    numbers = count(1)
    return Endpoint(lambda: f"m{next(numbers)}")


def beat():
    return Job(1, HeartbeatDue())


def test_a_call_is_under_way_until_its_answer_comes(endpoint):
    job = beat()
    flight = endpoint.depart("Heartbeat", job, 0.0, 30.0)
    assert (endpoint.busy, endpoint.deadline) == (True, 30.0)
    assert endpoint.answered(flight.id).job is job
    assert (endpoint.busy, endpoint.deadline) == (False, None)


@pytest.mark.parametrize("message_id", ["other", None, ""])
def test_somebody_elses_answer_changes_nothing(endpoint, message_id):
    endpoint.depart("Heartbeat", beat(), 0.0, 30.0)
    assert endpoint.answered(message_id) is None
    assert endpoint.busy


def test_a_second_answer_is_nobodys(endpoint):
    flight = endpoint.depart("Heartbeat", beat(), 0.0, 30.0)
    endpoint.answered(flight.id)
    assert endpoint.answered(flight.id) is None


def test_a_late_answer_does_not_satisfy_the_next_call(endpoint):
    first = endpoint.depart("Heartbeat", beat(), 0.0, 30.0)
    assert endpoint.expired(29.9) is None
    assert endpoint.expired(30.0) is first
    endpoint.depart("Heartbeat", beat(), 0.0, 60.0)
    assert endpoint.answered(first.id) is None
    assert endpoint.busy


def test_every_call_has_an_id_of_its_own(endpoint):
    job = beat()
    assert endpoint.depart("Heartbeat", job, 0.0, 1.0).id != endpoint.depart("Heartbeat", job, 0.0, 2.0).id


def test_a_new_connection_begins_anew(endpoint):
    flight = endpoint.depart("Heartbeat", beat(), 0.0, 30.0)
    endpoint.accept("a", 0.0)
    assert endpoint.reset() is flight
    assert not endpoint.busy
    endpoint.accept("a", 0.0)


def test_an_id_of_36_characters_is_taken_and_37_are_not(endpoint):
    endpoint.accept("x" * 36, 0.0)
    with pytest.raises(ProtocolError) as caught:
        endpoint.accept("y" * 37, 0.0)
    assert caught.value.message_id == "y" * 37


def test_an_id_that_is_being_handled_is_refused(endpoint):
    endpoint.accept("a", 10.0)
    endpoint.accept("b", 10.01)
    with pytest.raises(ProtocolError) as caught:
        endpoint.accept("a", 10.02)
    assert (caught.value.code, caught.value.message_id) == ("GenericError", "a")


def test_an_id_may_come_again_when_it_was_handled(endpoint):
    endpoint.accept("a", 10.0)
    endpoint.accept("a", 10.0 + HANDLED_FOR_S)


def test_few_ids_are_remembered(endpoint):
    for number in range(1000):
        endpoint.accept(str(number), 10.0)
    assert len(endpoint._handled) == 16
    with pytest.raises(ProtocolError):
        endpoint.accept("999", 10.0)
