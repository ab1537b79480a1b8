"""Group 9 of the checklist: unlock connector."""

from __future__ import annotations

import pytest
from fakes.scenes import booted, charging

from twin.model.inputs import JamLock, PlugIn
from twin.model.spec import EvseSpec


def unlock(cs, connector: int = 1) -> str:
    return cs.ask("UnlockConnector", {"connectorId": connector}).status


@pytest.mark.parametrize("plugged", [True, False])
def test_u_01_unlocked(plugged):
    cs = booted()
    if plugged:
        cs.command(PlugIn(evse=1))
    assert unlock(cs) == "Unlocked"
    assert not cs.station.view(cs.now).evses[0].locked
    assert not cs.sent("StartTransaction")


@pytest.mark.parametrize("busy", [True, False])
def test_u_01_a_jammed_lock_is_unlock_failed_and_reported(busy):
    cs = charging() if busy else booted()
    cs.command(JamLock(evse=1, jammed=True))
    if not busy:
        cs.command(PlugIn(evse=1))
    assert unlock(cs) == "UnlockFailed"
    assert cs.last("StatusNotification")["errorCode"] == "ConnectorLockFailure" or any(
        call["errorCode"] == "ConnectorLockFailure" for call in cs.sent("StatusNotification")
    )
    cs.command(JamLock(evse=1, jammed=False))
    assert unlock(cs) == "Unlocked"


def test_u_01_fixed_cable_has_no_lock():
    cs = charging(evse=EvseSpec(lock=False))
    assert unlock(cs) == "NotSupported"
    assert cs.station.view(cs.now).sessions[0].active


@pytest.mark.parametrize("connector", [0, 2, -1, 2**40])
def test_u_02_unknown_connector_is_not_supported(connector):
    cs = charging()
    reply = cs.ask("UnlockConnector", {"connectorId": connector})
    assert reply.status == "NotSupported"
    assert cs.station.view(cs.now).sessions[0].active


def test_u_03_a_running_transaction_is_finished_first():
    cs = charging()
    assert unlock(cs) == "Unlocked"
    stop = cs.last("StopTransaction")
    assert stop["reason"] == "UnlockCommand"
    assert "idTag" not in stop.payload
    assert cs.status() == "Finishing"
    assert not cs.station.view(cs.now).evses[0].locked
