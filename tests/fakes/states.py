"""Charge points in every state in which a message can arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fakes.bookings import reserve
from fakes.central_system import CallError, Hold
from fakes.depot import FOLDER, IMAGE, NEVER, Depot, depot
from fakes.judge import iso
from fakes.profiles import wire
from fakes.scenes import charge

from twin.model.inputs import (
    Boot,
    JamLock,
    PlugIn,
    PresentToken,
    PressStop,
    SetEvReady,
    SetFault,
    SetPowered,
    UnplugEvSide,
)
from twin.model.terms import ErrorCode

LONG_S = 10_000

Scene = Callable[[Depot], Any]


def _set(cs: Depot, connector: int) -> None:
    cs.ask("ChangeAvailability", {"connectorId": connector, "type": "Inoperative"})


def _ground(cs: Depot, connector: int) -> None:
    cs.command(SetFault(evse=connector, code=ErrorCode.GROUND_FAILURE))


def _suspend(cs: Depot) -> None:
    charge(cs)
    cs.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": wire(0, id=77)})


def _hold(action: str, then: Scene) -> Scene:
    def scene(cs: Depot) -> None:
        cs.script(action, Hold())
        then(cs)

    return scene


def _charging(then: Scene) -> Scene:
    def scene(cs: Depot) -> None:
        charge(cs)
        then(cs)

    return scene


def _boots(verdict: Any) -> Scene:
    def scene(cs: Depot) -> None:
        cs.script("BootNotification", verdict if isinstance(verdict, Hold) else cs.boot_answer(verdict, LONG_S))
        cs.command(SetPowered(powered=False), SetPowered(powered=True))
        cs.advance(cs.spec.reboot_time_s + 2)

    return scene


def _pending_again(cs: Depot) -> None:
    charge(cs)
    cs.script("BootNotification", cs.boot_answer("Pending", LONG_S))
    cs.command(Boot())


def _invalid(*, stops: bool) -> Scene:
    def scene(cs: Depot) -> None:
        cs.configure("StopTransactionOnInvalidId", stops)
        cs.script("StartTransaction", {"transactionId": 1, "idTagInfo": {"status": "Invalid"}})
        charge(cs)

    return scene


def _locked(cs: Depot) -> None:
    cs.configure("UnlockConnectorOnEVSideDisconnect", False)
    charge(cs)
    cs.command(UnplugEvSide(evse=1))


def _update(cs: Depot, after: float = 0.0) -> None:
    cs.ask("UpdateFirmware", {"location": IMAGE, "retrieveDate": iso(cs.now + after)})


def _downloading(cs: Depot) -> None:
    cs.ends.append(NEVER)
    _update(cs)


def _downloaded(cs: Depot) -> None:
    charge(cs)
    _update(cs)
    cs.advance(5)


def _installing(cs: Depot) -> None:
    _update(cs)
    cs.advance(3)


def _uploading(cs: Depot) -> None:
    cs.ends.append(NEVER)
    cs.ask("GetDiagnostics", {"location": FOLDER})


def _backlog(cs: Depot) -> None:
    charge(cs)
    cs.cut()
    cs.command(PressStop(evse=1))
    cs.script("StopTransaction", CallError("InternalError"))
    cs.restore()


STATES: Mapping[str, Scene] = {
    "Available": lambda cs: None,
    "Preparing, plugged": lambda cs: cs.command(PlugIn(evse=1)),
    "Preparing, card shown": lambda cs: cs.command(PresentToken(token="TAG1", evse=1)),
    "Preparing, remotely": lambda cs: cs.ask("RemoteStartTransaction", {"idTag": "TAG1", "connectorId": 1}),
    "Preparing, Authorize unanswered": _hold("Authorize", lambda cs: cs.command(PresentToken(token="TAG1", evse=1))),
    "Charging": charge,
    "Charging, StartTransaction unanswered": _hold("StartTransaction", charge),
    "Charging, lock jammed": _charging(lambda cs: cs.command(JamLock(evse=1, jammed=True))),
    "Charging, out of order soon": _charging(lambda cs: _set(cs, 1)),
    "Charging, box out of order soon": _charging(lambda cs: _set(cs, 0)),
    "Charging, Pending": _pending_again,
    "SuspendedEV": _charging(lambda cs: cs.command(SetEvReady(evse=1, ready=False))),
    "SuspendedEVSE": _suspend,
    "SuspendedEVSE, card invalid": _invalid(stops=False),
    "Finishing": _charging(lambda cs: cs.command(PressStop(evse=1))),
    "Finishing, StopTransaction unanswered": _hold(
        "StopTransaction", _charging(lambda cs: cs.command(PressStop(evse=1)))
    ),
    "Finishing, StopTransaction refused": _backlog,
    "Finishing, card invalid": _invalid(stops=True),
    "Finishing, cable locked": _locked,
    "Reserved": reserve,
    "Reserved, plugged": lambda cs: (reserve(cs), cs.command(PlugIn(evse=1))),
    "Reserved, any": lambda cs: reserve(cs, 0),
    "Unavailable": lambda cs: _set(cs, 1),
    "Unavailable, plugged": lambda cs: (_set(cs, 1), cs.command(PlugIn(evse=1))),
    "Unavailable, box": lambda cs: _set(cs, 0),
    "Faulted": lambda cs: _ground(cs, 1),
    "Faulted, plugged": lambda cs: (cs.command(PlugIn(evse=1)), _ground(cs, 1)),
    "Faulted, charging": _charging(lambda cs: _ground(cs, 1)),
    "Faulted, box": lambda cs: _ground(cs, 0),
    "booting": _boots(Hold()),
    "Pending": _boots("Pending"),
    "Rejected": _boots("Rejected"),
    "resetting": _hold("StopTransaction", _charging(lambda cs: cs.ask("Reset", {"type": "Soft"}))),
    "resetting hard": lambda cs: cs.ask("Reset", {"type": "Hard"}),
    "firmware waits": lambda cs: _update(cs, 50),
    "downloading": _downloading,
    "downloaded, charging": _downloaded,
    "installing": _installing,
    "uploading": _uploading,
}
"""What to do with a box that was just accepted, by the state that it leads to."""


def in_state(name: str, evses: int = 2) -> Depot:
    """Give a Central System with a box in that state."""
    cs = depot(evses, keys={"CpoName": "Example CPO"}, serial_number="SN-1")
    STATES[name](cs)
    return cs
