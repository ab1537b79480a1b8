"""Group 13 of the checklist: shared readers, remote starts, and reservations of any connector (0)."""

from __future__ import annotations

import pytest
from fakes.bookings import GROUP, active, cancel, ends, remote_start, reserve, reserved, shown, swipe
from fakes.scenes import booted, charge

from twin.model.inputs import PlugIn, SetFault, Unplug
from twin.model.terms import ErrorCode

# --- The shared reader ------------------------------------------------------------------------------------------------


def test_rv_07_rv_14_the_shared_reader_leads_the_reserved_card_to_its_connector():
    cs = booted(evses=3)
    assert reserve(cs, connector=2) == "Accepted"
    cs.command(PlugIn(evse=3))
    swipe(cs, "TAG1", None)
    assert cs.status(2) == "Preparing"
    cs.command(PlugIn(evse=2))
    start = cs.last("StartTransaction")
    assert (start["connectorId"], start["reservationId"]) == (2, 7)
    swipe(cs, "TAG2", None)
    assert cs.last("StartTransaction")["connectorId"] == 3


def test_rv_07_the_shared_reader_passes_over_what_is_kept_for_others():
    cs = reserved(evses=3)
    cs.command(PlugIn(evse=2), PlugIn(evse=1))
    swipe(cs, "TAG2", None)
    assert cs.last("StartTransaction")["connectorId"] == 2
    swipe(cs, "TAG3", None)
    assert cs.status(1) == "Reserved"
    cs.command(Unplug(evse=1), PlugIn(evse=1))
    assert cs.status(1) == "Reserved"
    cs.command(PlugIn(evse=3))
    start = cs.last("StartTransaction")
    assert (start["connectorId"], start["idTag"]) == (3, "TAG3")


def test_rv_08_at_the_shared_reader_the_group_comes_with_the_answer():
    cs = reserved(evses=2, parentIdTag="Family")
    cs.tags["TAG2"] = GROUP
    cs.command(PlugIn(evse=1))
    swipe(cs, "TAG2", None)
    start = cs.last("StartTransaction")
    assert (start["connectorId"], start["reservationId"]) == (1, 7)


def test_rv_07_all_reserved_means_no_place_at_the_shared_reader():
    cs = reserved(evses=2)
    assert reserve(cs, connector=2, number=8) == "Accepted"
    mark = cs.mark()
    swipe(cs, "TAG2", None)
    assert not cs.actions(mark)
    assert cs.noted("authorization_failed")[-1].fields["status"] == "Unavailable"
    cs.command(PlugIn(evse=1))
    assert cs.status(1) == "Reserved"


# --- Remote start -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("authorize", ["true", "false"])
@pytest.mark.parametrize("plugged", [True, False])
def test_rv_07_rv_10_r_06_a_remote_start_of_the_reserved_card(authorize, plugged):
    cs = reserved(keys={"AuthorizeRemoteTxRequests": authorize})
    if plugged:
        cs.command(PlugIn(evse=1))
    assert remote_start(cs, "tag1") == "Accepted"
    if not plugged:
        assert cs.status() == "Preparing"
        cs.command(PlugIn(evse=1))
    assert cs.last("StartTransaction")["reservationId"] == 7
    assert ends(cs) == [(7, "used")]


@pytest.mark.parametrize("authorize", ["true", "false"])
def test_rv_07_r_06_a_remote_start_of_another_card_is_rejected(authorize):
    cs = reserved(keys={"AuthorizeRemoteTxRequests": authorize})
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, "TAG2") == "Rejected"
    assert remote_start(cs, "TAG2", None) == "Rejected"
    assert cs.status() == "Reserved"


@pytest.mark.parametrize("authorize", ["true", "false"])
@pytest.mark.parametrize("member", [True, False])
def test_rv_08_a_remote_start_whose_group_must_be_asked_for(authorize, member):
    cs = reserved(keys={"AuthorizeRemoteTxRequests": authorize}, parentIdTag="Family")
    cs.tags["TAG2"] = GROUP if member else {"status": "Accepted"}
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, "TAG2") == "Accepted"
    assert cs.last("Authorize")["idTag"] == "TAG2"
    assert active(cs) is member
    if member:
        assert cs.last("StartTransaction")["reservationId"] == 7
    else:
        assert cs.status() == "Reserved"


def test_r_05_a_remote_start_without_a_connector_goes_where_it_is_kept():
    cs = booted(evses=3)
    assert reserve(cs, connector=2) == "Accepted"
    cs.command(PlugIn(evse=1))
    assert remote_start(cs, "TAG1", None) == "Accepted"
    assert cs.status(2) == "Preparing"
    assert remote_start(cs, "TAG2", None) == "Accepted"
    assert cs.status(1) == "Charging"


# --- Any connector (0) ------------------------------------------------------------------------------------------------


def test_rv_04_k_40_connector_0_only_where_it_is_supported():
    cs = booted(evses=2, keys={"ReserveConnectorZeroSupported": "false"})
    assert reserve(cs, connector=0) == "Rejected"
    assert reserve(cs, connector=1) == "Accepted"


def test_rv_05_none_becomes_reserved_but_the_last_one_is_kept():
    cs = booted(evses=2)
    assert reserve(cs, connector=0) == "Accepted"
    assert [cs.status(connector) for connector in (0, 1, 2)] == ["Available"] * 3
    assert (shown(cs, 1), shown(cs, 2)) == (None, None)
    charge(cs, 1, "TAG2")
    assert active(cs, 1)
    charge(cs, 2, "TAG3")
    assert not active(cs, 2)
    assert remote_start(cs, "TAG3", 2) == "Rejected"
    assert remote_start(cs, "TAG3", None) == "Rejected"
    swipe(cs, "TAG1", 2)
    start = cs.last("StartTransaction")
    assert (start["connectorId"], start["idTag"], start["reservationId"]) == (2, "TAG1", 7)
    assert ends(cs) == [(7, "used")]


@pytest.mark.parametrize("reader", [None, 2])
def test_rv_05_the_shared_reader_keeps_it_too(reader):
    cs = booted(evses=2)
    charge(cs, 1, "TAG2")
    assert reserve(cs, connector=0) == "Accepted"
    swipe(cs, "TAG3", reader)
    cs.command(PlugIn(evse=2))
    assert not active(cs, 2)
    swipe(cs, "TAG1", None)
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_05_a_card_that_waits_for_a_plug_does_not_take_the_last_one():
    cs = booted(evses=3)
    charge(cs, 1, "TAG2")
    swipe(cs, "TAG3", None)
    assert reserve(cs, connector=0) == "Accepted"
    cs.command(SetFault(evse=2, code=ErrorCode.GROUND_FAILURE))
    cs.command(PlugIn(evse=3))
    assert not active(cs, 3)


def test_rv_05_rv_08_a_member_of_the_group_may_take_the_last_one():
    cs = booted()
    assert reserve(cs, connector=0, parentIdTag="Family") == "Accepted"
    cs.tags["TAG2"] = GROUP
    charge(cs, 1, "TAG3")
    assert not active(cs)
    swipe(cs, "TAG2")
    assert cs.last("StartTransaction")["reservationId"] == 7


def test_rv_05_the_last_one_is_not_reserved_for_somebody_else():
    cs = booted(evses=2)
    assert reserve(cs, connector=0) == "Accepted"
    assert reserve(cs, connector=1, number=8) == "Accepted"
    assert reserve(cs, connector=2, number=9) == "Occupied"
    assert reserve(cs, connector=2, number=7) == "Accepted"


def test_rv_06_as_many_as_there_are_free_ones():
    cs = booted(evses=3)
    charge(cs, 3, "TAG9")
    assert reserve(cs, connector=0, number=1, tag="A") == "Accepted"
    assert reserve(cs, connector=0, number=2, tag="B") == "Accepted"
    assert reserve(cs, connector=0, number=3, tag="C") == "Occupied"
    assert reserve(cs, connector=0, number=2, tag="C") == "Accepted"
    assert ends(cs) == [(2, "replaced")]
    charge(cs, 1, "C")
    assert cs.last("StartTransaction")["reservationId"] == 2
    charge(cs, 2, "A")
    assert cs.last("StartTransaction")["reservationId"] == 1


def test_rv_06_somebody_whose_card_waits_for_a_plug_counts():
    cs = booted(evses=2)
    charge(cs, 1, "TAG2")
    swipe(cs, "TAG3", None)
    assert reserve(cs, connector=0) == "Occupied"


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        ("free", "Faulted", "Accepted"),
        ("free", "occupied", "Accepted"),
        ("free", "Unavailable", "Accepted"),
        ("occupied", "Faulted", "Occupied"),
        ("occupied", "occupied", "Occupied"),
        ("reserved", "Unavailable", "Occupied"),
        ("Faulted", "Faulted", "Faulted"),
        ("Faulted", "Unavailable", "Faulted"),
        ("Unavailable", "Unavailable", "Unavailable"),
    ],
)
def test_rv_06_mixed_states(first, second, answer):
    cs = booted(evses=2)
    for number, state in ((1, first), (2, second)):
        match state:
            case "Faulted":
                cs.command(SetFault(evse=number, code=ErrorCode.GROUND_FAILURE))
            case "Unavailable":
                cs.ask("ChangeAvailability", {"connectorId": number, "type": "Inoperative"})
            case "occupied":
                charge(cs, number, f"T{number}")
            case "reserved":
                reserve(cs, connector=number, number=number)
    assert reserve(cs, connector=0, number=70) == answer


@pytest.mark.parametrize(("how", "answer"), [("fault", "Faulted"), ("availability", "Unavailable")])
def test_rv_03_rv_12_the_station_out_of_order_takes_none_and_ends_all(how, answer):
    cs = booted(evses=3)
    assert reserve(cs, connector=0, number=1) == "Accepted"
    assert reserve(cs, connector=2, number=2) == "Accepted"
    if how == "fault":
        cs.command(SetFault(evse=0, code=ErrorCode.GROUND_FAILURE))
    else:
        cs.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"})
    reason = {"fault": "fault", "availability": "unavailable"}[how]
    assert sorted(ends(cs)) == [(1, reason), (2, reason)]
    assert reserve(cs, connector=0, number=3) == answer


def test_rv_12_no_connector_left_ends_a_reservation_of_any():
    cs = booted(evses=2)
    assert reserve(cs, connector=0) == "Accepted"
    cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert not ends(cs)
    cs.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})
    assert ends(cs) == [(7, "unavailable")]


def test_rv_11_rv_13_a_reservation_of_any_expires_and_can_be_cancelled():
    cs = booted()
    assert reserve(cs, connector=0, seconds=60) == "Accepted"
    cs.advance(61)
    assert ends(cs) == [(7, "expired")]
    assert reserve(cs, connector=0) == "Accepted"
    assert cancel(cs) == "Accepted"
    charge(cs, 1, "TAG2")
    assert active(cs)


def test_rv_10_an_own_reservation_is_used_before_that_of_the_group():
    cs = booted(evses=3)
    cs.tags["B"] = GROUP
    assert reserve(cs, connector=0, number=1, tag="A", parentIdTag="Family", seconds=60) == "Accepted"
    assert reserve(cs, connector=0, number=2, tag="B") == "Accepted"
    charge(cs, 1, "B")
    assert cs.last("StartTransaction")["reservationId"] == 2
