"""Every request of the Central System in every state: one answer, and none that promises what does not happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from fakes.bookings import cancel
from fakes.central_system import Reply
from fakes.depot import FOLDER, IMAGE, Depot
from fakes.judge import iso
from fakes.manufacturer import root
from fakes.profiles import TX, wire
from fakes.scenes import charge
from fakes.states import LONG_S, STATES, in_state

from twin.model.effects import MakeKey
from twin.model.inputs import ClearFault, JamLock, SetEvReady, Unplug

PROMISES = {"Accepted", "AcceptedCanceled", "Scheduled", "Unlocked", "RebootRequired"}


class Asked(NamedTuple):
    """Say what is asked, and what must have come of it, some time after it was promised (`since`: the mark then)."""

    action: str
    payload: dict[str, Any]
    kept: Callable[[Depot, int], Any]


def sends(action: str) -> Callable[[Depot, int], Any]:
    return lambda cs, mark: cs.sent(action, mark)


def started(cs: Depot, mark: int) -> Any:
    return cs.sent("Authorize", mark) or cs.sent("StartTransaction", mark)


def out_of_order(connector: int) -> Callable[[Depot, int], Any]:
    def kept(cs: Depot, _: int) -> Any:
        cs.command(Unplug(evse=1), ClearFault(evse=0), ClearFault(evse=1))
        cs.advance(300)
        shown = cs.station.view(cs.now)
        return "Unavailable" in {shown.station.status if connector == 0 else shown.evses[0].status, cs.status(1)}

    return kept


def is_reserved(cs: Depot, _: int) -> Any:
    # RV-12: new firmware ends a reservation, and rightly so.
    return cancel(cs, 99) == "Accepted" or cs.noted("reservation_ended")[-1].fields["reason"] == "unavailable"


def profile_is_there(number: int) -> Callable[[Depot, int], Any]:
    return lambda cs, _: cs.ask("ClearChargingProfile", {"id": number}).status == "Accepted"


def key_is_made(cs: Depot, _: int) -> Any:
    return cs.wanted(MakeKey)


def requests(cs: Depot) -> Mapping[str, Asked]:
    later = iso(cs.now + LONG_S)
    booking = {"expiryDate": later, "idTag": "TAG9"}
    given = [{"idTag": "Z", "idTagInfo": {"status": "Accepted"}}]
    return {
        "out of order": Asked("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}, out_of_order(1)),
        "box out of order": Asked("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, out_of_order(0)),
        "configuration": Asked(
            "ChangeConfiguration",
            {"key": "ResetRetries", "value": "3"},
            lambda cs, _: cs.configuration("ResetRetries") == {"ResetRetries": "3"},
        ),
        "remote start": Asked("RemoteStartTransaction", {"idTag": "R1"}, started),
        "remote start here": Asked("RemoteStartTransaction", {"idTag": "R1", "connectorId": 1}, started),
        "remote start with a profile": Asked(
            "RemoteStartTransaction",
            {"idTag": "R1", "connectorId": 1, "chargingProfile": wire(10, purpose=TX, id=9)},
            started,
        ),
        "remote stop": Asked("RemoteStopTransaction", {"transactionId": 1}, sends("StopTransaction")),
        "soft reset": Asked("Reset", {"type": "Soft"}, sends("BootNotification")),
        "hard reset": Asked("Reset", {"type": "Hard"}, sends("BootNotification")),
        "unlock": Asked(
            "UnlockConnector", {"connectorId": 1}, lambda cs, _: not cs.station.view(cs.now).evses[0].locked
        ),
        "list": Asked(
            "SendLocalList",
            {"listVersion": 3, "updateType": "Full", "localAuthorizationList": given},
            lambda cs, _: cs.ask("GetLocalListVersion").payload == {"listVersion": 3},
        ),
        "reserve": Asked("ReserveNow", {"connectorId": 1, "reservationId": 99, **booking}, is_reserved),
        "reserve any": Asked("ReserveNow", {"connectorId": 0, "reservationId": 99, **booking}, is_reserved),
        "profile of the box": Asked(
            "SetChargingProfile",
            {"connectorId": 0, "csChargingProfiles": wire(16, purpose="ChargePointMaxProfile", id=50)},
            profile_is_there(50),
        ),
        "default profile": Asked(
            "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": wire(16, id=51)}, profile_is_there(51)
        ),
        "firmware": Asked(
            "UpdateFirmware", {"location": IMAGE, "retrieveDate": iso(cs.now)}, sends("FirmwareStatusNotification")
        ),
        "diagnostics": Asked("GetDiagnostics", {"location": FOLDER}, sends("DiagnosticsStatusNotification")),
        "log": Asked(
            "GetLog",
            {"logType": "DiagnosticsLog", "requestId": 4, "log": {"remoteLocation": FOLDER}},
            sends("LogStatusNotification"),
        ),
        "root": Asked(
            "InstallCertificate",
            {"certificateType": "ManufacturerRootCertificate", "certificate": root()},
            lambda cs, _: (
                cs.ask("GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"}).status
                == "Accepted"
            ),
        ),
        "certificate": Asked("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}, key_is_made),
        **{
            f"trigger {message}": Asked("TriggerMessage", {"requestedMessage": message}, sends(message))
            for message in (
                "BootNotification",
                "DiagnosticsStatusNotification",
                "FirmwareStatusNotification",
                "Heartbeat",
                "MeterValues",
                "StatusNotification",
            )
        },
    }


def promises(reply: Reply) -> bool:
    """Tell whether an answer says that something will be done."""
    if reply.payload is None:
        return False
    word = reply.payload.get("status")
    return word in PROMISES or (word is None and ("fileName" in reply.payload or not reply.payload))


def live_on(cs: Depot, seconds: float) -> None:
    """Answer what was left unanswered, accept the box, and let time pass."""
    while cs.held:
        cs.release()
    cs.advance(seconds)


def mend(cs: Depot) -> None:
    """Make the box usable again."""
    cs.command(ClearFault(evse=0), ClearFault(evse=1), JamLock(evse=1, jammed=False), SetEvReady(evse=1, ready=True))
    cs.ask("ClearChargingProfile")
    cs.ask("CancelReservation", {"reservationId": 7})
    cs.ask("CancelReservation", {"reservationId": 99})
    cs.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    cs.ask("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
    cs.ask("UnlockConnector", {"connectorId": 1})
    cs.command(Unplug(evse=1))
    cs.advance(300)


@pytest.mark.parametrize("state", STATES)
def test_t_23_t_24_every_promise_is_kept(state):
    for name in requests(in_state(state)):
        cs = in_state(state)
        asked = requests(cs)[name]
        mark = cs.mark()
        reply = cs.replies.get(cs.call(asked.action, asked.payload))
        if state == "Rejected":
            assert reply is None, f"B-08: {name} was answered"
            continue
        assert reply is not None, f"T-23: {name} was not answered"
        if promises(reply):
            live_on(cs, 70)
            if not cs.actions(mark) or state in {"Pending", "Charging, Pending"}:
                cs.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
                cs.advance(70)
            assert asked.kept(cs, mark), f"{name}: {reply}, and then {cs.actions(mark)}"


@pytest.mark.parametrize("state", [name for name in STATES if name != "Rejected"])
def test_t_23_s_04_all_of_it_at_once_and_the_box_still_charges(state):
    cs = in_state(state)
    listed = list(requests(cs).values())
    for one in [*listed, *reversed(listed)]:
        reply = cs.replies.get(cs.call(one.action, one.payload)) if cs.link else None
        assert reply is not None or not cs.link
    live_on(cs, 300)
    cs.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
    cs.advance(300)
    mend(cs)
    mark = cs.mark()
    charge(cs, tag="LAST")
    assert [call["idTag"] for call in cs.sent("StartTransaction", mark)] == ["LAST"]
    assert cs.status() == "Charging"
