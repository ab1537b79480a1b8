"""Drivers at a box with a strict Central System: every frame of the box goes past its judge."""

import pytest
from fakes.central_system import Hold
from fakes.traffic import BUTTON, CARD, UNPLUG, CarPark, plan

from bridge.traffic.driver import Driver
from bridge.traffic.plan import Amount
from twin.model.inputs import (
    ClearFault,
    PlugIn,
    PresentToken,
    PressStop,
    SetFault,
    SetNetwork,
    SetPowered,
    Unplug,
)
from twin.model.spec import EvSpec
from twin.model.terms import ErrorCode, Status

DAY = 86_400.0
DEAUTHORIZED = {"StopTransactionOnInvalidId": "true", "MaxEnergyOnInvalidId": "0"}


def stopped(park):
    return [stop.payload.get("reason", "Local") for stop in park.box.sent("StopTransaction")]


def is_free(park):
    view = park.evse()
    return (view.status, view.plugged, view.ev, park.session().active) == (Status.AVAILABLE, False, None, False)


@pytest.mark.parametrize(
    ("endings", "did", "reason"),
    [
        (CARD, ["PlugIn", "PresentToken", "PresentToken", "Unplug"], "Local"),
        (BUTTON, ["PlugIn", "PresentToken", "PressStop", "Unplug"], "Local"),
        (UNPLUG, ["PlugIn", "PresentToken", "Unplug"], "EVDisconnected"),
    ],
)
def test_a_car_comes_charges_and_goes(endings, did, reason):
    park = CarPark(plan(endings=endings))
    park.until("Unplug")
    assert park.names() == did
    assert stopped(park) == [reason]
    assert is_free(park)
    assert not park.refusals
    start, stop = park.box.last("StartTransaction"), park.box.last("StopTransaction")
    assert start["idTag"] == "CARD"
    assert stop["meterStop"] - start["meterStart"] > 1000
    came, left = park.done[0][0], park.done[-1][0]
    assert 1800 <= left - came <= 1811


def test_what_a_driver_does_is_told_apart():
    park = CarPark(plan())
    park.until("Unplug")
    park.until("Unplug")
    ids = [command.request_id for _, command in park.done]
    assert ids == ["traffic-1"] * 4 + ["traffic-2"] * 4
    assert park.done[0][1].ev.name == "traffic box-on-wheels"
    assert {note.request_id for note in park.box.noted("transaction_started")} == {"traffic-1", "traffic-2"}


def test_the_card_may_come_first():
    park = CarPark(plan(first="card"))
    park.until("Unplug")
    assert park.names() == ["PresentToken", "PlugIn", "PresentToken", "Unplug"]
    assert stopped(park) == ["Local"]


def test_some_begin_with_the_card_and_some_with_the_cable():
    park = CarPark(plan(first="any"))
    park.live(3 * DAY)
    begun = {park.names()[place] for place, (_, one) in enumerate(park.done) if one.request_id != before(park, place)}
    assert begun == {"PlugIn", "PresentToken"}


def before(park, place):
    return park.done[place - 1][1].request_id if place else None


def test_a_car_that_is_full_stays_until_its_driver_comes():
    park = CarPark(plan(energy=Amount(2000.0)))
    park.until("PresentToken")
    park.live(1700)
    assert park.evse().status is Status.SUSPENDED_EV
    park.until("Unplug")
    assert park.session().energy_wh == pytest.approx(2000, abs=1)


@pytest.mark.parametrize("first", ["cable", "card"])
def test_a_card_that_is_refused_makes_the_driver_go(first):
    park = CarPark(plan(first=first, patience_s=45.0))
    park.box.tags["CARD"] = {"status": "Blocked"}
    park.live(DAY)
    assert not park.box.sent("StartTransaction")
    assert is_free(park)
    assert set(park.names()) == ({"PlugIn", "PresentToken", "Unplug"} if first == "cable" else {"PresentToken"})
    if first == "cable":
        swiped, gone = park.done[1][0], park.done[2][0]
        assert gone - swiped == 45.0


def test_a_driver_without_a_card_waits_for_the_central_system():
    park = CarPark(plan(tags=(), patience_s=300.0))
    park.until("PlugIn")
    park.live(60)
    assert park.box.ask("RemoteStartTransaction", {"idTag": "APP", "connectorId": 1}).status == "Accepted"
    park.live(600)
    assert park.session().active
    park.until("Unplug")
    assert park.names() == ["PlugIn", "PresentToken", "Unplug"]
    assert (park.box.last("StartTransaction")["idTag"], stopped(park)) == ("APP", ["Local"])
    park.until("Unplug")
    assert park.names()[3:] == ["PlugIn", "Unplug"], "nobody let this one charge"


def test_who_is_let_charge_from_afar_meanwhile_shows_no_card():
    park = CarPark(plan())
    park.until("PlugIn")
    park.box.ask("RemoteStartTransaction", {"idTag": "APP", "connectorId": 1})
    park.until("Unplug")
    assert park.names() == ["PlugIn", "PresentToken", "Unplug"]
    assert stopped(park) == ["Local"]


def test_a_session_that_the_central_system_ends_is_left_by_its_driver_in_time():
    park = CarPark(plan())
    park.until("PresentToken")
    park.live(60)
    park.box.ask("RemoteStopTransaction", {"transactionId": 1})
    park.until("Unplug")
    assert park.names() == ["PlugIn", "PresentToken", "Unplug"]
    assert is_free(park)


# --- Places that are taken --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "taken",
    [
        lambda park: park.box.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE)),
        lambda park: park.box.command(PlugIn(evse=1)),
        lambda park: park.box.command(PlugIn(evse=1, ev=EvSpec())),
        lambda park: park.box.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}),
        lambda park: park.box.ask(
            "ReserveNow",
            {"connectorId": 1, "expiryDate": "2026-01-20T00:00:00Z", "idTag": "OTHER", "reservationId": 1},
        ),
    ],
    ids=["faulted", "plugged", "plugged with a car", "unavailable", "reserved"],
)
def test_a_car_drives_on_where_the_place_is_taken(taken):
    park = CarPark(plan())
    taken(park)
    plugged = park.evse().plugged
    park.live(DAY)
    assert park.done == []
    assert park.evse().plugged is plugged


def test_it_comes_again_when_the_place_is_free():
    park = CarPark(plan())
    park.box.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    park.live(DAY)
    park.box.command(ClearFault(evse=1))
    park.until("Unplug")
    assert stopped(park) == ["Local"]


# --- What persons do meanwhile ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["PlugIn", "PresentToken"])
def test_a_person_who_pulls_the_cable_ends_the_visit(after):
    park = CarPark(plan())
    park.until(after)
    park.box.command(Unplug(evse=1))
    mark = len(park.done)
    park.until("Unplug")
    assert park.names()[mark:] == ["PlugIn", "PresentToken", "PresentToken", "Unplug"], "the next one, and nothing else"
    assert is_free(park)


@pytest.mark.parametrize("after", ["PlugIn", "PresentToken"])
@pytest.mark.parametrize("car", [None, EvSpec("custom", battery_kwh=10, soc_pct=50)])
def test_a_car_of_a_person_is_never_touched(after, car):
    park = CarPark(plan())
    park.until(after)
    park.box.command(Unplug(evse=1), PlugIn(evse=1, ev=car), PresentToken(evse=1, token="MINE"))
    mark = len(park.done)
    park.live(DAY)
    assert park.done[mark:] == []
    assert (park.session().id_tag, park.session().active) == ("MINE", True)


def test_a_person_may_come_before_the_car_of_who_showed_the_card():
    park = CarPark(plan(first="card"))
    park.until("PresentToken")
    park.box.command(PlugIn(evse=1))
    mark = len(park.done)
    park.live(DAY)
    assert park.done[mark:] == []


def test_a_person_may_stop_the_session_of_a_car():
    park = CarPark(plan())
    park.until("PresentToken")
    park.live(60)
    park.box.command(PressStop(evse=1))
    park.until("Unplug")
    assert park.names() == ["PlugIn", "PresentToken", "Unplug"]


# --- Boxes that make it hard to leave ---------------------------------------------------------------------------------


def test_a_session_that_outlives_its_cable_is_stopped():
    park = CarPark(plan(endings=UNPLUG), keys={"StopTransactionOnEVSideDisconnect": "false"})
    park.until("Unplug")
    park.live(60)
    assert park.names() == ["PlugIn", "PresentToken", "Unplug", "PressStop", "Unplug"]
    assert is_free(park)


def test_a_cable_that_stays_locked_is_freed_by_the_card_of_its_owner():
    park = CarPark(plan(), keys=DEAUTHORIZED)
    park.box.always["StartTransaction"] = {"transactionId": 7, "idTagInfo": {"status": "Invalid"}}
    park.until("PresentToken")
    park.live(1)
    assert (park.session().stop_reason, park.evse().locked) == ("DeAuthorized", True)
    park.live(300)
    assert park.names() == ["PlugIn", "PresentToken", "Unplug", "PresentToken"]
    assert is_free(park)


def test_a_box_that_loses_its_power_lets_the_cable_go():
    park = CarPark(plan())
    park.until("PresentToken")
    park.live(60)
    park.box.command(SetPowered(powered=False))
    park.until("Unplug")
    park.box.command(SetPowered(powered=True))
    park.live(60)
    assert is_free(park)
    assert stopped(park) == ["PowerLoss"]


def test_who_is_refused_on_leaving_tries_again_later():
    park = CarPark(plan())
    park.until("PresentToken")
    park.live(1790)
    while park.names()[-1:] != ["PresentToken"] or len(park.done) < 3:
        park.live(1)
    driver = park.drivers[0]
    driver.refused(park.now)
    assert driver.due == park.now + 60


def test_a_box_that_has_no_power_is_left_after_a_while():
    park = CarPark(plan())
    park.box.command(SetPowered(powered=False))
    park.until("Unplug")
    assert park.names() == ["PlugIn", "PresentToken", "Unplug"]
    assert not park.evse().plugged


def test_offline_traffic_goes_on_and_is_told_later():
    park = CarPark(plan(), keys={"AllowOfflineTxForUnknownId": "true"})
    park.live(10)
    park.box.command(SetNetwork(network=False))
    park.live(DAY)
    park.box.command(SetNetwork(network=True))
    park.live(7200)
    starts, stops = park.box.sent("StartTransaction"), park.box.sent("StopTransaction")
    assert len(starts) >= 5
    assert len(starts) - len(stops) in (0, 1)


def test_a_slow_central_system_makes_drivers_go_and_nothing_hangs():
    park = CarPark(plan(patience_s=20.0))
    park.box.always["Authorize"] = Hold()
    park.until("Unplug")
    park.live(300)
    assert is_free(park)


# --- Restarts and other plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("downtime_s", [10.0, DAY])
def test_a_session_is_taken_over_after_a_restart(downtime_s):
    park = CarPark(plan())
    park.until("PresentToken")
    began = park.now
    park.live(60)
    park.box.crash(downtime_s)
    park.drive()
    mark = len(park.done)
    park.until("Unplug")
    assert park.names()[mark:] == ["PresentToken", "Unplug"]
    assert is_free(park)
    assert stopped(park) == ["Local"]
    if downtime_s == 10.0:
        assert park.now - began == pytest.approx(1800, abs=15)


def test_a_car_without_a_session_leaves_after_a_restart():
    park = CarPark(plan())
    park.box.tags["CARD"] = {"status": "Blocked"}
    park.until("PresentToken")
    park.box.crash()
    park.drive()
    park.until("Unplug")
    assert is_free(park)


def test_a_persons_car_is_left_alone_after_a_restart():
    park = CarPark(plan())
    park.box.command(PlugIn(evse=1, ev=EvSpec("vw-id3", battery_kwh=58)))
    park.box.crash()
    park.drive()
    park.live(DAY)
    assert park.done == []


def test_without_its_plan_a_car_leaves_at_once_and_none_comes_any_more():
    park = CarPark(plan())
    park.until("PresentToken")
    park.live(60)
    park.drivers[0].follow(None, park.now)
    park.live(60)
    assert park.names() == ["PlugIn", "PresentToken", "PresentToken", "Unplug"]
    assert is_free(park)
    park.live(DAY)
    assert len(park.done) == 4


def test_a_car_that_stands_there_by_a_plan_that_is_no_more_leaves_after_a_restart():
    park = CarPark(plan())
    park.until("PresentToken")
    park.box.crash()
    park.drivers = [Driver("cp1", 1, None, park.now)]
    park.live(60)
    assert is_free(park)
    assert park.drivers[0].due == float("inf")


def test_another_plan_counts_from_the_next_car_on():
    park = CarPark(plan())
    park.until("PresentToken")
    park.drivers[0].follow(plan(tags=((("NEW",), 1.0),), arrivals_per_h=60), park.now)
    park.until("Unplug")
    gone = park.now
    park.until("PresentToken")
    assert park.done[-1][1].token == "NEW"
    assert park.now - gone < 900


def test_another_plan_counts_at_once_where_no_car_is():
    park = CarPark(plan(arrivals_per_h=0.001))
    park.live(1)
    park.drivers[0].follow(plan(arrivals_per_h=60), park.now)
    park.live(900)
    assert park.names()[:2] == ["PlugIn", "PresentToken"]
