"""Group 10 of the checklist: change availability."""

from __future__ import annotations

import pytest
from fakes.central_system import Hold
from fakes.scenes import booted, charge, charging

from twin.model.inputs import ClearFault, PlugIn, PresentToken, PressStop, SetFault, Unplug
from twin.model.terms import ErrorCode


def change(cs, connector: int, kind: str) -> str:
    return cs.ask("ChangeAvailability", {"connectorId": connector, "type": kind}).status


def test_av_01_now_and_already_so():
    cs = booted()
    assert change(cs, 1, "Inoperative") == "Accepted"
    assert cs.status() == "Unavailable"
    mark = cs.mark()
    assert change(cs, 1, "Inoperative") == "Accepted"
    assert cs.statuses(1, mark) in ([], ["Unavailable"])
    assert change(cs, 1, "Operative") == "Accepted"
    assert cs.status() == "Available"


@pytest.mark.parametrize("connector", [2, -1, 99])
def test_av_01_t_37_unknown_connector_is_rejected(connector):
    reply = booted().ask("ChangeAvailability", {"connectorId": connector, "type": "Inoperative"})
    assert reply.code == "PropertyConstraintViolation" or reply.status == "Rejected"


def test_av_02_scheduled_during_a_transaction_f8():
    cs = charging()
    assert change(cs, 1, "Inoperative") == "Scheduled"
    assert cs.status() == "Charging"
    cs.command(PressStop(evse=1), Unplug(evse=1))
    assert cs.status() == "Unavailable"
    charge(cs)
    assert len(cs.sent("StartTransaction")) == 1


def test_av_02_scheduled_survives_a_crash():
    cs = charging()
    assert change(cs, 1, "Inoperative") == "Scheduled"
    cs.crash()
    cs.command(PressStop(evse=1), Unplug(evse=1))
    assert cs.status() == "Unavailable"


def test_av_03_connector_0_means_everything():
    cs = booted(evses=2)
    mark = cs.mark()
    assert change(cs, 0, "Inoperative") == "Accepted"
    assert {call["connectorId"]: call["status"] for call in cs.sent("StatusNotification", mark)} == dict.fromkeys(
        (0, 1, 2), "Unavailable"
    )
    mark = cs.mark()
    assert change(cs, 0, "Operative") == "Accepted"
    assert {call["connectorId"]: call["status"] for call in cs.sent("StatusNotification", mark)} == dict.fromkeys(
        (0, 1, 2), "Available"
    )


def test_av_03_connector_0_while_one_is_busy():
    cs = charging(evses=2)
    assert change(cs, 0, "Inoperative") == "Scheduled"
    assert cs.status(1) == "Charging"
    assert cs.status(2) == "Unavailable"
    cs.command(PressStop(evse=1), Unplug(evse=1))
    assert cs.status(1) == "Unavailable"
    assert cs.status(0) == "Unavailable"


@pytest.mark.parametrize("connector", [0, 1])
@pytest.mark.parametrize("how", ["crash", "Soft", "Hard"])
def test_av_04_survives_reboot_and_allows_no_charging(connector, how):
    cs = booted()
    assert change(cs, connector, "Inoperative") == "Accepted"
    if how == "crash":
        cs.crash()
    else:
        cs.ask("Reset", {"type": how})
        cs.advance(30)
    assert cs.status(connector) == "Unavailable"
    charge(cs)
    assert not cs.sent("StartTransaction")
    assert cs.status(1) == "Unavailable"


def test_av_04_h2_made_operative_with_a_cable_in():
    cs = booted()
    change(cs, 1, "Inoperative")
    cs.command(PlugIn(evse=1))
    assert cs.status() == "Unavailable"
    assert change(cs, 1, "Operative") == "Accepted"
    assert cs.status() == "Preparing"
    cs.command(PresentToken(token="TAG1", evse=1))
    assert cs.status() == "Charging"


def test_av_05_operative_cancels_a_scheduled_inoperative():
    cs = charging()
    assert change(cs, 1, "Inoperative") == "Scheduled"
    assert change(cs, 1, "Operative") in {"Accepted", "Scheduled"}
    cs.command(PressStop(evse=1), Unplug(evse=1))
    assert cs.status() == "Available"


def test_av_06_a_connectors_own_setting_is_remembered_under_connector_0():
    cs = booted(evses=2)
    change(cs, 0, "Inoperative")
    change(cs, 1, "Operative")
    assert cs.status(1) == "Unavailable"
    assert change(cs, 0, "Operative") == "Accepted"
    assert cs.status(1) == "Available"


def test_av_06_operative_while_faulted_waits_for_the_fault_to_clear():
    cs = booted()
    change(cs, 1, "Inoperative")
    cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert change(cs, 1, "Operative") in {"Accepted", "Scheduled"}
    assert cs.status() == "Faulted"
    cs.command(ClearFault(evse=1))
    assert cs.status() == "Available"


def test_av_06_inoperative_while_faulted():
    cs = booted()
    cs.command(SetFault(evse=1, code=ErrorCode.GROUND_FAILURE))
    assert change(cs, 1, "Inoperative") in {"Accepted", "Scheduled"}
    cs.command(ClearFault(evse=1))
    assert cs.status() == "Unavailable"


def test_av_02_finishing_is_not_in_use_by_a_transaction():
    cs = charging()
    cs.command(PressStop(evse=1))
    assert change(cs, 1, "Inoperative") in {"Accepted", "Scheduled"}
    cs.command(Unplug(evse=1))
    assert cs.status() == "Unavailable"


def test_av_04_h2_and_then_nobody_comes():
    cs = booted(keys={"ConnectionTimeOut": "60"})
    change(cs, 1, "Inoperative")
    cs.command(PlugIn(evse=1))
    change(cs, 1, "Operative")
    cs.advance(59)
    assert cs.status() == "Preparing"
    cs.advance(2)
    assert cs.status() == "Finishing"


def test_av_04_an_authorization_under_way_is_void():
    cs = booted()
    cs.script("Authorize", Hold())
    charge(cs)
    change(cs, 1, "Inoperative")
    cs.release()
    change(cs, 1, "Operative")
    cs.advance(5)
    assert not cs.sent("StartTransaction")


def test_av_05_one_of_two_made_operative_again():
    cs = booted(evses=2)
    change(cs, 1, "Inoperative")
    change(cs, 0, "Inoperative")
    change(cs, 0, "Operative")
    assert cs.status(2) == "Available"
    assert cs.status(0) == "Available"
