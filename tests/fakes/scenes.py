"""Scenes that many conformance tests begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fakes.central_system import CentralSystem, spec

from twin.model.inputs import PlugIn, PresentToken
from twin.model.spec import EvseSpec

QUIET = {"MeterValueSampleInterval": "0", "HeartbeatInterval": "0"}


def booted(
    evses: int = 1, keys: Mapping[str, Any] | None = None, evse: EvseSpec | None = None, **more: Any
) -> CentralSystem:
    """Give a Central System with an accepted twin; no meter values and heartbeats unless asked for."""
    return CentralSystem(spec(evses, {**QUIET, **(keys or {})}, evse, **more), boot_interval=0)


def charge(cs: CentralSystem, evse: int = 1, tag: str = "TAG1") -> None:
    """Plug in, then swipe."""
    cs.command(PlugIn(evse=evse), PresentToken(token=tag, evse=evse))


def charging(evses: int = 1, keys: Mapping[str, Any] | None = None, tag: str = "TAG1", **more: Any) -> CentralSystem:
    """Give a Central System with a twin that charges at connector 1, as its transaction 1."""
    cs = booted(evses, keys, **more)
    charge(cs, 1, tag)
    assert cs.status(1) == "Charging", cs.statuses(1)
    return cs


def transaction(cs: CentralSystem) -> int:
    """Give the running transaction's id at connector 1, as the twin shows it."""
    found = cs.station.view(cs.now).evses[0].transaction_id
    assert found is not None
    return found
