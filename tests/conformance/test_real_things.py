"""Answers that wait for real things: one reply on every path, and the truth in it (R-08, U-01, RS-01, AV-01)."""

from __future__ import annotations

import pytest
from fakes.scenes import booted, charge, charging, transaction
from hypothesis import given
from hypothesis import strategies as st

from twin.model.effects import Actuate, CancelJob
from twin.model.inputs import Actuated, Boot, EmergencyStop, PlugIn, PresentToken, PressStop, SetPowered, Unplug
from twin.model.spec import Actuator
from twin.model.terms import Action

WAIT_S = 20.0
ALL = tuple(Actuator(action, 0, WAIT_S) for action in Action)
UNCONFIRMED = tuple(Actuator(action) for action in Action)

ASKED = {
    Action.UNLOCK: ("UnlockConnector", {"connectorId": 1}, "Unlocked", "UnlockFailed"),
    Action.REMOTE_START: ("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": 1}, "Accepted", "Rejected"),
    Action.REMOTE_STOP: ("RemoteStopTransaction", {}, "Accepted", "Rejected"),
    Action.AVAILABILITY: ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}, "Accepted", "Rejected"),
    Action.RESET: ("Reset", {"type": "Hard"}, "Accepted", "Rejected"),
}


def scene(action: Action, actuated=ALL):
    """Give a Central System, and what it asks and expects."""
    busy = action is Action.REMOTE_STOP
    cs = charging(actuated=actuated) if busy else booted(actuated=actuated)
    name, payload, good, bad = ASKED[action]
    if busy:
        payload = {"transactionId": transaction(cs)}
    elif action is Action.REMOTE_START:
        cs.command(PlugIn(evse=1))
    return cs, (name, payload), good, bad


def done(cs, *, ok: bool = True) -> None:
    cs.finish(Actuated(cs.wanted(Actuate).job_id, ok, None if ok else "it does not move"))


def answers(cs, message_id: str) -> int:
    return sum(who == "twin" and what.startswith(f'[3,"{message_id}"') for _, who, what in cs.log)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("outcome", ["done", "not done", "too late"])
def test_the_answer_waits_and_is_true(action, outcome):
    cs, asked, good, bad = scene(action)
    message_id = cs.call(*asked)
    assert cs.wanted(Actuate).action is action
    cs.advance(WAIT_S - 1)
    assert message_id not in cs.replies
    job = cs.wanted(Actuate)
    if outcome == "too late":
        cs.advance(2)
        assert CancelJob(job.job_id) in cs.jobs
    else:
        done(cs, ok=outcome == "done")
    assert cs.replies[message_id].status == (good if outcome == "done" else bad)
    cs.finish(Actuated(job.job_id, ok=True))  # once more, and too late: nobody's
    cs.advance(60)
    assert answers(cs, message_id) == 1


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("end", ["link", "power", "crash"])
def test_what_waits_is_forgotten_with_the_connection(action, end):
    cs, asked, _, _ = scene(action)
    message_id = cs.call(*asked)
    job = cs.wanted(Actuate)
    match end:
        case "link":
            cs.cut()
        case "power":
            cs.command(SetPowered(powered=False))
        case "crash":
            cs.crash()
    if end != "crash":
        assert CancelJob(job.job_id) in cs.jobs
    cs.finish(Actuated(job.job_id, ok=True))
    cs.command(SetPowered(powered=True))
    cs.restore()
    cs.advance(120)
    assert answers(cs, message_id) == 0
    assert cs.ask("GetConfiguration", {"key": ["HeartbeatInterval"]}).payload


@pytest.mark.parametrize("action", Action)
def test_without_a_confirmation_it_is_answered_at_once_and_done_as_well(action):
    cs, asked, good, _ = scene(action, UNCONFIRMED)
    assert cs.ask(*asked).status == good
    assert cs.wanted(Actuate).action is action
    cs.finish(Actuated(cs.wanted(Actuate).job_id, ok=False, detail="nobody waits"))


def test_what_is_refused_anyway_is_asked_of_nothing_real():
    cs = booted(actuated=ALL)
    assert cs.ask("RemoteStopTransaction", {"transactionId": 77}).status == "Rejected"
    assert cs.ask("UnlockConnector", {"connectorId": 9}).status == "NotSupported"
    assert cs.ask("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": 9}).status == "Rejected"
    assert cs.ask("ChangeAvailability", {"connectorId": 9, "type": "Operative"}).status == "Rejected"
    assert not [job for job in cs.jobs if isinstance(job, Actuate)]


def test_many_wait_at_the_same_time_each_for_its_own():
    cs = booted(evses=2, actuated=ALL)
    cs.command(PlugIn(evse=1), PlugIn(evse=2))
    first = cs.call("RemoteStartTransaction", {"idTag": "A", "connectorId": 1})
    one = cs.wanted(Actuate)
    second = cs.call("RemoteStartTransaction", {"idTag": "B", "connectorId": 2})
    two = cs.wanted(Actuate)
    third = cs.call("UnlockConnector", {"connectorId": 2})
    three = cs.wanted(Actuate)
    assert len({one.job_id, two.job_id, three.job_id}) == 3
    cs.finish(Actuated(three.job_id, ok=True), Actuated(two.job_id, ok=False), Actuated(one.job_id, ok=True))
    assert [cs.replies[one].status for one in (first, second, third)] == ["Accepted", "Rejected", "Unlocked"]
    assert cs.last("StartTransaction")["connectorId"] == 1


def test_an_evse_that_is_being_started_takes_no_second_start():
    cs = booted(evses=2, actuated=ALL)
    cs.command(PlugIn(evse=1))
    first = cs.call("RemoteStartTransaction", {"idTag": "A"})
    assert cs.wanted(Actuate).evse == 1
    assert cs.ask("RemoteStartTransaction", {"idTag": "B", "connectorId": 1}).status == "Rejected"
    done(cs)
    assert cs.replies[first].status == "Accepted"


def test_a_start_that_became_impossible_meanwhile_is_rejected():
    cs = booted(actuated=ALL)
    waits = cs.call("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": 1})
    charge(cs, tag="TAG1")
    done(cs)
    assert cs.replies[waits].status == "Rejected"
    assert [call["idTag"] for call in cs.sent("StartTransaction")] == ["TAG1"]


def test_a_session_that_ended_while_it_was_being_stopped_was_stopped():
    cs, asked, _, _ = scene(Action.REMOTE_STOP)
    waits = cs.call(*asked)
    cs.command(PressStop(evse=1))
    done(cs)
    assert cs.replies[waits].status == "Accepted"
    assert [call["reason"] for call in cs.sent("StopTransaction")] == ["Local"]


def test_a_stop_that_fails_leaves_the_session_running():
    cs, asked, _, _ = scene(Action.REMOTE_STOP)
    waits = cs.call(*asked)
    done(cs, ok=False)
    assert cs.replies[waits].status == "Rejected"
    assert cs.status() == "Charging"


def test_u_01_u_03_an_unlock_ends_the_session_first_and_a_failure_is_reported_until_it_works():
    cs = charging(actuated=ALL)
    waits = cs.call("UnlockConnector", {"connectorId": 1})
    assert cs.last("StopTransaction")["reason"] == "UnlockCommand"
    assert cs.station.view(cs.now).evses[0].locked
    done(cs, ok=False)
    assert cs.replies[waits].status == "UnlockFailed"
    assert cs.last("StatusNotification")["errorCode"] == "ConnectorLockFailure"
    again = cs.call("UnlockConnector", {"connectorId": 1})
    done(cs)
    assert cs.replies[again].status == "Unlocked"
    assert cs.last("StatusNotification")["errorCode"] == "NoError"
    assert not cs.station.view(cs.now).evses[0].locked


def test_av_02_what_is_scheduled_reaches_the_real_thing_when_it_takes_effect():
    cs = charging(actuated=ALL)
    asked = {"connectorId": 1, "type": "Inoperative"}
    assert cs.ask("ChangeAvailability", asked).status == "Scheduled"
    assert not cs.jobs
    cs.command(PressStop(evse=1))
    job = cs.wanted(Actuate)
    assert (job.action, job.evse, job.fields["type"]) == (Action.AVAILABILITY, 1, "Inoperative")
    done(cs, ok=False)
    assert cs.status() == "Unavailable"


def test_av_03_the_whole_station_goes_out_of_service_with_its_last_session():
    cs = charging(evses=2, actuated=ALL)
    charge(cs, 2, "TAG2")
    assert cs.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}).status == "Scheduled"
    cs.command(PressStop(evse=1))
    assert [job.evse for job in cs.jobs] == []
    cs.command(PressStop(evse=2))
    assert [job.evse for job in cs.jobs] == [0]


def test_only_the_named_evse_is_real():
    cs = booted(evses=2, actuated=(Actuator(Action.UNLOCK, 2, WAIT_S),))
    assert cs.ask("UnlockConnector", {"connectorId": 1}).status == "Unlocked"
    cs.call("UnlockConnector", {"connectorId": 2})
    assert cs.wanted(Actuate).evse == 2


def test_t_29_the_id_of_a_call_that_waits_is_in_use():
    cs, asked, _, _ = scene(Action.RESET)
    waits = cs.call(*asked)
    cs.advance(5)
    name, payload = asked
    cs.call(name, payload, waits)
    assert cs.replies[waits].code == "GenericError"


def test_other_things_go_on_while_an_answer_waits():
    cs = booted(actuated=ALL)
    waits = cs.call("Reset", {"type": "Soft"})
    charge(cs)
    cs.command(EmergencyStop(evse=1), Unplug(evse=1))
    assert cs.last("StopTransaction")["reason"] == "EmergencyStop"
    assert cs.ask("GetConfiguration").payload
    done(cs)
    assert cs.replies[waits].status == "Accepted"


_steps = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(Action)),
    st.tuples(st.just("done"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 5.0, 21.0])),
    st.sampled_from(
        [("blink", None), ("boot", None), ("off", None), ("on", None), ("plug", None), ("pull", None), ("swipe", None)]
    ),
)


@given(st.lists(_steps, max_size=20))
def test_whatever_happens_each_question_is_answered_once_or_its_connection_is_gone(story):
    cs = booted(actuated=ALL)
    asked: list[tuple[str, int]] = []
    for what, how in story:
        match what:
            case "ask" if cs.link:
                name, payload, _, _ = ASKED[how]
                payload = payload or {"transactionId": cs.station.view(cs.now).sessions[0].transaction_id or 1}
                asked.append((cs.call(name, payload), cs.connection))
            case "done":
                waiting = [job for job in cs.jobs if isinstance(job, Actuate)]
                cs.finish(*(Actuated(job.job_id, how) for job in waiting[-2:]))
            case "wait":
                cs.advance(how)
            case "blink" if cs.link:
                cs.blink()
            case "off" | "on":
                cs.command(SetPowered(powered=what == "on"))
            case "plug":
                cs.command(PlugIn(evse=1))
            case "pull":
                cs.command(Unplug(evse=1))
            case "boot" | "swipe" if cs.link:
                cs.command(Boot() if what == "boot" else PresentToken(evse=1, token="TAG1"))
    cs.advance(WAIT_S + 1)
    for message_id, connection in asked:
        assert answers(cs, message_id) <= 1
        if connection == cs.connection and cs.link:
            assert answers(cs, message_id) == 1
