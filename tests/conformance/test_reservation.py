"""Group 13 of the checklist: how a reservation of one connector is made, whom it lets in, and how it ends."""

from __future__ import annotations

import pytest
from fakes.bookings import GROUP, active, cancel, ends, reserve, reserved, shown, swipe
from fakes.central_system import Hold
from fakes.judge import iso
from fakes.scenes import booted, charge

from twin.model.inputs import ClearFault, PlugIn, PresentToken, PressStop, SetEvReady, SetFault, SetPowered, Unplug
from twin.model.terms import ErrorCode

# --- Making one -------------------------------------------------------------------------------------------------------


def test_rv_01_accepted_becomes_reserved_and_is_told():
    cs = reserved(evses=2)
    assert cs.statuses(1) == ["Available", "Reserved"]
    assert cs.statuses(2) == ["Available"]
    view = cs.station.view(cs.now).evses[0]
    assert (view.reservation_id, view.reserved_for, view.reserved_until) == (7, "TAG1", cs.now + 3600)
    (note,) = cs.noted("reservation_made")
    assert (note.evse, note.fields) == (1, {"reservation_id": 7, "id_tag": "TAG1", "until": cs.now + 3600})


def test_rv_01_the_answer_comes_before_the_status():
    cs = booted()
    reserve(cs)
    frames = [text[1] for _, who, text in cs.log if who == "twin"]
    assert frames[-2:] == ["3", "2"]


def test_rv_01_the_same_id_replaces_card_time_and_connector():
    cs = reserved(evses=2)
    assert reserve(cs, tag="TAG2", seconds=60) == "Accepted"
    assert cs.statuses(1) == ["Available", "Reserved"]
    assert cs.station.view(cs.now).evses[0].reserved_for == "TAG2"
    assert reserve(cs, connector=2, tag="TAG2") == "Accepted"
    assert (cs.status(1), cs.status(2)) == ("Available", "Reserved")
    assert ends(cs) == [(7, "replaced"), (7, "replaced")]
    cs.advance(100)
    assert cs.status(2) == "Reserved"
    swipe(cs, "TAG1", 2)
    assert cs.status(2) == "Reserved"


def test_rv_01_a_replacement_that_is_refused_leaves_the_old_one():
    cs = reserved(evses=2)
    charge(cs, 2, "OTHER")
    assert reserve(cs, connector=2) == "Occupied"
    assert reserve(cs, seconds=-1) == "Rejected"
    assert (cs.status(1), shown(cs)) == ("Reserved", 7)


def test_rv_01_a_replacement_while_its_card_is_looked_at():
    cs = reserved()
    cs.script("Authorize", Hold())
    swipe(cs, "TAG1")
    assert reserve(cs, seconds=7200) == "Accepted"
    cs.release()
    assert cs.statuses(1) == ["Available", "Reserved", "Preparing"]
    cs.command(PlugIn(evse=1))
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_01_a_replacement_for_another_card_turns_the_first_one_out():
    cs = reserved()
    swipe(cs, "TAG1")
    assert cs.status() == "Preparing"
    assert reserve(cs, tag="TAG2") == "Accepted"
    assert cs.status() == "Reserved"
    cs.command(PlugIn(evse=1))
    assert not active(cs)
    swipe(cs, "TAG2")
    assert cs.last("StartTransaction")["idTag"] == "TAG2"


@pytest.mark.parametrize("tag", ["TAG1", "TAG2"])
def test_rv_02_reserved_for_the_same_or_another_card_is_occupied(tag):
    cs = reserved()
    assert reserve(cs, tag=tag, number=8) == "Occupied"
    assert shown(cs) == 7


@pytest.mark.parametrize(
    "state", ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "asking", "granted"]
)
def test_rv_02_in_use_is_occupied(state):
    cs = booted(keys={"StopTransactionOnInvalidId": "false"})
    match state:
        case "Preparing":
            cs.command(PlugIn(evse=1))
        case "Charging":
            charge(cs)
        case "SuspendedEV":
            cs.command(SetEvReady(evse=1, ready=False))
            charge(cs)
        case "SuspendedEVSE":
            cs.script("StartTransaction", {"transactionId": 1, "idTagInfo": {"status": "Invalid"}})
            charge(cs)
        case "Finishing":
            charge(cs)
            cs.command(PressStop(evse=1))
        case "asking":
            cs.script("Authorize", Hold())
            swipe(cs, "TAG2")
        case "granted":
            swipe(cs, "TAG2")
    before = cs.status()
    assert reserve(cs) == "Occupied"
    assert cs.status() == before
    assert not cs.noted("reservation_made")


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ("Faulted", "Faulted"),
        ("station Faulted", "Faulted"),
        ("Unavailable", "Unavailable"),
        ("station Unavailable", "Unavailable"),
        ("scheduled", "Occupied"),
        ("warning", "Accepted"),
    ],
)
def test_rv_03_out_of_order_is_refused_with_the_reason(state, answer):
    cs = booted(evses=2)
    match state:
        case "Faulted":
            cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
        case "station Faulted":
            cs.command(SetFault(evse=0, code=ErrorCode.GROUND_FAILURE))
        case "Unavailable":
            cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        case "station Unavailable":
            cs.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
        case "scheduled":
            charge(cs)
            cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        case "warning":
            cs.command(SetFault(evse=1, code=ErrorCode.WEAK_SIGNAL))
    assert reserve(cs) == answer


def test_rv_03_c_10_without_the_profile_there_are_no_reservations():
    cs = booted(keys={"SupportedFeatureProfiles": "Core"})
    payload = {"connectorId": 1, "expiryDate": iso(cs.now + 60), "idTag": "T", "reservationId": 1}
    assert cs.ask("ReserveNow", payload).code == "NotSupported"
    assert cs.ask("CancelReservation", {"reservationId": 1}).code == "NotSupported"


@pytest.mark.parametrize("connector", [2, 99, -1])
def test_rv_03_t_37_an_unknown_connector_is_rejected(connector):
    cs = booted()
    fields = {"connectorId": connector, "expiryDate": iso(cs.now + 60), "idTag": "T", "reservationId": 1}
    reply = cs.ask("ReserveNow", fields)
    assert reply.code == "PropertyConstraintViolation" or reply.status == "Rejected"


@pytest.mark.parametrize("seconds", [-3600, 0])
def test_rv_03_a_time_that_has_passed_is_rejected(seconds):
    cs = booted(evses=2)
    assert reserve(cs, seconds=seconds) == "Rejected"
    assert reserve(cs, connector=0, seconds=seconds) == "Rejected"
    assert cs.status() == "Available"


def test_rv_03_a_time_beyond_all_calendars_is_taken():
    cs = booted()
    fields = {"connectorId": 1, "expiryDate": "9999-12-31T23:59:59-12:00", "idTag": "T", "reservationId": 1}
    assert cs.ask("ReserveNow", fields).status == "Accepted"
    cs.advance(86_400)
    assert cs.status() == "Reserved"


# --- Who may use it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plugged", [True, False])
def test_rv_07_another_card_is_refused_and_not_even_asked_for(plugged):
    cs = reserved()
    if plugged:
        cs.command(PlugIn(evse=1))
    mark = cs.mark()
    swipe(cs, "TAG2")
    cs.advance(200)
    assert not cs.actions(mark)
    assert cs.noted("authorization_failed")[-1].fields["status"] == "Unavailable"
    assert (cs.status(), shown(cs)) == ("Reserved", 7)


def test_rv_07_the_group_of_a_reservation_without_one_is_nobody():
    cs = reserved(evses=2)
    cs.tags["TAG2"] = {"status": "Accepted"}
    charge(cs, 1, "TAG2")
    assert not active(cs)


@pytest.mark.parametrize("offline", [True, False])
def test_rv_07_offline_too_strangers_stay_out_and_the_owner_does_not(offline):
    cs = reserved(keys={"AllowOfflineTxForUnknownId": "true"})
    if offline:
        cs.cut()
    cs.command(PlugIn(evse=1), PresentToken(token="TAG2", evse=1))
    assert not active(cs)
    swipe(cs, "TAG1")
    assert active(cs)
    cs.restore()
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_07_other_connectors_are_free_for_all():
    cs = reserved(evses=2)
    charge(cs, 2, "TAG2")
    assert active(cs, 2)
    assert "reservationId" not in cs.last("StartTransaction").payload


def test_rv_07_the_reserved_card_elsewhere_leaves_its_reservation():
    cs = reserved(evses=2)
    charge(cs, 2, "TAG1")
    assert active(cs, 2)
    assert "reservationId" not in cs.last("StartTransaction").payload
    assert cs.status(1) == "Reserved"


@pytest.mark.parametrize("order", ["plug first", "card first"])
def test_rv_07_rv_10_s_04_the_reserved_card_goes_through_preparing(order):
    cs = reserved()
    if order == "plug first":
        cs.command(PlugIn(evse=1))
        assert cs.status() == "Reserved"
        swipe(cs, "tag1")
    else:
        swipe(cs, "tag1")
        assert cs.status() == "Preparing"
        cs.command(PlugIn(evse=1))
    assert cs.statuses(1) == ["Available", "Reserved", "Preparing", "Charging"]
    assert cs.last("StartTransaction")["reservationId"] == 7
    assert ends(cs) == [(7, "used")]
    assert shown(cs) is None


def test_rv_10_a_used_reservation_is_gone():
    cs = reserved()
    charge(cs, 1, "TAG1")
    cs.command(PresentToken(token="TAG1", evse=1), Unplug(evse=1))
    assert cs.statuses(1)[-2:] == ["Finishing", "Available"]
    assert cancel(cs) == "Rejected"
    charge(cs, 1, "TAG1")
    assert "reservationId" not in cs.last("StartTransaction").payload


def test_rv_08_a_member_of_the_group_is_found_out_by_authorize():
    cs = reserved(parentIdTag="FAMILY")
    cs.tags["TAG2"] = GROUP
    cs.script("Authorize", Hold())
    cs.command(PlugIn(evse=1))
    swipe(cs, "TAG2")
    assert cs.last("Authorize")["idTag"] == "TAG2"
    assert cs.status() == "Reserved"
    cs.release()
    assert cs.statuses(1) == ["Available", "Reserved", "Preparing", "Charging"]
    assert cs.last("StartTransaction")["reservationId"] == 7


@pytest.mark.parametrize("info", [{"status": "Accepted"}, {"status": "Accepted", "parentIdTag": "Others"}])
@pytest.mark.parametrize("plugged", [True, False])
def test_rv_08_who_turns_out_to_be_no_member_is_refused(info, plugged):
    cs = reserved(parentIdTag="Family")
    cs.tags["TAG2"] = info
    if plugged:
        cs.command(PlugIn(evse=1))
    swipe(cs, "TAG2")
    assert len(cs.sent("Authorize")) == 1
    cs.advance(200)
    assert not active(cs)
    assert cs.statuses(1) == ["Available", "Reserved"]


def test_rv_08_the_parent_itself_is_no_card_of_the_group():
    cs = reserved(parentIdTag="Family")
    cs.tags["Family"] = {"status": "Accepted"}
    charge(cs, 1, "Family")
    assert not active(cs)


@pytest.mark.parametrize("source", ["list", "cache"])
@pytest.mark.parametrize("offline", [True, False])
def test_rv_08_the_parent_is_looked_up_in_list_or_cache(source, offline):
    cs = booted(evses=2, keys={"LocalPreAuthorize": "true"})
    if source == "list":
        entries = [{"idTag": "TAG2", "idTagInfo": GROUP}]
        assert cs.ask(
            "SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
        ).status
    else:
        cs.tags["TAG2"] = GROUP
        swipe(cs, "TAG2", 2)
        cs.advance(100)
    assert reserve(cs, parentIdTag="family") == "Accepted"
    if offline:
        cs.cut()
    mark = cs.mark()
    charge(cs, 1, "TAG2")
    assert active(cs)
    assert "Authorize" not in cs.actions(mark)
    cs.restore()
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_08_a_cached_card_without_a_known_parent_is_asked_for():
    cs = booted(evses=2, keys={"LocalPreAuthorize": "true"})
    swipe(cs, "TAG2", 2)
    cs.advance(100)
    assert reserve(cs, parentIdTag="Family") == "Accepted"
    cs.tags["TAG2"] = GROUP
    charge(cs, 1, "TAG2")
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_08_the_list_names_the_parent_that_authorize_leaves_out():
    cs = booted()
    entries = [{"idTag": "TAG2", "idTagInfo": GROUP}]
    cs.ask("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries})
    assert reserve(cs, parentIdTag="Family") == "Accepted"
    cs.tags["TAG2"] = {"status": "Accepted"}
    charge(cs, 1, "TAG2")
    assert cs.sent("Authorize")
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_08_offline_an_unknown_parent_is_none():
    cs = reserved(keys={"AllowOfflineTxForUnknownId": "true"}, parentIdTag="Family")
    cs.cut()
    charge(cs, 1, "TAG2")
    assert not active(cs)


def test_rv_09_the_reserved_card_is_validated_first():
    cs = reserved(keys={"LocalPreAuthorize": "true"})
    cs.script("Authorize", Hold())
    charge(cs, 1, "TAG1")
    assert cs.last("Authorize")["idTag"] == "TAG1"
    cs.advance(1)
    assert not cs.sent("StartTransaction")
    cs.release()
    assert cs.last("StartTransaction")["reservationId"] == 7


@pytest.mark.parametrize("plugged", [True, False])
def test_rv_09_rv_14_a_reserved_card_that_is_blocked_leaves_it_reserved(plugged):
    cs = reserved()
    cs.tags["TAG1"] = {"status": "Blocked"}
    if plugged:
        cs.command(PlugIn(evse=1))
    swipe(cs, "TAG1")
    cs.advance(200)
    assert cs.statuses(1)[-3:] == ["Preparing", "Available", "Reserved"]
    assert not cs.sent("StartTransaction")
    assert shown(cs) == 7


# --- How it ends ------------------------------------------------------------------------------------------------------


def test_rv_11_expiry_makes_it_available():
    cs = reserved(seconds=600)
    cs.advance(599)
    assert cs.status() == "Reserved"
    cs.advance(2)
    assert cs.statuses(1) == ["Available", "Reserved", "Available"]
    assert ends(cs) == [(7, "expired")]
    assert shown(cs) is None
    assert cancel(cs) == "Rejected"
    charge(cs, 1, "TAG2")
    assert active(cs)


@pytest.mark.parametrize("offset", [-7200.0, 7200.0])
def test_rv_11_b_05_expiry_is_by_the_central_systems_clock(offset):
    cs = booted()
    cs.offset_s = offset
    cs.blink()
    cs.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert reserve(cs, seconds=600) == "Accepted"
    cs.advance(599)
    assert cs.status() == "Reserved"
    cs.advance(2)
    assert cs.status() == "Available"


def test_rv_11_rv_14_a_car_that_stands_there_goes_on_as_an_attempt():
    cs = reserved(keys={"ConnectionTimeOut": "60"}, seconds=600)
    cs.command(PlugIn(evse=1))
    cs.advance(601)
    assert cs.statuses(1) == ["Available", "Reserved", "Available", "Preparing"]
    cs.advance(58)
    assert cs.status() == "Preparing"
    cs.advance(2)
    assert cs.status() == "Finishing"


def test_rv_11_who_was_let_in_already_goes_on_without_it():
    cs = reserved(keys={"ConnectionTimeOut": "60"}, seconds=30)
    swipe(cs, "TAG1")
    cs.advance(40)
    assert cs.status() == "Preparing"
    cs.command(PlugIn(evse=1))
    assert active(cs)
    assert "reservationId" not in cs.last("StartTransaction").payload
    assert ends(cs) == [(7, "expired")]


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize("plugged", [True, False])
def test_rv_12_a_fault_ends_it(where, plugged):
    cs = reserved(keys={"ConnectionTimeOut": "60"})
    if plugged:
        cs.command(PlugIn(evse=1))
    cs.command(SetFault(evse=where, code=ErrorCode.GROUND_FAILURE))
    assert ends(cs) == [(7, "fault")]
    assert "Reserved" not in cs.statuses(1)[2:]
    cs.command(ClearFault(evse=where))
    assert cs.status(1) == ("Preparing" if plugged else "Available")
    assert cancel(cs) == "Rejected"
    cs.advance(61)
    assert cs.status(1) == ("Finishing" if plugged else "Available")


def test_rv_12_a_warning_does_not_end_it():
    cs = reserved()
    cs.command(SetFault(evse=1, code=ErrorCode.WEAK_SIGNAL))
    assert (cs.status(), shown(cs)) == ("Reserved", 7)


@pytest.mark.parametrize("where", [0, 1])
def test_rv_12_unavailability_ends_it(where):
    cs = reserved()
    assert cs.ask("ChangeAvailability", {"connectorId": where, "type": "Inoperative"}).status == "Accepted"
    assert cs.statuses(1) == ["Available", "Reserved", "Unavailable"]
    assert ends(cs) == [(7, "unavailable")]
    cs.ask("ChangeAvailability", {"connectorId": where, "type": "Operative"})
    assert cs.status(1) == "Available"


def test_rv_12_another_connectors_fault_is_not_its():
    cs = reserved(evses=2)
    cs.command(SetFault(evse=2, code=ErrorCode.GROUND_FAILURE))
    assert (cs.status(1), shown(cs)) == ("Reserved", 7)


@pytest.mark.parametrize("state", ["idle", "plugged", "asking", "granted"])
def test_rv_13_cancel_frees_the_connector(state):
    cs = reserved()
    match state:
        case "plugged":
            cs.command(PlugIn(evse=1))
        case "asking":
            cs.script("Authorize", Hold())
            swipe(cs, "TAG1")
        case "granted":
            swipe(cs, "TAG1")
    assert cancel(cs, 8) == "Rejected"
    assert cancel(cs) == "Accepted"
    assert cancel(cs) == "Rejected"
    assert ends(cs) == [(7, "cancelled")]
    if state == "asking":
        cs.release()
    assert cs.status() == ("Available" if state == "idle" else "Preparing")
    if state == "plugged":
        assert cs.statuses(1)[-3:] == ["Reserved", "Available", "Preparing"]


def test_rv_13_a_stranger_who_was_being_asked_for_may_come_in_then():
    cs = reserved(parentIdTag="Family")
    cs.script("Authorize", Hold())
    swipe(cs, "TAG2")
    assert cancel(cs) == "Accepted"
    cs.release()
    assert cs.statuses(1) == ["Available", "Reserved", "Available", "Preparing"]
    cs.command(PlugIn(evse=1))
    assert cs.last("StartTransaction")["idTag"] == "TAG2"


def test_rv_14_x_08_nobody_plugged_in_means_reserved_again():
    cs = reserved(keys={"ConnectionTimeOut": "60"})
    swipe(cs, "TAG1")
    assert cs.status() == "Preparing"
    cs.advance(61)
    assert cs.statuses(1)[-3:] == ["Preparing", "Available", "Reserved"]
    charge(cs, 1, "TAG1")
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_14_the_card_shown_again_means_reserved_again():
    cs = reserved()
    swipe(cs, "TAG1")
    swipe(cs, "TAG1")
    assert cs.status() == "Reserved"


def test_rv_14_mere_plugging_in_stays_reserved():
    cs = reserved(keys={"ConnectionTimeOut": "60"})
    cs.command(PlugIn(evse=1))
    cs.advance(200)
    cs.command(Unplug(evse=1), PlugIn(evse=1))
    cs.advance(200)
    assert cs.statuses(1) == ["Available", "Reserved"]
    swipe(cs, "TAG1")
    assert cs.last("StartTransaction")["reservationId"] == 7


@pytest.mark.parametrize("loss", ["crash", "Soft", "Hard", "power"])
def test_rv_15_it_survives(loss):
    cs = reserved()
    match loss:
        case "crash":
            cs.crash()
        case "power":
            cs.command(SetPowered(powered=False), SetPowered(powered=True))
        case _:
            cs.ask("Reset", {"type": loss})
    cs.advance(30)
    assert (cs.status(), shown(cs)) == ("Reserved", 7)
    charge(cs, 1, "TAG2")
    assert not active(cs)
    swipe(cs, "TAG1")
    assert cs.last("StartTransaction")["reservationId"] == 7


@pytest.mark.parametrize("loss", ["link", "power", "crash"])
def test_rv_15_it_expires_unseen_too(loss):
    cs = reserved(seconds=600)
    match loss:
        case "link":
            cs.cut()
            cs.advance(700)
            cs.restore()
        case "power":
            cs.command(SetPowered(powered=False))
            cs.advance(700)
            cs.command(SetPowered(powered=True))
        case "crash":
            cs.crash(downtime_s=700)
    mark = cs.mark() if loss == "link" else 0
    cs.advance(30)
    assert cs.statuses(1)[-1] == "Available"
    assert "Reserved" not in cs.statuses(1, mark)[2:]
    assert ends(cs) == [(7, "expired")]


def test_rv_15_t_34_cards_compare_without_case():
    cs = reserved(tag="tAg1", parentIdTag="fAmily")
    cs.tags["TAG2"] = {"status": "Accepted", "parentIdTag": "FaMILY"}
    charge(cs, 1, "TAG2")
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_r5_a_card_that_waited_for_its_answer_over_the_expiry():
    cs = reserved(seconds=10)
    cs.script("Authorize", Hold())
    cs.command(PlugIn(evse=1))
    swipe(cs, "TAG1")
    cs.advance(12)
    cs.release()
    assert active(cs)
    assert "reservationId" not in cs.last("StartTransaction").payload
