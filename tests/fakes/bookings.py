"""What the tests of reservations ask and look at."""

from __future__ import annotations

from typing import Any

from fakes.central_system import CentralSystem
from fakes.judge import iso
from fakes.scenes import booted

from twin.model.inputs import PresentToken

GROUP = {"status": "Accepted", "parentIdTag": "Family"}


def reserve(cs: CentralSystem, connector: int = 1, tag: str = "TAG1", number: int = 7, **more: Any) -> str:
    """Reserve for an hour, or until `seconds` from now."""
    until = cs.now + cs.offset_s + more.pop("seconds", 3600.0)
    fields = {"connectorId": connector, "expiryDate": iso(until), "idTag": tag, "reservationId": number}
    return cs.ask("ReserveNow", fields | more).status


def cancel(cs: CentralSystem, number: int = 7) -> str:
    return cs.ask("CancelReservation", {"reservationId": number}).status


def reserved(evses: int = 1, keys: dict[str, str] | None = None, **more: Any) -> CentralSystem:
    """Give a Central System with connector 1 reserved for TAG1 as 7."""
    cs = booted(evses, keys)
    assert reserve(cs, **more) == "Accepted"
    assert cs.status(1) == "Reserved"
    return cs


def remote_start(cs: CentralSystem, tag: str, connector: int | None = 1) -> str:
    fields = {"idTag": tag} | ({} if connector is None else {"connectorId": connector})
    return cs.ask("RemoteStartTransaction", fields).status


def active(cs: CentralSystem, evse: int = 1) -> bool:
    return cs.station.view(cs.now).sessions[evse - 1].active


def shown(cs: CentralSystem, evse: int = 1) -> int | None:
    return cs.station.view(cs.now).evses[evse - 1].reservation_id


def ends(cs: CentralSystem) -> list[tuple[int, str]]:
    return [(note.fields["reservation_id"], note.fields["reason"]) for note in cs.noted("reservation_ended")]


def swipe(cs: CentralSystem, tag: str, evse: int | None = 1) -> None:
    cs.command(PresentToken(token=tag, evse=evse))
