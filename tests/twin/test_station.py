import json
from itertools import count

import msgspec
import pytest
from fakes.twin import FakeTwin

from twin.errors import Rejected, SnapshotError
from twin.model.effects import Booted, Forget, HeartbeatDue, SessionEnded, SessionStarted, Tell
from twin.model.inputs import Boot, DropLink, PlugIn, PresentToken, SetNetwork, Unplug
from twin.model.spec import Access, CsmsSpec, EvseSpec, KeySpec, TwinSpec
from twin.model.terms import BootReason, Gate, Registration, StopReason
from twin.ocpp.dialect import DIALECTS
from twin.ocpp.exchange import Exchange
from twin.ocpp.outbox import Outbox
from twin.station import Station
from twin.turn import CallOutcome, DropReport, DropState, Frame, PutReport, PutState, Turn

URL = "ws://localhost:9000/ocpp/garage"
SPEC = TwinSpec(id="garage", identity="garage", evses=(EvseSpec(), EvseSpec()))
OFFLINE = msgspec.structs.replace(SPEC, keys={"AllowOfflineTxForUnknownId": KeySpec("true")})
NOW = 1_767_607_200.0
BEAT = HeartbeatDue()
START = SessionStarted("s", 1, "TAG", NOW, 0)
END = SessionEnded("s", 1, NOW, 9, StopReason.LOCAL)
ACCEPTED = {"status": "Accepted", "currentTime": "2026-01-05T10:00:00Z", "interval": 300}


def names(prefix="m"):
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def fresh(spec=SPEC, **stored):
    return Station.start(spec, NOW, ids=names(), **stored)


def registered(spec=SPEC):
    """Return a station that is registered and said all that it wanted to say, and the turns until then."""
    station, turn = fresh(spec)
    turns = [turn, station.link_up(URL, NOW)]
    while turns[-1].frames:
        _, message_id, action, _ = json.loads(turns[-1].frames[-1].text)
        answer = ACCEPTED if action == "BootNotification" else {}
        turns.append(station.receive(json.dumps([3, message_id, answer]), NOW))
    return station, turns


def accepted(spec=SPEC):
    return registered(spec)[0]


def charging_offline():
    """Return a station that charges without a connection, and all turns until then."""
    station, turns = registered(OFFLINE)
    turns.append(station.link_down(URL, "gone", NOW))
    turns += [station.command(command, NOW) for command in (PlugIn(evse=1), PresentToken(token="TAG", evse=1))]
    return station, turns


class FakeStation:
    """A station over a fake twin."""

    def __init__(self):
        self.twin = FakeTwin()
        ids = names()
        exchange = Exchange(SPEC, self.twin, DIALECTS["1.6"]({}, False), Outbox(9), ids)
        self.station = Station(SPEC, self.twin, exchange, ("ocpp1.6",))


@pytest.fixture
def fake():
    return FakeStation()


def states(turn):
    return {row.part: row.data for row in turn.rows if isinstance(row, PutState)}


def stored(turns):
    """Play disk: return parts and reports after these turns."""
    parts, reports = {}, {}
    for row in (row for turn in turns for row in turn.rows):
        match row:
            case PutState(part=part, data=data):
                parts[part] = data
            case DropState(part=part):
                del parts[part]
            case PutReport(seq=seq, data=data):
                reports[seq] = data
            case DropReport(seq=seq):
                del reports[seq]
    return {"parts": parts, "reports": sorted(reports.items())}


# --- State ------------------------------------------------------------------------------------------------------------


def test_the_first_start_stores_everything():
    station, turn = fresh()
    assert {"station", "variables", "evse/1", "evse/2"} <= set(states(turn))
    assert (station.connected, station.wants_link, station.queued, station.charging) == (False, True, 0, 0)


def test_a_second_start_stores_nothing_new():
    _, turn = fresh()
    _, again = fresh(**stored([turn]))
    assert states(again) == {}


def test_only_parts_that_changed_are_stored():
    station, _ = fresh()
    assert set(states(station.command(PlugIn(evse=2), NOW))) == {"evse/2"}
    assert states(station.command(PlugIn(evse=2), NOW)) == {}


def test_a_part_that_goes_is_dropped(fake):
    fake.twin.parts = {"station": b"1", "cache": b"x"}
    assert states(fake.station.tick(NOW)) == {"station": b"1", "cache": b"x"}
    del fake.twin.parts["cache"]
    assert fake.station.tick(NOW).rows == [DropState("cache")]
    assert fake.station.tick(NOW).rows == []


def test_a_damaged_part_is_told():
    with pytest.raises(SnapshotError):
        fresh(parts={"station": b"{"})


def test_a_damaged_report_is_told():
    _, turn = fresh()
    with pytest.raises(SnapshotError):
        fresh(parts=stored([turn])["parts"], reports=[(1, b"{")])


def test_what_was_queued_is_queued_after_a_restart():
    station, turns = charging_offline()
    assert station.queued == 1
    again, _ = fresh(OFFLINE, **stored(turns))
    assert again.queued == 1
    assert again.view(NOW).station.queued_messages == 1


# --- What is shown ----------------------------------------------------------------------------------------------------


def test_the_view_counts_the_queue(fake):
    fake.twin.prepare("command", Tell(START, durable=True), Tell(END, durable=True))
    assert ("station", 0) in fake.station.command(DropLink(), NOW).changed
    assert fake.station.queued == 2
    fake.twin.prepare("command", Forget())
    assert ("station", 0) in fake.station.command(DropLink(), NOW).changed
    assert fake.station.queued == 0


def test_a_report_that_goes_at_once_was_never_queued(fake):
    fake.station.link_up(URL, NOW)
    fake.twin.prepare("command", Tell(START, durable=True))
    turn = fake.station.command(DropLink(), NOW)
    assert (len(turn.frames), turn.changed) == (1, set())


def test_parts_of_the_view_are_those_of_the_whole():
    station = accepted()
    station.command(PlugIn(evse=1), NOW)
    whole = station.view(NOW)
    assert station.view_of(("station", 0), NOW) == whole.station
    assert station.view_of(("evse", 2), NOW) == whole.evses[1]


def test_it_counts_where_energy_flows():
    station, turns = charging_offline()
    assert station.charging == 1
    again, _ = fresh(OFFLINE, **stored(turns))
    assert again.charging == 1
    station.command(Unplug(evse=1), NOW + 60)
    assert station.charging == 0


def test_sec_04_the_password_is_the_configured_one_until_the_central_system_sets_another():
    key = "0123456789abcdef0123456789abcdef"
    station = accepted(msgspec.structs.replace(SPEC, csms=CsmsSpec(password="secret")))
    assert station.access.password == b"secret"
    call = [2, "x", "ChangeConfiguration", {"key": "authorizationkey", "value": key}]
    turn = station.receive(json.dumps(call), NOW)
    assert json.loads(turn.frames[0].text) == [3, "x", {"status": "Accepted"}]
    assert station.access.password == bytes.fromhex(key)


def test_the_handshakes_needs_are_known():
    station, _ = fresh(msgspec.structs.replace(SPEC, keys={"WebSocketPingInterval": KeySpec("7")}))
    assert (station.subprotocols, station.ping_interval_s, station.access) == (("ocpp1.6",), 7, Access())


# --- Inputs -----------------------------------------------------------------------------------------------------------


def test_a_station_boots_when_it_is_linked():
    station, turn = fresh()
    assert turn.frames == []
    turn = station.link_up(URL, NOW)
    assert [frame.action for frame in turn.frames] == ["BootNotification"]
    assert station.connected


def test_a_refused_command_changes_nothing():
    station = accepted()
    before = station.view(NOW)
    with pytest.raises(Rejected):
        station.command(PresentToken(token="TAG", evse=9), NOW)
    assert station.view(NOW) == before
    assert station.tick(NOW).rows == []


def test_a_users_call_needs_an_accepted_box():
    station, _ = fresh()
    for _ in range(2):
        with pytest.raises(Rejected) as caught:
            station.call("Heartbeat", {}, "t", NOW)
        assert caught.value.code == "offline"
        station.link_up(URL, NOW)


@pytest.mark.parametrize("payload", [None, {}])
def test_a_users_call_goes_out_and_comes_back(payload):
    station = accepted()
    turn = station.call("Heartbeat", payload, "t", NOW)
    _, message_id, action, body = json.loads(turn.frames[0].text)
    assert (action, body, turn.rows) == ("Heartbeat", {}, [])
    done = station.receive(json.dumps([3, message_id, {"currentTime": "x"}]), NOW)
    assert done.calls == [CallOutcome("t", "ok", {"currentTime": "x"})]


@pytest.mark.parametrize("payload", [{"a": 1j}, {"a": "\ud800"}])
def test_a_payload_that_is_no_json_is_refused(payload):
    with pytest.raises(Rejected) as caught:
        accepted().call("Heartbeat", payload, "t", NOW)
    assert caught.value.code == "bad_value"


def test_raw_text_goes_out_as_it_is():
    station = accepted()
    assert station.send_raw("nonsense", NOW) == Turn(frames=[Frame("nonsense", None)])
    station.link_down(URL, "gone", NOW)
    with pytest.raises(Rejected) as caught:
        station.send_raw("nonsense", NOW)
    assert caught.value.code == "offline"


def test_a_link_goes_down_once():
    station = accepted()
    assert [note.name for note in station.link_down(URL, "gone", NOW).notes] == ["disconnected"]
    assert not station.connected
    assert station.link_down(URL, "gone", NOW) == Turn()


def test_a_box_without_uplink_hears_nothing():
    station = accepted()
    turn = station.command(SetNetwork(network=False), NOW)
    assert (turn.power, station.wants_link) == (False, False)
    assert station.receive('[2,"x","ClearCache",{}]', NOW) == Turn()


def test_a_reconnect_is_no_boot():
    station = accepted()
    station.link_down(URL, "gone", NOW)
    assert station.link_up(URL, NOW + 5).frames == []


def test_the_next_deadline_is_the_nearest(fake):
    assert fake.station.next_deadline() is None
    fake.station.link_up(URL, NOW)
    fake.twin.prepare("command", Tell(BEAT))
    fake.station.command(DropLink(), NOW)
    assert fake.station.next_deadline() == NOW + 30
    fake.twin.due = NOW + 10
    assert fake.station.next_deadline() == NOW + 10
    fake.twin.due = NOW + 60
    assert fake.station.next_deadline() == NOW + 30
    fake.station.tick(NOW + 30)
    assert fake.station.next_deadline() == NOW + 60


def test_a_wait_for_the_next_try_is_a_deadline(fake):
    fake.station.link_up(URL, NOW)
    fake.twin.prepare("command", Tell(START, durable=True))
    (frame,) = fake.station.command(DropLink(), NOW).frames
    fake.station.receive(json.dumps([4, json.loads(frame.text)[1], "InternalError", "", {}]), NOW)
    assert fake.station.next_deadline() == NOW + 60
    assert [frame.action for frame in fake.station.tick(NOW + 60).frames] == ["StartTransaction"]


def test_after_a_rejection_nothing_is_answered(fake):
    fake.twin.registration, fake.twin.gate = Registration.REJECTED, Gate.CLOSED
    fake.twin.prepare("link", Tell(Booted(BootReason.POWER_UP)))
    assert [frame.action for frame in fake.station.link_up(URL, NOW).frames] == ["BootNotification"]
    assert fake.station.receive('[2,"x","ClearCache",{}]', NOW).frames == []


def test_every_input_pumps(fake):
    fake.station.link_up(URL, NOW)
    fake.twin.prepare("tick", Tell(BEAT))
    assert [frame.action for frame in fake.station.tick(NOW).frames] == ["Heartbeat"]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "[2]", "[9]", "null", "[" * 9999, '[3,"x",{}]', '[4,null,"x"]'])
def test_nothing_that_is_received_raises(text):
    station = accepted()
    assert station.receive(text, NOW).notes[0].name == "protocol_error"
    assert station.connected


def test_a_boot_again_keeps_everything_else_back():
    station = accepted()
    turn = station.command(Boot(), NOW)
    assert [frame.action for frame in turn.frames] == ["BootNotification"]
    with pytest.raises(Rejected):
        station.call("Heartbeat", {}, "t", NOW)


def test_a_reply_names_the_action_that_it_answers(fake):
    fake.station.link_up(URL, NOW)
    (frame,) = fake.station.receive('[2,"x","UnlockConnector",{"connectorId":1}]', NOW).frames
    assert frame.action == "UnlockConnector"


def test_the_answer_to_a_call_sent_by_hand_is_no_fault_of_the_central_system():
    station = accepted()
    station.send_raw('[2,"by-hand","Heartbeat",{}]', NOW)
    assert not station.receive('[3,"by-hand",{"currentTime":"2026-01-01T00:00:00Z"}]', NOW).notes
    assert [note.name for note in station.receive('[3,"by-hand",{}]', NOW).notes] == ["protocol_error"]
